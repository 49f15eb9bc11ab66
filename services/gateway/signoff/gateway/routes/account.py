"""``/api/users/me``: what people do for themselves: their name, their password, their own API keys."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.accounts import (
    NEEDS_FREE,
    UserView,
    find_person,
    user_of,
    user_view,
)
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.key_making import (
    KeyList,
    NewKeyBody,
    NewKeyView,
    RotateKeyBody,
)
from signoff.gateway.people.own_account import PasswordChange, ProfileChange, change_profile, set_password
from signoff.gateway.people.own_keys import (
    make_personal_key,
    personal_keys,
    revoke_personal_key,
    rotate_personal_key,
)

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


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/users/me``."""
    user_id = user_of(caller)
    return answer(user_view(request, user_id, await find_person(request, user_id)))


async def patch(request: web.Request, caller: Principal) -> web.Response:
    """``PATCH /api/users/me``."""
    body = convert(await read_object(request), ProfileChange)
    return answer(await change_profile(request, caller, body))


async def change_password(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/me/password``: every session ends but the one that asks, which is a new one."""
    body = convert(await read_object(request), PasswordChange)
    response = web.Response(status=204)
    await set_password(request, caller, body, response)
    return response


async def list_keys(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/users/me/keys``."""
    return answer(await personal_keys(request, caller, read_query(request, PageQuery)))


async def create_key(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/me/keys``: it may do what its user may, or less."""
    body = convert(await read_object(request), NewKeyBody)
    return answer(await make_personal_key(request, caller, body), status=201, headers=NO_STORE)


async def rotate(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/me/keys/{keyId}/rotate``."""
    body = convert(await read_object(request), RotateKeyBody)
    return answer(await rotate_personal_key(request, caller, body), headers=NO_STORE)


async def revoke(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/me/keys/{keyId}``."""
    await revoke_personal_key(request, caller)
    return web.Response(status=204)


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
        method="POST", path="/api/users/me/password", handler=change_password, operation="password:change",
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
