"""``/api/keys``: the keys of a workspace, made by its administrators."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.access.directory import Key, user_behind
from signoff.gateway.directory import done_before
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.identity import PageQuery, page_of
from signoff.gateway.people.key_making import (
    MISSING,
    KeyList,
    KeyView,
    NewKeyBody,
    NewKeyView,
    RotateKeyBody,
    check_roles,
    key_views,
    make_key,
    revoke_key,
    rotate_key,
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
    workspace_id = str(caller.workspace_id)
    keys = request.app[GATEWAY].directory.state.keys
    ids = (key_id for key_id, key in keys.items() if _is_here(key, workspace_id))
    page, cursor = page_of(ids, read_query(request, PageQuery))
    return answer(KeyList(keys=await key_views(request, page), next_cursor=cursor))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/keys``."""
    body = convert(await read_object(request), NewKeyBody)
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


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/keys/{keyId}``."""
    key_id, _ = _find(request, caller)
    (view,) = await key_views(request, [key_id])
    return answer(view)


async def rotate(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/keys/{keyId}/rotate``: whoever is shown the secret may do what the key may."""
    body = convert(await read_object(request), RotateKeyBody)
    key_id, key = _find(request, caller)
    check_roles(caller, key.roles)
    return await rotate_key(request, caller, key_id, body)


async def revoke(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/keys/{keyId}``."""
    if not done_before(request, caller):
        _find(request, caller)
    return await revoke_key(request, caller, request.match_info["keyId"])


def _find(request: web.Request, caller: Principal) -> tuple[str, Key]:
    key_id = request.match_info["keyId"]
    key = request.app[GATEWAY].directory.state.keys.get(key_id)
    if key is None or not _is_here(key, str(caller.workspace_id)):
        raise ApiError(404, MISSING)
    return key_id, key


def _is_here(key: Key, workspace_id: str) -> bool:
    return key.user_id is None and key.workspace_id == workspace_id


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
