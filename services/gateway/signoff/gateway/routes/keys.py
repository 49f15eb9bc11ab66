"""``/api/keys``: the keys of a workspace, made by its administrators."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.key_making import (
    KeyList,
    KeyView,
    NewKeyBody,
    NewKeyView,
    RotateKeyBody,
    key_views,
)
from signoff.gateway.people.workspace_keys import (
    find_key,
    make_workspace_key,
    revoke_workspace_key,
    rotate_workspace_key,
    workspace_keys,
)

_EXAMPLE: Final = {
    "id": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "nightly import",
    "workspaceId": "00000000-0000-0000-0000-000000000000",
    "userId": None,
    "roles": ["write"],
    "createdAt": "2026-07-26T09:00:00.000000Z",
    "expiresAt": "2027-07-26T09:00:00.000000Z",
    "lastUsedAt": None,
}
_TAG: Final = "API keys"


async def list_keys(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/keys``."""
    return answer(await workspace_keys(request, caller, read_query(request, PageQuery)))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/keys``."""
    body = convert(await read_object(request), NewKeyBody)
    return answer(await make_workspace_key(request, caller, body), status=201, headers=NO_STORE)


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/keys/{keyId}``."""
    key_id, _ = find_key(request, caller)
    (view,) = await key_views(request, [key_id])
    return answer(view)


async def rotate(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/keys/{keyId}/rotate``: whoever is shown the secret may do what the key may."""
    body = convert(await read_object(request), RotateKeyBody)
    return answer(await rotate_workspace_key(request, caller, body), headers=NO_STORE)


async def revoke(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/keys/{keyId}``."""
    await revoke_workspace_key(request, caller)
    return web.Response(status=204)


ROUTES: Final = (
    Route(
        method="GET", path="/api/keys", handler=list_keys, operation="keys:manage",
        name="listKeys", summary="The workspace's API keys, without their secrets.", tag=_TAG,
        query=PageQuery,
        answers={200: Answer(
            body=KeyList, description="A page of keys.", example={"keys": [_EXAMPLE], "nextCursor": None},
        )},
    ),
    Route(
        method="POST", path="/api/keys", handler=create, operation="keys:manage",
        name="createKey", summary="Make an API key of the workspace.", tag=_TAG,
        description="Its secret is in this answer and nowhere else. "
        "Nobody grants roles that they do not have.",
        headers=CommandHeaders, body=NewKeyBody, body_required=True,
        body_example={"name": "nightly import", "roles": ["write"], "expiresInSeconds": 31536000},
        answers={201: Answer(
            body=NewKeyView, description="The key with its secret.",
            example={**_EXAMPLE, "key": "signoff_k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3y"},
        )},
        errors={409: "The `Idempotency-Key` was used for something else, or too long ago."},
    ),
    Route(
        method="GET", path="/api/keys/{keyId}", handler=show, operation="keys:manage",
        name="getKey", summary="An API key of the workspace, without its secret.", tag=_TAG,
        answers={200: Answer(body=KeyView, description="The key.", example=_EXAMPLE)},
    ),
    Route(
        method="DELETE", path="/api/keys/{keyId}", handler=revoke, operation="keys:manage",
        name="revokeKey", summary="Let an API key be good for nothing from now on.", tag=_TAG,
        headers=CommandHeaders, answers={204: Answer(description="It is revoked.")},
    ),
    Route(
        method="POST", path="/api/keys/{keyId}/rotate", handler=rotate, operation="keys:manage",
        name="rotateKey", summary="Give an API key another secret.", tag=_TAG,
        description="The secret before stays good for `overlapSeconds`; the one before that ends now.",
        headers=CommandHeaders, body=RotateKeyBody, body_example={"overlapSeconds": 3600},
        answers={200: Answer(
            body=NewKeyView, description="The key with its new secret.",
            example={**_EXAMPLE, "key": "signoff_n3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3wn3w"},
        )},
        errors={409: "The `Idempotency-Key` was used for something else, or too long ago."},
    ),
)  # fmt: skip
