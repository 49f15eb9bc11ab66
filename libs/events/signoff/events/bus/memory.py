"""The bus of an embedded server: topics in this process's memory, with Kafka's semantics.

What it keeps is bounded. Nothing is lost by that: the log is the truth, and who reads too late
gets :class:`OffsetOutOfRangeError`, as from a Kafka topic whose retention has passed.
"""

import asyncio
import time
from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Final

from msgspec import Struct

from signoff.events.bus.base import Message, Record
from signoff.events.bus.limits import check_record
from signoff.events.errors import BusFullError, BusUnavailableError, OffsetOutOfRangeError
from signoff.events.topics import COMMANDS

_RECORD_OVERHEAD = 512  # what the objects and headers of a small record take, about
_COMPACT_AFTER = 1024


class Retention(Struct, frozen=True, kw_only=True):
    """How much of each partition is kept: the newest records within both limits, at least one.

    With ``keep_unread`` no record is dropped before it was read: a full partition refuses more.
    A record counts as read when a group has committed a later offset or, as long as nobody
    commits, when a reader was handed it.
    """

    records: int = 10_000
    bytes: int = 1024 * 1024
    keep_unread: bool = False


RETENTION: Final[Mapping[str, Retention]] = {
    COMMANDS: Retention(records=4096, bytes=4 * 1024 * 1024, keep_unread=True),
}
"""By topic; any other has the defaults: 64 MiB over the 64 partitions of ``signoff.executions``."""


class _Partition:
    """The retained end of one partition."""

    def __init__(self, topic: str, number: int, first: int, retention: Retention) -> None:
        self.first = first
        self.next = first
        self.readers: dict[MemoryReader, None] = {}
        self.room = asyncio.Event()
        self.turn = asyncio.Lock()
        self._topic = topic
        self._number = number
        self._retention = retention
        self._handed_out = first
        self._committed: int | None = None
        self._messages: list[Message | None] = []  # a list with a moving head: slices at any offset are cheap
        self._head = 0
        self._bytes = 0

    def append(self, records: Sequence[Record]) -> None:
        now = time.time()
        topic, number, offset = self._topic, self._number, self.next
        for record in records:
            self._messages.append(
                Message(topic, number, offset, record.key, record.value, record.headers, now)
            )
            self._bytes += len(record.value) + _RECORD_OVERHEAD
            offset += 1
        self.next = offset
        self._evict(0, 0)
        for reader in self.readers:
            reader.notify(number)

    def fits(self, records: Sequence[Record]) -> bool:
        """Whether the records may be appended: always, unless that would drop what is unread."""
        if not self._retention.keep_unread:
            return True
        size = sum(len(record.value) + _RECORD_OVERHEAD for record in records)
        self._evict(len(records), size)
        return self.first == self.next or not self._over(len(records), size)

    def mark_handed_out(self, offset: int) -> None:
        self._handed_out = max(self._handed_out, offset)
        self.room.set()

    def commit(self, offset: int) -> None:
        self._committed = max(offset, self._committed or 0)
        if self._retention.keep_unread:
            self._drop_before(self._committed)
        self.room.set()

    def slice(self, offset: int, limit: int) -> list[Message]:
        start = self._head + offset - self.first
        return self._messages[start : start + limit]  # type: ignore[return-value]  # empty only before the head

    def last(self) -> Message | None:
        return self._messages[-1] if self.next > self.first else None

    def offset_at(self, moment: float) -> int:
        held = self.slice(self.first, self.next - self.first)
        return next((message.offset for message in held if message.timestamp >= moment), self.next)

    def _over(self, records: int, size: int) -> bool:
        return (
            self.next - self.first + records > self._retention.records
            or self._bytes + size > self._retention.bytes
        )

    def _evict(self, records: int, size: int) -> None:
        """Drop the oldest records that may go until so much more would fit."""
        read = self._handed_out if self._committed is None else self._committed
        end = min(self.next - 1, read) if self._retention.keep_unread else self.next - 1
        while self.first < end and self._over(records, size):
            self._drop_first()
        self._compact()

    def _drop_before(self, offset: int) -> None:
        while self.first < min(offset, self.next):
            self._drop_first()
        self._compact()

    def _drop_first(self) -> None:
        message = self._messages[self._head]
        self._messages[self._head] = None
        self._bytes -= len(message.value) + _RECORD_OVERHEAD if message else 0
        self._head += 1
        self.first += 1

    def _compact(self) -> None:
        if self._head > max(_COMPACT_AFTER, len(self._messages) // 2):
            del self._messages[: self._head]
            self._head = 0


class MemoryBus:
    """A :class:`~signoff.events.bus.base.Bus` within one process and one event loop.

    Args:
        first_offsets: where partitions begin, by topic and partition: an embedded server goes on
            with the offsets that its log recorded. 0 where nothing is said.
        retention: how much is kept, by topic; :data:`RETENTION` unless given.
    """

    def __init__(
        self,
        *,
        first_offsets: Mapping[str, Mapping[int, int]] | None = None,
        retention: Mapping[str, Retention] = RETENTION,
    ) -> None:
        self._first_offsets = first_offsets or {}
        self._retention = retention
        self._topics: dict[str, list[_Partition]] = {}
        self._readers: set[MemoryReader] = set()
        self._closed = False

    async def send(self, topic: str, partition: int, record: Record) -> None:
        """Append one record.

        Raises:
            BusFullError: the partition is full of unread records.
            RecordTooLargeError: the record is over the limit.
            BusUnavailableError: the topic or partition does not exist, or the bus is closed.
        """
        check_record(topic, record)
        log = self.partition(topic, partition)
        if log.turn.locked() or not log.fits((record,)):
            raise BusFullError(f"{topic}: partition {partition} is full of unread records; try again later")
        log.append((record,))

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> Awaitable[None]:
        """Append records in order; waits while the partition is full of unread ones.

        Raises:
            RecordTooLargeError: a record is over the limit; none was appended.
            BusUnavailableError: the topic or partition does not exist, or the bus is closed.
        """
        for record in records:
            check_record(topic, record)
        log = self.partition(topic, partition)
        if log.turn.locked() or not log.fits(records):
            await self._wait_for_room(log, records)
        log.append(records)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def reader(self, topic: str) -> "MemoryReader":
        """A new reader of a topic, which reads nothing until assigned."""
        reader = MemoryReader(self, topic)
        self._readers.add(reader)
        return reader

    async def bounds(self, topic: str, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """First offset held and next offset to be written, by partition."""
        logs = {number: self.partition(topic, number) for number in partitions}
        return {number: (log.first, log.next) for number, log in logs.items()}

    async def offsets_at(self, topic: str, partitions: Collection[int], moment: float) -> dict[int, int]:
        """The offset of the first record that is not older than a moment, by partition; else the end."""
        return {number: self.partition(topic, number).offset_at(moment) for number in partitions}

    async def last(self, topic: str, partition: int) -> Message | None:
        """The last record of a partition, ``None`` when none was appended in this process."""
        return self.partition(topic, partition).last()

    async def commit(self, topic: str, offsets: Mapping[int, int], *, group: str) -> None:  # noqa: ARG002
        """Let records below these offsets be dropped; there is one group at most."""
        for number, offset in offsets.items():
            self.partition(topic, number).commit(offset)

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has, 0 when it does not exist."""
        await self.ping()
        return len(self._topics.get(topic, ()))

    async def create(
        self,
        topics: Mapping[str, int],
        *,
        configs: Mapping[str, Mapping[str, str]],  # noqa: ARG002
        replication: int = 1,  # noqa: ARG002
    ) -> list[str]:
        """Create the topics that do not exist; gives their names. Settings are for brokers."""
        created = [name for name in topics if name not in self._topics]
        for name in created:
            first = self._first_offsets.get(name, {})
            retention = self._retention.get(name, Retention())
            self._topics[name] = [
                _Partition(name, number, first.get(number, 0), retention) for number in range(topics[name])
            ]
        return created

    async def configs(self, topic: str) -> dict[str, str]:  # noqa: ARG002
        """Nothing: settings are for brokers."""
        await self.ping()
        return {}

    async def alter(self, topic: str, configs: Mapping[str, str]) -> None:  # noqa: ARG002
        """Nothing: settings are for brokers."""
        await self.ping()

    async def ping(self) -> None:
        """Answer unless closed."""
        if self._closed:
            raise BusUnavailableError("the bus is closed")

    async def close(self) -> None:
        """Refuse everything from now on and end the readers' waits."""
        self._closed = True
        for reader in list(self._readers):
            await reader.close()
        for logs in self._topics.values():
            for log in logs:
                log.room.set()

    def partition(self, topic: str, number: int) -> _Partition:
        """One partition.

        Raises:
            BusUnavailableError: it does not exist, or the bus is closed.
        """
        if self._closed:
            raise BusUnavailableError("the bus is closed")
        logs = self._topics.get(topic)
        if logs is None or not 0 <= number < len(logs):
            raise BusUnavailableError(f"{topic} has no partition {number}: run `signoff topics apply`")
        return logs[number]

    def forget(self, reader: "MemoryReader") -> None:
        """Let go of a closed reader."""
        self._readers.discard(reader)

    async def _wait_for_room(self, log: _Partition, records: Sequence[Record]) -> None:
        async with log.turn:  # first come, first served: later calls do not overtake
            while not log.fits(records):
                log.room.clear()
                await log.room.wait()
                await self.ping()


class MemoryReader:
    """A :class:`~signoff.events.bus.base.Reader` of a :class:`MemoryBus`."""

    def __init__(self, bus: MemoryBus, topic: str) -> None:
        self._bus = bus
        self._topic = topic
        self._logs: dict[int, _Partition] = {}
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._ready: dict[int, None] = {}  # partitions that may have something, longest waiting first
        self._wake = asyncio.Event()
        self._closed = False

    async def assign(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from these offsets from now on, and no others."""
        logs = {number: self._bus.partition(self._topic, number) for number in positions}
        for log in self._logs.values():
            log.readers.pop(self, None)
        for log in logs.values():
            log.readers[self] = None
        self._logs = logs
        self._positions = dict(positions)
        self._paused &= positions.keys()
        self._ready = dict.fromkeys(positions)

    async def poll(self, *, wait: float, limit: int = 500) -> list[Message]:
        """The next messages, at most ``limit``; an empty list when none came within ``wait`` seconds.

        Raises:
            OffsetOutOfRangeError: a position is not held any more, or not yet.
            BusUnavailableError: the reader is closed.
        """
        if messages := self._take(limit):
            return messages
        try:
            async with asyncio.timeout(wait):
                while not messages:
                    self._wake.clear()
                    await self._wake.wait()
                    messages = self._take(limit)
        except TimeoutError:
            return []
        return messages

    async def position(self, partition: int) -> int:
        """The offset from which a partition is read on."""
        return self._positions[partition]

    def pause(self, partitions: Collection[int]) -> None:
        """Hand out nothing of these partitions until resumed."""
        self._paused |= self._positions.keys() & set(partitions)

    def resume(self, partitions: Collection[int]) -> None:
        """Go on with paused partitions."""
        self._paused -= set(partitions)
        self._wake.set()

    def notify(self, partition: int) -> None:
        """Take note that a partition has more."""
        self._ready[partition] = None
        if partition not in self._paused:
            self._wake.set()

    async def close(self) -> None:
        """Stop reading; a poll under way ends."""
        self._closed = True
        for log in self._logs.values():
            log.readers.pop(self, None)
        self._bus.forget(self)
        self._wake.set()

    def _take(self, limit: int) -> list[Message]:
        if self._closed:
            raise BusUnavailableError("the reader is closed")
        self._check_positions()
        taken: list[Message] = []
        for number in [ready for ready in self._ready if ready not in self._paused]:
            log = self._logs[number]
            messages = log.slice(self._positions[number], limit - len(taken))
            taken += messages
            position = self._positions[number] = self._positions[number] + len(messages)
            log.mark_handed_out(position)
            del self._ready[number]
            if position < log.next:
                self._ready[number] = None  # at the end of the line
            if len(taken) == limit:
                break
        return taken

    def _check_positions(self) -> None:
        lost = frozenset(
            number
            for number in self._ready
            if not self._logs[number].first <= self._positions[number] <= self._logs[number].next
        )
        if not lost:
            return
        for number in lost:
            self._logs.pop(number).readers.pop(self, None)
            del self._positions[number], self._ready[number]
        self._paused -= lost
        raise OffsetOutOfRangeError(self._topic, lost)
