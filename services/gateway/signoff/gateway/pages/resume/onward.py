"""Where somebody goes on to after a decision: to the next one of the inbox that they came from."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace
from multidict import MultiDict

from signoff.access.callers import Principal
from signoff.events.store.base import PointRow
from signoff.gateway.accesses.witness import request_shown
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.queries import filled_in, read_parameters
from signoff.gateway.inbox.asked import asked_now
from signoff.gateway.inbox.filters import behind
from signoff.gateway.inbox.items import InboxItem
from signoff.gateway.inbox.listing import count_points, list_points
from signoff.gateway.pages.front import local_path
from signoff.gateway.pages.headings import Glance, glance, heading
from signoff.gateway.pages.inbox.points import resume_path
from signoff.gateway.pages.inbox.views import PATH, InboxPageQuery, address, as_query
from signoff.gateway.pages.resume.addresses import INBOX
from signoff.gateway.pages.resume.reading import Reading

_FIRST: Final = InboxPageQuery()


class Onward(Struct, frozen=True):
    """Where to go on.

    Attributes:
        back: the inbox, as it was left.
        title: what the next decision is called; empty: there is none.
        href: where it is decided.
        point: its execution's id and its own.
        glance: the first values that it shows, where it has no title of its own.
        more: how many there are besides, such as ``10`` or ``1,000+``; empty for none.
    """

    back: str
    title: str = ""
    href: str = ""
    point: Sequence[str] = ()
    glance: Sequence[Glance] = ()
    more: str = ""


def view_of(request: web.Request) -> InboxPageQuery:
    """The view of the inbox that a page's address names; the first one where it names none of this server."""
    given = urlsplit(local_path(request.query.get(INBOX)))
    if given.path != PATH:
        return _FIRST
    try:
        return read_parameters(filled_in(MultiDict(parse_qsl(given.query))), InboxPageQuery)
    except ApiError:
        return _FIRST  # of another version of this page, or made up


async def onward_of(request: web.Request, caller: Principal, reading: Reading) -> Onward:
    """What follows in the inbox: behind the point that is shown, else from its beginning.

    Raises:
        StoreUnavailableError: the inbox cannot be read now.
    """
    view = view_of(request)
    try:
        found = await _next(request, caller, reading, view)
    except ApiError:  # a filter or a place that is none
        view = _FIRST
        found = await _next(request, caller, reading, view)
    back = address(view)
    if found is None:
        return Onward(back)
    row, item = found
    asked = (await asked_now(request.app[GATEWAY].store, [row])).get((row.log_id, row.context_id))
    own = None if asked is not None and asked.title is None else item.title
    request_shown(request, "listInbox", {})
    return Onward(
        back,
        title=heading(own, item.workflow_name or item.workflow_id, item.title),
        href=resume_path(item.workflow_id, item.execution_id, item.context_id, back),
        point=[item.execution_id, item.context_id],
        glance=glance(asked.response) if asked is not None and own is None else [],
        more=await _more(request, caller, reading, view),
    )


async def _next(
    request: web.Request, caller: Principal, reading: Reading, view: InboxPageQuery
) -> tuple[PointRow, InboxItem] | None:
    log_id, point = reading.read.row.log_id, reading.read.point
    for cursor in (behind(view.sort, log_id, point), None):
        query = as_query(replace(view, cursor=cursor, limit=2))
        listed = await list_points(request, caller, query)
        for row, item in zip(listed.rows, listed.page.items, strict=True):
            if (row.log_id, row.context_id) != (log_id, point.context_id):
                return row, item
    return None


async def _more(request: web.Request, caller: Principal, reading: Reading, view: InboxPageQuery) -> str:
    count = (await count_points(request, caller, as_query(view), view.scope))[view.scope]
    is_listed = view.scope != "open" and reading.read.point.entry_id is None
    more = count.total - 1 - is_listed
    return f"{more:,}{'' if count.exact else '+'}" if more > 0 else ""
