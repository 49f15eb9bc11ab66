"""Who asks something of a pause point, as the engine is told: it reads no directory."""

from itertools import islice
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.access.directory.fold import Directory, Workspace
from signoff.access.gate import BOOTSTRAP, caller_of_key
from signoff.access.permissions import allows
from signoff.events.types import Actor, Maker, Role

MOST: Final = 100
MOST_GROUPS: Final = 2_000
"""So many people a command names in whose place somebody decides, with so many groups of theirs in all."""


def maker_of(
    state: Directory,
    principal: Principal,
    *,
    now: float,
    address: str | None,
    link_id: str | None = None,
    verified: bool = False,
) -> Maker:
    """What the directory knows of a caller at this moment.

    Standing in is not handed on: a delegate who is away, too, lends others what is their own alone. Who may
    not decide lends nothing.

    Args:
        state: the directory.
        principal: the caller, in the workspace of the pause point.
        now: seconds since the epoch, UTC.
        address: the client's, as `signoff.runtime.proxies.client_address` tells it.
        link_id: of the link that let them in.
        verified: they gave a code that was sent to them.
    """
    groups = _groups_of(state, principal, now)
    own = groups.pop(principal.user_id, []) if principal.user_id is not None else []
    return Maker(
        user_id=principal.user_id,
        roles=sorted(principal.roles),
        group_ids=own,
        stands_in_for=groups,
        auth_method=principal.auth_method,
        address=address,
        link_id=link_id,
        verified=verified,
    )


def maker_now(
    state: Directory, actor: Actor, known: Maker, *, workspace_id: UUID, now: float
) -> Maker | None:
    """What the directory knows by now of whoever asked something before.

    Args:
        state: the directory.
        actor: who asked.
        known: what was known of them then.
        workspace_id: of the pause point.
        now: seconds since the epoch, UTC.

    Returns:
        ``None`` where they may not decide there any more.
    """
    caller = Principal(
        actor=actor,
        workspace_id=workspace_id,
        roles=_roles_now(state, actor, known, workspace_id, now),
        user_id=known.user_id,
    )
    if not caller.may("pauses:decide"):
        return None
    fresh = maker_of(state, caller, now=now, address=known.address)
    return replace(fresh, auth_method=known.auth_method, link_id=known.link_id, verified=known.verified)


def _roles_now(
    state: Directory, actor: Actor, known: Maker, workspace_id: UUID, now: float
) -> frozenset[Role]:
    if actor == BOOTSTRAP:
        return frozenset(known.roles)
    if actor.type == "user":
        return state.grants_of(actor.id, within=str(workspace_id)).get(workspace_id, frozenset())
    key = state.keys.get(actor.id)
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        return frozenset()
    return caller_of_key(state, actor.id, key).grants.get(workspace_id, frozenset())


def _groups_of(state: Directory, principal: Principal, now: float) -> dict[str, list[str]]:
    """The ids of the groups of a caller, and of each whom they stand in for."""
    workspace = state.workspaces.get(str(principal.workspace_id))
    if workspace is None or principal.user_id is None or principal.user_id not in workspace.members:
        return {}
    absent = workspace.absences.stood_in_for(principal.user_id, now)
    some = islice((each for each in absent if not state.users[each].disabled), MOST)
    groups = workspace.groups_of([principal.user_id, *some])
    return {principal.user_id: groups.pop(principal.user_id), **_lent(workspace, groups)}


def _lent(workspace: Workspace, groups: dict[str, list[str]]) -> dict[str, list[str]]:
    """Of absent people with their groups, those who could decide themselves, as far as there is room."""
    lent: dict[str, list[str]] = {}
    room = MOST_GROUPS
    for absent, group_ids in groups.items():
        roles = {
            *workspace.members[absent],
            *(role for each in group_ids for role in workspace.groups[each].roles),
        }
        if len(group_ids) <= room and allows(roles, "pauses:decide"):
            lent[absent] = group_ids
            room -= len(group_ids)
    return lent
