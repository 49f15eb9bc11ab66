"""``POST /api/workflows/{id}/execute``: an execution begins, and its caller waits, follows, or goes on."""

from typing import Final

from aiohttp import web
from msgspec import UNSET

from signoff.access.callers import Principal
from signoff.events.store.base import WorkflowRow
from signoff.events.types import Json
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.answers import execute_answer, queued_answer
from signoff.gateway.executions.chunks import CHUNKS, stream_run
from signoff.gateway.executions.frames import FRAMES, stream_frames
from signoff.gateway.executions.starting import Wanted, base64_most, begin, read_wanted
from signoff.gateway.gateway import (
    GATEWAY,
    Gateway,
    find_workflow,
)
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import (
    StartHeaders,
    execute_headers,
)
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import EXECUTE_FIELDS, ExecuteBody, Executed, Queued


async def execute(request: web.Request, caller: Principal) -> web.StreamResponse:
    """Begin an execution and answer in the mode that was asked for."""
    gateway = request.app[GATEWAY]
    try:
        headers = execute_headers(request.headers)
    except ApiError:
        await gateway.limits.count(request, caller, "sync")  # the headers would have said what it counts as
        raise
    await gateway.limits.count(request, caller, headers.rate)
    given = await read_object(request)
    workflow = await find_workflow(gateway, caller, request.match_info["id"])
    if not workflow.is_deployed:
        raise ApiError(403, "Workflow is not deployed")
    body = convert(given, ExecuteBody)
    wanted = await read_wanted(
        request, caller, workflow, headers, body=body, given=given, run_input=_input(given, body)
    )
    ending = await begin(gateway, workflow, wanted)
    if ending is not None:
        return execute_answer(ending, wanted.shown_id)
    if wanted.mode == "async":
        return queued_answer(
            gateway.links,
            run_id=wanted.shown_id,
            execution_id=wanted.shown_id,
            message="Workflow execution queued",
        )
    return await stream(request, gateway, workflow, wanted)


def _input(given: dict[str, Json], body: ExecuteBody) -> Json:
    if body.input is not UNSET:
        return body.input
    return {name: value for name, value in given.items() if name not in EXECUTE_FIELDS}


async def stream(
    request: web.Request,
    gateway: Gateway,
    workflow: WorkflowRow,
    wanted: Wanted,
    *,
    shown_as: str = "X-Execution-Id",
) -> web.StreamResponse:
    """Answer with a run that has begun: an API key gets its chunks, a browser its events.

    ``shown_as`` is the header that names the run.
    """
    if wanted.asked.principal.auth_method == "session":
        return await stream_frames(
            request, gateway, log_id=wanted.log_id, run_id=None, shown_id=wanted.shown_id, shown_as=shown_as
        )
    return await stream_run(
        request, gateway, workspace_id=workflow.workspace_id, log_id=wanted.log_id, run_id=None,
        shown_id=wanted.shown_id, shown_as=shown_as, selected=wanted.selected,
        base64_most=base64_most(wanted.body),
    )  # fmt: skip


_RUN: Final = {"X-Execution-Id": "The execution's id."}
_DONE: Final[Json] = {
    "success": True,
    "executionId": "refund-1",
    "output": {"refunded": True},
    "metadata": {
        "duration": 1250,
        "startTime": "2026-07-26T09:00:00.000000Z",
        "endTime": "2026-07-26T09:00:01.250000Z",
    },
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/workflows/{id}/execute",
        handler=execute,
        operation="executions:start",
        name="executeWorkflow",
        summary="Start an execution, and wait for its end or its first pause.",
        description="With `X-Execution-Mode: async` nobody waits; with `stream` the answer is a stream of "
        "text. A workflow that reaches a `response` block answers with that block's own data, status and "
        "headers, without an envelope, and with the header `X-Response-Block`. A caller that goes away "
        "cancels nothing.",
        tag="Executions",
        headers=StartHeaders,
        body=ExecuteBody,
        body_note="All fields are optional. Without `input`, what else stands in the body is the input.",
        body_example={"input": {"amount": 80}},
        answers={
            200: Answer(
                body=Executed,
                description="The run ended well, was cancelled (`success` is false), or paused: `output` is "
                "then what the pause shows.",
                headers=_RUN,
                example=_DONE,
                streamed=f"{CHUNKS} {FRAMES}",
            ),
            202: Answer(
                body=Queued,
                description="The run has begun; nobody waits for it.",
                headers=_RUN,
                example={
                    "success": True,
                    "async": True,
                    "jobId": "refund-1",
                    "executionId": "refund-1",
                    "message": "Workflow execution queued",
                    "statusUrl": "/api/jobs/refund-1",
                },
            ),
            408: Answer(body=Executed, description="The run was out of time.", may_have=_RUN),
            500: Answer(body=Executed, description="The run failed.", may_have=_RUN),
        },
        answered_by_blocks=True,
        errors={
            403: "The workflow is not deployed, or the caller may not start it.",
            409: "The id or the key was used before for another request, or the call chain is too deep.",
        },
        rate=None,
    ),
)
