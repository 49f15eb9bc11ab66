"""Logs that grow under a test's hand: written and published as an executor does, event by event."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Self
from uuid import UUID

from signoff.events.bus.base import Bus, Record
from signoff.events.codec import TOPIC_BY_TYPE, encode
from signoff.events.ids import new_id
from signoff.events.store.base import Append, EventStore, ExecutionRow, ExecutionStatus, NewEvent, Row, RunRow
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE, EXECUTIONS, PARTITIONS, partition_of, record_key
from signoff.events.types import (
    SYSTEM,
    BlockCompleted,
    Event,
    EventData,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionForked,
    ExecutionPaused,
    ExecutionResumed,
    ExecutionStarted,
    PauseClosed,
    PauseNotified,
    Source,
)
from support.looks import pauses

WORKFLOW = "refund"
LIMIT = 30.0
"""Seconds that a test waits for something that must happen."""

_NOW = iso(1_750_000_000.0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition that needs no event of its own."""
    pause = pauses()
    async with asyncio.timeout(LIMIT):
        while not holds():  # noqa: ASYNC110 - conditions of any kind, with no event to wait for
            await asyncio.sleep(next(pause))


class Ledger:
    """Owns every partition of a store, and makes logs in it."""

    def __init__(self, store: EventStore, bus: Bus, epochs: dict[int, int]) -> None:
        self.store = store
        self.bus = bus
        self.epochs = epochs

    @classmethod
    async def open(cls, store: EventStore, bus: Bus) -> Self:
        """Take every lease for the length of a test."""
        leases = await store.acquire("test", most=PARTITIONS, ttl=3600)
        return cls(store, bus, {lease.partition: lease.epoch for lease in leases})

    def log(
        self,
        *,
        log_id: UUID | None = None,
        execution_id: str | None = None,
        workspace: UUID = DEFAULT_WORKSPACE,
        workflow: str = WORKFLOW,
    ) -> "GrowingLog":
        """A new log; ``execution_id`` as its client chose it."""
        return GrowingLog(self, log_id or new_id(), execution_id, workspace, workflow)


class GrowingLog:
    """One execution's log.

    Attributes:
        raws: the bytes of its events, from the first.
    """

    def __init__(
        self, ledger: Ledger, log_id: UUID, chosen: str | None, workspace: UUID, workflow: str
    ) -> None:
        self.log_id = log_id
        self.raws: list[bytes] = []
        self._ledger = ledger
        self._chosen = chosen
        self._workspace = workspace
        self._workflow = workflow
        self._partition = partition_of(log_id)

    @property
    def execution_id(self) -> str:
        """As callers know it."""
        return self._chosen or str(self.log_id)

    @property
    def version(self) -> int:
        """The id of the last event."""
        return len(self.raws)

    async def add(
        self,
        *events: EventData | tuple[UUID, EventData],
        status: ExecutionStatus | None = None,
        publish: bool = True,
    ) -> list[bytes]:
        """Commit events at once, with the row that shows ``status``, and publish them.

        Args:
            *events: what happened; with a run's id where it is not the first run.
            status: of the execution from now on; ``None`` where the events do not change it.
            publish: whether they come on the topic too.
        """
        raws = [self._stamp(event) for event in events]
        new = [
            NewEvent(self.log_id, version, TOPIC_BY_TYPE[_data(event).TYPE], raw)
            for version, (event, raw) in enumerate(
                zip(events, raws, strict=True), self.version - len(raws) + 1
            )
        ]
        rows: list[Row] = [RunRow(run_id=run, log_id=self.log_id) for run in _runs(events)]
        if status is not None:
            rows.append(self._row(status))
        epoch = self._ledger.epochs[self._partition]
        await self._ledger.store.append(Append(partition=self._partition, epoch=epoch, events=new, rows=rows))
        if publish:
            await self.publish(*raws)
        return raws

    async def publish(self, *raws: bytes) -> None:
        """Put records on the topic, whatever they are."""
        records = [Record(record_key(self.log_id), raw) for raw in raws]
        await (await self._ledger.bus.publish(EXECUTIONS, self._partition, records))

    def _stamp(self, event: EventData | tuple[UUID, EventData]) -> bytes:
        raw = encode(
            Event(
                type=_data(event).TYPE,
                event_id=self.version + 1,
                execution_id=self.execution_id,
                log_id=str(self.log_id) if self._chosen else None,
                run_id=str(event[0]) if isinstance(event, tuple) else None,
                workflow_id=self._workflow,
                timestamp=_NOW,
                causation_id="c",
                data=_data(event),
            )
        )
        self.raws.append(raw)
        return raw

    def _row(self, status: ExecutionStatus) -> ExecutionRow:
        return ExecutionRow(
            log_id=self.log_id,
            partition=self._partition,
            workspace_id=self._workspace,
            workflow_id=self._workflow,
            workflow_version=1,
            execution_id=self._chosen,
            status=status,
            trigger="api",
            mode="sync",
            version=self.version,
            parked=status != "running",
            started_at=time.time(),
            updated_at=time.time(),
        )


def _data(event: EventData | tuple[UUID, EventData]) -> EventData:
    return event[1] if isinstance(event, tuple) else event


def _runs(events: Sequence[EventData | tuple[UUID, EventData]]) -> list[UUID]:
    return [
        event[0] for event in events if isinstance(event, tuple) and isinstance(event[1], ExecutionResumed)
    ]


# --- What can happen --------------------------------------------------------------------------------


def started(workspace: UUID = DEFAULT_WORKSPACE) -> EventData:
    """The execution began."""
    return ExecutionStarted(
        workspace_id=str(workspace), workflow_version=1, definition_digest="sha256:0",
        trigger="api", mode="sync", actor=SYSTEM, start_time=_NOW,
    )  # fmt: skip


def step(size: int = 2) -> EventData:
    """A block ended, with an output of about so many bytes."""
    return BlockCompleted(
        block_id="b", block_name="B", block_type="function", execution_order=1, output="x" * size,
        duration_ms=1, started_at=_NOW, ended_at=_NOW,
    )  # fmt: skip


def paused() -> EventData:
    """A run ended with points open."""
    return ExecutionPaused(duration=1, start_time=_NOW, end_time=_NOW)


def notified() -> EventData:
    """Somebody was told of a pause."""
    return PauseNotified(context_id="p", channel="mail", success=True)


def closed() -> EventData:
    """A point can no longer be resumed."""
    return PauseClosed(context_id="p", reason="cancelled")


def resumed(run_id: UUID) -> tuple[UUID, EventData]:
    """A new run began at its point."""
    data = ExecutionResumed(
        resume_execution_id=str(run_id), context_id="p", resume_entry_id="e", mode="sync", actor=SYSTEM
    )
    return (run_id, data)


def forked(source: "GrowingLog") -> EventData:
    """From here on a fork of a log goes its own way."""
    named, log_id = source.execution_id, str(source.log_id)
    return ExecutionForked(
        source=Source(
            execution_id=named, log_id=None if named == log_id else log_id, event_id=1, kind="fork"
        ),
        as_of=_NOW, actor=SYSTEM, reason="what if", mode="sync",
    )  # fmt: skip


def completed() -> EventData:
    """The execution ended well."""
    return ExecutionCompleted(success=True, duration=1, start_time=_NOW, end_time=_NOW)


def failed(*, final: bool) -> EventData:
    """A run failed; with ``final``, the execution."""
    return ExecutionError(
        error="no", code="BLOCK_FAILED", duration=1, start_time=_NOW, end_time=_NOW, final=final
    )


def cancelled() -> EventData:
    """Somebody stopped the execution."""
    return ExecutionCancelled(reason="enough", actor=SYSTEM, duration=1, start_time=_NOW, end_time=_NOW)
