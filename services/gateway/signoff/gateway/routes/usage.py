"""``GET /api/users/me/usage-limits``: where the caller stands (Sim's route)."""

import time
from typing import Final, Literal

from aiohttp import web
from msgspec import Struct, field

from signoff.access.callers import Principal
from signoff.access.limits import Standing
from signoff.events.times import iso
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route


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


async def usage_limits(request: web.Request, caller: Principal) -> web.Response:
    """Where the caller stands; asking counts as reading, and nothing else."""
    limits = request.app[GATEWAY].limits
    standings = RateStandings(
        sync=_shown(await limits.standing(caller, "sync")),
        is_async=_shown(await limits.standing(caller, "async")),
        auth_type="manual" if caller.auth_method == "session" else "api",
    )
    return answer(UsageLimits(rate_limit=standings, usage=Usage()))


def _shown(standing: Standing | None) -> RateStanding:
    if standing is None:
        return RateStanding(is_limited=False, limit=None, remaining=None, reset_at=iso(time.time()))
    return RateStanding(
        is_limited=standing.remaining < 1,
        limit=standing.limit,
        remaining=standing.remaining,
        reset_at=iso(standing.reset_at),
    )


_EXAMPLE: Final = {
    "success": True,
    "rateLimit": {
        "sync": {"isLimited": False, "limit": 600, "remaining": 598, "resetAt": "2026-11-23T10:00:00Z"},
        "async": {"isLimited": False, "limit": None, "remaining": None, "resetAt": "2026-11-23T10:00:00Z"},
        "authType": "api",
    },
    "usage": {"currentPeriodCost": 0.0, "limit": None, "plan": "self-hosted"},
}  # fmt: skip

ROUTES: Final = (
    Route(
        method="GET",
        path="/api/users/me/usage-limits",
        handler=usage_limits,
        operation="account:manage",
        name="getUsageLimits",
        summary="Where the caller stands with rate limits.",
        tag="Account",
        answers={200: Answer(body=UsageLimits, description="The caller's rates.", example=_EXAMPLE)},
    ),
)
