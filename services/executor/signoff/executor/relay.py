"""Publishes what was committed, in order, and knows how far it got.

Each owned partition has one publisher: it takes what its partition's loop committed from a bounded
buffer, in batches, and goes on only after acknowledgement. On taking over, after an error, or when
the buffer was full, it reads the log after ``relayed`` instead. A record may be repeated, with
equal bytes; none is skipped.

With the events go the messages that follow from them, commands for other logs: in order for each target,
and repeated with the events.
"""

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.events import faults
from signoff.events.bus.base import Bus, Record
from signoff.events.codec import decode_event, decode_header, encode
from signoff.events.errors import AppendUnknownError, BusError, BusFullError, CodecError, StoreError
from signoff.events.store.base import EventStore, NewEvent, Recorded
from signoff.events.store.paging import PAGE_BYTES, is_full
from signoff.events.topics import COMMANDS, EXECUTIONS, PARTITIONS, partition_of, record_key
from signoff.events.types import Event
from signoff.executor.cloudevents import Origin, origin_of, record_of
from signoff.executor.delivery import Delivery
from signoff.executor.messages import CAUSE_TYPES, CAUSES, message_of
from signoff.executor.origins import Origins

_BUFFER: Final = 5000
"""Events that one partition may have waiting for the topic in memory …"""

_BUFFER_BYTES: Final = 8 * 1024 * 1024
"""… and their bytes."""

IDLE_GAP: Final = 1000
"""Positions that an idle partition may lag behind the log before its position follows."""

_REST: Final = 0.0005
"""Seconds until the next round of publishing for each partition of a round: what few events cost is
their request and their batch, so a busy relay sends fewer, fuller ones; one that is not does not wait."""

_LONGEST_REST: Final = 0.02

_PAGE: Final = 1000
_PAUSE: Final = 0.5
_REPORT: Final = 1.0

_FULL: Final = 10.0
"""Seconds that a partition waits for room among the commands of others before it begins again."""

_log = structlog.get_logger("signoff.executor.relay")


class Batch(Struct):
    """Records of one partition's events; of the messages that follow from them, by partition, too."""

    records: list[Record] = []
    messages: dict[int, list[Record]] = {}

    def owe(self, target: int, message: Record) -> None:
        """Take a message for a partition."""
        self.messages.setdefault(target, []).append(message)

    def extend(self, later: "Batch") -> None:
        """Take all of a later one."""
        self.records += later.records
        for target, messages in later.messages.items():
            self.messages.setdefault(target, []).extend(messages)

    def size(self) -> int:
        """The bytes of its values, about: a message is made of its event."""
        return sum(len(record.value) for record in self.records)


class Publisher:
    """Publishes one partition's events from where the last owner got to.

    Args:
        position: the log position up to which events are on the topic.
    """

    def __init__(self, relay: "Relay", partition: int, epoch: int, position: int) -> None:
        self.partition = partition
        self.epoch = epoch
        self.acknowledged = position
        self.committed = position
        self.delivery = Delivery()
        self._relay = relay
        self.appending = False
        self._buffer = Batch()
        self._bytes = 0
        self._behind = True
        self._doubtful = False
        self._some = asyncio.Event()
        self._some.set()
        self._advanced = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    @property
    def idle(self) -> bool:
        """Everything committed here is on the topic."""
        return not self._buffer.records and not self._behind and self.acknowledged == self.committed

    def put(self, batch: Batch, position: int) -> None:
        """Take committed events; ``position`` is not below that of any of them."""
        self.committed = max(self.committed, position)
        self._buffer.extend(batch)
        self._bytes += batch.size()
        full = len(self._buffer.records) > _BUFFER or self._bytes > _BUFFER_BYTES
        if self._behind or self._doubtful or full:
            self._doubtful = False
            self.reread()
        else:
            self._relay.wake_in_turn(self)

    def wake(self) -> None:
        """Publish what there is."""
        self._some.set()

    def doubt(self) -> None:
        """A commit's outcome is unknown: read the log now, and again once a later one has succeeded."""
        self._doubtful = True
        self.reread()

    def settle(self) -> None:
        """Whatever was in doubt is in the log by now, or never will be: read it, if nothing else does."""
        if self._doubtful:
            self._doubtful = False
            self.reread()

    def pass_over(self, position: int) -> None:
        """Nothing of an idle partition lies up to ``position``: its next owner need not look there."""
        if self.idle and not self.appending and not self._doubtful:
            self.acknowledged = self.committed = max(self.committed, position)

    def reread(self) -> None:
        """Forget the buffer and read from the log what is not acknowledged."""
        self._buffer, self._bytes = Batch(), 0
        self._behind = True
        self._some.set()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            try:
                if self._behind:
                    await self._catch_up()
                await self._publish_buffer()
            except (BusError, StoreError) as error:
                _log.warning("relay waits", partition=self.partition, reason=str(error))
                self.reread()
                await asyncio.sleep(_PAUSE)

    async def _publish_buffer(self) -> None:
        if self._buffer.records and not self._behind:
            batch, self._buffer, self._bytes = self._buffer, Batch(), 0
            position = self.committed
            await self._relay.send(self.partition, batch)
            if faults.armed:
                await faults.reach("relay.acknowledged")
            if not self._behind:
                self._advance(position, batch.messages)
                self._advanced.set()

    def _advance(self, position: int, targets: Collection[int]) -> None:
        if targets:
            self.delivery.sent(targets, self.acknowledged)
        self.acknowledged = position

    async def _catch_up(self) -> None:
        """Publish from the log until it holds nothing newer; only this owner writes it meanwhile."""
        while self._behind:
            end = self.committed
            page = await self._relay.store.read_all(
                after=self.acknowledged, limit=_PAGE, partitions=[self.partition], size=PAGE_BYTES
            )
            if page:
                batch = await self._relay.read_again(page)
                await self._relay.send(self.partition, batch)
                if faults.armed:
                    await faults.reach("relay.acknowledged")
                self._advance(page[-1].position, batch.messages)
            if not is_full(page, limit=_PAGE, size=PAGE_BYTES) and self.committed == end:
                self._behind = False
                self.acknowledged = max(self.acknowledged, end)
                self.committed = self.acknowledged
                self._advanced.set()

    async def drain(self, limit: float) -> None:
        """Wait up to ``limit`` seconds until everything committed is on the topic, then stop.

        It stops as well when whoever waits is ended: nobody else knows of it any more.
        """
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    while not self.idle:
                        self._advanced.clear()
                        await self._advanced.wait()
        finally:
            self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Relay:
    """The publishers of the partitions that this executor owns, and their positions in the log's database.

    Args:
        partitions: of every topic.
        time_limit: seconds that a run may take which a schedule starts; that of an asynchronous one.
    """

    def __init__(
        self,
        store: EventStore,
        bus: Bus,
        *,
        partitions: int = PARTITIONS,
        time_limit: float,
    ) -> None:
        self.store = store
        self.bus = bus
        self._partitions = partitions
        self._time_limit = time_limit
        self._publishers: dict[int, Publisher] = {}
        self._reported: dict[int, int] = {}
        self._origins = Origins(store)
        self._waiting: dict[Publisher, None] = {}
        self._rested_at = 0.0

    def add(self, partition: int, epoch: int, relayed: int) -> asyncio.Task[None]:
        """Begin with a partition, after what its last owner acknowledged; gives the task that publishes."""
        self._reported[partition] = relayed
        publisher = self._publishers[partition] = Publisher(self, partition, epoch, relayed)
        return publisher.task

    async def remove(self, partition: int, *, limit: float = 0.0) -> None:
        """Let a partition go, after up to ``limit`` seconds to publish what is left; 0: its lease is lost."""
        publisher = self._publishers.pop(partition, None)
        if publisher is not None:
            await publisher.drain(limit)
            if not limit:
                return
            try:
                await self._report([publisher])
            except StoreError as error:
                _log.warning("relay cannot record a position", partition=partition, reason=str(error))

    def publish(
        self,
        partition: int,
        origin: Origin,
        events: Sequence[Event],
        committed: Sequence[NewEvent],
        position: int,
    ) -> None:
        """Hand over committed events of one log; ``position`` is not below that of any of them."""
        publisher = self._publishers.get(partition)
        if publisher is None:
            return
        batch = Batch()
        for event, new in zip(events, committed, strict=True):
            batch.records.append(record_of(event, new.state, origin, again=False))
            if type(event.data) in CAUSES:
                self._owe(batch, event, new.log_id, origin)
        publisher.put(batch, position)

    def _owe(self, batch: Batch, event: Event, log_id: UUID, origin: Origin) -> None:
        message = message_of(event, log_id, origin.lineage, time_limit=self._time_limit)
        if message is not None:
            target = UUID(message.log_id or message.execution_id)
            batch.owe(partition_of(target, self._partitions), Record(record_key(target), encode(message)))

    async def send(self, partition: int, batch: Batch) -> None:
        """Publish a partition's events and what follows from them, and wait until all is acknowledged.

        Raises:
            BusError: some of it may not be on its topic.
        """
        if faults.armed:
            await faults.reach("relay.publishing")
        if not batch.messages:
            await self._publish(EXECUTIONS, partition, batch.records)
            return
        sending = [self._publish(EXECUTIONS, partition, batch.records)]
        sending += [self._publish(COMMANDS, target, records) for target, records in batch.messages.items()]
        try:
            async with asyncio.timeout(_FULL):
                ended = await asyncio.gather(*sending, return_exceptions=True)
        except TimeoutError as error:
            raise BusFullError(f"{COMMANDS}: no room in one of {sorted(batch.messages)}") from error
        for each in ended:
            if isinstance(each, BaseException):
                raise each

    async def _publish(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        await (await self.bus.publish(topic, partition, records))

    def wake_in_turn(self, publisher: Publisher) -> None:
        """Let a publisher publish in the next round."""
        if not self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_at(max(loop.time(), self._rested_at), self._wake_all)
        self._waiting[publisher] = None

    def _wake_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        rest = min(len(waiting) * _REST, _LONGEST_REST)
        self._rested_at = asyncio.get_running_loop().time() + rest
        for publisher in waiting:
            publisher.wake()

    @contextlib.contextmanager
    def appending(self, partition: int) -> Iterator[None]:
        """While an append is under way, the partition does not count as idle.

        After one of unknown outcome, or whose caller does not wait for it, the log is asked what is to be
        published.
        """
        publisher = self._publishers.get(partition)
        if publisher is not None:
            publisher.appending = True
        try:
            yield
        except (AppendUnknownError, asyncio.CancelledError):
            self.doubt(partition)
            raise
        finally:
            if publisher is not None:
                publisher.appending = False

    def doubt(self, partition: int) -> None:
        """The outcome of an append is unknown: ask the log what is to be published."""
        publisher = self._publishers.get(partition)
        if publisher is not None:
            publisher.doubt()

    def settle(self, partition: int) -> None:
        """What follows was decided on the log: an append in doubt is there by now, or never will be."""
        publisher = self._publishers.get(partition)
        if publisher is not None:
            publisher.settle()

    @property
    def lag(self) -> int:
        """Partitions with events that are not on the topic yet."""
        return sum(not publisher.idle for publisher in self._publishers.values())

    async def read_again(self, page: Sequence[Recorded]) -> Batch:
        """What is published of events read from the log. Their owner before may have published them."""
        origins = await self._origins.find(recorded.log_id for recorded in page)
        batch = Batch()
        for recorded in page:
            self._add_again(batch, recorded, origins.get(recorded.log_id))
        return batch

    def _add_again(self, batch: Batch, recorded: Recorded, origin: Origin | None) -> None:
        """Bytes that are no event, for somebody has changed them, are published without headers.

        The topic is what the log is, and no other execution waits.
        """
        log_id = recorded.log_id
        try:
            header = decode_header(recorded.state)
            event = decode_event(recorded.state) if header.type in CAUSE_TYPES else None
        except CodecError as error:
            _log.error("no event in the log", log=str(log_id), version=recorded.version, exc_info=error)
            batch.records.append(Record(record_key(log_id), recorded.state))
            return
        if origin is None:
            origin = origin_of(log_id, "", header.workflow_id, header.execution_id or header.workflow_id)
        batch.records.append(record_of(header, recorded.state, origin, again=True))
        if event is not None:
            self._owe(batch, event, log_id, origin)

    async def report(self) -> None:
        """Write positions to the log's database each second, for ever."""
        while True:
            await asyncio.sleep(_REPORT)
            try:
                await self._pass_over_idle()
                await self._settle()
                await self._report(self._publishers.values())
            except (BusError, StoreError) as error:
                _log.warning("relay cannot record its positions", reason=str(error))

    async def _pass_over_idle(self) -> None:
        last = await self.store.last_position()
        for publisher in self._publishers.values():
            if last - publisher.acknowledged > IDLE_GAP:
                publisher.pass_over(last)

    async def _settle(self) -> None:
        """Find out which messages have come to their logs."""
        owing = [each for each in self._publishers.values() if each.delivery.owes]
        if not owing:
            return
        targets = {target for each in owing for target in each.delivery.mark(each.acknowledged)}
        bounds = await self.bus.bounds(COMMANDS, targets) if targets else {}
        ends = {target: end for target, (_, end) in bounds.items()}
        taken = {row.partition: row.next_offset for row in await self.store.leases()}
        for each in owing:
            each.delivery.settle(ends, taken)

    async def _report(self, publishers: Iterable[Publisher]) -> None:
        positions = {each: each.delivery.position(each.acknowledged) for each in publishers}
        moved = {
            each.partition: (each.epoch, position)
            for each, position in positions.items()
            if position > self._reported.get(each.partition, -1)
        }
        if moved:
            if faults.armed:
                await faults.reach("relay.reporting")
            await self.store.relayed(moved)
            self._reported.update({partition: position for partition, (_, position) in moved.items()})
