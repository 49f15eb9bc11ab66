"""``/api/users/{userId}/keys``: the API keys of a service account, for administrators of the installation."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.key_making import KeyList, NewKeyBody, NewKeyView, RotateKeyBody
from signoff.gateway.people.service_keys import (
    make_service_key,
    revoke_service_key,
    rotate_service_key,
    service_keys,
)

_PATH: Final = "/api/users/{userId}/keys"
_TAG: Final = "Users"
_OF_A_PERSON: Final = {409: "The user is a person."}
_EXAMPLE: Final = {
    "id": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "crawler",
    "workspaceId": None,
    "userId": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "roles": ["read"],
    "createdAt": "2026-07-26T09:00:00.000000Z",
    "expiresAt": None,
    "lastUsedAt": None,
}


async def list_keys(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/users/{userId}/keys``."""
    return answer(await service_keys(request, caller, read_query(request, PageQuery)))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/{userId}/keys``: it has nobody to make its own."""
    body = convert(await read_object(request), NewKeyBody)
    return answer(await make_service_key(request, caller, body), status=201, headers=NO_STORE)


async def rotate(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/{userId}/keys/{keyId}/rotate``."""
    body = convert(await read_object(request), RotateKeyBody)
    return answer(await rotate_service_key(request, caller, body), headers=NO_STORE)


async def revoke(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/{userId}/keys/{keyId}``."""
    await revoke_service_key(request, caller)
    return web.Response(status=204)


ROUTES: Final = (
    Route(
        method="GET", path=_PATH, handler=list_keys, operation="installation:manage",
        name="listServiceKeys", summary="The API keys of a service account, without their secrets.", tag=_TAG,
        query=PageQuery,
        answers={200: Answer(
            body=KeyList, description="A page of keys.", example={"keys": [_EXAMPLE], "nextCursor": None},
        )},
        errors=_OF_A_PERSON,
    ),
    Route(
        method="POST", path=_PATH, handler=create, operation="installation:manage",
        name="createServiceKey", summary="Make an API key of a service account.", tag=_TAG,
        headers=CommandHeaders, body=NewKeyBody, body_required=True,
        body_example={"name": "crawler", "roles": ["read"]},
        answers={201: Answer(
            body=NewKeyView, description="The key with its secret, shown this once.",
            example={**_EXAMPLE, "key": "signoff_k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3y"},
        )},
        errors=_OF_A_PERSON,
    ),
    Route(
        method="DELETE", path=f"{_PATH}/{{keyId}}", handler=revoke, operation="installation:manage",
        name="revokeServiceKey", tag=_TAG,
        summary="Let an API key of a service account be good for nothing from now on.",
        headers=CommandHeaders, answers={204: Answer(description="It is revoked.")}, errors=_OF_A_PERSON,
    ),
    Route(
        method="POST", path=f"{_PATH}/{{keyId}}/rotate", handler=rotate, operation="installation:manage",
        name="rotateServiceKey", summary="Give an API key of a service account another secret.", tag=_TAG,
        description="The secret before stays good for `overlapSeconds`.",
        headers=CommandHeaders, body=RotateKeyBody, body_example={"overlapSeconds": 3600},
        answers={200: Answer(
            body=NewKeyView, description="The key with its new secret.",
            example={**_EXAMPLE, "key": "signoff_n3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3w"},
        )},
        errors={409: "The user is a person, or the `Idempotency-Key` was used for something else."},
    ),
)  # fmt: skip
