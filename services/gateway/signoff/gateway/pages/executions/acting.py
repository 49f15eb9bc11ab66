"""What is done to an execution from its page: it is stopped, tried again, run again, or forked."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.store.base import ExecutionRow
from signoff.events.types import ExecutionStarted, Json
from signoff.gateway.errors import ApiError, GatewayError, bad_field, refused
from signoff.gateway.executions.forking import begin_fork
from signoff.gateway.executions.history import read_event
from signoff.gateway.executions.life_schemas import ForkBody
from signoff.gateway.executions.retrying import try_again
from signoff.gateway.executions.starting import begin, read_wanted
from signoff.gateway.executions.stopping import stop
from signoff.gateway.gateway import GATEWAY, Gateway, find_workflow, shown_id
from signoff.gateway.http.bodies import convert, read_form
from signoff.gateway.http.headers import run_headers
from signoff.gateway.pages.executions.addresses import path_of, path_to, row_of
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.once import take_key
from signoff.gateway.pages.site import see_other
from signoff.gateway.schemas import ExecuteBody, RetryBody, RunFromBlock


async def cancel(request: web.Request, caller: Principal) -> web.Response:
    """``POST /executions/{execution}/cancel``."""
    row = await row_of(request, caller)
    outcome = await stop(request, caller, row)
    if outcome.refusal is not None and outcome.refusal.code == "ALREADY_CANCELLED":
        return see_other(request, path_of(row), Message("It was cancelled before."))
    if outcome.outcome == "refused":
        raise refused(outcome)
    return see_other(request, path_of(row), Message("The execution is cancelled."))


async def retry(request: web.Request, caller: Principal) -> web.Response:
    """``POST /executions/{execution}/retry``: `reason`."""
    row = await row_of(request, caller)
    reason = (await _sent(request)).get("reason", "")
    await try_again(request, caller, row, RetryBody(reason=reason), {"reason": reason})
    return see_other(request, path_of(row), Message("It is tried again, from what failed."))


async def run_again(request: web.Request, caller: Principal) -> web.Response:
    """``POST /executions/{execution}/runs``: from `block` on; without, all of it with the same input."""
    row = await row_of(request, caller)
    gateway = request.app[GATEWAY]
    block = (await _sent(request)).get("block", "")
    workflow = await find_workflow(gateway, caller, row.workflow_id)
    if not workflow.is_deployed:
        raise ApiError(403, "Workflow is not deployed")
    from_block = RunFromBlock(start_block_id=block, execution_id=shown_id(row)) if block else None
    body = ExecuteBody(trigger_type="manual", run_from_block=from_block)
    run_input = {} if block else await _input_of(gateway, row)
    headers = run_headers(request.headers, mode="async", timeout=None)
    await gateway.limits.count(request, caller, headers.rate)
    wanted = await read_wanted(
        request, caller, workflow, headers,
        body=body, given={"again": str(row.log_id), "from": block}, run_input=run_input,
    )  # fmt: skip
    await begin(gateway, workflow, wanted)
    return see_other(request, path_to(wanted.shown_id), Message("The run has begun."))


async def fork(request: web.Request, caller: Principal) -> web.Response:
    """``POST /executions/{execution}/forks``: `eventId` and `reason`; the fork acts."""
    row = await row_of(request, caller)
    sent = await _sent(request)
    event = sent.get("eventId", "")
    if not event.isascii() or not event.isdigit():
        raise bad_field("eventId", "must be the number of an event")
    given = {"eventId": int(event), "mode": "live", "reason": sent.get("reason", "")}
    forked = await begin_fork(request, caller, row, convert(given, ForkBody), given)
    return see_other(
        request, path_to(forked.execution_id), Message(f"The fork has begun, after event {event}.")
    )


async def _sent(request: web.Request) -> dict[str, str]:
    """The fields of a form; sent twice, it is done once."""
    posted = await read_form(request)
    take_key(request, posted)
    return {name: value.strip() for name, value in posted.items() if isinstance(value, str)}


async def _input_of(gateway: Gateway, row: ExecutionRow) -> Json:
    """The input of an execution, as it was given. No secret is in it: those are typed into forms of pauses.

    Raises:
        BlobError: a large value cannot be read.
    """
    event, is_large = await read_event(gateway.store, row.log_id, 1)
    if not isinstance(event.data, ExecutionStarted):
        raise GatewayError(f"log {row.log_id} does not begin with a start")
    if not is_large:
        return event.data.input
    return await gateway.blobs.resolve(event.data.input, workspace_id=row.workspace_id)
