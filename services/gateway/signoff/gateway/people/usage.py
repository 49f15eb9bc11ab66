"""Where a caller stands with what is limited."""

import time
from typing import Literal

from aiohttp import web
from msgspec import Struct, field

from signoff.access.callers import Principal
from signoff.access.keys.limits import Standing
from signoff.events.times import iso
from signoff.gateway.gateway import GATEWAY


class RateStanding(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a caller stands with one rate. ``limit`` and ``remaining`` are null where there is no limit."""

    is_limited: bool
    limit: int | None
    remaining: int | None
    reset_at: str


class RateStandings(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a caller stands with executions that are waited for, and with others."""

    sync: RateStanding
    is_async: RateStanding = field(name="async")
    auth_type: Literal["api", "manual"]


class Usage(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is paid for: nothing, here. The members are Sim's."""

    current_period_cost: float = 0.0
    limit: float | None = None
    plan: Literal["self-hosted"] = "self-hosted"


class UsageLimits(Struct, frozen=True, kw_only=True, rename="camel"):
    """The rates of the caller."""

    success: Literal[True] = True
    rate_limit: RateStandings
    usage: Usage


async def limits_of(request: web.Request, caller: Principal) -> UsageLimits:
    """Where a caller stands with the rates of what they start."""
    limits = request.app[GATEWAY].limits
    standings = RateStandings(
        sync=_shown(await limits.standing(caller, "sync")),
        is_async=_shown(await limits.standing(caller, "async")),
        auth_type="manual" if caller.auth_method == "session" else "api",
    )
    return UsageLimits(rate_limit=standings, usage=Usage())


def _shown(standing: Standing | None) -> RateStanding:
    if standing is None:
        return RateStanding(is_limited=False, limit=None, remaining=None, reset_at=iso(time.time()))
    return RateStanding(
        is_limited=standing.remaining < 1,
        limit=standing.limit,
        remaining=standing.remaining,
        reset_at=iso(standing.reset_at),
    )
