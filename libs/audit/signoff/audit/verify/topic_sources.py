"""The two sides of a comparison of topic and log: events by position, and records by offset.

Each is read once, a page at a time; what is kept of the past is bounded.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final
from uuid import UUID

from signoff.audit.verify.partition_log import PartitionLog
from signoff.events.bus.base import Bus, Message
from signoff.events.cloudevents import CommonHeaders, common_headers_from
from signoff.events.codec import decode_event, decode_header
from signoff.events.errors import BusUnavailableError, CodecError, OffsetOutOfRangeError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import is_full
from signoff.events.times import from_iso
from signoff.events.topics import EXECUTIONS

_PAGE: Final = 2_000
_PAGE_BYTES: Final = 1024 * 1024
_PAST: Final = 8
"""Pages of the past that are kept, for repetitions."""

_PRICE: Final = 100
"""Repetitions that a page of the past must have saved a look-up before another one is read: a page takes a
look at the events of all partitions, and whoever writes to the topic chooses what is repeated."""

_CREDIT: Final = 16 * _PRICE
_LAST: Final = 2**63 - 1
_LOGS: Final = 20_000
_POLL: Final = 1.0
_SILENCE: Final = 15.0
"""Seconds without a record after which the broker counts as away."""


class LogHeaders:
    """What the records of logs have in common, by the logs' first events.

    Args:
        store: the log.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: OrderedDict[UUID, CommonHeaders | None] = OrderedDict()

    def of(self, log_id: UUID) -> CommonHeaders | None:
        """Those of a log that was asked for lately; ``None`` where its first event cannot be read."""
        return self._known.get(log_id)

    async def know(self, events: Sequence[Recorded]) -> None:
        """Find out about the logs of some events.

        Raises:
            StoreUnavailableError: the database is away.
        """
        unknown = {event.log_id: 0 for event in events if event.log_id not in self._known}
        firsts = {event.log_id: event for event in events if event.version == 1 and event.log_id in unknown}
        asked = {log_id: 0 for log_id in unknown if log_id not in firsts}
        for log_id, page in (await self._store.read_many(asked, limit=1) if asked else {}).items():
            firsts[log_id] = page[0]
        for log_id in unknown:
            self._known[log_id] = _headers_from(firsts.get(log_id))
        while len(self._known) > max(_LOGS, len(events)):
            self._known.popitem(last=False)


class LogPages:
    """Events of a partition, or of one log, by position: what comes next, and what was lately.

    Args:
        store: the log.
        shared: reads this partition, and perhaps others that are compared at the same time.
        partition: whose.
        log_id: only this one of its logs.
        after: events above this position …
        upto: … and not above this one.
    """

    def __init__(
        self,
        store: EventStore,
        shared: PartitionLog,
        partition: int,
        *,
        log_id: UUID | None,
        after: int,
        upto: int,
    ) -> None:
        self._store = store
        self._shared = shared
        self._partition = partition
        self._log_id = log_id
        self._begin = after
        self._after = after
        self._version = 0
        self._upto = upto
        self._ended = False
        self._next: deque[Recorded] = deque()
        self._ahead: dict[tuple[UUID, int], Recorded] = {}
        self._past: OrderedDict[int, dict[tuple[UUID, int], Recorded]] = OrderedDict()
        self._credit = _CREDIT
        self._headers = LogHeaders(store)

    async def head(self) -> Recorded | None:
        """The event that comes next, ``None`` behind the last."""
        while not self._next and not self._ended:
            await self._turn()
        return self._next[0] if self._next else None

    def advance(self) -> None:
        """Pass over the event that comes next."""
        self._next.popleft()

    async def find(self, log_id: UUID, version: int) -> Recorded | None:
        """An event wherever it is; ``None`` if the log does not have it."""
        at = (log_id, version)
        if at in self._ahead:
            return self._ahead[at]
        for known in self._past.values():
            if at in known:
                self._credit += 1
                return known[at]
        if not 0 < version <= _LAST:
            return None
        found = await self._store.read(log_id, after=version - 1, limit=1)
        if not found or found[0].version != version:
            return None
        if found[0].position <= self._upto and self._credit >= _PRICE:
            self._credit -= _PRICE
            await self._remember_from(found[0])
        else:
            await self._headers.know(found)
        return found[0]

    def headers(self, log_id: UUID) -> CommonHeaders | None:
        """What the records of a log have in common; ``None`` where its first event cannot be read."""
        return self._headers.of(log_id)

    async def _turn(self) -> None:
        """Go on to the next page."""
        if self._ahead:
            self._keep(self._ahead)
        page = await self._read()
        self._ended = not is_full(page, limit=_PAGE, size=_PAGE_BYTES)
        if page:
            self._after, self._version = page[-1].position, page[-1].version
        events = [event for event in page if self._begin < event.position <= self._upto]
        self._ended = self._ended or self._after > self._upto
        await self._headers.know(events)
        self._next.extend(events)
        self._ahead = _by_place(events)

    async def _read(self) -> list[Recorded]:
        if self._log_id is None:
            return await self._shared.page(
                self._partition, after=self._after, upto=self._upto, limit=_PAGE, size=_PAGE_BYTES
            )
        return await self._store.read(self._log_id, after=self._version, limit=_PAGE, size=_PAGE_BYTES)

    async def _remember_from(self, event: Recorded) -> None:
        """Keep a page of the past: what is repeated from an event on comes in its order."""
        page = await self._store.read_all(
            after=event.position - 1, limit=_PAGE, partitions=[self._partition], size=_PAGE_BYTES
        )
        await self._headers.know(page)
        self._keep(_by_place(page or [event]))

    def _keep(self, page: dict[tuple[UUID, int], Recorded]) -> None:
        self._past[next(iter(page.values())).position] = page
        while len(self._past) > _PAST:
            self._past.popitem(last=False)


def _by_place(events: Iterable[Recorded]) -> dict[tuple[UUID, int], Recorded]:
    return {(event.log_id, event.version): event for event in events}


def _headers_from(first: Recorded | None) -> CommonHeaders | None:
    try:
        return None if first is None else common_headers_from(decode_event(first.state))
    except CodecError:
        return None  # the verification of the log names it


class ExpiredError(Exception):
    """Records went away before they were read: the topic's retention has passed.

    Attributes:
        first: the first offset that is held now.
    """

    def __init__(self, first: int) -> None:
        super().__init__(f"records before offset {first} have expired")
        self.first = first


async def read_records(bus: Bus, partition: int, *, first: int, end: int) -> AsyncIterator[list[Message]]:
    """The records of a partition of ``signoff.executions`` from one offset to another.

    Raises:
        ExpiredError: some of them have gone.
        BusUnavailableError: the broker is away.
    """
    if first >= end:
        return
    reader = await bus.reader(EXECUTIONS)
    try:
        await reader.assign({partition: first})
        heard = asyncio.get_running_loop().time()
        while first < end:
            page = await reader.poll(wait=_POLL, limit=_PAGE)
            begin, first = first, await reader.position(partition)
            now = asyncio.get_running_loop().time()
            if first > begin:
                heard = now
                yield [message for message in page if message.offset < end]
            elif now - heard > _SILENCE:
                raise BusUnavailableError(
                    f"{EXECUTIONS}/{partition}: no record at offset {first} within {_SILENCE:.0f} s"
                )
    except OffsetOutOfRangeError:
        held = (await bus.bounds(EXECUTIONS, [partition]))[partition][0]
        raise ExpiredError(held) from None
    finally:
        await reader.close()


async def position_at(store: EventStore, moment: float, *, upto: int) -> int:
    """A position before the events that happened at a moment or later, as far as writers' clocks agree.

    Args:
        store: the log.
        moment: seconds since the epoch.
        upto: a position behind the last event that counts.

    Raises:
        StoreUnavailableError: the database is away.
    """
    low, high = 0, upto
    while low < high:
        middle = (low + high) // 2
        page = await store.read_all(after=middle, limit=1)
        if page and page[0].position <= upto and _time_of(page[0]) < moment:
            low = page[0].position
        else:
            high = middle
    return low


def _time_of(event: Recorded) -> float:
    try:
        return from_iso(decode_header(event.state).timestamp)
    except CodecError:
        return 0.0
