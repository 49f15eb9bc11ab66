"""``POST /api/workflows/{id}/executions/{execution}/cancel``."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.store.base import ExecutionRow
from signoff.events.types import CancelExecution, Outcome
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.errors import refused
from signoff.gateway.gateway import GATEWAY, find_execution, shown_id
from signoff.gateway.http.headers import CommandHeaders, idempotency_key, traceparent
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import Cancelled

_ROUTE = "cancel"
_REASON = "Workflow execution was cancelled"


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


async def stop(request: web.Request, caller: Principal, row: ExecutionRow) -> Outcome:
    """Ask for an execution to be cancelled; gives what became of that.

    Raises:
        ApiError: its outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    key = idempotency_key(request.headers)
    asked = Asked(
        principal=caller,
        route=_ROUTE,
        key=key,
        digest=None if key is None else request_digest(_ROUTE, None),
        traceparent=traceparent(request.headers),
    )
    call = await gateway.commands.send(
        CancelExecution(reason=_REASON),
        asked,
        log_id=row.log_id,
        execution_id=row.execution_id,
        after=row.version,
    )
    with call:
        return await call.outcome()


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
