"""How an execution is stopped."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.store.base import ExecutionRow
from signoff.events.types import CancelExecution, Outcome
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.headers import idempotency_key, traceparent

_ROUTE = "cancel"
NO_REASON = "Workflow execution was cancelled"
"""What is recorded where nobody says why."""


async def stop(request: web.Request, caller: Principal, row: ExecutionRow) -> Outcome:
    """Ask for an execution to be cancelled; gives what became of that.

    Raises:
        ApiError: its outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    key = idempotency_key(request)
    asked = Asked(
        principal=caller,
        route=_ROUTE,
        key=key,
        digest=None if key is None else request_digest(_ROUTE, None),
        traceparent=traceparent(request.headers),
    )
    call = await gateway.commands.send(
        CancelExecution(reason=NO_REASON),
        asked,
        log_id=row.log_id,
        execution_id=row.execution_id,
        after=row.version,
    )
    with call:
        return await call.outcome()
