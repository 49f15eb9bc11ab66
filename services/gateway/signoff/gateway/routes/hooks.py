"""``/api/hooks``: who is told of what happens in the workspace's executions."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.types import Json
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.hooks.schemas import HookBody, HookCreated, HookList, HookShown, HookTested, NewHookBody
from signoff.gateway.hooks.setting import (
    hook_of,
    hooks_of,
    make_hook,
    remove_hook,
    rotate_secret,
    set_hook,
)
from signoff.gateway.hooks.trials import send_test
from signoff.gateway.http.bodies import read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import NoQuery, read_query
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route


async def list_hooks(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/hooks``."""
    read_query(request, NoQuery)
    return answer(HookList(hooks=await hooks_of(request.app[GATEWAY], caller)))


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/hooks/{hook}``."""
    return answer(await hook_of(request, caller))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/hooks``: a new webhook, whose secret is shown this once."""
    return answer(await make_hook(request, caller, await read_object(request)), status=201, headers=NO_STORE)


async def put(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/hooks/{hook}``: the webhook as it is from now on."""
    return answer(await set_hook(request, caller, await read_object(request)))


async def rotate(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/hooks/{hook}/rotate``: a new secret; the one before signs for a day more."""
    return answer(await rotate_secret(request, caller), headers=NO_STORE)


async def remove(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/hooks/{hook}``."""
    await remove_hook(request, caller)
    return web.Response(status=204)


async def test(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/hooks/{hook}/test``: an executor sends a test, on the way that deliveries go."""
    return answer(await send_test(request, caller))


_EXAMPLE: Final[Json] = {
    "hookId": "01997f3e-2a61-7c5b-9c1e-5f1d2a7b8c90",
    "url": "https://erp.example.org/signoff?•••",
    "types": ["execution:completed", "pause:opened"],
    "workflowIds": ["refund-approval"],
    "enabled": True,
    "setAt": "2026-05-04T09:30:00.000000Z",
    "previousSecretUntil": None,
}
_WITH_SECRET: Final[Json] = {**_EXAMPLE, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}
_BODY_EXAMPLE: Final[Json] = {
    "url": "https://erp.example.org/signoff?tenant=7",
    "types": ["execution:completed", "pause:opened"],
    "workflowIds": ["refund-approval"],
}
_NAMES: Final = {"hook": "The webhook's `hookId`."}
_NONE: Final = {404: "No such webhook."}
_TAG: Final = "Outgoing webhooks"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET", path="/api/hooks", handler=list_hooks, operation="hooks:manage", name="listHooks",
        summary="The workspace's outgoing webhooks.", tag=_TAG, query=NoQuery,
        answers={200: Answer(body=HookList, description="All, by id.", example={"hooks": [_EXAMPLE]})},
    ),
    Route(
        method="POST", path="/api/hooks", handler=create, operation="hooks:manage", name="createHook",
        summary="Make an outgoing webhook.",
        description="From now on it is told of the events that it names. The secret is shown this once.",
        tag=_TAG, headers=CommandHeaders, body=NewHookBody, body_required=True, body_example=_BODY_EXAMPLE,
        answers={201: Answer(body=HookCreated, description="It is made.", example=_WITH_SECRET)},
        errors={409: "The workspace has as many webhooks as it may have."},
    ),
    Route(
        method="GET", path="/api/hooks/{hook}", handler=show, operation="hooks:manage", name="getHook",
        summary="An outgoing webhook.", tag=_TAG, names=_NAMES,
        answers={200: Answer(body=HookShown, description="The webhook.", example=_EXAMPLE)}, errors=_NONE,
    ),
    Route(
        method="PUT", path="/api/hooks/{hook}", handler=put, operation="hooks:manage", name="setHook",
        summary="Set an outgoing webhook anew.", tag=_TAG, names=_NAMES, headers=CommandHeaders,
        body=HookBody, body_required=True, body_example={"types": [], "enabled": False},
        answers={200: Answer(body=HookShown, description="It is set.", example=_EXAMPLE)},
        errors={**_NONE, 409: "Another request has just set it."},
    ),
    Route(
        method="DELETE", path="/api/hooks/{hook}", handler=remove, operation="hooks:manage",
        name="removeHook", summary="Remove an outgoing webhook.",
        description="What it was still owed is let go.", tag=_TAG, names=_NAMES, headers=CommandHeaders,
        answers={204: Answer(description="It is gone.")}, errors=_NONE,
    ),
    Route(
        method="POST", path="/api/hooks/{hook}/rotate", handler=rotate, operation="hooks:manage",
        name="rotateHookSecret", summary="Give an outgoing webhook a new secret.",
        description="The secret before signs, too, for 24 hours more. The new one is shown this once.",
        tag=_TAG, names=_NAMES, headers=CommandHeaders,
        answers={200: Answer(body=HookCreated, description="The new secret.", example=_WITH_SECRET)},
        errors={**_NONE, 409: "Another request has just set it."},
    ),
    Route(
        method="POST", path="/api/hooks/{hook}/test", handler=test, operation="hooks:manage",
        name="testHook", summary="Send a signed test, and tell how it was answered.",
        description="An executor sends it, as it sends deliveries; also where the webhook is disabled.",
        tag=_TAG, names=_NAMES, headers=CommandHeaders,
        answers={
            200: Answer(
                body=HookTested, description="What the receiver made of it.",
                example={"delivered": True, "status": 204, "durationMs": 12.5, "error": None},
            )
        },
        errors=_NONE,
    ),
)  # fmt: skip
