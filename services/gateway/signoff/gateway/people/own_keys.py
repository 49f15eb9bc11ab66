"""API keys that people have for themselves."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.directory import done_before
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.people.accounts import (
    free_user,
    user_of,
)
from signoff.gateway.people.identity import PageQuery, page_of
from signoff.gateway.people.key_making import (
    MISSING,
    KeyList,
    NewKeyBody,
    NewKeyView,
    RotateKeyBody,
    key_views,
    make_key,
    revoke_key,
    rotate_key,
)


async def personal_keys(request: web.Request, caller: Principal, query: PageQuery) -> KeyList:
    """A page of the caller's own keys.

    Raises:
        ApiError: 403, a workspace's key asks: it has no user.
    """
    user_id = user_of(caller)
    keys = request.app[GATEWAY].directory.state.keys
    ids = (key_id for key_id, key in keys.items() if key.user_id == user_id)
    page, cursor = page_of(ids, query)
    return KeyList(keys=await key_views(request, page), next_cursor=cursor)


async def make_personal_key(request: web.Request, caller: Principal, body: NewKeyBody) -> NewKeyView:
    """Make a key of the caller's own.

    Raises:
        ApiError: 403, a bounded key asks; 404, the caller is not in that workspace; and as `make_key`.
    """
    user_id = free_user(request, caller)
    memberships = request.app[GATEWAY].directory.state.memberships(user_id)
    if body.workspace_id is not None and body.workspace_id not in memberships:
        raise ApiError(404, "Workspace not found")
    return await make_key(request, caller, body, user_id=user_id, workspace_id=body.workspace_id)


async def rotate_personal_key(request: web.Request, caller: Principal, body: RotateKeyBody) -> NewKeyView:
    """Give the caller's key that a path names by ``keyId`` another secret.

    Raises:
        ApiError: 403, a bounded key asks; 404; and as `make_key`.
    """
    return await rotate_key(request, caller, find_personal_key(request, caller), body)


async def revoke_personal_key(request: web.Request, caller: Principal) -> None:
    """Let the caller's key that a path names by ``keyId`` be good for nothing from now on.

    Raises:
        ApiError: 403, a bounded key asks; 404.
    """
    free_user(request, caller)
    if not done_before(request, caller):
        find_personal_key(request, caller)
    await revoke_key(request, caller, request.match_info["keyId"])


def find_personal_key(request: web.Request, caller: Principal) -> str:
    """The id of the caller's key that a path names by ``keyId``.

    Raises:
        ApiError: 403, a bounded key asks; 404.
    """
    user_id = free_user(request, caller)
    key_id = request.match_info["keyId"]
    key = request.app[GATEWAY].directory.state.keys.get(key_id)
    if key is None or key.user_id != user_id:
        raise ApiError(404, MISSING)
    return key_id
