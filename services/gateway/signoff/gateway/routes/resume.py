"""``POST /api/resume/{id}/{execution}/{context}``: a decision on a pause point."""

from aiohttp import web

from signoff.access.keys import Principal
from signoff.engine.pauses import form_of, normalise_input
from signoff.engine.values import parse_json
from signoff.events.store.base import ExecutionRow
from signoff.events.types import ExecutionResumed, Json, Outcome, ResumeExecution, ResumeQueued
from signoff.gateway.answers import queued_answer, resume_answer
from signoff.gateway.bodies import check_storable, read_json
from signoff.gateway.chunks import stream_run
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.errors import GatewayError, refused
from signoff.gateway.file_inputs import FileInputs, file_fields, may_hold_files
from signoff.gateway.gateway import END_GRACE, GATEWAY, Gateway, find_execution
from signoff.gateway.headers import idempotency_key, seen_digest, traceparent
from signoff.gateway.history import fold, read_event
from signoff.gateway.responses import answer
from signoff.gateway.schemas import ResumeQueuedAnswer
from signoff.gateway.taken import taken_up
from signoff.gateway.waiting import Call

_UNKNOWN = "Paused execution not found or already resumed"


async def resume(request: web.Request, caller: Principal) -> web.StreamResponse:
    """Take a decision, and answer in the mode that the execution began in."""
    gateway = request.app[GATEWAY]
    body = await read_json(request)
    row = await find_execution(
        gateway,
        caller,
        request.match_info["execution"],
        workflow_id=request.match_info["id"],
        missing=_UNKNOWN,
    )
    context_id = request.match_info["context"]
    key = idempotency_key(request.headers)
    seen = seen_digest(request.headers)
    route = f"resume/{context_id}"
    asked = Asked(
        principal=caller,
        route=route,
        key=key,
        digest=None if key is None else request_digest(route, [body, seen]),
        traceparent=traceparent(request.headers),
    )
    given = await _with_files(gateway, row, context_id, _input(body))
    data = ResumeExecution(context_id=context_id, input=given, seen_digest=seen)
    call = await gateway.commands.send(
        data, asked, log_id=row.log_id, execution_id=row.execution_id, after=row.version
    )
    with call:
        outcome = await _first_outcome(gateway, row, call)
        if outcome.outcome == "queued":
            return _queued(outcome)
        if row.mode == "sync":
            event_id = await call.ended(within=gateway.settings.sync_timeout + END_GRACE)
            ending = await gateway.endings.read(row.workspace_id, row.log_id, event_id)
            return resume_answer(ending, _run_id(outcome))
    run_id = _run_id(outcome)
    if row.mode == "async":
        return queued_answer(
            gateway.links, run_id=run_id, execution_id=run_id, message="Resume execution queued"
        )
    return await stream_run(
        request,
        gateway,
        workspace_id=row.workspace_id,
        log_id=row.log_id,
        run_id=run_id,
        shown_id=run_id,
    )


def _input(body: Json) -> dict[str, Json]:
    """The input of a decision as an object; JSON inside a text is as good as JSON, and checked as such."""
    given = body.get("input", body) if isinstance(body, dict) else body
    if isinstance(given, str):
        given = check_storable(parse_json(given, fallback=given))
        return {"value": given} if isinstance(given, str) and given else normalise_input(given)
    return normalise_input(given)


async def _with_files(
    gateway: Gateway, row: ExecutionRow, context_id: str, given: dict[str, Json]
) -> dict[str, Json]:
    """The input, its files stored; the form is read only where something looks like one."""
    if not may_hold_files(given, within="submission"):
        return given
    point = (await fold(gateway.store, row.log_id)).state.points.get(context_id)
    if point is None:
        return given  # the executor says what is wrong
    response = await gateway.blobs.resolve(point.response, workspace_id=row.workspace_id)
    fields = file_fields(form_of(response))
    return await FileInputs(gateway.files, row.workspace_id).keep(given, fields, within="submission")


async def _first_outcome(gateway: Gateway, row: ExecutionRow, call: Call) -> Outcome:
    """What became of the decision; for a retry, what became of it the first time.

    Raises:
        ApiError: it was refused.
    """
    outcome = await call.outcome()
    if outcome.outcome == "duplicate" and outcome.event_id is not None:
        event, _ = await read_event(gateway.store, row.log_id, outcome.event_id)
        outcome = taken_up(call.command, event) or outcome
        await gateway.waiting.look([call])  # its run may have ended long ago
    if outcome.outcome != "refused":
        return outcome
    error = refused(outcome)
    winner = None if outcome.refusal is None else outcome.refusal.winning_event_id
    if winner is not None:
        error.fields = {**error.fields, **await _winner(gateway, row, winner)}
    raise error


async def _winner(gateway: Gateway, row: ExecutionRow, event_id: int) -> dict[str, Json]:
    """Who decided, and when."""
    event, _ = await read_event(gateway.store, row.log_id, event_id)
    if isinstance(event.data, (ExecutionResumed, ResumeQueued)):
        return {"resumedBy": event.data.actor, "resumedAt": event.timestamp}
    return {}


def _queued(outcome: Outcome) -> web.Response:
    run_id = _run_id(outcome)
    return answer(
        ResumeQueuedAnswer(execution_id=run_id, queue_position=outcome.queue_position or 1),
        headers={"X-Execution-Id": run_id},
    )


def _run_id(outcome: Outcome) -> str:
    if outcome.resume_execution_id is None:
        raise GatewayError(f"resume {outcome.command_id} was accepted without a run")
    return outcome.resume_execution_id
