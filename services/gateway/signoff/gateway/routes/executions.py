"""``GET /api/workflows/{id}/executions/{executionId}``: how an execution is."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.executions.moments import NEVER_WAS
from signoff.gateway.executions.showing import ViewQuery, folded_as_of, shown
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import ExecutionView


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
    folded = await folded_as_of(gateway, row, query.as_of)
    return conditional(request, answer(await shown(gateway, row, folded, query)))


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
        errors=NEVER_WAS,
    ),
)
