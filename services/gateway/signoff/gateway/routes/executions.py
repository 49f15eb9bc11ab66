"""``GET /api/workflows/{id}/executions/{executionId}``: how an execution is."""

import re
from operator import itemgetter
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.engine.state import State
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.events.types import Json
from signoff.gateway.executions.history import Folded, fold
from signoff.gateway.executions.selection import select
from signoff.gateway.executions.views import paused_brief
from signoff.gateway.gateway import GATEWAY, Gateway, find_definition, find_execution
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.queries import ByCommas, read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import ExecutionView

_BRANCH: Final = re.compile(r"₍(\d+)₎")
_BRANCHES: Final = re.compile(r"(?:₍\d+₎)+")


class ViewQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is shown of an execution.

    Attributes:
        include_output: Show the output of the run that ended last.
        selected_outputs: Blocks whose outputs to show, each as `Block`, `Block.path` or `id.path`.
    """

    include_output: bool = False
    selected_outputs: ByCommas[str] = []


async def view(request: web.Request, caller: Principal) -> web.Response:
    """An execution's state, with its output and those of blocks where they are asked for."""
    gateway = request.app[GATEWAY]
    query = read_query(request, ViewQuery)
    row = await find_execution(
        gateway,
        caller,
        request.match_info["execution"],
        workflow_id=request.match_info["id"],
        missing="Execution not found",
    )
    folded = await fold(gateway.store, row.log_id)
    state = folded.state
    shown = answer(
        ExecutionView(
            execution_id=state.execution_id,
            workflow_id=state.workflow_id,
            status=state.status,
            trigger=state.trigger,
            started_at=iso(state.started_at),
            ended_at=None if state.ended_at is None else iso(state.ended_at),
            total_duration_ms=None
            if state.ended_at is None
            else round((state.ended_at - state.started_at) * 1000),
            paused=paused_brief(state),
            error=None if state.failure is None else state.failure.error,
            final_output=await final_output(gateway, row, folded) if query.include_output else None,
            block_outputs=await block_outputs(gateway, row, folded, query.selected_outputs)
            if query.selected_outputs
            else None,
        )
    )
    return conditional(request, shown)


async def final_output(gateway: Gateway, row: ExecutionRow, folded: Folded) -> Json:
    """What the run that ended last gave, be it a pause."""
    if not folded.last_ending:
        return None
    return (await gateway.endings.read(row.workspace_id, row.log_id, folded.last_ending)).output


async def block_outputs(
    gateway: Gateway, row: ExecutionRow, folded: Folded, texts: list[str]
) -> dict[str, Json]:
    """The outputs that ``selectedOutputs`` names, by its texts.

    Raises:
        ApiError: 400, a text names no block.
    """
    definition = await find_definition(gateway, row.workspace_id, row.workflow_id, row.workflow_version)
    outputs: dict[str, Json] = {}
    for selected in select(texts, definition):
        output = folded.state.outputs.get(selected.block_id)
        branches = [] if output is not None else _branches(folded.state, selected.block_id)
        value = [output, *branches]
        if folded.large:
            value = await gateway.blobs.resolve(value, workspace_id=row.workspace_id)
        picked = [selected.pick(each) for each in value]
        outputs[selected.text] = picked[1:] if branches else picked[0]
    return outputs


def _branches(state: State, block_id: str) -> list[Json]:
    """The outputs of a block in a parallel, one for each branch that it ended in, in their order."""
    found = [
        (tuple(map(int, _BRANCH.findall(marks))), output)
        for key, output in state.outputs.items()
        if key.startswith(block_id) and _BRANCHES.fullmatch(marks := key[len(block_id) :])
    ]
    return [output for _, output in sorted(found, key=itemgetter(0))]


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/workflows/{id}/executions/{execution}",
        handler=view,
        operation="executions:read",
        name="getExecution",
        summary="How an execution is.",
        tag="Executions",
        query=ViewQuery,
        headers=ConditionalHeaders,
        answers={
            200: Answer(
                body=ExecutionView,
                description="The execution as it is now.",
                headers=CACHEABLE,
                example={
                    "executionId": "refund-1",
                    "workflowId": "refund-approval",
                    "status": "completed",
                    "trigger": "api",
                    "startedAt": "2026-07-26T09:00:00.000000Z",
                    "endedAt": "2026-07-26T09:00:01.250000Z",
                    "totalDurationMs": 1250,
                    "paused": None,
                    "error": None,
                    "finalOutput": {"refunded": True},
                    "blockOutputs": None,
                },
            ),
            304: UNCHANGED,
        },
    ),
)
