"""``GET /api/executions/{execution}/held``: decisions that came before their pause point."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.inbox.held import HeldDecision, held_decisions


class HeldList(Struct, frozen=True, kw_only=True):
    """Decisions that came before their pause point, in the order in which they came."""

    held: list[HeldDecision]


async def held(request: web.Request, caller: Principal) -> web.Response:
    """Those that wait, and what became of the others."""
    row = await find_execution(
        request.app[GATEWAY], caller, request.match_info["execution"], missing="Execution not found"
    )
    return answer(HeldList(held=await held_decisions(request.app, row)))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/executions/{execution}/held",
        handler=held,
        operation="pauses:read",
        name="listHeldDecisions",
        summary="Decisions of an execution that came before their pause point.",
        tag="Inbox",
        answers={
            200: Answer(
                body=HeldList,
                description="Those that wait, and what became of the others.",
                example={
                    "held": [
                        {
                            "heldId": "0198c1f0-3333-7c1a-9f7e-1f2e3d4c5b6a",
                            "contextId": "approve",
                            "status": "held",
                            "by": {"id": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a", "name": "Ada"},
                            "heldAt": "2026-07-26T09:00:00.000000Z",
                            "expiresAt": "2026-08-02T09:00:00.000000Z",
                            "input": {"approved": True},
                            "reason": None,
                            "eventId": 4,
                        }
                    ]
                },
            )
        },
    ),
)
