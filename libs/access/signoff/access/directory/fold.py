"""The directory: who there is and what they are where, as the fold of its log (ADR 0023). Pure."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from msgspec import Struct, field

from signoff.access.directory.absences import Absence, Absences
from signoff.access.permissions import bounded, expanded
from signoff.events.times import from_iso
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import (
    AbsenceEnded,
    AbsenceSet,
    Actor,
    DirectoryFact,
    EnvironmentRemoved,
    EnvironmentSet,
    Event,
    GroupRemoved,
    GroupSet,
    HookRemoved,
    HookSet,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
    MemberRemoved,
    MemberSet,
    Role,
    UserAdded,
    UserDisabled,
    UserEnabled,
    WorkspaceClosed,
    WorkspaceCreated,
    WorkspaceRenamed,
)

FORMAT: Final = 4
"""The version of the shape of `Directory`, and of how it is folded; a snapshot of another one is ignored."""

COMMANDS: Final = 20_000
"""Of the last so many commands, at least, a repetition is known; an older one is decided anew."""

WORKFLOW_ID: Final = "$directory"
"""What stands as ``workflowId`` in the directory's events; no workflow can be called so."""

DEFAULT_ID: Final = str(DEFAULT_WORKSPACE)


class Group(Struct, kw_only=True):
    """Users of a workspace who have roles, and decide, together."""

    name: str
    roles: list[Role]
    user_ids: list[str]


class Hook(Struct, kw_only=True):
    """An outgoing webhook; empty lists mean all. ``set_at`` as workspaces' ``created_at``."""

    host: str
    types: list[str]
    workflow_ids: list[str]
    enabled: bool
    set_at: float


class Workspace(Struct, kw_only=True):
    """A workspace.

    Attributes:
        members: user id → roles, as they were given.
        groups: by id.
        environment: the names of its values → when each was set (seconds since the epoch).
        hooks: by id.
        absences: of its members.
        created_at: seconds since the epoch.
        closed: nobody may do anything here any more.
    """

    name: str
    members: dict[str, list[Role]] = {}
    groups: dict[str, Group] = {}
    environment: dict[str, float] = {}
    hooks: dict[str, Hook] = {}
    absences: Absences = field(default_factory=Absences)
    created_at: float = 0.0
    closed: bool = False

    def roles_of(self, user_id: str) -> frozenset[Role]:
        """What a user is here: by themselves and by their groups; nothing for one who is no member."""
        if self.closed or user_id not in self.members:
            return frozenset()
        roles = set(self.members[user_id])
        for group in self.groups.values():
            if user_id in group.user_ids:
                roles.update(group.roles)
        return expanded(roles)

    def groups_of(self, user_ids: Collection[str]) -> dict[str, list[str]]:
        """The ids of the groups that each of some users is in. Looks at each group once."""
        found: dict[str, list[str]] = {user_id: [] for user_id in user_ids}
        for group_id, group in self.groups.items():
            for user_id in found.keys() & group.user_ids:
                found[user_id].append(group_id)
        return found


class User(Struct, kw_only=True):
    """A person or, with ``service``, a program's account.

    Attributes:
        service: it has keys, and cannot sign in.
        disabled: they may do nothing.
        added_at: seconds since the epoch.
        workspace_ids: those that they are a member of, also closed ones: the members' index.
    """

    service: bool = False
    disabled: bool = False
    added_at: float = 0.0
    workspace_ids: list[str] = []


class Key(Struct, kw_only=True):
    """An API key. Times are seconds since the epoch.

    Attributes:
        workspace_id: where alone it acts, if it is bound.
        user_id: whose it is, if it is personal.
        owner_id: who was shown a workspace's key last: behind its decisions stands this person.
        roles: that bound what it may do; ``None``: all that its user may.
        digest: of its secret; ``previous`` is that of the one before, good until ``previous_until``.
    """

    name: str
    workspace_id: str | None
    user_id: str | None
    owner_id: str | None
    roles: list[Role] | None
    digest: str
    created_at: float
    expires_at: float | None = None
    previous: str | None = None
    previous_until: float = 0.0

    def is_good(self, digest: str, now: float) -> bool:
        """Whether the secret with this digest may be used at a moment (seconds since the epoch)."""
        if self.expires_at is not None and now >= self.expires_at:
            return False
        return digest == self.digest or (digest == self.previous and now < self.previous_until)


def user_behind(actor: Actor) -> str | None:
    """The id of the user who acts, be it by a key; ``None`` where none is known."""
    return actor.id if actor.type == "user" else actor.owner


def _initial() -> dict[str, Workspace]:
    return {DEFAULT_ID: Workspace(name="default")}


class Taken(Struct, frozen=True, array_like=True, gc=False):
    """A command that was taken: the last event that it led to, and what names its request."""

    event_id: int
    request_digest: str | None


class Directory(Struct, kw_only=True):
    """The fold of the directory's log. At first there is the default workspace, and nobody.

    Attributes:
        version: of the log.
        time: of its last event, seconds since the epoch.
        digests: of every key's secrets → the key's id.
        commands: the last that were taken; ``earlier`` are those before them.
    """

    version: int = 0
    time: float = 0.0
    workspaces: dict[str, Workspace] = {}
    users: dict[str, User] = {}
    keys: dict[str, Key] = {}
    digests: dict[str, str] = {}
    commands: dict[str, Taken] = {}
    earlier: dict[str, Taken] = {}
    workspace_id: str = DEFAULT_ID
    workflow_id: str = WORKFLOW_ID

    def __post_init__(self) -> None:
        """The default workspace needs no event."""
        if not self.workspaces:
            self.workspaces = _initial()

    def grants_of(
        self, user_id: str, *, bound: list[Role] | None = None, within: str | None = None
    ) -> dict[UUID, frozenset[Role]]:
        """The workspaces of a user, oldest first, with their roles there.

        Args:
            user_id: whose.
            bound: leaves no more than these roles (a key's).
            within: leaves no other workspace (a key's).
        """
        user = self.users.get(user_id)
        if user is None or user.disabled:
            return {}
        return {
            UUID(workspace_id): roles
            for workspace_id in self.memberships(user_id)
            if within in (None, workspace_id)
            and (roles := bounded(self.workspaces[workspace_id].roles_of(user_id), bound))
        }

    def memberships(self, user_id: str) -> list[str]:
        """The open workspaces that a user is a member of, oldest first."""
        user = self.users.get(user_id)
        ids = (
            [] if user is None else [each for each in user.workspace_ids if not self.workspaces[each].closed]
        )
        return sorted(ids, key=lambda each: self.workspaces[each].created_at)

    def taken(self, command_id: str) -> Taken | None:
        """What became of a command, if it was taken lately."""
        return self.commands.get(command_id) or self.earlier.get(command_id)


def evolve_directory(state: Directory, event: Event) -> None:
    """Fold one event, in place. Events of unknown types change nothing but the version.

    Raises:
        ValueError: the event does not follow the state.
    """
    if event.event_id != state.version + 1:
        raise ValueError(f"event {event.event_id} does not follow version {state.version}")
    now = from_iso(event.timestamp)
    if isinstance(event.data, DirectoryFact):
        apply(state, event.data, now)
        if len(state.commands) >= COMMANDS:
            state.commands, state.earlier = {}, state.commands
        state.commands[event.causation_id] = Taken(event.event_id, event.data.request_digest)
    # Last, so that a fact which cannot be folded is in the way for good, and nobody goes by the rest.
    state.version, state.time = event.event_id, now


def apply(state: Directory, fact: DirectoryFact, now: float) -> None:
    """Take a fact in, in place.

    Args:
        state: that it follows.
        fact: that `signoff.access.directory.changes.fault` finds nothing wrong with.
        now: when it happened, seconds since the epoch.
    """
    match fact:
        case WorkspaceCreated() | WorkspaceRenamed() | WorkspaceClosed():
            _of_workspaces(state, fact, now)
        case UserAdded() | UserDisabled() | UserEnabled():
            _of_users(state, fact, now)
        case KeyCreated() | KeyRotated() | KeyRevoked():
            _of_keys(state, fact, now)
        case MemberSet() | MemberRemoved() | GroupSet() | GroupRemoved():
            _of_members(state, state.workspaces[fact.workspace_id], fact)
        case AbsenceSet() | AbsenceEnded():
            _of_absences(state.workspaces[fact.workspace_id].absences, fact)
        case EnvironmentSet() | EnvironmentRemoved() | HookSet() | HookRemoved():
            _of_settings(state.workspaces[fact.workspace_id], fact, now)
        case _:
            raise ValueError(f"{fact.TYPE} is not folded")


def _of_workspaces(
    state: Directory, fact: WorkspaceCreated | WorkspaceRenamed | WorkspaceClosed, now: float
) -> None:
    match fact:
        case WorkspaceCreated():
            state.workspaces[fact.workspace_id] = Workspace(name=fact.name, created_at=now)
        case WorkspaceRenamed():
            state.workspaces[fact.workspace_id].name = fact.name
        case WorkspaceClosed():
            state.workspaces[fact.workspace_id].closed = True


def _of_users(state: Directory, fact: UserAdded | UserDisabled | UserEnabled, now: float) -> None:
    match fact:
        case UserAdded():
            state.users[fact.user_id] = User(service=fact.service, added_at=now)
        case UserDisabled():
            state.users[fact.user_id].disabled = True
        case UserEnabled():
            state.users[fact.user_id].disabled = False


def _of_keys(state: Directory, fact: KeyCreated | KeyRotated | KeyRevoked, now: float) -> None:
    match fact:
        case KeyCreated():
            state.digests[fact.digest] = fact.key_id
            state.keys[fact.key_id] = Key(
                name=fact.name,
                workspace_id=fact.workspace_id,
                user_id=fact.user_id,
                owner_id=fact.owner_id,
                roles=fact.roles,
                digest=fact.digest,
                created_at=now,
                expires_at=None if fact.expires_at is None else from_iso(fact.expires_at),
            )
        case KeyRotated():
            key = state.keys[fact.key_id]
            if key.previous is not None:
                del state.digests[key.previous]
            key.previous, key.previous_until = key.digest, from_iso(fact.previous_until)
            key.digest = fact.digest
            state.digests[fact.digest] = fact.key_id
            if key.user_id is None:
                key.owner_id = user_behind(fact.actor) or key.owner_id
        case KeyRevoked():
            key = state.keys.pop(fact.key_id)
            del state.digests[key.digest]
            if key.previous is not None:
                del state.digests[key.previous]


def _of_members(
    state: Directory, workspace: Workspace, fact: MemberSet | MemberRemoved | GroupSet | GroupRemoved
) -> None:
    match fact:
        case MemberSet():
            if fact.user_id not in workspace.members:
                state.users[fact.user_id].workspace_ids.append(fact.workspace_id)
            workspace.members[fact.user_id] = fact.roles
        case MemberRemoved():
            state.users[fact.user_id].workspace_ids.remove(fact.workspace_id)
            del workspace.members[fact.user_id]
            workspace.absences.leave(fact.user_id)
            for group in workspace.groups.values():
                group.user_ids = [each for each in group.user_ids if each != fact.user_id]
        case GroupSet():
            workspace.groups[fact.group_id] = Group(
                name=fact.name, roles=fact.roles, user_ids=list(fact.user_ids)
            )
        case GroupRemoved():
            del workspace.groups[fact.group_id]


def _of_absences(absences: Absences, fact: AbsenceSet | AbsenceEnded) -> None:
    match fact:
        case AbsenceSet():
            since, until = from_iso(fact.since), from_iso(fact.until)
            absences.set(fact.user_id, Absence(delegate_id=fact.delegate_id, since=since, until=until))
        case AbsenceEnded():
            absences.end(fact.user_id)


def _of_settings(
    workspace: Workspace, fact: EnvironmentSet | EnvironmentRemoved | HookSet | HookRemoved, now: float
) -> None:
    match fact:
        case EnvironmentSet():
            workspace.environment[fact.name] = now
        case EnvironmentRemoved():
            del workspace.environment[fact.name]
        case HookSet():
            workspace.hooks[fact.hook_id] = Hook(
                host=fact.host,
                types=fact.types,
                workflow_ids=fact.workflow_ids,
                enabled=fact.enabled,
                set_at=now,
            )
        case HookRemoved():
            del workspace.hooks[fact.hook_id]
