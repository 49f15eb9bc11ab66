"""An execution as of an event, worked out once for all who look at it."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import web

from signoff.audit.life.folding import Folded, state_as_of
from signoff.engine.state import TERMINAL
from signoff.events.codec import decode_event
from signoff.events.store.base import ExecutionRow
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.pages.executions.look import Look, Making, timeline_at
from signoff.gateway.pages.executions.picture import picture_of
from signoff.gateway.pages.executions.timeline import Timeline
from signoff.gateway.pages.executions.trace import Trace
from signoff.gateway.pages.executions.traced import Seen, Traced
from signoff.gateway.pages.followed import FollowedLogs
from signoff.gateway.pages.kept import Kept

_FRESH: Final = 1.0
"""Seconds for which the timeline of an execution that goes on is as good as the present's."""

_LARGEST: Final = 48 * 1024 * 1024
"""Weight of a log that is kept: that of some 200,000 events."""

_MANY: Final = 2_000
"""Instances of blocks that are worked through in a thread: others get their turn meanwhile."""

T = TypeVar("T")


class Looks:
    """Looks at executions, and keeps what others may share: the past does not change."""

    def __init__(self) -> None:
        self._logs = FollowedLogs(Traced, largest=_LARGEST)
        self._past: Kept[Look] = Kept()
        self._timelines: Kept[Timeline] = Kept()

    async def at(self, request: web.Request, row: ExecutionRow, event_id: int | None) -> Seen:
        """An execution after an event that its log has; ``None``: as it is now.

        Raises:
            ApiError: 404, its version is not in the log.
            CodecError: the log holds what is no event.
            ValueError: the log cannot be folded.
            StoreUnavailableError: the database is away.
        """
        if event_id is None:
            return await self._now(request, row)
        return await self._then(request, row, event_id)

    async def _now(self, request: web.Request, row: ExecutionRow) -> Seen:
        store = request.app[GATEWAY].store
        async with self._logs.reading(store, row.log_id) as traced:
            if traced.seen is None or not _is_good(traced.seen):
                folded, trace = await traced.state(store, row.log_id), traced.trace
                now = folded.state.time
                if folded.state.status not in TERMINAL:
                    now = max(time.time(), now)
                making = await _making(request, row, folded)
                look = await _aside(trace, lambda: making.look(trace))
                timeline = await _aside(trace, lambda: timeline_at(trace, look.event_id, now))
                traced.seen = Seen(look=look, timeline=timeline, now=now, trace=trace)
            return traced.seen

    async def _then(self, request: web.Request, row: ExecutionRow, event_id: int) -> Seen:
        store, name = request.app[GATEWAY].store, f"{row.log_id} {event_id}"

        async def fold() -> Look:
            # Whoever follows the log does not wait for this.
            making = await _making(request, row, await state_as_of(store, row.log_id, upto=event_id))
            async with self._logs.reading(store, row.log_id) as traced:
                return await _aside(traced.trace, lambda: making.look(traced.trace))

        async def draw() -> Timeline:
            async with self._logs.reading(store, row.log_id) as traced:
                return await _aside(traced.trace, lambda: timeline_at(traced.trace, event_id, look.at))

        look = await self._past.get(name, fold)
        async with self._logs.reading(store, row.log_id) as traced:
            trace, version = traced.trace, traced.version
        timeline = await self._timelines.get(f"{name} of {version}", draw)
        return Seen(look=look, timeline=timeline, now=look.at, trace=trace)


LOOKS: Final = web.AppKey("looks", Looks)


def _is_good(seen: Seen) -> bool:
    """Whether what was seen last is as what would be seen now."""
    is_fresh = seen.look.view.status in TERMINAL or time.time() - seen.now < _FRESH
    return seen.look.event_id == seen.trace.version and is_fresh


async def _making(request: web.Request, row: ExecutionRow, folded: Folded) -> Making:
    gateway, version = request.app[GATEWAY], folded.state.version
    drawing = await picture_of(request, row, folded.state)
    (event,) = await gateway.store.read(row.log_id, after=version - 1, limit=1)
    kind = decode_event(event.state).type
    return Making(row=row, folded=folded, kind=kind, drawing=drawing, links=gateway.links)


async def _aside(trace: Trace, work: Callable[[], T]) -> T:
    """Work through a trace, which nobody changes before that is done, even where who asked has left."""
    if len(trace) <= _MANY:
        return work()
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    finally:
        await asyncio.wait([working])
