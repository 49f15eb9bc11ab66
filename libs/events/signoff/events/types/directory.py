"""Who there is, and what they may do: the facts of the directory's log (ADR 0023)."""

from typing import ClassVar, Final

from signoff.events.types.envelopes import EventData
from signoff.events.types.values import Actor, Role


class DirectoryFact(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of what stands in the directory's log: who there is, and what they may do (ADR 0023).

    Ids of people only: names and addresses are kept beside the log, where they can be erased. The
    ``actor`` is who changed it; ``request_digest`` names their request, where it had an ``Idempotency-Key``.
    """

    actor: Actor
    request_digest: str | None = None


class WorkspaceCreated(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A workspace was made."""

    TYPE: ClassVar[str] = "workspace:created"
    workspace_id: str
    name: str


class WorkspaceRenamed(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A workspace has another name."""

    TYPE: ClassVar[str] = "workspace:renamed"
    workspace_id: str
    name: str


class WorkspaceClosed(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Nobody may do anything in a workspace any more; its logs stay."""

    TYPE: ClassVar[str] = "workspace:closed"
    workspace_id: str


class UserAdded(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """There is a new user: a person or, with ``service``, a program's account, which cannot sign in."""

    TYPE: ClassVar[str] = "user:added"
    user_id: str
    service: bool = False


class UserDisabled(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A user may do nothing any more, with no key and no session."""

    TYPE: ClassVar[str] = "user:disabled"
    user_id: str


class UserEnabled(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A disabled user may do again what they might."""

    TYPE: ClassVar[str] = "user:enabled"
    user_id: str


class MemberSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A user is a member of a workspace with these roles, in place of earlier ones."""

    TYPE: ClassVar[str] = "member:set"
    workspace_id: str
    user_id: str
    roles: list[Role]


class MemberRemoved(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A user is no member of a workspace any more, nor of its groups."""

    TYPE: ClassVar[str] = "member:removed"
    workspace_id: str
    user_id: str


class GroupSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A group of a workspace, as it is from now on: its members have its roles besides their own."""

    TYPE: ClassVar[str] = "group:set"
    workspace_id: str
    group_id: str
    name: str
    roles: list[Role] = []
    user_ids: list[str] = []


class GroupRemoved(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """There is no such group any more."""

    TYPE: ClassVar[str] = "group:removed"
    workspace_id: str
    group_id: str


class KeyCreated(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A new API key: of a user (it acts as them) or, with ``workspace_id`` alone, of a workspace.

    ``digest`` is the base64 of the SHA-256 of a key with 256 random bits: nobody finds the key by it.
    ``owner_id`` is the user who made a workspace's key. ``roles`` bound what the key may do; absent, a
    user's key may do all that the user may. ``workspace_id`` with ``user_id``: it acts nowhere else.
    """

    TYPE: ClassVar[str] = "key:created"
    key_id: str
    name: str
    digest: str
    workspace_id: str | None = None
    user_id: str | None = None
    owner_id: str | None = None
    roles: list[Role] | None = None
    expires_at: str | None = None


class KeyRotated(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A key has a new secret; the one before is good until ``previous_until`` (UTC, ISO 8601)."""

    TYPE: ClassVar[str] = "key:rotated"
    key_id: str
    digest: str
    previous_until: str


class KeyRevoked(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A key is good for nothing any more."""

    TYPE: ClassVar[str] = "key:revoked"
    key_id: str


class AbsenceSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A member of a workspace is away from one moment to another: a delegate decides in their place.

    In place of an earlier absence of theirs. ``since`` and ``until`` are UTC, ISO 8601.
    """

    TYPE: ClassVar[str] = "absence:set"
    workspace_id: str
    user_id: str
    delegate_id: str
    since: str
    until: str


class AbsenceEnded(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A member's absence is over, or never came."""

    TYPE: ClassVar[str] = "absence:ended"
    workspace_id: str
    user_id: str


class EnvironmentSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A value of a workspace's environment was set. The value is kept elsewhere, encrypted."""

    TYPE: ClassVar[str] = "environment:set"
    workspace_id: str
    name: str


class EnvironmentRemoved(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A value of a workspace's environment was removed."""

    TYPE: ClassVar[str] = "environment:removed"
    workspace_id: str
    name: str


class HookSet(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An outgoing webhook of a workspace, as it is from now on. Its URL and its secret are kept elsewhere.

    ``types`` are those of the events that it is told of, ``workflow_ids`` those that it is told about; none
    means all.
    """

    TYPE: ClassVar[str] = "hook:set"
    workspace_id: str
    hook_id: str
    host: str
    types: list[str] = []
    workflow_ids: list[str] = []
    enabled: bool = True


class HookRemoved(DirectoryFact, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """There is no such outgoing webhook any more."""

    TYPE: ClassVar[str] = "hook:removed"
    workspace_id: str
    hook_id: str


DIRECTORY_FACTS: Final = (
    WorkspaceCreated,
    WorkspaceRenamed,
    WorkspaceClosed,
    UserAdded,
    UserDisabled,
    UserEnabled,
    MemberSet,
    MemberRemoved,
    GroupSet,
    GroupRemoved,
    KeyCreated,
    KeyRotated,
    KeyRevoked,
    AbsenceSet,
    AbsenceEnded,
    EnvironmentSet,
    EnvironmentRemoved,
    HookSet,
    HookRemoved,
)
"""What may stand in the directory's log."""
