"""API keys of service accounts, which have nobody to make their own."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.directory import done_before
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.people.accounts import find_person
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


async def service_keys(request: web.Request, _: Principal, query: PageQuery) -> KeyList:
    """A page of the keys of the service account that a path names by ``userId``.

    Raises:
        ApiError: 404; 409, the user is a person.
    """
    user_id = await _find_account(request)
    keys = request.app[GATEWAY].directory.state.keys
    page, cursor = page_of((key_id for key_id, key in keys.items() if key.user_id == user_id), query)
    return KeyList(keys=await key_views(request, page), next_cursor=cursor)


async def make_service_key(request: web.Request, caller: Principal, body: NewKeyBody) -> NewKeyView:
    """Make a key of the service account that a path names by ``userId``.

    Raises:
        ApiError: 404; 409, the user is a person; and as `make_key`.
    """
    user_id = await _find_account(request)
    return await make_key(request, caller, body, user_id=user_id, workspace_id=body.workspace_id)


async def rotate_service_key(request: web.Request, caller: Principal, body: RotateKeyBody) -> NewKeyView:
    """Give the key that a path names by ``userId`` and ``keyId`` another secret.

    Raises:
        ApiError: 404; 409, the user is a person; and as `make_key`.
    """
    await _find_account(request)
    return await rotate_key(request, caller, find_service_key(request, caller), body)


async def revoke_service_key(request: web.Request, caller: Principal) -> None:
    """Let the key that a path names by ``userId`` and ``keyId`` be good for nothing from now on.

    Raises:
        ApiError: 404; 409, the user is a person.
    """
    await _find_account(request)
    if not done_before(request, caller):
        find_service_key(request, caller)
    await revoke_key(request, caller, request.match_info["keyId"])


def find_service_key(request: web.Request, _: Principal) -> str:
    """The id of the key that a path names by ``userId`` and ``keyId``.

    Raises:
        ApiError: 404.
    """
    key_id = request.match_info["keyId"]
    key = request.app[GATEWAY].directory.state.keys.get(key_id)
    if key is None or key.user_id != request.match_info["userId"]:
        raise ApiError(404, MISSING)
    return key_id


async def _find_account(request: web.Request) -> str:
    user_id = request.match_info["userId"]
    await find_person(request, user_id)
    if not request.app[GATEWAY].directory.state.users[user_id].service:
        raise ApiError(409, "People make their own keys; this is no service account")
    return user_id
