"""``POST /api/resume/{id}/{execution}/{context}``: a decision on a pause point."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.engine.points.decisions import PAGES
from signoff.events.store.base import ExecutionRow
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, GatewayError
from signoff.gateway.executions.answers import held_answer, queued_answer, recorded_answer, resume_answer
from signoff.gateway.executions.chunks import CHUNKS, stream_run
from signoff.gateway.executions.deciding import Decided, asking, decide
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.http.bodies import read_json
from signoff.gateway.http.headers import DecisionHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import (
    DecisionHeldAnswer,
    DecisionRecordedAnswer,
    Queued,
    Resumed,
    ResumeQueuedAnswer,
    ResumeStarted,
)

_UNKNOWN = "Paused execution not found or already resumed"

EARLY_LIFE: Final = 7 * 24 * 3600
"""Seconds for which a decision is kept that came before its pause point."""

_LONGEST: Final = 30 * 24 * 3600


class ResumeQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How a decision is taken.

    Attributes:
        retry: Take it anew on a point whose run failed (write permission). Without a body: what was
            submitted then.
        early: Keep it if its pause point has not opened yet, and take it when it does.
        expires_in_seconds: With `early`: how long it is kept.
    """

    retry: bool = False
    early: bool = False
    expires_in_seconds: Annotated[int, Meta(ge=1, le=_LONGEST)] = EARLY_LIFE


async def resume(request: web.Request, caller: Principal) -> web.StreamResponse:
    """Take a decision, and answer in the mode that the execution began in; a browser is not kept waiting."""
    gateway = request.app[GATEWAY]
    body = await read_json(request)
    query = read_query(request, ResumeQuery)
    if query.retry and not caller.may("executions:manage"):
        raise ApiError(403, "Trying a pause point again needs write permission")
    row = await find_paused(request, caller, request.match_info["execution"])
    asked = asking(
        request, caller, request.match_info["context"], body=body,
        retry=query.retry, hold_until=gateway.clock() + query.expires_in_seconds if query.early else None,
    )  # fmt: skip
    decided = await decide(request, caller, row, asked, body=body)
    run_id = decided.run_id
    if run_id is None:
        return without_run(decided)
    if decided.queue_position is not None:
        queued = ResumeQueuedAnswer(execution_id=run_id, queue_position=decided.queue_position)
        return answer(queued, headers={"X-Execution-Id": run_id})
    if caller.auth_method in PAGES:
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


def without_run(decided: Decided) -> web.Response:
    """The answer to a decision that begins no run: it counts among several, or its point has yet to open."""
    if decided.held is not None:
        return answer(held_answer(decided.held), status=202)
    if decided.recorded is None:
        raise GatewayError("a decision was accepted, and the log has neither it nor its run")
    return answer(recorded_answer(decided.recorded, decided.event_id or 0))


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
        query=ResumeQuery,
        headers=DecisionHeaders,
        body=Json,
        body_note="The submission, or `{input}` with it.",
        body_example={"input": {"approved": True}},
        answers={
            200: Answer(
                body=Resumed | ResumeQueuedAnswer | ResumeStarted | DecisionRecordedAnswer,
                description="The run ended, or waits behind another decision; on a page: it began. Where "
                "several people decide: it counts.",
                may_have={"X-Execution-Id": "The resumed run's id."},
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
                body=Queued | DecisionHeldAnswer,
                description="The execution was started asynchronously, and so goes on; or the decision is "
                "kept until its pause point opens.",
                may_have={"X-Execution-Id": "The resumed run's id."},
            ),
        },
        errors={
            409: "The point is decided, claimed, sent back for changes, or its execution has ended.",
            412: "The content is another one than the one named by `If-Match`; `contentDigest` names it.",
            428: "A decision on a page says what its maker saw, as `If-Match`.",
            422: "The submission does not fit the form: `details` has each field.",
        },
        takes_link=True,
        rate="sync",
    ),
)
