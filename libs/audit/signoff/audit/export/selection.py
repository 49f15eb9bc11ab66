"""Which events an export has, and how they are read: by position, a page at a time."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.audit.export.errors import ExportError
from signoff.audit.verify.chain import is_dated
from signoff.events.codec import Header, decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import is_full
from signoff.events.times import from_iso, is_time, iso

PAGE: Final = 4_000
"""Events that are read at a time …"""

PAGE_BYTES: Final = 8 * 1024 * 1024
"""… or those that have so many bytes."""

_WINDOW: Final = 50_000
_CLOCKS: Final = 600.0
"""Seconds by which clocks of executors may differ: the log is in the order of commits, not of times."""

_LOOK: Final = 16
"""Events that are looked at for one that has a time."""

_LARGEST: Final = 2**63 - 1
"""Number that a column of Parquet holds."""


class Selection(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Which events are exported: those to which all of this applies; everything without.

    Attributes:
        workspace: the events of its executions and workflows. Logs of people and of accesses have none.
        workflow: its executions and deployments.
        since: events that are not older, as events write times.
    """

    workspace: UUID | None = None
    workflow: str | None = None
    since: str | None = None


class Row(Struct, frozen=True):
    """An event with its envelope."""

    event: Recorded
    header: Header

    @property
    def day(self) -> str:
        """When it was recorded, such as ``2026-01-31`` (UTC)."""
        return self.header.timestamp[:10]


class Page(Struct, frozen=True):
    """Some events, perhaps none, and the position up to which there are no others."""

    events: list[Recorded]
    position: int


async def pages(store: EventStore, chosen: Selection, *, after: int, upto: int) -> AsyncGenerator[Page, None]:
    """The events at positions above ``after`` and up to ``upto``, of any time.

    The next page is read while the caller works on one.

    Raises:
        StoreUnavailableError: the database is away.
    """
    if after >= upto:
        return
    coming = asyncio.create_task(_page(store, chosen, after=after, upto=upto))
    try:
        while after < upto:
            page = await coming
            after = page.position
            if after < upto:
                coming = asyncio.create_task(_page(store, chosen, after=after, upto=upto))
            yield page
    finally:
        coming.cancel()
        await asyncio.wait([coming])


async def _page(store: EventStore, chosen: Selection, *, after: int, upto: int) -> Page:
    if chosen.workspace is None:
        return await _of_all(store, after=after, upto=upto)
    return await _of_workspace(store, chosen.workspace, chosen.workflow, after=after, upto=upto)


async def _of_all(store: EventStore, *, after: int, upto: int) -> Page:
    found = await store.upkeep.history(after=after, limit=PAGE, size=PAGE_BYTES)
    events = [event for event in found if event.position <= upto]
    ended = len(events) < len(found) or not is_full(found, limit=PAGE, size=PAGE_BYTES)
    return Page(events, upto if ended else events[-1].position)


async def _of_workspace(
    store: EventStore, workspace: UUID, workflow: str | None, *, after: int, upto: int
) -> Page:
    end = min(after + _WINDOW, upto)
    found = await store.read_feed(
        [workspace], after=after, upto=end, limit=PAGE, size=PAGE_BYTES,
        workflow_ids=() if workflow is None else (workflow,),
    )  # fmt: skip
    events = [row.event for row in found]
    return Page(events, events[-1].position if is_full(events, limit=PAGE, size=PAGE_BYTES) else end)


def chosen_rows(chosen: Selection, events: list[Recorded]) -> list[Row]:
    """The events of a page that are exported, with their envelopes: such as files of every format can have.

    Raises:
        ExportError: bytes are no event, or one of a workflow that is exported, and of no time.
    """
    rows = []
    for event in events:
        try:
            header = decode_header(event.state)
        except CodecError as error:
            raise _unreadable(event, str(error)) from error
        if chosen.workflow not in (None, header.workflow_id):
            continue
        flaw = _flaw(event, header)
        if flaw is not None:
            raise _unreadable(event, flaw)
        if chosen.since is None or header.timestamp >= chosen.since:
            rows.append(Row(event, header))
    return rows


def _flaw(event: Recorded, header: Header) -> str | None:
    """Why no file can have an event."""
    if b"\n" in event.state:
        return "it is more than one line"
    if not is_dated(header):
        return "a time of it is none"
    copied = 0 if header.copy_of is None else header.copy_of.event_id
    if max(abs(header.attempt or 0), abs(copied)) > _LARGEST:
        return "a number of it is none that an event has"
    return None


def _unreadable(event: Recorded, why: str) -> ExportError:
    return ExportError(
        f"position {event.position} of the log cannot be read ({why}): `signoff audit verify` tells what "
        "happened to it; once it is put right, the same call goes on"
    )


async def beginning(store: EventStore, chosen: Selection) -> int:
    """A position above which all events of a selection lie: those of earlier times need not be read.

    Raises:
        StoreUnavailableError: the database is away.
    """
    if chosen.since is None:
        return 0
    wanted = iso(from_iso(chosen.since) - _CLOCKS)
    low, high = 0, await store.last_position()
    while low < high:  # positions may be left out: an event is looked for above the middle
        middle = (low + high) // 2
        found = await store.read_all(after=middle, limit=_LOOK)
        position, timestamp = next(_dated(found), (middle, wanted))
        if timestamp < wanted:
            low = position
        else:
            high = middle
    return low


def _dated(events: list[Recorded]) -> Iterator[tuple[int, str]]:
    """Positions and times of the events that have one: what is wrong with others is told where they count."""
    for event in events:
        try:
            timestamp = decode_header(event.state).timestamp
        except CodecError:
            continue
        if is_time(timestamp):
            yield event.position, timestamp
