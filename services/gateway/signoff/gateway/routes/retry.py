"""``POST /api/executions/{id}/retry``: an operator tries a failed execution again, from what failed."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.executions.retrying import try_again
from signoff.gateway.gateway import GATEWAY, find_execution, shown_id
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import Retried, RetryBody


async def retry(request: web.Request, caller: Principal) -> web.Response:
    """Begin a new run in the same log; nobody waits for it."""
    gateway = request.app[GATEWAY]
    given = await read_object(request)
    body = convert(given, RetryBody)
    row = await find_execution(
        gateway, caller, request.match_info["execution"], missing="Execution not found"
    )
    run_id = await try_again(request, caller, row, body, given)
    retried = Retried(execution_id=shown_id(row), run_id=run_id, status_url=gateway.links.job(run_id))
    return answer(retried, status=202, headers={"X-Execution-Id": run_id})


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/executions/{execution}/retry",
        handler=retry,
        operation="executions:manage",
        name="retryExecution",
        summary="Try a failed execution again, from what failed.",
        description="A new run begins in the same log; nobody waits for it.",
        tag="Executions",
        headers=CommandHeaders,
        body=RetryBody,
        body_example={"reason": "the bank is back"},
        answers={
            202: Answer(
                body=Retried,
                description="The run has begun.",
                headers={"X-Execution-Id": "The run's id."},
                example={
                    "executionId": "refund-1",
                    "runId": "5b0f6d0e-6a0c-5d8e-9a51-2b8f0e9d7c11",
                    "statusUrl": "/api/jobs/5b0f6d0e-6a0c-5d8e-9a51-2b8f0e9d7c11",
                },
            )
        },
        errors={409: "It has not failed."},
        rate="async",
    ),
)
