"""``GET /api/executions/{execution}``: as it is or was, and what changed between two states."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.events.types import Json
from signoff.gateway.executions.comparing import DiffQuery, compare_states, compare_timelines
from signoff.gateway.executions.life_schemas import DiffView, StateView, TimelinesView
from signoff.gateway.executions.moments import NEVER_WAS
from signoff.gateway.executions.showing import StateQuery, state_of
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route

_MISSING: Final = "Execution not found"


class TimelinesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"other": "with"}):
    """Which execution another one is compared with.

    Attributes:
        other: The other execution's id.
    """

    other: str


async def state(request: web.Request, caller: Principal) -> web.Response:
    """An execution as it is, or as it was after an event."""
    gateway = request.app[GATEWAY]
    query = read_query(request, StateQuery)
    row = await find_execution(gateway, caller, request.match_info["execution"], missing=_MISSING)
    _, view = await state_of(gateway, row, query)
    return conditional(request, answer(view))


async def diff(request: web.Request, caller: Principal) -> web.Response:
    """What changed between two states of an execution, or from one execution to another."""
    gateway = request.app[GATEWAY]
    query = read_query(request, DiffQuery)
    row = await find_execution(gateway, caller, request.match_info["execution"], missing=_MISSING)
    other = row
    if query.other is not None:
        other = await find_execution(gateway, caller, query.other, missing=_MISSING)
    return answer(await compare_states(gateway, row, other, query))


async def timelines(request: web.Request, caller: Principal) -> web.Response:
    """Two executions event by event: a fork and its source, or any two."""
    gateway = request.app[GATEWAY]
    query = read_query(request, TimelinesQuery)
    row = await find_execution(gateway, caller, request.match_info["execution"], missing=_MISSING)
    other = await find_execution(gateway, caller, query.other, missing=_MISSING)
    return answer(await compare_timelines(gateway, row, other))


_EXAMPLE: Final[Json] = {
    "executionId": "refund-1",
    "workflowId": "refund-approval",
    "status": "paused",
    "trigger": "api",
    "startedAt": "2026-07-26T09:00:00.000000Z",
    "endedAt": None,
    "totalDurationMs": None,
    "paused": None,
    "error": None,
    "finalOutput": None,
    "blockOutputs": None,
    "eventId": 17,
    "at": "2026-07-26T09:00:01.250000Z",
    "workflowVersion": 3,
    "definitionDigest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "source": None,
    "input": {"amount": 80},
    "variables": {},
    "pausePoints": [],
    "queue": [],
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/executions/{execution}",
        handler=state,
        operation="executions:read",
        name="getExecutionState",
        summary="An execution as it is, or as it was after any event.",
        tag="Executions",
        query=StateQuery,
        headers=ConditionalHeaders,
        answers={
            200: Answer(
                body=StateView,
                description="The execution, with its pause points and decisions.",
                headers=CACHEABLE,
                example=_EXAMPLE,
            ),
            304: UNCHANGED,
        },
        errors=NEVER_WAS,
    ),
    Route(
        method="GET",
        path="/api/executions/{execution}/diff",
        handler=diff,
        operation="executions:read",
        name="compareStates",
        summary="What changed between two states of an execution, or from one to another.",
        tag="Executions",
        query=DiffQuery,
        answers={
            200: Answer(
                body=DiffView,
                description="Where they differ.",
                example={
                    "before": {
                        "executionId": "refund-1",
                        "eventId": 9,
                        "at": "2026-07-26T09:00:00.010000Z",
                    },
                    "after": {
                        "executionId": "refund-1",
                        "eventId": 14,
                        "at": "2026-07-26T09:05:00.000000Z",
                    },
                    "changes": [
                        {"path": ["status"], "kind": "changed", "before": "paused", "after": "completed"}
                    ],
                },
            )
        },
        errors=NEVER_WAS,
    ),
    Route(
        method="GET",
        path="/api/executions/{execution}/timelines",
        handler=timelines,
        operation="executions:read",
        name="compareTimelines",
        summary="Two executions event by event, such as a fork and its source.",
        tag="Executions",
        query=TimelinesQuery,
        answers={200: Answer(body=TimelinesView, description="Their events side by side.")},
        errors={413: "One of them has too many events, or too large ones, to be compared so."},
    ),
)
