"""``/api/v2/logs``: what ran, and what each of its blocks did."""

import math
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from signoff.access.callers import Principal
from signoff.events.codec import encode_json
from signoff.events.store.base import ExecutionRow
from signoff.events.store.ordering import place_of
from signoff.events.store.search import Place, Search
from signoff.events.types import Json
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution
from signoff.gateway.http.queries import ByCommas, read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.http.windows import Moment, window
from signoff.gateway.routes.v2.execute import NAMES_RUN, RUN_HEADER
from signoff.gateway.v2.cursors import Data, Page, read_place, write_cursor
from signoff.gateway.v2.log_schemas import LogDetail, LogItem, LogWorkflow
from signoff.gateway.v2.logs import SPAN_BYTES, Shown, find_executions, log_detail, log_item, read_workflow
from signoff.gateway.v2.views import MISSING, milliseconds, see

_NOT_FAILED: Final = ("running", "paused", "completed", "cancelled")


class LogsQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which runs are listed, and what is shown of each.

    Attributes:
        workflow_ids: Of these workflows.
        triggers: Started by these, such as `api` or `schedule`.
        level: `error`: only those that failed. `info`: only the others.
        start_date: Started at this moment or later.
        end_date: Started at this moment or earlier.
        execution_id: The execution of this id, or of the run of this id, alone.
        run_id: The same.
        min_duration_ms: Ended after so many milliseconds at least.
        max_duration_ms: Ended after so many milliseconds at most.
        details: `full` shows the workflow, too.
        include_trace_spans: Show what each block did. It implies full details.
        include_final_output: Show what the run gave. It implies full details.
        limit: Runs on a page. A page may hold fewer although there are more.
        cursor: The `nextCursor` of the page before.
        order: `desc`: the newest first.
    """

    workflow_ids: ByCommas[str] = []
    triggers: ByCommas[str] = []
    level: Literal["info", "error"] | UnsetType = UNSET
    start_date: Moment | UnsetType = UNSET
    end_date: Moment | UnsetType = UNSET
    execution_id: str = ""
    run_id: str = ""
    min_duration_ms: Annotated[float, Meta(ge=0)] = 0.0
    max_duration_ms: Annotated[float, Meta(ge=0)] | UnsetType = UNSET
    details: Literal["basic", "full"] = "basic"
    include_trace_spans: bool = False
    include_final_output: bool = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    cursor: str = ""
    order: Literal["desc", "asc"] = "desc"

    def keeps(self, row: ExecutionRow) -> bool:
        """Whether an execution took as long as is asked for."""
        if not self.min_duration_ms and self.max_duration_ms is UNSET:
            return True
        duration = milliseconds(row.started_at, row.ended_at)
        most = math.inf if self.max_duration_ms is UNSET else self.max_duration_ms
        return duration is not None and self.min_duration_ms <= duration <= most


async def list_logs(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/v2/logs``: a page of runs; a page with large ones ends early."""
    gateway = request.app[GATEWAY]
    query = read_query(request, LogsQuery)
    place = read_place(query.cursor)
    after, before = window(query.start_date, query.end_date, name="startDate")
    search = Search(
        workspace_id=caller.workspace_id,
        workflow_ids=tuple(query.workflow_ids),
        statuses=() if query.level is UNSET else ("failed",) if query.level == "error" else _NOT_FAILED,
        triggers=tuple(query.triggers),
        started_after=after,
        started_before=before,
        descending=query.order == "desc",
    )
    following: Place | None = None
    if one := query.run_id or query.execution_id:
        rows = await _named(gateway, caller, one, search)
        rows = [row for row in rows if query.keeps(row)]
    else:
        rows, following = await find_executions(
            gateway.store, search, query.keeps, after=place, limit=query.limit
        )
    return await _page(gateway, query, rows, following)


async def _named(gateway: Gateway, caller: Principal, run_id: str, search: Search) -> list[ExecutionRow]:
    """The execution that is named, if the search lets it through."""
    try:
        row = await find_execution(gateway, caller, run_id, missing=MISSING)
    except ApiError:
        return []
    takes = (
        (not search.workflow_ids or row.workflow_id in search.workflow_ids)
        and (not search.statuses or row.status in search.statuses)
        and (not search.triggers or row.trigger in search.triggers)
        and (search.started_after is None or row.started_at >= search.started_after)
        and (search.started_before is None or row.started_at < search.started_before)
    )
    return [row] if takes else []


async def _page(
    gateway: Gateway, query: LogsQuery, rows: list[ExecutionRow], following: Place | None
) -> web.Response:
    """The items of a page, as many as fit into one answer."""
    spans, output = query.include_trace_spans, query.include_final_output
    shown = Shown(workflow=query.details == "full" or spans or output, output=output, spans=spans)
    workflows: dict[str, LogWorkflow] = {}
    items: list[Raw] = []
    room = SPAN_BYTES
    for row in rows:
        if room <= 0:
            following = place_of(rows[len(items) - 1], "started")
            break
        if shown.workflow and row.workflow_id not in workflows:
            workflows[row.workflow_id] = await read_workflow(gateway.store, row)
        item = await log_item(gateway, row, shown, workflow=workflows.get(row.workflow_id), room=room)
        raw = encode_json(item)
        items.append(Raw(raw))
        room -= len(raw)
    return answer(Page(items, None if following is None else write_cursor(following)))


async def view(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/v2/logs/{run}``: one run with all that its blocks did."""
    gateway = request.app[GATEWAY]
    run_id = request.match_info["run"]
    row = await find_execution(gateway, caller, run_id, missing=MISSING)
    seen = await see(gateway, row, run_id)
    detail = await log_detail(gateway, row, seen, workflow=await read_workflow(gateway.store, row))
    return answer(Data(detail), headers={RUN_HEADER: seen.run_id})


_ITEM: Final[dict[str, Json]] = {
    "runId": "refund-1",
    "workflowId": "refund-approval",
    "deploymentVersionId": "2",
    "status": "failed",
    "level": "error",
    "trigger": "api",
    "startedAt": "2026-07-26T09:00:00.000000Z",
    "endedAt": "2026-07-26T09:00:01.250000Z",
    "totalDurationMs": 1250,
    "cost": None,
    "files": None,
}
_DETAIL: Final[dict[str, Json]] = {
    **_ITEM,
    "workflow": {
        "id": "refund-approval",
        "name": "Refund approval",
        "workspaceId": "00000000-0000-0000-0000-000000000000",
        "deleted": False,
    },
    "error": {"message": "Charge: declined", "code": "BLOCK_EXECUTION_FAILED", "blockId": "charge"},
    "finalOutput": None,
    "traceSpans": [
        {
            "id": "3",
            "instance": "charge",
            "blockId": "charge",
            "name": "Charge",
            "type": "api",
            "status": "error",
            "durationMs": 812.4,
            "relativeStartMs": 0.6,
            "startTime": "2026-07-26T09:00:00.000600Z",
            "endTime": "2026-07-26T09:00:00.813000Z",
            "input": {"amount": 120},
            "errorMessage": "declined",
            "errorHandled": False,
        }
    ],
    "truncated": False,
    "createdAt": "2026-07-26T09:00:00.000000Z",
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/v2/logs",
        handler=list_logs,
        operation="executions:read",
        name="listLogs",
        summary="What ran in a workspace.",
        tag="v2",
        query=LogsQuery,
        answers={
            200: Answer(
                body=Page[LogItem],
                description="A page of runs.",
                example={"data": [_ITEM], "nextCursor": None},
            )
        },
        style="v2",
    ),
    Route(
        method="GET",
        path="/api/v2/logs/{run}",
        handler=view,
        operation="executions:read",
        name="getLog",
        summary="A run with all that its blocks did.",
        tag="v2",
        answers={
            200: Answer(
                body=Data[LogDetail],
                description="The run as it is now.",
                headers=NAMES_RUN,
                example={"data": _DETAIL},
            )
        },
        style="v2",
    ),
)
