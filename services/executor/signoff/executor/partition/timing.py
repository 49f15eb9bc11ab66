"""Wakes logs whose moment has come: an execution's timer, a workflow's schedule.

The moments themselves are in the fold; this only looks ahead. What is due soon is kept in a heap; what is
due later stays in the log's database (``due_at``) and is asked for now and then. An execution that is
loaded is looked at by its partition each second.
"""

import asyncio
import contextlib
import heapq
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from uuid import UUID

import structlog

from signoff.engine.messages import Input, Tick
from signoff.events.errors import StoreError
from signoff.events.store.base import EventStore
from signoff.events.topics import partition_of

HORIZON: Final = 15.0
"""Seconds ahead that timers are kept in memory."""

_POLL: Final = 5.0
_PAGE: Final = 10_000

_log = structlog.get_logger("signoff.executor.timing")


class Wakeable(Protocol):
    """A partition, as timers see it."""

    def deliver(self, log_id: UUID, message: Input) -> None:
        """Take the message that time passed."""
        ...


class Timing:
    """The timers of the partitions that this executor owns.

    Args:
        owned: gives the partitions owned now.
        partitions: how many there are in all.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        store: EventStore,
        owned: Callable[[], Mapping[int, Wakeable]],
        *,
        partitions: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._owned = owned
        self._partitions = partitions
        self._clock = clock
        self._heap: list[tuple[float, UUID, int]] = []
        self._known: set[tuple[float, UUID]] = set()
        self._sooner = asyncio.Event()

    def watch(self, partition: int, log_id: UUID, due: float) -> None:
        """Wake a log at ``due``, if that is soon; else the database is asked in time."""
        if due > self._clock() + HORIZON or (due, log_id) in self._known:
            return
        self._known.add((due, log_id))
        heapq.heappush(self._heap, (due, log_id, partition))
        if self._heap[0][0] == due:
            self._sooner.set()

    async def fire(self) -> None:
        """Wake what is due, for ever."""
        while True:
            self._sooner.clear()
            wait = self._heap[0][0] - self._clock() if self._heap else HORIZON
            if wait > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._sooner.wait()
                continue
            due, log_id, partition = heapq.heappop(self._heap)
            self._known.discard((due, log_id))
            owner = self._owned().get(partition)
            if owner is not None:
                owner.deliver(log_id, Tick())

    async def poll(self) -> None:
        """Ask the database for what will be due soon, for ever."""
        while True:
            owned = list(self._owned())
            try:
                await self.look_ahead(owned)
            except StoreError as error:
                _log.warning("timers cannot be read", reason=str(error))
            await asyncio.sleep(_POLL)

    async def look_ahead(self, partitions: list[int]) -> None:
        """Take the timers of some partitions that are due soon into memory."""
        if not partitions:
            return
        before = self._clock() + HORIZON
        for log_id, due in await self._store.due(partitions, before=before, limit=_PAGE):
            self.watch(partition_of(log_id, self._partitions), log_id, due)
