"""``POST /api/resume/{id}/{execution}/{context}``: a decision on a pause point."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.engine.pauses import form_of, normalise_input
from signoff.engine.values import parse_json
from signoff.events.store.base import ExecutionRow
from signoff.events.types import ExecutionResumed, Json, Outcome, ResumeExecution, ResumeQueued
from signoff.gateway.commands import Asked, command_id_of, request_digest
from signoff.gateway.errors import ApiError, GatewayError, refused
from signoff.gateway.executions.answers import queued_answer, resume_answer
from signoff.gateway.executions.chunks import CHUNKS, stream_run
from signoff.gateway.executions.endings import Ending
from signoff.gateway.executions.file_inputs import FileInputs, file_fields, may_hold_files
from signoff.gateway.executions.history import fold, read_event
from signoff.gateway.gateway import END_GRACE, GATEWAY, Gateway, find_execution
from signoff.gateway.http.bodies import check_storable, read_json
from signoff.gateway.http.headers import DecisionHeaders, idempotency_key, seen_digest, traceparent
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import Queued, Resumed, ResumeQueuedAnswer, ResumeStarted
from signoff.gateway.taken import taken_up
from signoff.gateway.waiting import Call

_UNKNOWN = "Paused execution not found or already resumed"


class Decided(Struct, frozen=True, kw_only=True):
    """What a decision led to.

    Attributes:
        run_id: of the run that it begins.
        queue_position: where it waits for its turn, if another run is under way.
        ending: how its run ended, where the caller waits for that.
    """

    run_id: str
    queue_position: int | None = None
    ending: Ending | None = None


async def resume(request: web.Request, caller: Principal) -> web.StreamResponse:
    """Take a decision, and answer in the mode that the execution began in; a browser is not kept waiting."""
    gateway = request.app[GATEWAY]
    body = await read_json(request)
    row = await find_paused(request, caller, request.match_info["execution"])
    in_browser = caller.auth_method == "session"
    decided = await decide(
        request, caller, row, context_id=request.match_info["context"], body=body, wait=not in_browser
    )
    run_id = decided.run_id
    if decided.queue_position is not None:
        queued = ResumeQueuedAnswer(execution_id=run_id, queue_position=decided.queue_position)
        return answer(queued, headers={"X-Execution-Id": run_id})
    if in_browser:
        return answer(ResumeStarted(execution_id=run_id), headers={"X-Execution-Id": run_id})
    if decided.ending is not None:
        return resume_answer(decided.ending, run_id)
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


async def find_paused(request: web.Request, caller: Principal, execution_id: str) -> ExecutionRow:
    """The execution of the path's workflow that somebody wants to decide on.

    Raises:
        ApiError: 404.
    """
    return await find_execution(
        request.app[GATEWAY],
        caller,
        execution_id,
        workflow_id=request.match_info["id"],
        missing=_UNKNOWN,
    )


async def decide(
    request: web.Request,
    caller: Principal,
    row: ExecutionRow,
    *,
    context_id: str,
    body: Json,
    wait: bool = True,
) -> Decided:
    """Take a decision; of an execution that began synchronously, wait for the end of the run that follows.

    Args:
        request: has further headers.
        caller: who decides.
        row: of the execution.
        context_id: of the pause point.
        body: the input, or an object with ``input``.
        wait: for the end of the run, as said above.

    Raises:
        ApiError: it was refused, or its outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    key = idempotency_key(request.headers)
    seen = seen_digest(request.headers)
    actor = caller.actor  # another person with the same key must not be told this one's decision as theirs
    route = f"resume/{context_id}/{actor.type}/{actor.id}"
    given, named = _input(body), body
    if await gateway.form_inputs.may_hold_secrets(row):
        data = ResumeExecution(context_id=context_id, seen_digest=seen)
        command_id = str(command_id_of(row.log_id, route, key))
        given = named = await _without_secrets(gateway, row, data, given, command_id)
    asked = Asked(
        principal=caller,
        route=route,
        key=key,
        digest=None if key is None else request_digest(route, [named, seen]),
        traceparent=traceparent(request.headers),
    )
    given = await _with_files(gateway, row, context_id, given)
    data = ResumeExecution(context_id=context_id, input=given, seen_digest=seen)
    call = await gateway.commands.send(
        data, asked, log_id=row.log_id, execution_id=row.execution_id, after=row.version
    )
    with call:
        outcome = await _first_outcome(gateway, row, call)
        run_id = _run_id(outcome)
        if outcome.outcome == "queued":
            return Decided(run_id=run_id, queue_position=outcome.queue_position or 1)
        if row.mode != "sync" or not wait:
            return Decided(run_id=run_id)
        ended = await call.ended(within=gateway.settings.sync_timeout + END_GRACE)
    ending = await gateway.endings.of(row.workspace_id, row.log_id, ended)
    return Decided(run_id=run_id, ending=ending)


def _input(body: Json) -> dict[str, Json]:
    """The input of a decision as an object; JSON inside a text is as good as JSON, and checked as such."""
    given = body.get("input") if isinstance(body, dict) else None
    given = body if given is None else given  # null counts as left out, as in Sim
    if isinstance(given, str):
        given = check_storable(parse_json(given, fallback=given))
        return {"value": given} if isinstance(given, str) and given else normalise_input(given)
    return normalise_input(given)


async def _without_secrets(
    gateway: Gateway, row: ExecutionRow, data: ResumeExecution, given: dict[str, Json], command_id: str
) -> dict[str, Json]:
    """The input with references to its secrets, which are kept. No digest and no command has them.

    Raises:
        ApiError: it is refused, as an executor would by what the log says; no secret is left behind.
    """
    sealed = await gateway.form_inputs.seal(row, data, given, command_id=command_id)
    if sealed.refusal is not None:
        outcome = Outcome(
            command_id=command_id,
            execution_id=row.execution_id or str(row.log_id),
            outcome="refused",
            refusal=sealed.refusal,
        )
        raise await _refused(gateway, row, outcome)
    return sealed.input


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
    if outcome.outcome == "refused":
        raise await _refused(gateway, row, outcome)
    return outcome


async def _refused(gateway: Gateway, row: ExecutionRow, outcome: Outcome) -> ApiError:
    """The refusal of a decision, with whoever was first."""
    error = refused(outcome)
    winner = None if outcome.refusal is None else outcome.refusal.winning_event_id
    if winner is not None:
        error.fields = {**error.fields, **await _winner(gateway, row, winner)}
    return error


async def _winner(gateway: Gateway, row: ExecutionRow, event_id: int) -> dict[str, Json]:
    """Who decided, and when."""
    event, _ = await read_event(gateway.store, row.log_id, event_id)
    if isinstance(event.data, (ExecutionResumed, ResumeQueued)):
        return {"resumedBy": event.data.actor, "resumedAt": event.timestamp}
    return {}


def _run_id(outcome: Outcome) -> str:
    if outcome.resume_execution_id is None:
        raise GatewayError(f"resume {outcome.command_id} was accepted without a run")
    return outcome.resume_execution_id


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/resume/{id}/{execution}/{context}",
        handler=resume,
        operation="pauses:decide",
        name="resumeExecution",
        summary="Decide what a pause point waits for.",
        description="The answer comes in the mode that the execution was started in. Where it was started "
        "synchronously it tells how the resumed run ended, also when that failed. What is refused leaves the "
        "pause as it was.",
        tag="Pauses",
        headers=DecisionHeaders,
        body=Json,
        body_note="The submission, or `{input}` with it.",
        body_example={"input": {"approved": True}},
        answers={
            200: Answer(
                body=Resumed | ResumeQueuedAnswer | ResumeStarted,
                description="The run ended, or waits behind another decision; with a session: it began.",
                headers={"X-Execution-Id": "The resumed run's id."},
                example={
                    "success": True,
                    "status": "completed",
                    "executionId": "5b0f6d0e-6a0c-5d8e-9a51-2b8f0e9d7c11",
                    "output": {"refunded": True},
                    "error": None,
                    "metadata": {
                        "duration": 40,
                        "startTime": "2026-07-26T09:05:00.000000Z",
                        "endTime": "2026-07-26T09:05:00.040000Z",
                    },
                },
                streamed=CHUNKS,
            ),
            202: Answer(
                body=Queued,
                description="The execution was started asynchronously, and so goes on.",
                headers={"X-Execution-Id": "The resumed run's id."},
            ),
        },
        errors={
            409: "The point is decided, or its execution has ended.",
            412: "The content is another one than the one named by `If-Match`; `contentDigest` names it.",
            422: "The submission does not fit the form: `details` has each field.",
        },
        rate="sync",
    ),
)
