"""The access log: who read what, and who was turned away."""

from typing import Literal, TypeAlias

from msgspec import Struct

AccessType: TypeAlias = Literal[
    "access:read",
    "access:ended",
    "access:exported",
    "access:verified",
    "access:refused",
    "access:dropped",
    "decision:refused",
]


class AccessActor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who it was; ``owner``: the user who has or made a key."""

    type: str
    id: str
    name: str | None = None
    owner: str | None = None


class Sighted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an access was about: its kind, what the path named, and which part or list of it."""

    kind: str
    names: dict[str, str] = {}
    filter: dict[str, str] = {}


class Access(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One fact of the access log; what does not apply to its type is ``None``.

    ``count``: so many within a few seconds, from ``first_at`` to ``last_at``. Of ``access:dropped``,
    ``reads`` and ``refusals`` say how many were not recorded. docs/access-log.md explains the others.
    """

    id: str
    type: str
    recorded_at: str
    workspace_id: str
    actor: AccessActor | None = None
    auth_method: str | None = None
    link_id: str | None = None
    address: str | None = None
    operation: str | None = None
    about: Sighted | None = None
    first_at: str | None = None
    last_at: str | None = None
    count: int = 1
    permission: str | None = None
    status: int | None = None
    code: str | None = None
    reason: str | None = None
    hidden: bool = False
    command: str | None = None
    execution_id: str | None = None
    workflow_id: str | None = None
    context_id: str | None = None
    winning_event_id: int | None = None
    reads: int | None = None
    refusals: int | None = None
    observer: str | None = None
    batch: int | None = None
