"""``/executions``: a page of those that a filter finds, live."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from msgspec import structs
from multidict import MultiDict

from signoff.access.callers import Principal
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.searching import ExecutionList, SearchQuery, find_named
from signoff.gateway.executions.stopping import NO_REASON
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.queries import filled_in, read_parameters
from signoff.gateway.pages.executions.naming import starters
from signoff.gateway.pages.problems import NONE, problems_of
from signoff.gateway.pages.site import render

LIMIT: Final = 50
"""Executions in a page."""

STATUSES: Final = ("running", "paused", "completed", "failed", "cancelled")
TRIGGERS: Final = ("api", "manual", "schedule", "webhook", "chat", "workflow")
SORTS: Final = (
    ("-startedAt", "Started last"),
    ("startedAt", "Started first"),
    ("-updatedAt", "Changed last"),
    ("-endedAt", "Ended last"),
    ("-duration", "Took longest"),
    ("duration", "Took shortest"),
)
_NOTHING: Final = ExecutionList(executions=[], next_cursor=None)


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /executions``: its query is that of the API, of which empty fields count as left out."""
    given = filled_in(request.query)
    listed, problems = _NOTHING, NONE
    try:
        query = read_parameters(given, SearchQuery)
        # An error is looked for in every execution: once is enough.
        query = structs.replace(query, limit=LIMIT, counts=not query.error)
        listed = await find_named(request.app[GATEWAY], caller, query)
    except ApiError as error:
        if error.status != 400:
            raise
        problems = problems_of(error)
    filters = _filters(given)
    context = {
        "title": "Executions",
        "listed": listed,
        "names": await starters(request, caller, [each.actor for each in listed.executions]),
        "filters": filters,
        "statuses": STATUSES,
        "triggers": TRIGGERS,
        "sorts": SORTS,
        "is_filtered": any(name not in ("status", "sort", "workspaceId") for name in filters),
        "problems": problems,
        "no_reason": NO_REASON,
        "with_status": lambda status: _address({**filters, "status": status}),
        "first": _address(filters) if "cursor" in given else None,
        "next": _address({**filters, "cursor": listed.next_cursor}) if listed.next_cursor else None,
    }
    return await render(request, "executions/list.html", context, status=200 if problems is NONE else 400)


def _filters(given: MultiDict[str]) -> dict[str, str]:
    """What was asked for, apart from which page; several values of one name stand with commas."""
    return {name: ",".join(given.getall(name)) for name in dict.fromkeys(given) if name != "cursor"}


def _address(query: Mapping[str, str]) -> str:
    asked = {name: value for name, value in query.items() if value}
    return f"/executions?{urlencode(asked)}" if asked else "/executions"
