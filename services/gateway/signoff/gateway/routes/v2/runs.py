"""``/api/v2/workflows/{id}/runs``: listed, looked at, stopped, and decided on."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.access.callers import Principal
from signoff.events.store.base import ExecutionRow
from signoff.events.store.ordering import place_of
from signoff.events.store.search import Search
from signoff.events.types import Outcome
from signoff.gateway.errors import GatewayError, refused
from signoff.gateway.executions.answers import recorded_answer
from signoff.gateway.executions.chunks import CHUNKS, stream_run
from signoff.gateway.executions.deciding import Decided, asking, decide
from signoff.gateway.executions.history import fold
from signoff.gateway.executions.showing import block_outputs
from signoff.gateway.executions.stopping import stop
from signoff.gateway.executions.views import paused_brief
from signoff.gateway.gateway import GATEWAY, find_execution, find_workflow, shown_id
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import CommandHeaders, ConditionalHeaders, DecisionHeaders
from signoff.gateway.http.queries import ByCommas, read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.http.windows import Moment, window
from signoff.gateway.routes.v2.execute import (
    NAMES_RUN,
    QUEUED_EXAMPLE,
    RESULT_EXAMPLE,
    RUN_HEADER,
    queued_answer,
    result_answer,
)
from signoff.gateway.schemas import DecisionRecordedAnswer
from signoff.gateway.v2.cursors import Data, Page, read_place, write_cursor
from signoff.gateway.v2.schemas import (
    ListedState,
    ResumeRequest,
    RunCancelled,
    RunItem,
    RunQueued,
    RunResult,
    RunView,
)
from signoff.gateway.v2.views import MISSING, moment, output_of, run_item, run_result, see


class RunsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs are listed, the newest first.

    Attributes:
        status: In this state.
        trigger: Started by this, such as `api` or `schedule`.
        started_from: Started at this moment or later.
        started_to: Started at this moment or earlier.
        limit: Runs on a page.
        cursor: The `nextCursor` of the page before.
    """

    status: ListedState | UnsetType = UNSET
    trigger: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    started_from: Moment | UnsetType = field(default=UNSET, name="from")
    started_to: Moment | UnsetType = field(default=UNSET, name="to")
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str = ""


class RunQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is shown of a run.

    Attributes:
        include_output: Show what it gave.
        selected_outputs: Blocks whose outputs to show, each as `Block`, `Block.path` or `id.path`.
    """

    include_output: bool = False
    selected_outputs: ByCommas[str] = []


async def list_runs(request: web.Request, caller: Principal) -> web.Response:
    """``GET …/runs``: a page of a workflow's executions."""
    gateway = request.app[GATEWAY]
    query = read_query(request, RunsQuery)
    place = read_place(query.cursor)
    after, before = window(query.started_from, query.started_to, name="from")
    workflow = await find_workflow(gateway, caller, request.match_info["id"])
    search = Search(
        workspace_id=caller.workspace_id,
        workflow_ids=(workflow.workflow_id,),
        statuses=() if query.status is UNSET else (query.status,),
        triggers=() if query.trigger is UNSET else (query.trigger,),
        started_after=after,
        started_before=before,
    )
    rows = await gateway.store.executions(search, after=place, limit=query.limit + 1)
    shown = rows[: query.limit]
    more = len(rows) > len(shown)
    return answer(
        Page([run_item(row) for row in shown], write_cursor(place_of(shown[-1], "started")) if more else None)
    )


async def view(request: web.Request, caller: Principal) -> web.Response:
    """``GET …/runs/{run}``: how a run is."""
    gateway = request.app[GATEWAY]
    query = read_query(request, RunQuery)
    row = await _find(request, caller)
    seen = await see(gateway, row, request.match_info["run"])
    shown = RunView(
        run_id=seen.run_id,
        workflow_id=row.workflow_id,
        status=seen.status,
        trigger=row.trigger,
        started_at=moment(seen.started_at),
        ended_at=moment(seen.ended_at),
        duration_ms=seen.duration_ms,
        paused=paused_brief(seen.state) if seen.status == "paused" else None,
        error=seen.error,
        output=await output_of(gateway, row, seen) if query.include_output else None,
        block_outputs=await block_outputs(gateway, row, seen.folded, query.selected_outputs)
        if query.selected_outputs
        else None,
    )
    return conditional(request, answer(Data(shown), headers={RUN_HEADER: seen.run_id}))


async def cancel(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/runs/{run}/cancel``: stop the execution; one that has ended stays as it is, as in Sim."""
    row = await _find(request, caller)
    outcome = await stop(request, caller, row)
    return answer(Data(await _cancelled(request, row, outcome)), headers={RUN_HEADER: shown_id(row)})


async def _cancelled(request: web.Request, row: ExecutionRow, outcome: Outcome) -> RunCancelled:
    """What became of the wish, told from the log: a retry with the same key is told the same."""
    if outcome.refusal is None:
        found = await fold(request.app[GATEWAY].store, row.log_id, before=outcome.event_id)
        return RunCancelled(
            run_id=shown_id(row),
            durably_recorded=True,
            paused_cancelled=found.state.status == "paused",
            reason="recorded",
        )
    if outcome.refusal.code not in ("ALREADY_CANCELLED", "FINISHED"):
        raise refused(outcome)
    before = outcome.refusal.code == "ALREADY_CANCELLED"
    return RunCancelled(
        run_id=shown_id(row),
        durably_recorded=before,
        paused_cancelled=False,
        reason="already_cancelled" if before else "already_ended",
    )


async def resume(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST …/runs/{run}/resume``: decide, and answer in the mode that the execution began in."""
    gateway = request.app[GATEWAY]
    asked = convert(await read_object(request), ResumeRequest)
    row = await _find(request, caller)
    body = {"input": {} if asked.input is UNSET or asked.input is None else asked.input}
    how = asking(request, caller, asked.context_id, body=body)
    decided = await decide(request, caller, row, how, body=body)
    run_id, workflow_id = decided.run_id, row.workflow_id
    if run_id is None or decided.recorded is not None:
        return _recorded(decided)
    if decided.ending is not None:
        return result_answer(run_result(decided.ending, run_id=run_id, workflow_id=workflow_id))
    if row.mode == "stream" and decided.queue_position is None:
        return await stream_run(
            request,
            gateway,
            workspace_id=row.workspace_id,
            log_id=row.log_id,
            run_id=run_id,
            shown_id=run_id,
            shown_as=RUN_HEADER,
        )
    return queued_answer(
        gateway.links, run_id=run_id, workflow_id=workflow_id, queue_position=decided.queue_position
    )


def _recorded(decided: Decided) -> web.Response:
    """One person's decision where several decide: no run follows yet."""
    if decided.recorded is None:
        raise GatewayError("a decision was accepted, and the log has neither it nor its run")
    return answer(Data(data=recorded_answer(decided.recorded, decided.event_id or 0)), status=202)


async def _find(request: web.Request, caller: Principal) -> ExecutionRow:
    return await find_execution(
        request.app[GATEWAY],
        caller,
        request.match_info["run"],
        workflow_id=request.match_info["id"],
        missing=MISSING,
    )


_ITEM_EXAMPLE: Final = {
    "runId": "refund-1",
    "workflowId": "refund-approval",
    "status": "paused",
    "trigger": "api",
    "startedAt": "2026-07-26T09:00:00.000000Z",
    "endedAt": None,
    "durationMs": None,
    "cost": None,
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/v2/workflows/{id}/runs",
        handler=list_runs,
        operation="executions:read",
        name="listRuns",
        summary="Runs of a workflow, the newest first.",
        description="A run that paused and was decided on is one item, with the state of the whole.",
        tag="v2",
        query=RunsQuery,
        answers={
            200: Answer(
                body=Page[RunItem],
                description="A page of runs.",
                example={"data": [_ITEM_EXAMPLE], "nextCursor": None},
            )
        },
        style="v2",
    ),
    Route(
        method="GET",
        path="/api/v2/workflows/{id}/runs/{run}",
        handler=view,
        operation="executions:read",
        name="getRun",
        summary="How a run is.",
        tag="v2",
        query=RunQuery,
        headers=ConditionalHeaders,
        answers={
            200: Answer(
                body=Data[RunView],
                description="The run as it is now.",
                headers={**CACHEABLE, **NAMES_RUN},
                example={
                    "data": {
                        **_ITEM_EXAMPLE,
                        "paused": {
                            "contextId": "approve",
                            "pausedAt": "2026-07-26T09:00:00.100000Z",
                            "resumeAt": None,
                            "pauseKind": "human",
                            "blockedOnBlockId": "approve",
                            "pausePointCount": 1,
                            "resumedCount": 0,
                        },
                        "error": None,
                        "output": None,
                        "blockOutputs": None,
                    }
                },
            ),
            304: UNCHANGED,
        },
        style="v2",
    ),
    Route(
        method="POST",
        path="/api/v2/workflows/{id}/runs/{run}/cancel",
        handler=cancel,
        operation="executions:manage",
        name="cancelRun",
        summary="Stop a run that works or waits.",
        description="A run that has ended stays as it is; `reason` says so.",
        tag="v2",
        headers=CommandHeaders,
        answers={
            200: Answer(
                body=Data[RunCancelled],
                description="What became of it.",
                headers=NAMES_RUN,
                example={
                    "data": {
                        "success": True,
                        "runId": "refund-1",
                        "durablyRecorded": True,
                        "pausedCancelled": True,
                        "reason": "recorded",
                    }
                },
            )
        },
        style="v2",
    ),
    Route(
        method="POST",
        path="/api/v2/workflows/{id}/runs/{run}/resume",
        handler=resume,
        operation="pauses:decide",
        name="resumeRun",
        summary="Decide on a pause point.",
        description="It is answered in the mode that the execution began in.",
        tag="v2",
        headers=DecisionHeaders,
        body=ResumeRequest,
        body_required=True,
        body_example={"contextId": "approve", "input": {"approved": True}},
        answers={
            200: Answer(
                body=Data[RunResult],
                description="The run that followed ended, or paused.",
                headers=NAMES_RUN,
                example=RESULT_EXAMPLE,
                streamed=CHUNKS,
            ),
            202: Answer(
                body=Data[RunQueued] | Data[DecisionRecordedAnswer],
                description="The run follows later: the execution is asynchronous, or another run of it is "
                "under way (`queuePosition`). Or several people decide, and this is one decision of them.",
                may_have=NAMES_RUN,
                example=QUEUED_EXAMPLE,
            ),
        },
        errors={
            409: "The pause point was decided before, or the execution has ended.",
            428: "A decision on a page says what its maker saw, as `If-Match`.",
            412: "The content has changed since the caller saw it.",
            422: "The input does not fit the form.",
        },
        rate="sync",
        style="v2",
    ),
)
