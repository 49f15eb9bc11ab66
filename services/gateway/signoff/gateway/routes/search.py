"""``GET /api/executions``: executions by what they are, who started them, and what they are about."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.executions.searching import ExecutionList, SearchQuery, find_executions
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route


async def search(request: web.Request, caller: Principal) -> web.Response:
    """A page of the executions that a filter finds."""
    query = read_query(request, SearchQuery)
    return conditional(request, answer(await find_executions(request.app[GATEWAY], caller, query)))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/executions",
        handler=search,
        operation="executions:read",
        name="searchExecutions",
        summary="Executions by workflow, status, time, trigger, actor, error and business attributes.",
        description=(
            "Attributes are the variables that a workflow's definition names in `attributes`. What starts "
            "meanwhile moves no page."
        ),
        tag="Executions",
        query=SearchQuery,
        headers=ConditionalHeaders,
        answers={
            200: Answer(
                body=ExecutionList,
                description="A page of executions.",
                headers=CACHEABLE,
                example={
                    "executions": [
                        {
                            "executionId": "refund-1",
                            "workflowId": "refund-approval",
                            "workflowVersion": 3,
                            "status": "failed",
                            "pauseStatus": "fully_resumed",
                            "trigger": "api",
                            "actor": {"type": "apiKey", "id": "key-1"},
                            "startedAt": "2026-05-01T12:00:00.000000Z",
                            "updatedAt": "2026-05-01T12:05:00.000000Z",
                            "endedAt": "2026-05-01T12:05:00.000000Z",
                            "durationMs": 300000,
                            "error": "the bank is away",
                            "errorCode": "BLOCK_FAILED",
                            "attributes": {"customer": "ACME", "amount": 120},
                            "forkedFrom": None,
                        }
                    ],
                    "nextCursor": None,
                    "counts": {"total": 7, "exact": True, "byStatus": {"completed": 6, "failed": 1}},
                },
            ),
            304: UNCHANGED,
        },
    ),
)
