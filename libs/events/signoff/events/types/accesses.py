"""Who read what, and who was refused what: the facts of access logs (docs/access-log.md, ADR 0038).

They stand in logs of their own, one for each workspace, partition and day. Ids of people only, as everywhere
in the log; no credential, no text that a caller searched for.
"""

from typing import ClassVar, Final

from msgspec import Struct

from signoff.events.types.envelopes import EventData
from signoff.events.types.values import Actor


class Sighted(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What an access was about.

    ``kind``: such as ``execution``, ``events`` or ``file``. ``names``: what the request's path names, such as
    ``executionId``. ``filter``: which part or which list of it, by the names of its parameters; what a caller
    searched for in their own words stands there as ``•••``.
    """

    kind: str
    names: dict[str, str] = {}
    filter: dict[str, str] = {}


class AccessFact(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what stands in an access log.

    ``observer`` is the process that saw it, and ``batch`` counts what that process sent, so that a batch
    which is sent again is known. Both are the recording executor's to set. What it saw itself it saw as the
    owner of a partition, in an epoch, and ``batch`` is the command's offset there and one.
    """

    workspace_id: str
    observer: str = ""
    batch: int = 0


class Access(AccessFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what somebody did, or wanted to do, with what a workspace has.

    ``operation`` is that of the OpenAPI document, such as ``getExecution``. No ``actor``: nobody known.
    ``link_id``: of the decision link that they came by. ``address``: of their client, where that is recorded.
    Equal accesses within some seconds are one fact: ``count`` of them, from ``first_at`` to ``last_at`` (UTC,
    ISO 8601; absent: the same moment).
    """

    actor: Actor | None = None
    auth_method: str | None = None
    link_id: str | None = None
    address: str | None = None
    operation: str
    about: Sighted
    first_at: str
    last_at: str | None = None
    count: int = 1


class AccessRead(Access, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody was shown something, or a stream of it began."""

    TYPE: ClassVar[str] = "access:read"


class AccessEnded(Access, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A stream that somebody read from ``first_at`` on ended at ``last_at``."""

    TYPE: ClassVar[str] = "access:ended"


class AccessExported(Access, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody took something away as a file."""

    TYPE: ClassVar[str] = "access:exported"


class AccessVerified(Access, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody had something checked."""

    TYPE: ClassVar[str] = "access:verified"


class AccessRefused(Access, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody was turned away. ``permission``: what they would have had to be allowed to do.

    ``status``, ``code`` and ``reason`` are those of the answer, but that a ``hidden`` thing, which is another
    workspace's, was answered as if it had never been.
    """

    TYPE: ClassVar[str] = "access:refused"
    permission: str | None = None
    status: int
    code: str | None = None
    reason: str
    hidden: bool = False


class AccessesDropped(AccessFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Accesses that a process could not record, since too many waited: how many, and when."""

    TYPE: ClassVar[str] = "access:dropped"
    reads: int = 0
    refusals: int = 0
    first_at: str
    last_at: str


class DecisionRefused(AccessFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A decision, or what else was asked of a pause point, was refused when it was its turn.

    ``command`` is the type of what was asked, ``code`` and ``reason`` say why not. ``winning_event_id``: the
    event of the execution that came before it.
    """

    TYPE: ClassVar[str] = "decision:refused"
    actor: Actor
    auth_method: str | None = None
    link_id: str | None = None
    address: str | None = None
    command: str
    execution_id: str
    workflow_id: str
    context_id: str
    code: str
    reason: str
    winning_event_id: int | None = None


ACCESS_FACTS: Final = (
    AccessRead,
    AccessEnded,
    AccessExported,
    AccessVerified,
    AccessRefused,
    AccessesDropped,
    DecisionRefused,
)
"""What may stand in an access log."""
