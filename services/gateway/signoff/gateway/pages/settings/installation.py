"""``/settings/installation``: what runs here, how it is, and what its checkpoints are signed with."""

import asyncio
import platform
from importlib.metadata import version
from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.audit.checkpoints.signing import Jwks
from signoff.gateway.executions.proving import checkpoint_keys
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.pages.settings.sections import show_section
from signoff.gateway.people.usage import limits_of
from signoff.runtime.health import HEALTH

_SHOWN: Final = ("signoff", "aiohttp", "aiokafka", "asyncpg", "msgspec")


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/installation``."""
    gateway = request.app[GATEWAY]
    state = gateway.directory.state
    keys: Jwks = checkpoint_keys(gateway)
    context = {
        "title": "Installation",
        "versions": await asyncio.to_thread(_versions),
        "readiness": await request.app[HEALTH].readiness(),
        "keys": keys.keys,
        "public_url": gateway.settings.public_url,
        "counts": {
            "Users": len(state.users),
            "Workspaces": sum(not each.closed for each in state.workspaces.values()),
            "API keys": len(state.keys),
        },
    }
    return await show_section(request, caller, "installation", context)


async def show_limits(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/limits``: where the caller stands."""
    limits = await limits_of(request, caller)
    context = {
        "title": "Limits",
        "rates": limits.rate_limit,
        "max_body": request.app[GATEWAY].settings.max_body,
    }
    return await show_section(request, caller, "limits", context)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in _SHOWN} | {"python": platform.python_version()}
