"""How a failed execution is tried again."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.store.base import ExecutionRow
from signoff.events.types import Json, RetryExecution
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.errors import GatewayError, refused
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.headers import idempotency_key, traceparent
from signoff.gateway.schemas import RetryBody

_ROUTE = "retry"


async def try_again(
    request: web.Request, caller: Principal, row: ExecutionRow, body: RetryBody, given: dict[str, Json]
) -> str:
    """Begin a new run of a failed execution; gives its id.

    Args:
        request: of the caller.
        caller: who asks.
        row: of the execution.
        body: why.
        given: the body as it came: what a repetition with the same ``Idempotency-Key`` must say.

    Raises:
        ApiError: 409, it has not failed; or the outcome is unknown.
    """
    key = idempotency_key(request)
    asked = Asked(
        principal=caller,
        route=_ROUTE,
        key=key,
        digest=None if key is None else request_digest(_ROUTE, given),
        traceparent=traceparent(request.headers),
    )
    call = await request.app[GATEWAY].commands.send(
        RetryExecution(reason=body.reason),
        asked,
        log_id=row.log_id,
        execution_id=row.execution_id,
        after=row.version,
    )
    with call:
        outcome = await call.outcome()
    if outcome.outcome == "refused":
        raise refused(outcome)
    run_id = outcome.resume_execution_id
    if run_id is None:
        raise GatewayError(f"retry {outcome.command_id} was accepted without a run")
    return run_id
