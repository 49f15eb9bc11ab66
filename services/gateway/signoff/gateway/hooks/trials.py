"""Tests of a webhook, sent on the way that deliveries go."""

import asyncio
from typing import Final

from aiohttp import web
from msgspec.structs import asdict

from signoff.access.callers import Principal
from signoff.events.ids import new_id
from signoff.gateway.errors import unavailable
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.hooks.schemas import HookTested
from signoff.gateway.hooks.setting import find_hook, kept_hooks
from signoff.gateway.http.first_answers import told_once

_LOOK: Final = 0.1
_LOOKS: Final = 200
"""Looks at what became of a test: an executor looks each second, waits for a place, and for the answer."""


async def send_test(request: web.Request, caller: Principal) -> HookTested:
    """Let an executor send a test to the webhook that a path names by ``hook``, and wait for its answer.

    With an ``Idempotency-Key`` it is sent once however often it is asked for.

    Raises:
        ApiError: 404; 503, no executor has sent it in time.
    """
    hook_id, _ = find_hook(request, caller)
    return await told_once(request, caller, lambda: _try(request, caller, hook_id), HookTested, digest="")


async def _try(request: web.Request, caller: Principal, hook_id: str) -> HookTested:
    gateway = request.app[GATEWAY]
    kept, key = kept_hooks(gateway), f"{hook_id}/test/{new_id()}"
    await kept.ask_trial(caller.workspace_id, key, now=gateway.clock())
    for _ in range(_LOOKS):
        tested = await kept.trial(caller.workspace_id, key)
        if tested is not None:
            return HookTested(**asdict(tested))
        await asyncio.sleep(_LOOK)
        find_hook(request, caller)  # nobody sends a test of one that was removed meanwhile
    raise unavailable("No executor has sent the test in time")
