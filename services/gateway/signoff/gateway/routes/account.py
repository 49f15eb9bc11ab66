"""``/api/users/me``: what people do for themselves: their name, their password, their own API keys."""

from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.passwords import MAX_LENGTH
from signoff.access.people import Person
from signoff.gateway.directory import done_before
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.accounts import (
    NEEDS_FREE,
    UserView,
    end_sessions,
    find_person,
    free_user,
    hashed,
    user_of,
    user_view,
)
from signoff.gateway.people.identity import IDENTITY, Name, NewPassword, PageQuery, page_of
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
from signoff.gateway.people.signing_in import sign_in, verified

_TAG: Final = "Account"
_USER: Final = {
    "id": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "Ada",
    "email": "ada@example.org",
    "service": False,
    "disabled": False,
    "createdAt": "2026-07-26T09:00:00.000000Z",
}
_KEY: Final = {
    "id": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "laptop",
    "workspaceId": None,
    "userId": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "roles": None,
    "createdAt": "2026-07-26T09:00:00.000000Z",
    "expiresAt": None,
    "lastUsedAt": None,
}


class ProfileChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How others are to see the caller."""

    name: Name


class PasswordChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The password as it is, and as it is to be."""

    current_password: Annotated[str, Meta(max_length=MAX_LENGTH)]
    new_password: NewPassword


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/users/me``."""
    user_id = user_of(caller)
    return answer(user_view(request, user_id, await find_person(request, user_id)))


async def patch(request: web.Request, caller: Principal) -> web.Response:
    """``PATCH /api/users/me``."""
    user_id = free_user(request, caller)
    body = convert(await read_object(request), ProfileChange)
    await find_person(request, user_id)
    person = await request.app[IDENTITY].people.change(
        user_id, lambda kept: msgspec.structs.replace(kept, name=body.name)
    )
    return answer(user_view(request, user_id, person))


async def change_password(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/me/password``: every session ends but the one that asks, which is a new one."""
    user_id = free_user(request, caller)
    body = convert(await read_object(request), PasswordChange)
    person = await find_person(request, user_id)
    if person.password_hash is None:
        raise ApiError(409, "You have no password: an administrator of the installation can set one")
    if not await verified(request, f"user/{user_id}", person.password_hash, body.current_password):
        raise ApiError(403, "The current password is wrong")
    new_hash = await hashed(request, body.new_password)

    def alter(kept: Person) -> Person:
        # Whoever set another password in the meantime has the last word.
        if kept.password_hash != person.password_hash:
            return kept
        return msgspec.structs.replace(kept, password_hash=new_hash, must_change=False)

    changed = await request.app[IDENTITY].people.change(user_id, alter)
    if changed is None or changed.password_hash != new_hash:
        raise ApiError(409, "The password has just been changed by somebody else: sign in with that one")
    epoch = await end_sessions(request, user_id)
    response = web.Response(status=204)
    if caller.auth_method == "session":
        await sign_in(request, response, user_id, method="password", epoch=epoch)
    return response


async def list_keys(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/users/me/keys``."""
    user_id = user_of(caller)
    keys = request.app[GATEWAY].directory.state.keys
    ids = (key_id for key_id, key in keys.items() if key.user_id == user_id)
    page, cursor = page_of(ids, read_query(request, PageQuery))
    return answer(KeyList(keys=await key_views(request, page), next_cursor=cursor))


async def create_key(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/me/keys``: it may do what its user may, or less."""
    user_id = free_user(request, caller)
    body = convert(await read_object(request), NewKeyBody)
    memberships = request.app[GATEWAY].directory.state.memberships(user_id)
    if body.workspace_id is not None and body.workspace_id not in memberships:
        raise ApiError(404, "Workspace not found")
    return await make_key(request, caller, body, user_id=user_id, workspace_id=body.workspace_id)


async def rotate(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/me/keys/{keyId}/rotate``."""
    user_id = free_user(request, caller)
    body = convert(await read_object(request), RotateKeyBody)
    return await rotate_key(request, caller, _find(request, user_id), body)


async def revoke(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/me/keys/{keyId}``."""
    user_id = free_user(request, caller)
    if not done_before(request, caller):
        _find(request, user_id)
    return await revoke_key(request, caller, request.match_info["keyId"])


def _find(request: web.Request, user_id: str) -> str:
    key_id = request.match_info["keyId"]
    key = request.app[GATEWAY].directory.state.keys.get(key_id)
    if key is None or key.user_id != user_id:
        raise ApiError(404, MISSING)
    return key_id


ROUTES: Final = (
    Route(
        method="GET", path="/api/users/me", handler=show, operation="account:manage",
        name="getAccount", summary="The caller as a user.", tag=_TAG,
        answers={200: Answer(body=UserView, description="The user.", example=_USER)},
    ),
    Route(
        method="PATCH", path="/api/users/me", handler=patch, operation="account:manage",
        name="changeAccount", summary="Change the caller's name.", description=NEEDS_FREE, tag=_TAG,
        headers=CommandHeaders, body=ProfileChange, body_required=True,
        body_example={"name": "Ada"},
        answers={200: Answer(body=UserView, description="The user as they are now.", example=_USER)},
    ),
    Route(
        method="POST", path="/api/users/me/password", handler=change_password, operation="account:manage",
        name="changePassword", summary="Change the caller's password.", tag=_TAG,
        description=f"All sessions of the user end; one that asks goes on under a new cookie. {NEEDS_FREE}",
        headers=CommandHeaders, body=PasswordChange, body_required=True,
        body_example={"currentPassword": "correct horse battery", "newPassword": "staple of the horses"},
        answers={204: Answer(
            description="The password is another one.",
            may_have={"Set-Cookie": "The session's new token, where a session asked."},
        )},
        errors={409: "The user has no password, or has just been given another one.",
                429: "The current password was wrong too often."},
    ),
    Route(
        method="GET", path="/api/users/me/keys", handler=list_keys, operation="account:manage",
        name="listPersonalKeys", summary="The caller's personal API keys.", tag=_TAG, query=PageQuery,
        answers={200: Answer(
            body=KeyList, description="A page of keys.", example={"keys": [_KEY], "nextCursor": None},
        )},
    ),
    Route(
        method="POST", path="/api/users/me/keys", handler=create_key, operation="account:manage",
        name="createPersonalKey", summary="Make a personal API key.", tag=_TAG,
        description=f"Its secret is in this answer and nowhere else. {NEEDS_FREE}",
        headers=CommandHeaders, body=NewKeyBody, body_required=True, body_example={"name": "laptop"},
        answers={201: Answer(
            body=NewKeyView, description="The key with its secret.",
            example={**_KEY, "key": "signoff_k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3y"},
        )},
        errors={409: "The `Idempotency-Key` was used for something else, or too long ago."},
    ),
    Route(
        method="DELETE", path="/api/users/me/keys/{keyId}", handler=revoke, operation="account:manage",
        name="revokePersonalKey", summary="Let a personal API key be good for nothing from now on.",
        description=NEEDS_FREE, tag=_TAG, headers=CommandHeaders,
        answers={204: Answer(description="It is revoked.")},
    ),
    Route(
        method="POST", path="/api/users/me/keys/{keyId}/rotate", handler=rotate, operation="account:manage",
        name="rotatePersonalKey", summary="Give a personal API key another secret.", tag=_TAG,
        description=f"The secret before stays good for `overlapSeconds`. {NEEDS_FREE}",
        headers=CommandHeaders, body=RotateKeyBody, body_example={"overlapSeconds": 3600},
        answers={200: Answer(
            body=NewKeyView, description="The key with its new secret.",
            example={**_KEY, "key": "signoff_n3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3w"},
        )},
        errors={409: "The `Idempotency-Key` was used for something else, or too long ago."},
    ),
)  # fmt: skip
