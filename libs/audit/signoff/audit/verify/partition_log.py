"""The log read once for several partitions, which are each compared with the topic at their own pace.

The log has no index of partitions: every read of one looks at all events. So a read is for all partitions
that have come as far, and what is not asked for yet is kept until it is, up to a bound.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import is_full, page_of
from signoff.events.topics import partition_of

_EACH: Final = 1_000
"""Events that a read gives, for each of its partitions."""

_BYTES: Final = 8 * 1024 * 1024
"""Bytes that a read gives, of all of its partitions …"""

_AHEAD: Final = 2 * 1024 * 1024
"""… and those that are kept of one that does not ask for them: then it is left behind, and read by itself."""


class _Ahead(Struct):
    """What was read of a partition: all of its events above one position, up to another."""

    after: int
    upto: int
    events: deque[Recorded]
    bytes: int = 0

    def skip(self, after: int) -> None:
        """Let go of what is not above a position."""
        while self.events and self.events[0].position <= after:
            self.bytes -= len(self.events.popleft().state)
        self.after = max(self.after, after)

    def take(self, event: Recorded) -> None:
        """Keep the next event."""
        self.events.append(event)
        self.bytes += len(event.state)


class PartitionLog:
    """Reads pages of partitions' events.

    Args:
        store: the log.
        wanted: the partitions that are read at the same time.
        partitions: how many there are.
    """

    def __init__(self, store: EventStore, wanted: Collection[int], *, partitions: int) -> None:
        self._store = store
        self._partitions = partitions
        self._ahead = {number: _Ahead(0, 0, deque()) for number in wanted}
        self._turn = asyncio.Lock()

    async def page(self, partition: int, *, after: int, upto: int, limit: int, size: int) -> list[Recorded]:
        """The next events of a partition by position: a full page, or all that there are.

        Args:
            partition: one of those wanted.
            after: positions above this one …
            upto: … and up to this one, which is not above the log's last.
            limit: at most so many events.
            size: bytes of states; once the page has them it ends.

        Raises:
            StoreUnavailableError: the database is away.
        """
        async with self._turn:
            ahead = self._ahead[partition]
            if not ahead.after <= after <= ahead.upto:
                ahead = self._ahead[partition] = _Ahead(after, after, deque())
            ahead.skip(after)
            while ahead.upto < upto and len(ahead.events) < limit and ahead.bytes < size:
                await self._read_on(ahead, upto)
            return list(page_of(ahead.events, limit=limit, size=size))

    async def _read_on(self, ahead: _Ahead, upto: int) -> None:
        """Read what follows, of all partitions that have come as far as one."""
        begin, limit = ahead.upto, _EACH
        together = {
            number: each
            for number, each in self._ahead.items()
            if each is ahead or (each.upto == begin and each.bytes < _AHEAD)
        }
        limit *= len(together)
        page = await self._store.read_all(after=begin, limit=limit, partitions=list(together), size=_BYTES)
        end = page[-1].position if is_full(page, limit=limit, size=_BYTES) else upto
        for event in page:
            if event.position <= end:
                together[partition_of(event.log_id, self._partitions)].take(event)
        for each in together.values():
            each.upto = end
