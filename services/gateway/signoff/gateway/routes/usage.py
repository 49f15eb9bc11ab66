"""``GET /api/users/me/usage-limits``: where the caller stands (Sim's route)."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.usage import UsageLimits, limits_of


async def usage_limits(request: web.Request, caller: Principal) -> web.Response:
    """Where the caller stands; asking counts as reading, and nothing else."""
    return answer(await limits_of(request, caller))


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
