"""``/workflows``: all of them, page by page."""

from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.events.store.base import WorkflowRow
from signoff.events.store.search import Search
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.site import render
from signoff.gateway.workflows.listing import ListQuery, find_workflows

_PAGE: Final = 50


class PageQuery(Struct, frozen=True, kw_only=True):
    """Which page of the workflows is wanted."""

    cursor: str = ""


class Item(Struct, frozen=True):
    """A workflow, and how many of its executions run and wait; ``None`` where that takes too long to say."""

    row: WorkflowRow
    under_way: dict[str, int] | None


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /workflows``."""
    query = read_query(request, PageQuery)
    gateway = request.app[GATEWAY]
    rows, cursor = await find_workflows(gateway, caller, ListQuery(limit=_PAGE, cursor=query.cursor))
    counts = await _under_way(request, caller)
    items = [Item(row, None if counts is None else counts.get(row.workflow_id, {})) for row in rows]
    context = {
        "title": "Workflows",
        "items": items,
        "first": "/workflows" if query.cursor else None,
        "next": f"/workflows?{urlencode({'cursor': cursor})}" if cursor else None,
    }
    return await render(request, "workflows/list.html", context)


async def _under_way(request: web.Request, caller: Principal) -> dict[str, dict[str, int]] | None:
    """By workflow and status, in one query."""
    if not caller.may("executions:read"):
        return None
    search = Search(workspace_id=caller.workspace_id, statuses=("running", "paused"))
    return await request.app[GATEWAY].store.count_by_workflow(search)
