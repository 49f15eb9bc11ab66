"""``POST /api/inbox/decisions``: several decisions in one request, each with a result of its own."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.inbox.bulk import AT_ONCE, MOST, DecisionResult, OneDecision, decide_all


class DecisionsBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decisions, each on a pause point of its own."""

    decisions: Annotated[list[OneDecision], Meta(min_length=1, max_length=MOST)]


class DecisionResults(Struct, frozen=True, kw_only=True):
    """What became of each decision, in their order."""

    results: list[DecisionResult]


async def decide_bulk(request: web.Request, caller: Principal) -> web.Response:
    """Take all of them; one that is refused keeps none of the others."""
    body = convert(await read_object(request), DecisionsBody)
    return answer(DecisionResults(results=await decide_all(request, caller, body.decisions)))


_EXECUTION: Final = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/inbox/decisions",
        handler=decide_bulk,
        operation="pauses:decide",
        name="decideMany",
        summary="Decide several pause points, with one result for each.",
        description=f"Each is judged and recorded as if it had come alone, {AT_ONCE} at a time: of two "
        "on one point nobody can say which is first. No run is waited for. The answer is 200 also where "
        "decisions were refused.",
        tag="Inbox",
        headers=CommandHeaders,
        body=DecisionsBody,
        body_required=True,
        body_example={
            "decisions": [{"executionId": _EXECUTION, "contextId": "approve", "input": {"approved": True}}]
        },
        answers={
            200: Answer(
                body=DecisionResults,
                description="What became of each.",
                example={
                    "results": [
                        {
                            "executionId": _EXECUTION,
                            "contextId": "approve",
                            "status": "started",
                            "httpStatus": 200,
                            "eventId": 6,
                            "runId": "5b0f6d0e-6a0c-5d8e-9a51-2b8f0e9d7c11",
                        }
                    ]
                },
            )
        },
        rate="sync",
    ),
)
