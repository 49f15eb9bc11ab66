"""``/inbox/{execution}/{context}``: a short look at one pause point, as the list shows it beside itself."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.engine.points.pauses import form_of
from signoff.gateway.executions.deciding import maker
from signoff.gateway.inbox.point import PointDetail, detail_of, read_point
from signoff.gateway.inbox.scopes import desk_of
from signoff.gateway.pages.headings import heading
from signoff.gateway.pages.inbox.points import point_key, point_value, resume_path
from signoff.gateway.pages.inbox.verdicts import fill, listed_defaults
from signoff.gateway.pages.inbox.views import PATH, address, read_view
from signoff.gateway.pages.site import render

_SAID: Final = frozenset({"decision:recorded", "execution:resumed", "pause:commented", "pause:returned"})
_REMARKS: Final = 3
"""Of what was said with those, so many are shown, the newest."""


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /inbox/{execution}/{context}``; the query is that of the list which shows it."""
    read = await read_point(request, caller)
    detail = await detail_of(request, caller, read)
    remarks = [each for each in detail.history if each.type in _SAID and (each.text or each.reason)]
    due = next((step.at for step in reversed(detail.policy.deadline) if not step.struck), None)
    data = read.point.response.get("data") if isinstance(read.point.response, dict) else None
    shown = data if isinstance(data, dict) else {}
    filled = listed_defaults(read.point)
    block = read.history.block_names.get(read.point.block_id, read.point.block_id)
    title = heading(read.point.title, detail.workflow_name or detail.workflow_id, block)
    view = read_view(request)
    href = resume_path(detail.workflow_id, detail.execution_id, detail.context_id, address(view))
    context = {
        "title": title,
        "filled_in": filled,
        "detail": detail,
        "structure": shown.get("responseStructure"),
        "data": {} if "_resume" in shown else shown,
        "remarks": remarks[-_REMARKS:],
        "due": due,
        "asks": [str(each.get("label") or each["name"]) for each in form_of(read.point.response)],
        "is_simple": not fill(read.point, "approve", "").wanting,
        "may_reject": not fill(read.point, "reject", "").wanting,
        "is_mine": _is_mine(request, caller, detail),
        "value": point_value(detail.execution_id, detail.context_id, detail.content_digest),
        "key": point_key(detail.execution_id, detail.context_id),
        "href": href,
        "path": PATH,
    }
    return await render(request, "inbox/peek.html", context)


def _is_mine(request: web.Request, caller: Principal, detail: PointDetail) -> bool:
    person = desk_of(caller, maker(request, caller)).person
    return detail.claimed_by is not None and detail.claimed_by.id == person
