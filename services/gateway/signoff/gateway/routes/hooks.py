"""``/api/hooks``: who is told of what happens in the workspace's executions."""

import asyncio
import time
from typing import Final, TypeVar

import structlog
from aiohttp import web
from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from signoff.access.callers import Principal
from signoff.access.directory import Hook
from signoff.access.errors import SealError
from signoff.access.hooks import HOOK_TYPES, HookRecords, Secret, Target, TrialAnswer, new_secret
from signoff.events.errors import RecordConflictError
from signoff.events.ids import new_id
from signoff.events.times import iso
from signoff.events.types import HookRemoved, HookSet, Json
from signoff.gateway.directory import change, done_before
from signoff.gateway.errors import ApiError, bad_field, unavailable
from signoff.gateway.gateway import GATEWAY, Gateway
from signoff.gateway.hooks.schemas import HookBody, HookCreated, HookList, HookShown, HookTested, NewHookBody
from signoff.gateway.hooks.urls import masked, read_url
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.first_answers import first_answer, keep_answer
from signoff.gateway.http.headers import CommandHeaders, idempotency_key
from signoff.gateway.http.queries import NoQuery, read_query
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.identity import fresh_id
from signoff.runtime.guard import Network, parse_networks

MISSING: Final = "Webhook not found"

_LOOK: Final = 0.1
_LOOKS: Final = 200
"""Looks at what became of a test: an executor looks each second, waits for a place, and for the answer."""

Body = TypeVar("Body", bound=HookBody)

_log = structlog.get_logger("signoff.gateway.hooks")


def kept_hooks(gateway: Gateway) -> HookRecords:
    """What is kept of webhooks."""
    return HookRecords(gateway.store.records, gateway.sealer)


def find_hook(request: web.Request, caller: Principal) -> tuple[str, Hook]:
    """The webhook that a path names, with its id.

    Raises:
        ApiError: 404.
    """
    hook_id = request.match_info["hook"]
    workspace = request.app[GATEWAY].directory.state.workspaces[str(caller.workspace_id)]
    if hook_id not in workspace.hooks:
        raise ApiError(404, MISSING)
    return hook_id, workspace.hooks[hook_id]


async def find_target(gateway: Gateway, caller: Principal, hook_id: str) -> tuple[Target, int]:
    """Where a webhook leads, with the version of its record.

    Raises:
        ApiError: 404, it was removed meanwhile; 500, its secret cannot be opened.
    """
    found = await _target(gateway, caller, hook_id)
    if found is None:
        raise ApiError(404, MISSING)
    return found


async def _target(gateway: Gateway, caller: Principal, hook_id: str) -> tuple[Target, int] | None:
    try:
        return await kept_hooks(gateway).target(caller.workspace_id, hook_id)
    except SealError as error:
        _log.error("a webhook cannot be used", hook=hook_id, reason=str(error))
        raise ApiError(500, f"The secret of webhook {hook_id} cannot be opened: remove it") from error


async def keep_target(
    gateway: Gateway, caller: Principal, hook_id: str, target: Target, *, expected: int
) -> None:
    """Keep where a webhook leads.

    Raises:
        ApiError: 409, another request has just set it.
    """
    try:
        await kept_hooks(gateway).keep_target(caller.workspace_id, hook_id, target, expected=expected)
    except RecordConflictError as error:
        raise ApiError(409, "The webhook was set by another request: look at it, then try again") from error


async def list_hooks(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/hooks``."""
    read_query(request, NoQuery)
    gateway = request.app[GATEWAY]
    hooks = sorted(gateway.directory.state.workspaces[str(caller.workspace_id)].hooks.items())
    shown = []
    for hook_id, hook in hooks:
        found = await _target(gateway, caller, hook_id)
        if found is not None:  # else another request is removing it
            shown.append(_shown(hook_id, hook, found[0]))
    return answer(HookList(hooks=shown))


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/hooks/{hook}``."""
    hook_id, hook = find_hook(request, caller)
    target, _ = await find_target(request.app[GATEWAY], caller, hook_id)
    return answer(_shown(hook_id, hook, target))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/hooks``: a new webhook, whose secret is shown this once."""
    gateway = request.app[GATEWAY]
    given = await read_object(request)
    body = _read_body(given, NewHookBody)
    url = read_url(body.url, _networks(gateway))
    hook_id = fresh_id(request, caller)
    # With the key of an earlier request the same webhook is answered again, with its secret.
    found = await kept_hooks(gateway).target(caller.workspace_id, hook_id)
    if found is None:
        target = Target(url=str(url), secrets=[Secret(new_secret())], created_at=gateway.clock())
        await keep_target(gateway, caller, hook_id, target, expected=0)
    else:
        target = found[0]
    hook = await _set(request, caller, hook_id, _Setting(str(url.host), body, given))
    return answer(_with_secret(hook_id, hook, target), status=201, headers=NO_STORE)


async def put(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/hooks/{hook}``: the webhook as it is from now on."""
    gateway = request.app[GATEWAY]
    hook_id, hook = find_hook(request, caller)
    given = await read_object(request)
    body = _read_body(given, HookBody)
    target, version = await find_target(gateway, caller, hook_id)
    host = hook.host
    if body.url is not UNSET:
        url = read_url(body.url, _networks(gateway))
        target, host = replace(target, url=str(url)), str(url.host)
        await keep_target(gateway, caller, hook_id, target, expected=version)
    hook = await _set(request, caller, hook_id, _Setting(host, body, given))
    return answer(_shown(hook_id, hook, target))


async def rotate(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/hooks/{hook}/rotate``: a new secret; the one before signs for a day more."""
    gateway = request.app[GATEWAY]
    hook_id, hook = find_hook(request, caller)
    target, version = await find_target(gateway, caller, hook_id)
    key = idempotency_key(request.headers)
    if key is None or key != target.rotated_by:
        target = target.rotated(gateway.clock(), by=key)
        await keep_target(gateway, caller, hook_id, target, expected=version)
    # That it was set anew is how executors know that there is another secret.
    body = HookBody(types=hook.types, workflow_ids=hook.workflow_ids, enabled=hook.enabled)
    hook = await _set(request, caller, hook_id, _Setting(hook.host, body, None))
    return answer(_with_secret(hook_id, hook, target), headers=NO_STORE)


async def remove(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/hooks/{hook}``: nothing is sent there any more; what it is still owed is let go."""
    hook_id = request.match_info["hook"]
    if not done_before(request, caller):
        find_hook(request, caller)
        fact = HookRemoved(actor=caller.actor, workspace_id=str(caller.workspace_id), hook_id=hook_id)
        await change(request, caller, [fact])
    await kept_hooks(request.app[GATEWAY]).drop_target(caller.workspace_id, hook_id)
    return web.Response(status=204)


async def test(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/hooks/{hook}/test``: an executor sends a test, on the way that deliveries go."""
    hook_id, _ = find_hook(request, caller)
    first = await first_answer(request, caller)
    if first is not None:
        return first.again("")
    gateway = request.app[GATEWAY]
    kept, key = kept_hooks(gateway), f"{hook_id}/test/{new_id()}"
    await kept.ask_trial(caller.workspace_id, key, now=gateway.clock())
    for _ in range(_LOOKS):
        tested = await kept.trial(caller.workspace_id, key)
        if tested is not None:
            return await keep_answer(request, caller, answer(_tested(tested)), digest="")
        await asyncio.sleep(_LOOK)
        find_hook(request, caller)  # nobody sends a test of one that was removed meanwhile
    raise unavailable("No executor has sent the test in time")


def _tested(tested: TrialAnswer) -> HookTested:
    return HookTested(**asdict(tested))


def _read_body(given: Json, kind: type[Body]) -> Body:
    body = convert(given, kind)
    unknown = sorted(set(body.types) - HOOK_TYPES)
    if unknown:
        raise bad_field("types", f"names no event of an execution: {', '.join(unknown)}")
    return body


class _Setting(Struct, frozen=True):
    """What is to be set, and what the caller gave."""

    host: str
    body: HookBody
    given: Json


async def _set(request: web.Request, caller: Principal, hook_id: str, setting: _Setting) -> Hook:
    body = setting.body
    workspace_id = str(caller.workspace_id)
    fact = HookSet(
        actor=caller.actor,
        workspace_id=workspace_id,
        hook_id=hook_id,
        host=setting.host,
        types=sorted(set(body.types)),
        workflow_ids=sorted(set(body.workflow_ids)),
        enabled=body.enabled,
    )
    await change(request, caller, [fact], body=setting.given)
    hook = request.app[GATEWAY].directory.state.workspaces[workspace_id].hooks.get(hook_id)
    if hook is None:
        raise ApiError(404, MISSING)  # removed at the same time
    return hook


def _shown(hook_id: str, hook: Hook, target: Target) -> HookShown:
    until = next((each.until for each in target.secrets if each.until is not None), None)
    return HookShown(
        hook_id=hook_id,
        url=masked(target.url),
        types=hook.types,
        workflow_ids=hook.workflow_ids,
        enabled=hook.enabled,
        set_at=iso(hook.set_at),
        previous_secret_until=None if until is None or until <= time.time() else iso(until),
    )


def _with_secret(hook_id: str, hook: Hook, target: Target) -> HookCreated:
    return HookCreated(**asdict(_shown(hook_id, hook, target)), secret=target.secrets[0].key)


def _networks(gateway: Gateway) -> tuple[Network, ...]:
    return parse_networks(",".join(gateway.settings.allow_private_networks))


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
