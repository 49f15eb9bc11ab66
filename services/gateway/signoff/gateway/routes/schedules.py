"""``/api/schedules``: what starts executions by itself, switched on and off."""

import time
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.events.types import Json
from signoff.gateway.errors import bad_field
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import IDENTIFIER, CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.workflows.schedules import ScheduleItem, read_schedules, switch_schedule


class SchedulesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page is wanted.

    Attributes:
        limit: Workflows that are looked through. A page holds the schedules of these: none or many.
        cursor: The `nextCursor` of the page before.
    """

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str = ""


class ScheduleList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of schedules, by their workflows' ids."""

    schedules: list[ScheduleItem]
    next_cursor: str | None


class SwitchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the schedule starts executions."""

    enabled: bool


async def list_schedules(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/schedules``: those of deployed workflows, on or off."""
    gateway = request.app[GATEWAY]
    query = read_query(request, SchedulesQuery)
    if query.cursor and not IDENTIFIER.fullmatch(query.cursor):
        raise bad_field("cursor", "must be a nextCursor as it was given")
    rows = await gateway.store.workflows(caller.workspace_id, after=query.cursor, limit=query.limit + 1)
    shown = rows[: query.limit]
    now = time.time()
    schedules = [
        item for row in shown if row.is_deployed for item in await read_schedules(gateway, row, now=now)
    ]
    more = len(rows) > len(shown)
    return answer(ScheduleList(schedules=schedules, next_cursor=shown[-1].workflow_id if more else None))


async def switch(request: web.Request, caller: Principal) -> web.Response:
    """``PATCH /api/schedules/{workflowId}/{block}``: on or off, also in later versions."""
    body = convert(await read_object(request), SwitchBody)
    return answer(await switch_schedule(request, caller, enabled=body.enabled))


_EXAMPLE: Final[Json] = {
    "workflowId": "reports",
    "blockId": "mornings",
    "cron": "0 9 * * 1-5",
    "timezone": "Europe/Berlin",
    "enabled": True,
    "nextRunAt": "2026-07-27T07:00:00.000000Z",
    "lastRunAt": "2026-07-24T07:00:00.000000Z",
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/schedules",
        handler=list_schedules,
        operation="schedules:read",
        name="listSchedules",
        summary="The schedules of deployed workflows.",
        tag="Schedules",
        query=SchedulesQuery,
        answers={
            200: Answer(
                body=ScheduleList,
                description="A page of schedules.",
                example={"schedules": [_EXAMPLE], "nextCursor": None},
            )
        },
    ),
    Route(
        method="PATCH",
        path="/api/schedules/{workflowId}/{block}",
        handler=switch,
        operation="schedules:write",
        name="switchSchedule",
        summary="Let a schedule start executions, or no more.",
        description="It stays so in later versions of the workflow, by the block's id. What is missed while "
        "it is off is let go.",
        tag="Schedules",
        headers=CommandHeaders,
        body=SwitchBody,
        body_required=True,
        body_example={"enabled": False},
        answers={200: Answer(body=ScheduleItem, description="The schedule as it is now.", example=_EXAMPLE)},
        errors={404: "The active version of the workflow has no such schedule, or it is not deployed."},
    ),
)
