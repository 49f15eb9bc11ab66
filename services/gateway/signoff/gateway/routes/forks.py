"""``POST /api/executions/{execution}/forks``: what if; tried out in memory, or begun for good."""

from typing import Final

from aiohttp import web
from msgspec import UNSET, UnsetType, field

from signoff.access.callers import Principal
from signoff.gateway.executions.forking import begin_fork, check_rights, dry_run
from signoff.gateway.executions.life_schemas import DryRunView, ForkBody, Forked
from signoff.gateway.gateway import GATEWAY, find_execution, find_workflow
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import DecisionHeaders
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route

_MISSING: Final = "Execution not found"


class ForkHeaders(DecisionHeaders, frozen=True, kw_only=True):
    """The headers of a fork.

    Attributes:
        call_chain: The workflows that called one another up to this request, by commas; at most 24. Without
            it, those up to the execution that is forked.
    """

    call_chain: str | UnsetType = field(default=UNSET, name="X-Sim-Via")


async def fork(request: web.Request, caller: Principal) -> web.Response:
    """Say what would follow, or let it follow."""
    gateway = request.app[GATEWAY]
    given = await read_object(request)
    body = convert(given, ForkBody)
    check_rights(caller, body)
    row = await find_execution(gateway, caller, request.match_info["execution"], missing=_MISSING)
    if body.mode == "live":
        forked = await begin_fork(request, caller, row, body, given)
        return answer(forked, status=202, headers={"X-Execution-Id": forked.execution_id})
    await find_workflow(gateway, caller, row.workflow_id)
    return answer(await dry_run(request, caller, row, body))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/executions/{execution}/forks",
        handler=fork,
        operation="executions:start",
        name="forkExecution",
        summary="What if: go on from any event of an execution in another one.",
        description="A dry run writes nothing and acts on nothing: it tells which blocks would run. A live "
        "fork is an execution of its own, whose blocks act; it needs write permission. The execution that is "
        "forked never changes.",
        tag="Executions",
        headers=ForkHeaders,
        body=ForkBody,
        body_example={"eventId": 12, "decision": {"contextId": "approve", "input": {"approved": True}}},
        answers={
            200: Answer(body=DryRunView, description="A dry run: what would follow."),
            202: Answer(
                body=Forked,
                description="The fork has begun.",
                headers={"X-Execution-Id": "The fork's id."},
                example={
                    "executionId": "0198c1f0-4444-7c1a-9f7e-1f2e3d4c5b6a",
                    "workflowId": "refund-approval",
                    "workflowVersion": 3,
                    "source": {"executionId": "refund-1", "eventId": 12, "kind": "fork"},
                    "statusUrl": "/api/executions/0198c1f0-4444-7c1a-9f7e-1f2e3d4c5b6a",
                },
            ),
        },
        errors={
            403: "The caller may not do this, or not decide this.",
            409: "Nothing is left to run, people decided on what another input would change, or there is too "
            "much to take over.",
            412: "Something else is decided on than what `If-Match` names.",
            422: "The decision does not fit the form, or there is no such event: `details` has each field.",
            428: "A page must say in `If-Match` what it decides on.",
        },
        rate="async",
    ),
)
