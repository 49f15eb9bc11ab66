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
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import structlog

from signoff.events import faults
from signoff.events.bus.base import Bus, Record
from signoff.events.errors import AppendUnknownError, BusError, BusFullError, StoreError
from signoff.events.store.base import EventStore, NewEvent
from signoff.events.topics import COMMANDS, EXECUTIONS, PARTITIONS
from signoff.events.types import Event
from signoff.executor.publishing.batches import Batch, Batches
from signoff.executor.publishing.cloudevents import Origin
from signoff.executor.publishing.publisher import Publisher

IDLE_GAP: Final = 1000
"""Positions that an idle partition may lag behind the log before its position follows."""

_REST: Final = 0.0005
"""Seconds until the next round of publishing for each partition of a round: what few events cost is
their request and their batch, so a busy relay sends fewer, fuller ones; one that is not does not wait."""

_LONGEST_REST: Final = 0.02

_REPORT: Final = 1.0

_FULL: Final = 10.0
"""Seconds that a partition waits for room among the commands of others before it begins again."""

_log = structlog.get_logger("signoff.executor.relay")


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
        self.batches = Batches(store, partitions=partitions, time_limit=time_limit)
        self._publishers: dict[int, Publisher] = {}
        self._reported: dict[int, int] = {}
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
        publisher.put(self.batches.of_committed(origin, events, committed), position)

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
