"""``/executions/{execution}``: an execution as it is, or as it was after any event."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.engine.deciding.forks import MAX_EVENTS
from signoff.events.store.base import ExecutionRow
from signoff.events.types import ExecutionCancelled
from signoff.gateway.executions.history import read_event
from signoff.gateway.executions.moments import read_event_id
from signoff.gateway.executions.stopping import NO_REASON
from signoff.gateway.gateway import GATEWAY, shown_id
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.executions.addresses import row_of
from signoff.gateway.pages.executions.forks import forks_of
from signoff.gateway.pages.executions.look import Look
from signoff.gateway.pages.executions.looks import LOOKS
from signoff.gateway.pages.executions.naming import actor_name
from signoff.gateway.pages.executions.values import Here, ShowQuery, values_of
from signoff.gateway.pages.site import render


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /executions/{execution}``."""
    gateway = request.app[GATEWAY]
    query = read_query(request, ShowQuery)
    row = await row_of(request, caller)
    event_id = None
    if query.as_of is not None:
        event_id = await read_event_id(gateway, row, "asOf", query.as_of)
    seen = await request.app[LOOKS].at(request, row, event_id)
    look = seen.look
    here = Here(row, query)
    context = {
        "title": f"{row.workflow_id}, execution {shown_id(row)}",
        "row": row,
        "look": look,
        "timeline": seen.timeline,
        "head": seen.trace.version,
        "view": look.view,
        "here": here,
        "query": query,
        "starter": await actor_name(request, caller, look.actor),
        "cancelled": await _cancelled(request, caller, row, look),
        "forks": await forks_of(request, caller, row),
        "values": await values_of(gateway, row, seen, here),
        "runnable": [
            block for block in look.drawing.blocks if block.container_id is None and not block.is_trigger
        ],
        "can_fork": look.event_id <= MAX_EVENTS,
    }
    return await render(request, "executions/show.html", context)


async def _cancelled(request: web.Request, caller: Principal, row: ExecutionRow, look: Look) -> str:
    """Who cancelled it, and why; empty where nobody did."""
    if look.view.status != "cancelled":
        return ""
    event, _ = await read_event(request.app[GATEWAY].store, row.log_id, look.own.ended_by)
    if not isinstance(event.data, ExecutionCancelled):
        return ""
    who = await actor_name(request, caller, event.data.actor)
    why = "" if event.data.reason == NO_REASON else f": {event.data.reason}"
    return f"Cancelled by {who}{why}"
