"""API keys of a workspace."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.access.directory.fold import Key, user_behind
from signoff.gateway.directory import done_before
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.people.identity import PageQuery, page_of
from signoff.gateway.people.key_making import (
    MISSING,
    KeyList,
    NewKeyBody,
    NewKeyView,
    RotateKeyBody,
    check_roles,
    key_views,
    make_key,
    revoke_key,
    rotate_key,
)


async def workspace_keys(request: web.Request, caller: Principal, query: PageQuery) -> KeyList:
    """A page of the keys of the caller's workspace."""
    workspace_id = str(caller.workspace_id)
    keys = request.app[GATEWAY].directory.state.keys
    ids = (key_id for key_id, key in keys.items() if _is_here(key, workspace_id))
    page, cursor = page_of(ids, query)
    return KeyList(keys=await key_views(request, page), next_cursor=cursor)


async def make_workspace_key(request: web.Request, caller: Principal, body: NewKeyBody) -> NewKeyView:
    """Make a key of the caller's workspace.

    Raises:
        ApiError: 400, its roles are missing or its end is past; 403, it would have roles that the caller
            has not; 409, the ``Idempotency-Key`` was used for something else.
    """
    if body.roles is None:
        raise bad_field("roles", "must be given: what the key may do")
    if body.workspace_id is not None:
        raise bad_field("workspaceId", "must not be given: the key is of the workspace that it is made in")
    check_roles(caller, body.roles)
    return await make_key(
        request,
        caller,
        body,
        workspace_id=str(caller.workspace_id),
        owner_id=user_behind(caller.actor),  # also of a key made by a key: each person counts once
    )


async def rotate_workspace_key(request: web.Request, caller: Principal, body: RotateKeyBody) -> NewKeyView:
    """Give the key that a path names by ``keyId`` another secret.

    Raises:
        ApiError: 404; 403, the key may do what the caller may not; 409 as `make_workspace_key`.
    """
    key_id, key = find_key(request, caller)
    check_roles(caller, key.roles)
    return await rotate_key(request, caller, key_id, body)


async def revoke_workspace_key(request: web.Request, caller: Principal) -> None:
    """Let the workspace's key that a path names by ``keyId`` be good for nothing from now on.

    Raises:
        ApiError: 404.
    """
    if not done_before(request, caller):
        find_key(request, caller)
    await revoke_key(request, caller, request.match_info["keyId"])


def find_key(request: web.Request, caller: Principal) -> tuple[str, Key]:
    """The workspace's key that a path names by ``keyId``, with its id.

    Raises:
        ApiError: 404.
    """
    key_id = request.match_info["keyId"]
    key = request.app[GATEWAY].directory.state.keys.get(key_id)
    if key is None or not _is_here(key, str(caller.workspace_id)):
        raise ApiError(404, MISSING)
    return key_id, key


def _is_here(key: Key, workspace_id: str) -> bool:
    return key.user_id is None and key.workspace_id == workspace_id
