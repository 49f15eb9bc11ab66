"""``POST /api/workflows/{id}/executions/{execution}/cancel``."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.errors import refused
from signoff.gateway.executions.stopping import stop
from signoff.gateway.gateway import GATEWAY, find_execution, shown_id
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import Cancelled


async def cancel(request: web.Request, caller: Principal) -> web.Response:
    """Stop an execution; one that was stopped before says so."""
    row = await find_execution(
        request.app[GATEWAY],
        caller,
        request.match_info["execution"],
        workflow_id=request.match_info["id"],
        missing="Execution not found",
    )
    outcome = await stop(request, caller, row)
    if outcome.refusal is not None and outcome.refusal.code == "ALREADY_CANCELLED":
        return answer(Cancelled(execution_id=shown_id(row), reason="already_cancelled"))
    if outcome.outcome == "refused":
        raise refused(outcome)
    return answer(Cancelled(execution_id=shown_id(row), reason="recorded"))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/workflows/{id}/executions/{execution}/cancel",
        handler=cancel,
        operation="executions:manage",
        name="cancelExecution",
        summary="Stop an execution that runs or waits.",
        tag="Executions",
        headers=CommandHeaders,
        answers={
            200: Answer(
                body=Cancelled,
                description="It is stopped, now or before.",
                example={"success": True, "executionId": "refund-1", "reason": "recorded"},
            )
        },
        errors={409: "It has ended."},
    ),
)
