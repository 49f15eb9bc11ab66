"""``POST /api/v2/workflows/{id}/execute``: as v1 does it, asked for and answered in v2's form."""

from typing import Final

from aiohttp import web
from msgspec import UNSET

from signoff.access.callers import Principal
from signoff.events.types import Mode
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.executions.chunks import CHUNKS
from signoff.gateway.executions.starting import begin, read_wanted
from signoff.gateway.gateway import GATEWAY, find_workflow
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import run_headers
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.links import Links
from signoff.gateway.routes.execute import stream
from signoff.gateway.schemas import ExecuteBody
from signoff.gateway.v2.cursors import Data
from signoff.gateway.v2.schemas import ExecuteRequest, RunHeaders, RunQueued, RunResult
from signoff.gateway.v2.views import run_result

RUN_HEADER: Final = "X-Run-Id"
"""Names the run, in requests and in answers."""

NAMES_RUN: Final = {RUN_HEADER: "The run."}
"""The header as the docs tell of it."""


async def execute(request: web.Request, caller: Principal) -> web.StreamResponse:
    """Begin a run and answer in the way that was asked for; a run that fails is answered like any other."""
    gateway = request.app[GATEWAY]
    try:
        given = await read_object(request)
        asked = convert(given, ExecuteRequest)
        mode = _mode(asked)
        headers = run_headers(request.headers, mode=mode, timeout=asked.execution_timeout_seconds)
    except ApiError:
        await gateway.limits.count(request, caller, "sync")  # the body would have said what it counts as
        raise
    await gateway.limits.count(request, caller, headers.rate)
    workflow = await find_workflow(gateway, caller, request.match_info["id"])
    if not workflow.is_deployed:
        raise ApiError(403, "Workflow is not deployed")
    body = ExecuteBody(
        input=asked.input,
        selected_outputs=asked.selected_outputs,
        include_file_base64=asked.include_file_base64,
        base64_max_bytes=asked.base64_max_bytes,
    )
    run_input = {} if asked.input is UNSET else asked.input
    wanted = await read_wanted(
        request, caller, workflow, headers, body=body, given=given, run_input=run_input
    )
    ending = await begin(gateway, workflow, wanted)
    if ending is not None:
        return result_answer(run_result(ending, run_id=wanted.shown_id, workflow_id=workflow.workflow_id))
    if mode == "async":
        return queued_answer(gateway.links, run_id=wanted.shown_id, workflow_id=workflow.workflow_id)
    return await stream(request, gateway, workflow, wanted, shown_as=RUN_HEADER)


def _mode(asked: ExecuteRequest) -> Mode:
    if asked.is_async and asked.stream:
        raise bad_field("stream", "cannot be combined with async")
    if asked.is_async and asked.selected_outputs:
        raise bad_field("selectedOutputs", "cannot be combined with async")
    if asked.execution_timeout_seconds is not None and not asked.is_async:
        raise bad_field("executionTimeoutSeconds", "needs async")
    if asked.is_async:
        return "async"
    return "stream" if asked.stream else "sync"


def result_answer(result: RunResult) -> web.Response:
    """The answer to whoever waited for a run."""
    return answer(Data(result), headers={RUN_HEADER: result.run_id})


def queued_answer(
    links: Links, *, run_id: str, workflow_id: str, queue_position: int | None = None
) -> web.Response:
    """The answer to whoever does not wait for a run."""
    queued = RunQueued(
        run_id=run_id,
        status_url=links.run(workflow_id, run_id),
        queue_position=UNSET if queue_position is None else queue_position,
    )
    return answer(Data(queued), status=202, headers={RUN_HEADER: run_id})


RESULT_EXAMPLE: Final = {
    "data": {
        "runId": "refund-1",
        "workflowId": "refund-approval",
        "status": "completed",
        "output": {"refunded": True},
        "error": None,
        "startedAt": "2026-07-26T09:00:00.000000Z",
        "endedAt": "2026-07-26T09:00:01.250000Z",
        "durationMs": 1250,
    }
}
QUEUED_EXAMPLE: Final = {
    "data": {"runId": "refund-1", "statusUrl": "/api/v2/workflows/refund-approval/runs/refund-1"}
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/v2/workflows/{id}/execute",
        handler=execute,
        operation="executions:start",
        name="executeWorkflowV2",
        summary="Run a workflow.",
        description="A run that fails is answered 200, too, with `status` and `error`: only a request that "
        "starts no run is an error.",
        tag="v2",
        headers=RunHeaders,
        body=ExecuteRequest,
        body_example={"input": {"amount": 120}},
        answers={
            200: Answer(
                body=Data[RunResult],
                description="The run ended, or paused.",
                headers=NAMES_RUN,
                example=RESULT_EXAMPLE,
                streamed=CHUNKS,
            ),
            202: Answer(
                body=Data[RunQueued],
                description="The run is queued.",
                headers=NAMES_RUN,
                example=QUEUED_EXAMPLE,
            ),
        },
        errors={409: "The run's id was used before (`RUN_ID_CONFLICT`), or the `Idempotency-Key`."},
        rate=None,
        style="v2",
    ),
)
