"""Who asks something of a pause point, as the engine is told: it reads no directory."""

from signoff.access.callers import Principal
from signoff.access.directory import Directory
from signoff.events.types import Maker


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


def _groups_of(state: Directory, principal: Principal, now: float) -> dict[str, list[str]]:
    """The ids of the groups of a caller, and of each whom they stand in for."""
    workspace = state.workspaces.get(str(principal.workspace_id))
    if workspace is None or principal.user_id is None or principal.user_id not in workspace.members:
        return {}
    absent = workspace.absences.stood_in_for(principal.user_id, now)
    return workspace.groups_of(
        [principal.user_id, *(each for each in absent if not state.users[each].disabled)]
    )
