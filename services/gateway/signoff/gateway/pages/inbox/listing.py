"""``/inbox``: what somebody is asked to decide."""

import asyncio
from typing import Final

from aiohttp import web
from msgspec import UNSET, Struct
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.engine.points.standing import person_of
from signoff.events.codec import decode_event
from signoff.events.store.base import PointRow, WorkflowRow
from signoff.events.store.inbox import PRIORITIES
from signoff.events.types import Actor, ExecutionStarted
from signoff.gateway.executions.deciding import maker
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.inbox.asked import Asked, asked_now
from signoff.gateway.inbox.filters import Scope
from signoff.gateway.inbox.items import InboxItem
from signoff.gateway.inbox.listing import count_points, list_points
from signoff.gateway.inbox.people import names_of
from signoff.gateway.inbox.scopes import Count, desk_of
from signoff.gateway.pages.headings import Glance, glances, heading
from signoff.gateway.pages.inbox.points import point_key, point_value, resume_path
from signoff.gateway.pages.inbox.verdicts import listed_defaults
from signoff.gateway.pages.inbox.views import (
    PATH,
    SCOPES,
    SORTS,
    InboxPageQuery,
    address,
    as_query,
    filters_of,
    is_filtered,
    read_view,
)
from signoff.gateway.pages.site import render

_WORKFLOWS: Final = 200
"""Workflows among which the filter lets people choose; a link in each row finds the others."""


class Tab(Struct, frozen=True):
    """A scope: what it is called, where it is, and how many points it has."""

    name: str
    href: str
    is_current: bool
    count: str


class Row(Struct, frozen=True, kw_only=True):
    """A row of the list.

    Attributes:
        item: what the API tells of the point.
        key: names the point on the page.
        value: names the point and what was shown of it, in forms.
        href: where it is decided.
        only_workflow: the same view, of its workflow alone.
        title: what it is called.
        has_title: it has a title of its own.
        glance: the first values that it shows.
        filled_in: what the form fills in where it is answered with yes or no; empty: nothing, or too much to
            be listed.
        asked_by: who started the execution.
        is_mine: the visitor has claimed it.
    """

    item: InboxItem
    title: str
    has_title: bool
    glance: list[Glance]
    filled_in: list[Glance]
    key: str
    value: str
    href: str
    only_workflow: str
    asked_by: str
    is_mine: bool


class Facets(Struct, frozen=True):
    """How many points each choice of a filter would leave."""

    priority: dict[str, str]
    overdue: str


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /inbox``."""
    view = read_view(request)
    listed, counts, workflows = await asyncio.gather(
        list_points(request, caller, as_query(view)),
        _counts(request, caller, view),
        _workflows(request, caller, view),
    )
    cursor = listed.page.next_cursor
    context = {
        "title": "Inbox",
        "view": view,
        "rows": await _rows(request, caller, listed.rows, listed.page.items, view),
        "tabs": [
            Tab(name, address(view, scope=scope), scope == view.scope, told(counts[scope]))
            for scope, name in SCOPES.items()
        ],
        "total": counts[view.scope].total,
        "told": told(counts[view.scope]),
        "facets": await _facets(request, caller, view, counts[view.scope]),
        "workflows": workflows,
        "sorts": SORTS,
        "complete": listed.page.complete,
        "is_filtered": is_filtered(view),
        "filters": filters_of(view),
        "unfiltered": address(InboxPageQuery(scope=view.scope)),
        "first": address(view) if view.cursor else None,
        "next": address(view, cursor=cursor) if cursor else None,
        "here": address(view, cursor=view.cursor),
        "path": PATH,
    }
    return await render(request, "inbox/list.html", context)


def told(count: Count) -> str:
    """A count; one that is not exact is a least."""
    return f"{count.total:,}{'' if count.exact else '+'}"


async def _counts(request: web.Request, caller: Principal, view: InboxPageQuery) -> dict[Scope, Count]:
    return await count_points(request, caller, as_query(view), *SCOPES)


async def _facets(request: web.Request, caller: Principal, view: InboxPageQuery, here: Count) -> Facets:
    """Each filter's numbers are those that the other filters leave."""

    async def without(changed: InboxPageQuery) -> Count:
        if changed == view:
            return here
        counted = await count_points(request, caller, as_query(changed), view.scope)
        return counted[view.scope]

    by_priority, by_due = await asyncio.gather(
        without(replace(view, priority=[])), without(replace(view, due=UNSET))
    )
    more = "" if by_priority.exact else "+"
    return Facets(
        priority={
            name: f"{by_priority.by_priority.get(place, 0):,}{more}" for place, name in enumerate(PRIORITIES)
        },
        overdue=f"{by_due.overdue:,}{'' if by_due.exact else '+'}",
    )


async def _workflows(request: web.Request, caller: Principal, view: InboxPageQuery) -> list[WorkflowRow]:
    """Those to choose from, by their names; the chosen ones among them."""
    store = request.app[GATEWAY].store
    found = await store.workflows(caller.workspace_id, limit=_WORKFLOWS)
    known = {each.workflow_id for each in found}
    for chosen in view.workflow_id:
        row = None if chosen in known else await store.workflow(caller.workspace_id, chosen)
        if row is not None:
            found.append(row)
    return sorted(found, key=lambda each: (each.name or each.workflow_id).casefold())


async def _rows(
    request: web.Request,
    caller: Principal,
    rows: list[PointRow],
    items: list[InboxItem],
    view: InboxPageQuery,
) -> list[Row]:
    asked_by, asked = await asyncio.gather(
        _asked_by(request, caller, rows), asked_now(request.app[GATEWAY].store, rows)
    )
    here = address(view)
    known = [asked.get((row.log_id, row.context_id)) for row in rows]
    shown = glances(None if each is None else each.response for each in known)
    person = desk_of(caller, maker(request, caller)).person
    return [
        Row(
            item=item,
            title=_title(item, point),
            has_title=point is None or point.title is not None,
            glance=glance,
            filled_in=[] if point is None else listed_defaults(point),
            key=point_key(item.execution_id, item.context_id),
            value=point_value(item.execution_id, item.context_id, item.content_digest),
            href=resume_path(item.workflow_id, item.execution_id, item.context_id, here),
            only_workflow=address(view, workflow_id=[item.workflow_id]),
            asked_by=asked_by.get(str(row.log_id), ""),
            is_mine=row.claimed_by == person,
        )
        for row, item, point, glance in zip(rows, items, known, shown, strict=True)
    ]  # fmt: skip


def _title(item: InboxItem, asked: Asked | None) -> str:
    own = None if asked is not None and asked.title is None else item.title
    return heading(own, item.workflow_name or item.workflow_id, item.title)


async def _asked_by(request: web.Request, caller: Principal, rows: list[PointRow]) -> dict[str, str]:
    """Who started the executions, by their logs: told by the first event of each, read in one query."""
    store = request.app[GATEWAY].store
    first = await store.read_many({row.log_id: 0 for row in rows}, limit=1)
    actors: dict[str, Actor] = {}
    for log_id, events in first.items():
        data = decode_event(events[0].state).data
        if isinstance(data, ExecutionStarted):
            actors[str(log_id)] = data.actor
    people = {person_of(each) for each in actors.values()}
    names = await names_of(request.app, caller.workspace_id, people=people)
    return {log_id: actor.name or names.actor(actor).name for log_id, actor in actors.items()}
