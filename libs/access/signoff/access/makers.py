"""Who asks something of a pause point, as the engine is told: it reads no directory."""

from typing import Final
from uuid import UUID

from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.access.directory import Directory, Workspace
from signoff.access.gate import BOOTSTRAP, caller_of_key
from signoff.access.permissions import allows
from signoff.events.types import Actor, Maker, Role

MOST: Final = 100
"""People in whose place somebody decides: a command names no more of them."""


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

    Standing in is not handed on: a delegate who is away, too, lends others what is their own alone.

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
    return workspace.groups_of(
        [principal.user_id, *(each for each in absent if _may_decide(state, workspace, each))][:MOST]
    )


def _may_decide(state: Directory, workspace: Workspace, user_id: str) -> bool:
    """Whether somebody absent could decide themselves: nobody lends what they have not."""
    return not state.users[user_id].disabled and allows(workspace.roles_of(user_id), "pauses:decide")
