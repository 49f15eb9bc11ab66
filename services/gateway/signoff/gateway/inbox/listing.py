"""A page of somebody's inbox, and how many points each scope has: for the API and for the pages."""

import asyncio

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from signoff.access.callers import Principal
from signoff.events.store.base import PointRow
from signoff.events.store.ordering import inbox_place
from signoff.gateway.executions.deciding import maker
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.inbox.filters import InboxFilter, InboxQuery, Scope, read_filter, read_place, write_place
from signoff.gateway.inbox.items import InboxItem, InboxTotals, items, totals
from signoff.gateway.inbox.scopes import Count, claimed_only, count, desk_of, page_of, scoped


class InboxPage(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of open pause points.

    Attributes:
        items: In the order that was asked for.
        next_cursor: The `cursor` of the next page; `null` after the last item.
        complete: False: the caller has more groups than one query looks through (200, and what 20 people
            in whose place they decide have claimed); `scope=all` has what is missing.
        counts: Where they were asked for.
    """

    items: list[InboxItem]
    next_cursor: str | None
    complete: bool
    counts: InboxTotals | UnsetType = UNSET


class Listed(Struct, frozen=True):
    """A page, and the rows that its items were made of, in the same order."""

    page: InboxPage
    rows: list[PointRow]


async def list_points(request: web.Request, caller: Principal, query: InboxQuery) -> Listed:
    """A page of the points that a filter finds for its caller.

    Args:
        request: that it came with.
        caller: whose inbox it is.
        query: the filter, and which page.

    Raises:
        ApiError: 400, the filter or the cursor is none.
    """
    store, desk = request.app[GATEWAY].store, desk_of(caller, maker(request, caller))
    search = read_filter(query, caller.workspace_id, query.sort)
    after = read_place(query.cursor, query.sort)
    wanted = claimed_only(scoped(desk, query.scope, search), desk, query.claimed)
    rows = await page_of(store, wanted, after=after, limit=query.limit + 1)
    shown, more = rows[: query.limit], len(rows) > query.limit
    page = InboxPage(
        items=await items(request.app, caller.workspace_id, shown, desk, now=search.now),
        next_cursor=write_place(query.sort, inbox_place(shown[-1], search.order)) if more else None,
        complete=wanted.complete,
        counts=totals(await count(store, wanted)) if query.counts else UNSET,
    )
    return Listed(page, shown)


async def count_points(
    request: web.Request, caller: Principal, query: InboxFilter, *scopes: Scope
) -> dict[Scope, Count]:
    """How many points a filter finds in each of some scopes, whatever its own scope is.

    Args:
        request: that it came with.
        caller: whose inbox it is.
        query: the filter.
        scopes: that are counted.

    Raises:
        ApiError: 400, the filter is none.
    """
    store, desk = request.app[GATEWAY].store, desk_of(caller, maker(request, caller))
    search = read_filter(query, caller.workspace_id)
    names = list(dict.fromkeys(scopes))
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(count(store, claimed_only(scoped(desk, scope, search), desk, query.claimed)))
            for scope in names
        ]
    return dict(zip(names, (task.result() for task in tasks), strict=True))
