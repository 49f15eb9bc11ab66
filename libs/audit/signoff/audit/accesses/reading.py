"""The access log of a workspace read for auditors: the newest first, page by page, over days and partitions.

A page looks through a bounded part of the log, whatever is wanted of it; so one may be short, or empty, and
yet have another after it.
"""

import heapq
from collections.abc import AsyncIterator, Collection
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.audit.accesses.log import day_of
from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore, Recorded
from signoff.events.times import from_iso
from signoff.events.topics import PARTITIONS, access_log_id
from signoff.events.types import (
    Access,
    AccessEnded,
    AccessesDropped,
    Actor,
    DecisionRefused,
    Event,
)

LOOKED_AT: Final = 5000
"""Events that a page looks at, at most …"""

DAYS: Final = 31
"""… and days."""

_WINDOW: Final = 200


class Wanted(Struct, frozen=True, kw_only=True):
    """Which accesses are wanted.

    Attributes:
        workspace_id: in this workspace.
        types: of the events; empty: all.
        actor_id: by the user, key or program of this id.
        execution_ids: about an execution that has one of these ids; empty: about anything.
        first: not before this moment, seconds since the epoch, UTC.
        end: before this one.
        limit: at most so many.
    """

    workspace_id: str
    types: Collection[str] = ()
    actor_id: str | None = None
    execution_ids: Collection[str] = ()
    first: float
    end: float
    limit: int

    def takes(self, event: Event) -> bool:
        """Whether an event of an access log is among them."""
        return (
            (not self.types or event.type in self.types)
            and self.first <= moment_of(event) < self.end
            and (self.actor_id is None or _has(_actor(event), self.actor_id))
            and (not self.execution_ids or not _executions(event).isdisjoint(self.execution_ids))
        )


class Reached(Struct, frozen=True, kw_only=True):
    """Where the next page begins.

    Attributes:
        day: it goes on in this day's logs.
        before: in each partition's log before this event; ``None``: at their ends.
    """

    day: str
    before: dict[str, int] | None = None


def moment_of(event: Event) -> float:
    """When what an access log's event tells of happened, in seconds since the epoch; the last of several."""
    data = event.data
    if isinstance(data, AccessEnded):
        return from_iso(data.last_at or data.first_at)
    if isinstance(data, (Access, AccessesDropped)):
        return from_iso(data.first_at)
    return from_iso(event.timestamp)


def _actor(event: Event) -> Actor | None:
    return event.data.actor if isinstance(event.data, (Access, DecisionRefused)) else None


def _has(actor: Actor | None, actor_id: str) -> bool:
    return actor is not None and actor_id in (actor.id, actor.owner)


def _executions(event: Event) -> set[str | None]:
    """The executions that an access was to, by the ids that they were asked for by: two were compared."""
    data = event.data
    if isinstance(data, DecisionRefused):
        return {data.execution_id}
    if not isinstance(data, Access):
        return set()
    return {data.about.names.get("executionId"), data.about.filter.get("with")}


class _Backwards:
    """One partition's log of a day, from an event back to its first."""

    def __init__(self, store: EventStore, log_id: UUID, before: int) -> None:
        self._store = store
        self._log_id = log_id
        self._window: list[Recorded] = []
        self.before = before

    async def next(self) -> Event | None:
        """The event before; ``None`` at the beginning."""
        if not self._window and self.before > 1:
            after = max(0, self.before - 1 - _WINDOW)
            self._window = await self._store.read(self._log_id, after=after, limit=self.before - 1 - after)
        return decode_event(self._window.pop().state) if self._window else None


async def read_page(
    store: EventStore, wanted: Wanted, reached: Reached | None = None
) -> tuple[list[Event], Reached | None]:
    """A page of accesses, the newest first by when they were recorded, day by day.

    Args:
        store: the log.
        wanted: which.
        reached: where the page before ended.

    Returns:
        The events, and where the next page begins; ``None`` after the last.
    """
    found: list[Event] = []
    looked = 0
    day = date.fromisoformat(reached.day if reached else day_of(wanted.end))
    last, first = day - timedelta(days=DAYS - 1), date.fromisoformat(day_of(wanted.first))
    before = reached.before if reached else None
    while day >= max(first, last):
        logs = await _logs(store, wanted.workspace_id, day.isoformat(), before)
        async for event in _merged(logs):
            looked += 1
            if wanted.takes(event):
                found.append(event)
            if len(found) == wanted.limit or looked == LOOKED_AT:
                left = {name: log.before for name, log in logs.items() if log.before > 1}
                return found, Reached(day=day.isoformat(), before=left)
        day, before = day - timedelta(days=1), None
    return found, Reached(day=day.isoformat()) if day >= first else None


async def _logs(
    store: EventStore, workspace_id: str, day: str, before: dict[str, int] | None
) -> dict[str, _Backwards]:
    """The logs of a day, by their partitions; no further than where the page before ended."""
    if before is not None:
        return {
            name: _Backwards(store, access_log_id(workspace_id, int(name), day), version)
            for name, version in before.items()
        }
    ids = {access_log_id(workspace_id, number, day): str(number) for number in range(PARTITIONS)}
    heads = await store.heads(ids)
    return {ids[log_id]: _Backwards(store, log_id, head + 1) for log_id, head in heads.items()}


async def _merged(logs: dict[str, _Backwards]) -> AsyncIterator[Event]:
    """The events of several logs, those recorded last first. Each log is as far as what was given out."""
    heap: list[tuple[float, str, Event]] = []
    for name, log in logs.items():
        await _push(heap, name, log)
    while heap:
        _, name, event = heapq.heappop(heap)
        logs[name].before = event.event_id
        yield event
        await _push(heap, name, logs[name])


async def _push(heap: list[tuple[float, str, Event]], name: str, log: _Backwards) -> None:
    event = await log.next()
    if event is not None:
        heapq.heappush(heap, (-from_iso(event.timestamp), name, event))
