"""Outgoing webhooks: made, set, given another secret, removed."""

import time
from typing import Final, TypeVar

import structlog
from aiohttp import web
from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from signoff.access.callers import Principal
from signoff.access.directory.fold import Hook
from signoff.access.errors import SealError
from signoff.access.hooks import HOOK_TYPES, HookRecords, Secret, Target, new_secret
from signoff.events.errors import RecordConflictError
from signoff.events.times import iso
from signoff.events.types import HookRemoved, HookSet, Json
from signoff.gateway.directory import change, done_before, workspace_of
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY, Gateway
from signoff.gateway.hooks.schemas import HookBody, HookCreated, HookShown, NewHookBody
from signoff.gateway.hooks.urls import masked, read_url
from signoff.gateway.http.bodies import convert
from signoff.gateway.http.headers import idempotency_key
from signoff.gateway.people.identity import fresh_id
from signoff.runtime.guard import Network, parse_networks

MISSING: Final = "Webhook not found"

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
    workspace = workspace_of(request, caller)
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


async def hooks_of(gateway: Gateway, caller: Principal) -> list[HookShown]:
    """The webhooks of the caller's workspace, by id.

    Raises:
        ApiError: 500, the secret of one cannot be opened.
    """
    hooks = sorted(gateway.directory.state.workspaces[str(caller.workspace_id)].hooks.items())
    shown = []
    for hook_id, hook in hooks:
        found = await _target(gateway, caller, hook_id)
        if found is not None:  # else another request is removing it
            shown.append(_shown(hook_id, hook, found[0]))
    return shown


async def hook_of(request: web.Request, caller: Principal) -> HookShown:
    """The webhook that a path names by ``hook``.

    Raises:
        ApiError: 404; 500, its secret cannot be opened.
    """
    hook_id, hook = find_hook(request, caller)
    target, _ = await find_target(request.app[GATEWAY], caller, hook_id)
    return _shown(hook_id, hook, target)


async def make_hook(request: web.Request, caller: Principal, given: Json) -> HookCreated:
    """Make a webhook of the caller's workspace, with its secret, which is shown once.

    Raises:
        ApiError: 400, `given` is no `NewHookBody`; 409, there are too many.
    """
    gateway = request.app[GATEWAY]
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
    return _with_secret(hook_id, hook, target)


async def set_hook(request: web.Request, caller: Principal, given: Json) -> HookShown:
    """Set the webhook that a path names by ``hook`` anew.

    Raises:
        ApiError: 400, `given` is no `HookBody`; 404; 409, another request has just set it.
    """
    gateway = request.app[GATEWAY]
    hook_id, hook = find_hook(request, caller)
    body = _read_body(given, HookBody)
    target, version = await find_target(gateway, caller, hook_id)
    host = hook.host
    if body.url is not UNSET:
        url = read_url(body.url, _networks(gateway))
        target, host = replace(target, url=str(url)), str(url.host)
        await keep_target(gateway, caller, hook_id, target, expected=version)
    hook = await _set(request, caller, hook_id, _Setting(host, body, given))
    return _shown(hook_id, hook, target)


async def rotate_secret(request: web.Request, caller: Principal) -> HookCreated:
    """Give the webhook that a path names by ``hook`` a new secret, which is shown once.

    Raises:
        ApiError: 404; 409, another request has just set it.
    """
    gateway = request.app[GATEWAY]
    hook_id, hook = find_hook(request, caller)
    target, version = await find_target(gateway, caller, hook_id)
    key = idempotency_key(request)
    if key is None or key != target.rotated_by:
        target = target.rotated(gateway.clock(), by=key)
        await keep_target(gateway, caller, hook_id, target, expected=version)
    # That it was set anew is how executors know that there is another secret.
    body = HookBody(types=hook.types, workflow_ids=hook.workflow_ids, enabled=hook.enabled)
    hook = await _set(request, caller, hook_id, _Setting(hook.host, body, None))
    return _with_secret(hook_id, hook, target)


async def remove_hook(request: web.Request, caller: Principal) -> None:
    """Remove the webhook that a path names by ``hook``: what it is still owed is let go.

    Raises:
        ApiError: 404.
    """
    hook_id = request.match_info["hook"]
    if not done_before(request, caller):
        find_hook(request, caller)
        fact = HookRemoved(actor=caller.actor, workspace_id=str(caller.workspace_id), hook_id=hook_id)
        await change(request, caller, [fact])
    await kept_hooks(request.app[GATEWAY]).drop_target(caller.workspace_id, hook_id)


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
    fact = HookSet(
        actor=caller.actor,
        workspace_id=str(caller.workspace_id),
        hook_id=hook_id,
        host=setting.host,
        types=sorted(set(body.types)),
        workflow_ids=sorted(set(body.workflow_ids)),
        enabled=body.enabled,
    )
    await change(request, caller, [fact], body=setting.given)
    hook = workspace_of(request, caller).hooks.get(hook_id)
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
