"""``POST /api/workflows/{id}/executions/{execution}/cancel``."""

from aiohttp import web

from signoff.access.keys import Principal
from signoff.events.types import CancelExecution
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.errors import refused
from signoff.gateway.gateway import GATEWAY, find_execution, shown_id
from signoff.gateway.headers import idempotency_key, traceparent
from signoff.gateway.responses import answer
from signoff.gateway.schemas import Cancelled

_ROUTE = "cancel"
_REASON = "Workflow execution was cancelled"


async def cancel(request: web.Request, caller: Principal) -> web.Response:
    """Stop an execution; one that was stopped before says so."""
    gateway = request.app[GATEWAY]
    row = await find_execution(
        gateway,
        caller,
        request.match_info["execution"],
        workflow_id=request.match_info["id"],
        missing="Execution not found",
    )
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
        outcome = await call.outcome()
    if outcome.refusal is not None and outcome.refusal.code == "ALREADY_CANCELLED":
        return answer(Cancelled(execution_id=shown_id(row), reason="already_cancelled"))
    if outcome.outcome == "refused":
        raise refused(outcome)
    return answer(Cancelled(execution_id=shown_id(row), reason="recorded"))
