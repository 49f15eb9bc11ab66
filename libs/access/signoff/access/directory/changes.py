"""What may be recorded in the directory: each proposed fact against the state that it would follow. Pure."""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from signoff.access.directory.absences import LONGEST
from signoff.access.directory.fold import DEFAULT_ID, Directory, Group, User, Workspace, apply
from signoff.events.errors import CodecError
from signoff.events.times import from_iso
from signoff.events.types import (
    DIRECTORY_FACTS,
    AbsenceEnded,
    AbsenceSet,
    Command,
    DirectoryFact,
    EnvironmentRemoved,
    EnvironmentSet,
    GroupRemoved,
    GroupSet,
    HookRemoved,
    HookSet,
    Json,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
    MemberRemoved,
    MemberSet,
    Proposal,
    UserAdded,
    UserDisabled,
    UserEnabled,
    WorkspaceClosed,
    WorkspaceCreated,
    WorkspaceRenamed,
)

MAX_NAME: Final = 200
"""Characters in a name."""

MAX_GROUP: Final = 1000
"""Members of a group."""

MAX_HOOKS: Final = 100
"""Outgoing webhooks of a workspace."""

MAX_ENVIRONMENT: Final = 1000
"""Values of a workspace's environment."""

T = TypeVar("T")

_LAST_ADMIN: Final = "A workspace keeps one administrator: make somebody else one first"
_TYPES: Final = {fact.TYPE: fact for fact in DIRECTORY_FACTS}


class Fault(msgspec.Struct, frozen=True):
    """Why a fact cannot be recorded: a refusal's code, and a text for whoever asked."""

    code: str
    message: str


def read_proposals(command: Command, proposed: list[Proposal]) -> list[DirectoryFact]:
    """The facts of a command, with its actor.

    Raises:
        ValueError: one of them is none, or is another's doing.
    """
    return [_read(command, each) for each in proposed]


def _read(command: Command, proposal: Proposal) -> DirectoryFact:
    kind = _TYPES.get(proposal.type)
    if kind is None:
        raise ValueError(f"{proposal.type} is no fact of the directory")
    data: dict[str, Json] = {
        **proposal.data, "actor": command.actor, "requestDigest": command.request_digest
    }  # fmt: skip
    return msgspec.convert(data, kind, from_attributes=True)


def faults(state: Directory, facts: list[DirectoryFact], now: float) -> Iterator[Fault]:
    """What is wrong with recording these facts, one after the other; the first fault ends it."""
    if len(facts) > 1:
        state = _scratch(state, facts)  # later facts may rest on earlier ones
    for index, fact in enumerate(facts):
        found = fault(state, fact)
        if found is not None:
            yield found
            return
        if index < len(facts) - 1:
            apply(state, fact, now)


def _scratch(state: Directory, facts: list[DirectoryFact]) -> Directory:
    """A copy to try facts on. What none of them is about is shared: a directory may be large."""

    def about(name: str, items: dict[str, T], copied: Callable[[T], T]) -> dict[str, T]:
        ids: set[str] = {getattr(fact, name, "") or "" for fact in facts}
        return {**items, **{each: copied(items[each]) for each in ids & items.keys()}}

    return replace(
        state,
        workspaces=about("workspace_id", state.workspaces, _copied_workspace),
        users=about("user_id", state.users, _copied_user),
        keys=about("key_id", state.keys, copy),
        digests=dict(state.digests),
    )


def _copied_workspace(workspace: Workspace) -> Workspace:
    return replace(
        workspace,
        members=dict(workspace.members),
        groups={group_id: copy(group) for group_id, group in workspace.groups.items()},
        environment=dict(workspace.environment),
        hooks=dict(workspace.hooks),
        absences=workspace.absences.copied(),
    )


def _copied_user(user: User) -> User:
    return replace(user, workspace_ids=list(user.workspace_ids))


def fault(state: Directory, fact: DirectoryFact) -> Fault | None:
    """What is wrong with recording a fact, if anything is."""
    match fact:
        case WorkspaceCreated() | WorkspaceRenamed() | WorkspaceClosed():
            return _workspace_fault(state, fact)
        case UserAdded():
            return _conflict("The user is there already") if fact.user_id in state.users else None
        case UserDisabled() | UserEnabled():
            return _user_fault(state, fact) or _last_disabled_fault(state, fact)
        case KeyCreated() | KeyRotated() | KeyRevoked():
            return _key_fault(state, fact)
        case _:
            workspace_id: str = getattr(fact, "workspace_id", "")
            workspace = state.workspaces.get(workspace_id)
            if workspace is None or workspace.closed:
                return _missing("Workspace")
            return (
                _member_fault(state, workspace, fact)
                or _last_admin_fault(state, workspace, fact)
                or _absence_fault(state, workspace, fact)
                or _setting_fault(workspace, fact)
            )


def _missing(what: str) -> Fault:
    return Fault("NOT_FOUND", f"{what} not found")


def _conflict(message: str) -> Fault:
    return Fault("CONFLICT", message)


def _name_fault(name: str) -> Fault | None:
    if not 0 < len(name.strip()) <= MAX_NAME:
        return Fault("BAD_REQUEST", f"A name must have 1 to {MAX_NAME} characters")
    return None


def _workspace_fault(
    state: Directory, fact: WorkspaceCreated | WorkspaceRenamed | WorkspaceClosed
) -> Fault | None:
    workspace = state.workspaces.get(fact.workspace_id)
    if isinstance(fact, WorkspaceCreated):
        if workspace is not None:
            return _conflict("The workspace is there already")
        return _name_fault(fact.name)
    if workspace is None or workspace.closed:
        return _missing("Workspace")
    if isinstance(fact, WorkspaceRenamed):
        return _name_fault(fact.name)
    if fact.workspace_id == DEFAULT_ID:
        return _conflict("The default workspace cannot be closed: from it the installation is administered")
    return None


def _user_fault(state: Directory, fact: UserDisabled | UserEnabled) -> Fault | None:
    user = state.users.get(fact.user_id)
    if user is None:
        return _missing("User")
    if isinstance(fact, UserDisabled) == user.disabled:
        return _conflict(f"The user is {'disabled' if user.disabled else 'enabled'} already")
    return None


def _key_fault(state: Directory, fact: KeyCreated | KeyRotated | KeyRevoked) -> Fault | None:
    if isinstance(fact, KeyCreated):
        return _new_key_fault(state, fact)
    if fact.key_id not in state.keys:
        return _missing("API key")
    taken = isinstance(fact, KeyRotated) and fact.digest in state.digests
    return _conflict("The secret is a key's already") if taken else None


def _new_key_fault(state: Directory, fact: KeyCreated) -> Fault | None:
    if fact.key_id in state.keys or fact.digest in state.digests:
        return _conflict("The key is there already")
    if fact.user_id is not None and fact.user_id not in state.users:
        return _missing("User")
    if fact.workspace_id is not None and fact.workspace_id not in state.workspaces:
        return _missing("Workspace")
    if fact.user_id is None and (fact.workspace_id is None or not fact.roles):
        return Fault("BAD_REQUEST", "A key is a user's, or a workspace's with roles")
    return _name_fault(fact.name)


def _member_fault(state: Directory, workspace: Workspace, fact: DirectoryFact) -> Fault | None:
    match fact:
        case MemberSet():
            if fact.user_id not in state.users:
                return _missing("User")
            return None if fact.roles else Fault("BAD_REQUEST", "A member has at least one role")
        case MemberRemoved():
            return None if fact.user_id in workspace.members else _missing("Member")
        case GroupSet():
            return _group_fault(workspace, fact)
        case GroupRemoved():
            return None if fact.group_id in workspace.groups else _missing("Group")
        case _:
            return None


def _last_admin_fault(state: Directory, workspace: Workspace, fact: DirectoryFact) -> Fault | None:
    """A workspace that somebody administers must not be left to nobody."""
    after = _after(workspace, fact)
    if after is None or _has_admin(state, after) or not _has_admin(state, workspace):
        return None
    return _conflict(_LAST_ADMIN)


def _last_disabled_fault(state: Directory, fact: UserDisabled | UserEnabled) -> Fault | None:
    if isinstance(fact, UserEnabled):
        return None
    for workspace_id in state.memberships(fact.user_id):
        workspace = state.workspaces[workspace_id]
        is_admin = "admin" in workspace.roles_of(fact.user_id)
        if is_admin and not _has_admin(state, workspace, without=fact.user_id):
            return _conflict(_LAST_ADMIN)
    return None


def _after(workspace: Workspace, fact: DirectoryFact) -> Workspace | None:
    """The workspace as it would be, where the fact may take a role from somebody."""
    members, groups = workspace.members, workspace.groups
    match fact:
        case MemberSet() if fact.user_id in members and "admin" not in fact.roles:
            return replace(workspace, members={**members, fact.user_id: fact.roles})
        case MemberRemoved():
            return replace(workspace, members=_without(members, fact.user_id))
        case GroupSet() if fact.group_id in groups:
            group = Group(name=fact.name, roles=fact.roles, user_ids=fact.user_ids)
            return replace(workspace, groups={**groups, fact.group_id: group})
        case GroupRemoved():
            return replace(workspace, groups=_without(groups, fact.group_id))
        case _:
            return None


def _has_admin(state: Directory, workspace: Workspace, *, without: str | None = None) -> bool:
    """Whether somebody administers it. Looks at each member and each group once, for both may be many."""
    by_group = {
        user_id for group in workspace.groups.values() if "admin" in group.roles for user_id in group.user_ids
    }
    return not workspace.closed and any(
        ("admin" in roles or user_id in by_group) and user_id != without and not state.users[user_id].disabled
        for user_id, roles in workspace.members.items()
    )


def _without(items: Mapping[str, T], key: str) -> dict[str, T]:
    return {name: item for name, item in items.items() if name != key}


def _group_fault(workspace: Workspace, fact: GroupSet) -> Fault | None:
    if len(fact.user_ids) > MAX_GROUP:
        return Fault("BAD_REQUEST", f"A group has at most {MAX_GROUP} members")
    if len(set(fact.user_ids)) < len(fact.user_ids):
        return Fault("BAD_REQUEST", "A group names each member once")
    if not workspace.members.keys() >= set(fact.user_ids):
        return Fault("BAD_REQUEST", "A group's members must be members of the workspace")
    namesake = next(
        (key for key, group in workspace.groups.items() if group.name == fact.name), fact.group_id
    )
    if namesake != fact.group_id:
        return _conflict("The workspace has a group of this name already")
    return _name_fault(fact.name)


def _absence_fault(state: Directory, workspace: Workspace, fact: DirectoryFact) -> Fault | None:
    match fact:
        case AbsenceSet():
            if fact.user_id not in workspace.members:
                return _missing("Member")
            return _delegate_fault(state, workspace, fact) or _span_fault(fact)
        case AbsenceEnded():
            return None if fact.user_id in workspace.absences.by_user else _missing("Absence")
        case _:
            return None


def _delegate_fault(state: Directory, workspace: Workspace, fact: AbsenceSet) -> Fault | None:
    if fact.delegate_id not in workspace.members:
        return Fault("BAD_REQUEST", "The delegate must be a member of the workspace")
    if fact.delegate_id == fact.user_id:
        return Fault("BAD_REQUEST", "Nobody stands in for themselves: name another member as the delegate")
    if state.users[fact.delegate_id].disabled:
        return _conflict("The delegate is disabled: name another member")
    return None


def _span_fault(fact: AbsenceSet) -> Fault | None:
    try:
        span = from_iso(fact.until) - from_iso(fact.since)
    except (CodecError, OverflowError) as error:
        return Fault("BAD_REQUEST", f"An absence lasts from one ISO 8601 time to another: {error}")
    if not 0 < span <= LONGEST:
        return Fault("BAD_REQUEST", f"An absence ends after it begins, and within {LONGEST / 86_400:g} days")
    return None


def _setting_fault(workspace: Workspace, fact: DirectoryFact) -> Fault | None:
    match fact:
        case EnvironmentSet():
            full = fact.name not in workspace.environment and len(workspace.environment) >= MAX_ENVIRONMENT
            return _conflict(f"A workspace has at most {MAX_ENVIRONMENT} values") if full else None
        case EnvironmentRemoved():
            return None if fact.name in workspace.environment else _missing("Environment value")
        case HookSet():
            full = fact.hook_id not in workspace.hooks and len(workspace.hooks) >= MAX_HOOKS
            return _conflict(f"A workspace has at most {MAX_HOOKS} webhooks") if full else None
        case HookRemoved():
            return None if fact.hook_id in workspace.hooks else _missing("Webhook")
        case _:
            return None
