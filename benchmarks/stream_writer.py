"""Writes events as executors do, at a steady rate: appends by partition, and their records on the topic."""

import asyncio
import time
import zlib
from collections.abc import Sequence
from typing import Self

from signoff.events.bus.base import Bus, Record
from signoff.events.codec import TOPIC_BY_TYPE, chain_hash, encode
from signoff.events.ids import new_id
from signoff.events.store.base import Append, EventStore, ExecutionRow, NewEvent
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE, EXECUTIONS, PARTITIONS, partition_of, record_key
from signoff.events.types import BlockCompleted, Event, EventData, ExecutionStarted
from support.growing_logs import started

_TURN = 0.01
"""Seconds between two turns: the events of one are appended together, as an executor groups them."""

_OUTPUT = "x" * 250


class Log:
    """One execution's log, as far as it was written. ``checksum``: of the bytes of all its events."""

    def __init__(self, workflow: str) -> None:
        self.log_id = new_id()
        self.workflow = workflow
        self.version = 0
        self.checksum = 0
        self._prev: str | None = None

    def stamp(self, data: EventData) -> NewEvent:
        """The next event."""
        self.version += 1
        event = Event(
            type=data.TYPE, event_id=self.version, execution_id=str(self.log_id), workflow_id=self.workflow,
            timestamp=iso(time.time()), causation_id=str(self.log_id), prev=self._prev, data=data,
        )  # fmt: skip
        raw = encode(event)
        self._prev, self.checksum = chain_hash(raw), zlib.crc32(raw, self.checksum)
        return NewEvent(self.log_id, self.version, TOPIC_BY_TYPE[data.TYPE], raw)


class Writer:
    """Owns all partitions of a store.

    Attributes:
        logs: those that grow.
        committed: when each event was durable, by execution and event, seconds of the monotonic clock.
        longest: seconds that the slowest turn took.
    """

    def __init__(self, store: EventStore, bus: Bus, epochs: dict[int, int], logs: Sequence[Log]) -> None:
        self.logs = logs
        self.committed: dict[tuple[str, int], float] = {}
        self.longest = 0.0
        self._store = store
        self._bus = bus
        self._epochs = epochs

    @classmethod
    async def open(cls, store: EventStore, bus: Bus, logs: Sequence[Log]) -> Self:
        """Take every lease for an hour."""
        leases = await store.acquire("writer", most=PARTITIONS, ttl=3600)
        return cls(store, bus, {lease.partition: lease.epoch for lease in leases}, logs)

    async def begin(self) -> None:
        """Write the first events of all logs."""
        for at in range(0, len(self.logs), 100):
            some = self.logs[at : at + 100]
            await self._append([(log, started()) for log in some])

    async def go_on(self, *, rate: float, seconds: float) -> float:
        """Write so many events a second, over all logs in turn; gives how many it were."""
        begun, written, number = time.monotonic(), 0, 0
        while (now := time.monotonic() - begun) < seconds:
            due = int(now * rate) - written
            some = [self.logs[(number + each) % len(self.logs)] for each in range(min(due, len(self.logs)))]
            number += len(some)
            written += len(some)
            await self._append([(log, _step()) for log in some])
            self.longest = max(self.longest, time.monotonic() - begun - now)
            await asyncio.sleep(max(0.0, _TURN - (time.monotonic() - begun - now)))
        return written / (time.monotonic() - begun)

    async def _append(self, some: Sequence[tuple[Log, EventData]]) -> None:
        by_partition: dict[int, Append] = {}
        for log, data in some:
            number = partition_of(log.log_id)
            append = by_partition.setdefault(number, Append(partition=number, epoch=self._epochs[number]))
            append.events.append(log.stamp(data))
            if isinstance(data, ExecutionStarted):
                append.rows.append(_row(log, number))
        await asyncio.gather(*map(self._commit, by_partition.values()))
        acknowledged = [
            await self._bus.publish(EXECUTIONS, *_records(each)) for each in by_partition.values()
        ]
        await asyncio.gather(*acknowledged)

    async def _commit(self, append: Append) -> None:
        await self._store.append(append)
        now = time.monotonic()
        for event in append.events:
            self.committed[str(event.log_id), event.version] = now


def _records(append: Append) -> tuple[int, list[Record]]:
    return append.partition, [Record(record_key(event.log_id), event.state) for event in append.events]


def _step() -> EventData:
    now = iso(time.time())
    return BlockCompleted(
        block_id="b", block_name="B", block_type="function", execution_order=1, output=_OUTPUT,
        duration_ms=1, started_at=now, ended_at=now,
    )  # fmt: skip


def _row(log: Log, partition: int) -> ExecutionRow:
    now = time.time()
    return ExecutionRow(
        log_id=log.log_id, partition=partition, workspace_id=DEFAULT_WORKSPACE, workflow_id=log.workflow,
        workflow_version=1, execution_id=None, status="running", trigger="api", mode="sync",
        version=log.version, parked=False, started_at=now, updated_at=now,
    )  # fmt: skip
