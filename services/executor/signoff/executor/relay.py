"""Publishes what was committed, in order, and knows how far it got.

Each owned partition has one publisher: it takes what its partition's loop committed from a bounded
buffer, in batches, and goes on only after acknowledgement. On taking over, after an error, or when
the buffer was full, it reads the log after ``relayed`` instead. A record may be repeated, with
equal bytes; none is skipped.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID

import structlog

from signoff.events.bus.base import Bus, Record
from signoff.events.codec import decode_event, decode_header
from signoff.events.errors import BusError, CodecError, StoreError
from signoff.events.store.base import EventStore, NewEvent, Recorded
from signoff.events.topics import EXECUTIONS, record_key
from signoff.events.types import Event, WorkflowDeployed
from signoff.executor.cloudevents import Origin, origin_of, record_of

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

_log = structlog.get_logger("signoff.executor.relay")


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
        self._relay = relay
        self.appending = False
        self._buffer: list[Record] = []
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
        return not self._buffer and not self._behind and self.acknowledged == self.committed

    def put(self, records: list[Record], position: int) -> None:
        """Take committed events; ``position`` is not below that of any of them."""
        self.committed = max(self.committed, position)
        self._buffer += records
        self._bytes += sum(len(record.value) for record in records)
        if self._behind or self._doubtful or len(self._buffer) > _BUFFER or self._bytes > _BUFFER_BYTES:
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

    def pass_over(self, position: int) -> None:
        """Nothing of an idle partition lies up to ``position``: its next owner need not look there."""
        if self.idle and not self.appending and not self._doubtful:
            self.acknowledged = self.committed = max(self.committed, position)

    def reread(self) -> None:
        """Forget the buffer and read from the log what is not acknowledged."""
        self._buffer, self._bytes = [], 0
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
        if self._buffer and not self._behind:
            records, self._buffer, self._bytes = self._buffer, [], 0
            position = self.committed
            await (await self._relay.bus.publish(EXECUTIONS, self.partition, records))
            if not self._behind:
                self.acknowledged = position
                self._advanced.set()

    async def _catch_up(self) -> None:
        """Publish from the log until it holds nothing newer; only this owner writes it meanwhile."""
        while self._behind:
            end = self.committed
            page = await self._relay.store.read_all(
                after=self.acknowledged, limit=_PAGE, partitions=[self.partition]
            )
            if page:
                records = [await self._relay.record_of(recorded) for recorded in page]
                await (await self._relay.bus.publish(EXECUTIONS, self.partition, records))
                self.acknowledged = page[-1].position
            if len(page) < _PAGE and self.committed == end:
                self._behind = False
                self.acknowledged = max(self.acknowledged, end)
                self.committed = self.acknowledged
                self._advanced.set()

    async def drain(self, limit: float) -> None:
        """Wait up to ``limit`` seconds until everything committed is on the topic, then stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while not self.idle:
                    self._advanced.clear()
                    await self._advanced.wait()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Relay:
    """The publishers of the partitions that this executor owns, and their positions in the log's database."""

    def __init__(self, store: EventStore, bus: Bus) -> None:
        self.store = store
        self.bus = bus
        self._publishers: dict[int, Publisher] = {}
        self._reported: dict[int, int] = {}
        self._workspaces: OrderedDict[UUID, str] = OrderedDict()
        self._waiting: set[Publisher] = set()
        self._rested_at = 0.0

    def add(self, partition: int, epoch: int, relayed: int) -> asyncio.Task[None]:
        """Begin with a partition, after what its last owner acknowledged; gives the task that publishes."""
        self._reported[partition] = relayed
        publisher = self._publishers[partition] = Publisher(self, partition, epoch, relayed)
        return publisher.task

    async def remove(self, partition: int, *, limit: float = 0.0) -> None:
        """Let a partition go, after up to ``limit`` seconds to publish what is left."""
        publisher = self._publishers.pop(partition, None)
        if publisher is not None:
            await publisher.drain(limit)
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
        if publisher is not None:
            records = [
                record_of(event, new.state, origin, again=False)
                for event, new in zip(events, committed, strict=True)
            ]
            publisher.put(records, position)

    def wake_in_turn(self, publisher: Publisher) -> None:
        """Let a publisher publish in the next round."""
        if not self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_at(max(loop.time(), self._rested_at), self._wake_all)
        self._waiting.add(publisher)

    def _wake_all(self) -> None:
        waiting, self._waiting = self._waiting, set()
        rest = min(len(waiting) * _REST, _LONGEST_REST)
        self._rested_at = asyncio.get_running_loop().time() + rest
        for publisher in waiting:
            publisher.wake()

    @contextlib.contextmanager
    def appending(self, partition: int) -> Iterator[None]:
        """While an append is under way, the partition does not count as idle."""
        publisher = self._publishers.get(partition)
        if publisher is not None:
            publisher.appending = True
        try:
            yield
        finally:
            if publisher is not None:
                publisher.appending = False

    def doubt(self, partition: int) -> None:
        """The outcome of an append is unknown: ask the log what is to be published."""
        publisher = self._publishers.get(partition)
        if publisher is not None:
            publisher.doubt()

    @property
    def lag(self) -> int:
        """Partitions with events that are not on the topic yet."""
        return sum(not publisher.idle for publisher in self._publishers.values())

    async def record_of(self, recorded: Recorded) -> Record:
        """A record from the log's bytes. Its owner before may have published it.

        Bytes that are no event, for somebody has changed them, are published without headers: the topic
        is what the log is, and no other execution waits.
        """
        try:
            header = decode_header(recorded.state)
        except CodecError as error:
            _log.error(
                "no event in the log", log=str(recorded.log_id), version=recorded.version, exc_info=error
            )
            return Record(record_key(recorded.log_id), recorded.state)
        workspace_id = await self._workspace_of(recorded.log_id)
        subject = header.execution_id or header.workflow_id
        origin = origin_of(recorded.log_id, workspace_id, header.workflow_id, subject)
        return record_of(header, recorded.state, origin, again=True)

    async def _workspace_of(self, log_id: UUID) -> str:
        known = self._workspaces.get(log_id)
        if known is None:
            row = await self.store.execution(log_id)
            known = str(row.workspace_id) if row is not None else await self._workspace_of_workflow(log_id)
            self._workspaces[log_id] = known
            if len(self._workspaces) > _PAGE:
                self._workspaces.popitem(last=False)
        return known

    async def _workspace_of_workflow(self, log_id: UUID) -> str:
        first = decode_event((await self.store.read(log_id, limit=1))[0].state)
        return first.data.workspace_id if isinstance(first.data, WorkflowDeployed) else ""

    async def report(self) -> None:
        """Write positions to the log's database each second, for ever."""
        while True:
            await asyncio.sleep(_REPORT)
            try:
                await self._pass_over_idle()
                await self._report(self._publishers.values())
            except StoreError as error:
                _log.warning("relay cannot record its positions", reason=str(error))

    async def _pass_over_idle(self) -> None:
        last = await self.store.last_position()
        for publisher in self._publishers.values():
            if last - publisher.acknowledged > IDLE_GAP:
                publisher.pass_over(last)

    async def _report(self, publishers: Iterable[Publisher]) -> None:
        moved = {
            each.partition: (each.epoch, each.acknowledged)
            for each in publishers
            if each.acknowledged > self._reported.get(each.partition, -1)
        }
        if moved:
            await self.store.relayed(moved)
            self._reported.update({partition: position for partition, (_, position) in moved.items()})
