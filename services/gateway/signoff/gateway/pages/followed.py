"""Logs that are looked at: what was made of one is kept, and each further look takes only what was added."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import PAGE_BYTES, is_full

_PAGE: Final = 500
_MOST: Final = 256
_ROOM: Final = 64 * 1024 * 1024
_LARGEST: Final = 16 * 1024 * 1024


class Made(Protocol):
    """What is made of a log."""

    @property
    def version(self) -> int:
        """The last event that was taken; 0 for none yet."""
        ...

    @property
    def weight(self) -> int:
        """The bytes that it takes, about."""
        ...

    def take(self, page: Sequence[Recorded], /) -> None:
        """Take the events that follow. After a failure, all is made anew."""
        ...


M = TypeVar("M", bound=Made)


class Followed(Generic[M]):
    """A log as it is followed.

    Args:
        log_id: of the log.
        make: gives what nothing was taken into yet.

    Attributes:
        made: of all events that were read.
        lock: of who takes events.
        read_at: when the log was read last, by the monotonic clock.
        readers: who has it, or waits for it.
    """

    def __init__(self, log_id: UUID, make: Callable[[], M]) -> None:
        self.log_id = log_id
        self.made = make()
        self.lock = asyncio.Lock()
        self.read_at = float("-inf")
        self.readers = 0
        self._make = make

    async def catch_up(self, store: EventStore) -> None:
        """Take what was added; others get their turn between two pages."""
        read_at, more = time.monotonic(), True
        while more:
            page = await store.read(self.log_id, after=self.made.version, limit=_PAGE, size=PAGE_BYTES)
            self._take(page)
            more = is_full(page, limit=_PAGE, size=PAGE_BYTES)
            await asyncio.sleep(0)
        self.read_at = read_at

    def _take(self, page: Sequence[Recorded]) -> None:
        try:
            self.made.take(page)
        except Exception:
            self.made = self._make()  # who comes next has none of what was taken in part
            raise


class FollowedLogs(Generic[M]):
    """The logs that were looked at last.

    Args:
        make: gives what is made of a log, before its first event.
        forget: is told of a log that is not kept any more.
        most: logs that are kept.
        room: the weight of all that was made of them; in memory it may take several times that.
        largest: the weight of one that is kept.
    """

    def __init__(
        self,
        make: Callable[[], M],
        *,
        forget: Callable[[UUID], None] = lambda _: None,
        most: int = _MOST,
        room: int = _ROOM,
        largest: int = _LARGEST,
    ) -> None:
        self._make, self._forget = make, forget
        self._most, self._room, self._largest = most, room, largest
        self._known: OrderedDict[UUID, Followed[M]] = OrderedDict()

    @asynccontextmanager
    async def reading(self, store: EventStore, log_id: UUID) -> AsyncIterator[M]:
        """What is made of a log as it is now; until the block is left, nothing more is taken into it.

        Who asks while it is read waits, and one of those who wait reads for all of them.

        Args:
            store: has the log.
            log_id: of an execution.

        Raises:
            CodecError: the log holds what is no event.
            ValueError: the log cannot be folded.
            StoreUnavailableError: the database is away.
        """
        asked_at, followed = time.monotonic(), self._entered(log_id)
        try:
            async with followed.lock:
                if followed.read_at <= asked_at:
                    await followed.catch_up(store)
                yield followed.made
        finally:
            followed.readers -= 1
            self._shed()

    def _entered(self, log_id: UUID) -> Followed[M]:
        followed = self._known.get(log_id)
        if followed is None:
            followed = self._known[log_id] = Followed(log_id, self._make)
        self._known.move_to_end(log_id)
        followed.readers += 1
        return followed

    def _shed(self) -> None:
        """Keep no more than there is room for of what nobody has now, the oldest last."""
        idle = [each for each in self._known.values() if each.readers == 0]
        many, used = len(idle), sum(each.made.weight for each in idle)
        for each in idle:
            weight = each.made.weight
            if weight > self._largest or many > self._most or used > self._room:
                del self._known[each.log_id]
                many, used = many - 1, used - weight
                self._forget(each.log_id)
