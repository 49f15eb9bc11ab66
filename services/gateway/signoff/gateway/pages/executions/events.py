"""``/executions/{execution}/events``: the log, in pages; each event with its JSON on a page of its own."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.audit.life.story import Entry, Story
from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import is_full, page_of
from signoff.events.types import Event, ExecutionStarted
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.events import EventId
from signoff.gateway.executions.searching import StartedBy
from signoff.gateway.gateway import GATEWAY, shown_id
from signoff.gateway.http.queries import filled_in, read_parameters
from signoff.gateway.pages.executions.addresses import path_of, row_of
from signoff.gateway.pages.executions.naming import starters
from signoff.gateway.pages.moments import in_clock
from signoff.gateway.pages.site import render

LIMIT: Final = 50
"""Events in a page."""

_BYTES: Final = 4 * 1024 * 1024
"""Of events that are read for a page; one of large events is shorter, and its last one may be large."""

LAST: Final = 2**31 - 1
"""No event has a higher number."""

Family: TypeAlias = Literal[
    "execution", "block", "pause", "decision", "resume", "child", "loop", "parallel", "container", "timer",
    "variables", "stream",
]  # fmt: skip
FAMILIES: Final[tuple[tuple[Family, str], ...]] = (
    ("execution", "The execution"),
    ("block", "Blocks"),
    ("pause", "Pause points"),
    ("decision", "Decisions"),
    ("resume", "Decisions in the queue"),
    ("child", "Child executions"),
    ("container", "Loops and parallels"),
    ("loop", "Iterations"),
    ("parallel", "Branches"),
    ("timer", "Timers"),
    ("variables", "Variables"),
    ("stream", "Streamed text"),
)


class EventsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are shown.

    Attributes:
        after: The page begins after this event.
        last: No event after this one.
        type: Those of one family; all of them without.
        event: The page that has this event.
    """

    after: EventId = msgspec.field(default=0, name="from")
    last: EventId = msgspec.field(default=LAST, name="to")
    type: Family | Literal[""] = ""
    event: Annotated[int, Meta(ge=1, le=LAST)] | None = None


class Line(Struct, frozen=True, kw_only=True):
    """An event in a list: when it was, ``what`` it says to people, and who did it; empty for nobody.

    ``digest``: of the definition that it began with.
    """

    event_id: int
    type: str
    at: str
    clock: str
    copied_from: int | None
    attempt: int | None
    what: str
    about: str
    who: str
    digest: str


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /executions/{execution}/events``."""
    gateway = request.app[GATEWAY]
    query = read_parameters(filled_in(request.query), EventsQuery)
    row = await row_of(request, caller)
    after = query.after if query.event is None else (query.event - 1) // LIMIT * LIMIT
    read = partial(page_of_events, gateway.store, row.log_id, last=query.last, family=query.type)
    page, more = await read(after=after)
    if query.event is not None and page and page[-1].version < query.event:
        after = query.event - 1  # events before it fill the page
        page, more = await read(after=after)
    head = (await gateway.store.heads([row.log_id])).get(row.log_id, 0)
    path = path_of(row)
    asked: dict[str, str] = {"type": query.type} if query.type else {}
    if query.last != LAST:
        asked["to"] = str(query.last)
    context = {
        "title": f"Events of execution {shown_id(row)}",
        "row": row,
        "execution_id": shown_id(row),
        "path_of": path,
        "lines": await _lines(request, caller, [decode_event(each.state) for each in page]),
        "families": FAMILIES,
        "family": query.type,
        "head": head,
        "first": f"{path}/events?{urlencode(asked)}" if after else None,
        "next": f"{path}/events?{urlencode({**asked, 'from': page[-1].version})}" if more else None,
    }
    return await render(request, "executions/events.html", context)


async def page_of_events(
    store: EventStore, log_id: UUID, *, after: int, last: int, family: Family | Literal[""]
) -> tuple[list[Recorded], bool]:
    """The events of a page, and whether there may be more behind it.

    Args:
        store: the log.
        log_id: of the execution.
        after: the page begins after this event …
        last: … and has none after this one.
        family: of which all events are; empty: any.

    Raises:
        StoreUnavailableError: the database is away.
    """
    every = [topic for name, topic in TOPIC_BY_TYPE.items() if name.startswith(f"{family}:")]
    topics = every if family else [None]
    size = _BYTES // len(topics)
    reads = await asyncio.gather(
        *(store.read(log_id, after=after, limit=LIMIT + 1, topic=topic, size=size) for topic in topics)
    )
    # A read that is full has not seen what comes after its last event: the others wait there for it.
    full = (read for read in reads if is_full(read, limit=LIMIT + 1, size=size))
    seen = min((read[-1].version for read in full), default=last)
    found = sorted((each for read in reads for each in read if each.version <= last), key=_version)
    page = list(page_of((each for each in found if each.version <= seen), limit=LIMIT, size=_BYTES))
    return page, len(page) < len(found) or seen < last


def _version(event: Recorded) -> int:
    return event.version


async def _lines(request: web.Request, caller: Principal, events: list[Event]) -> list[Line]:
    actors = {event.event_id: actor for event in events if (actor := getattr(event.data, "actor", None))}
    named = {each: StartedBy(type=actor.type, id=actor.id) for each, actor in actors.items()}
    names = await starters(request, caller, named.values())
    who = {each: actors[each].name or names[by] for each, by in named.items()}
    entries = {entry.event_id: entry for entry in Story().tell(events)}
    return [
        Line(
            event_id=event.event_id,
            type=event.type,
            at=event.happened_at,
            clock=in_clock(event.happened_at),
            copied_from=None if event.copy_of is None else event.copy_of.event_id,
            attempt=event.attempt,
            what=_what(event, entries.get(event.event_id)),
            about=_about(event, entries.get(event.event_id)),
            who=who.get(event.event_id, ""),
            digest=event.data.definition_digest if isinstance(event.data, ExecutionStarted) else "",
        )
        for event in events
    ]


_WORDS: Final[Mapping[str, str]] = {
    "execution:seeded": "Took over what ran before",
    "container:opened": "Knows what it goes over",
    "timer:fired": "The moment came",
    "variables:set": "Variables were set",
    "stream:chunk": "A part of its text",
    "stream:done": "All of its text is there",
    "child:cancelled": "Its execution is cancelled",
}
"""What events say that make no entry in the story."""


def _what(event: Event, entry: Entry | None) -> str:
    if isinstance(event.data, ExecutionStarted) and entry is not None:
        return entry.what.replace(f" ({event.data.definition_digest})", "")
    if entry is not None:
        return entry.what
    index = getattr(event.data, "index", None)
    if index is not None:
        return f"{'Iteration' if event.type == 'loop:iteration' else 'Branch'} {index + 1} began"
    return _WORDS.get(event.type, "")


def _about(event: Event, entry: Entry | None) -> str:
    if entry is not None:
        return entry.about or ""
    names = ("container_id", "block_id", "timer_id", "context_id")
    return next((str(each) for name in names if (each := getattr(event.data, name, None))), "")


async def show_one(request: web.Request, caller: Principal) -> web.Response:
    """``GET /executions/{execution}/events/{event}``: an event whole."""
    gateway = request.app[GATEWAY]
    row = await row_of(request, caller)
    number = request.match_info["event"]
    event_id = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    found = await gateway.store.read(row.log_id, after=max(event_id - 1, 0), limit=1)
    if not found or found[0].version != event_id:
        raise ApiError(404, "The execution has no such event")
    head = (await gateway.store.heads([row.log_id])).get(row.log_id, 0)
    path = path_of(row)
    raw = found[0].state
    context = {
        "title": f"Event {event_id} of execution {shown_id(row)}",
        "row": row,
        "execution_id": shown_id(row),
        "path_of": path,
        "line": (await _lines(request, caller, [decode_event(raw)]))[0],
        "value": msgspec.json.decode(raw),
        "size": len(raw),
        "api": f"/api{path}/events?from={event_id - 1}&to={event_id}",
        "list": f"{path}/events?event={event_id}#event-{event_id}",
        "state": f"{path}?asOf={event_id}",
        "before": f"{path}/events/{event_id - 1}" if event_id > 1 else None,
        "after": f"{path}/events/{event_id + 1}" if event_id < head else None,
    }
    return await render(request, "executions/event.html", context)
