"""Logs to export, what exports hold, and object stores that die."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from signoff.audit.export.exporter import Exported, Exporter
from signoff.audit.export.selection import Selection
from signoff.audit.export.target import Done, Format, Options, Target
from signoff.events.codec import TOPIC_BY_TYPE, chain_hash, encode
from signoff.events.ids import new_id
from signoff.events.objects import Objects
from signoff.events.store.base import Append, EventStore, ExecutionRow, NewEvent
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE, PARTITIONS, partition_of
from signoff.events.types import Event, EventData
from support.growing_logs import started, step

FIRST_DAY: Final = datetime(2026, 1, 30, 23, 59, tzinfo=UTC)


class LogWriter:
    """Owns every partition of a store, and writes chained logs of any day."""

    def __init__(self, store: EventStore, epochs: dict[int, int]) -> None:
        self.store = store
        self._epochs = epochs

    @classmethod
    async def open(cls, store: EventStore) -> "LogWriter":
        leases = await store.upkeep.seize(range(PARTITIONS), owner="test", ttl=3600)
        return cls(store, {lease.partition: lease.epoch for lease in leases})

    async def execution(
        self,
        moments: Sequence[datetime],
        *,
        workflow: str = "refund",
        workspace: UUID = DEFAULT_WORKSPACE,
        data: Sequence[EventData] = (),
    ) -> UUID:
        """An execution with an event at each moment: those given, or its start and blocks."""
        log_id = new_id()
        said = data or [started(workspace), *[step()] * (len(moments) - 1)]
        events: list[NewEvent] = []
        prev: str | None = None
        for version, (moment, each) in enumerate(zip(moments, said, strict=True), 1):
            raw = encode(
                Event(
                    type=each.TYPE, event_id=version, execution_id=str(log_id), workflow_id=workflow,
                    timestamp=iso(moment.timestamp()), causation_id="c", prev=prev, data=each,
                )
            )  # fmt: skip
            prev = chain_hash(raw)
            events.append(NewEvent(log_id, version, TOPIC_BY_TYPE[each.TYPE], raw))
        partition = partition_of(log_id)
        row = ExecutionRow(
            log_id=log_id, partition=partition, workspace_id=workspace, workflow_id=workflow,
            workflow_version=1, status="running", trigger="api", mode="sync", version=len(events),
            parked=False, started_at=0.0, updated_at=0.0,
        )  # fmt: skip
        epoch = self._epochs[partition]
        await self.store.append(Append(partition=partition, epoch=epoch, events=events, rows=[row]))
        return log_id

    async def some(self, executions: int, *, events: int = 4, workflow: str = "refund") -> None:
        """Executions that begin a minute after one another, before midnight and after."""
        for number in range(executions):
            begun = FIRST_DAY + timedelta(minutes=number)
            moments = [begun + timedelta(seconds=20 * at) for at in range(events)]
            await self.execution(moments, workflow=workflow)


class Killed(BaseException):
    """The process ended here."""


class Dying(Objects):
    """An object store whose user is killed at its n-th write: before it, or right after.

    Args:
        other: the store.
        at: the number of the write, from 1.
        after: it is done.
    """

    def __init__(self, other: Objects, *, at: int, after: bool) -> None:
        self._other = other
        self._left = at
        self._after = after
        self.died = False

    async def write(self, path: str, content: object, *, within: float = 30.0) -> None:
        assert isinstance(content, bytes)
        self._live(done=False)
        await self._other.write(path, content, within=within)
        self._live(done=True)

    async def create(self, path: str, content: bytes) -> bool:
        self._live(done=False)
        was_new = await self._other.create(path, content)
        self._live(done=True)
        return was_new

    async def read(self, path: str) -> bytes:
        return await self._other.read(path)

    async def paths(self, prefix: str, *, after: str = "") -> list[str]:
        return await self._other.paths(prefix, after=after)

    def _live(self, *, done: bool) -> None:
        self._left -= not done
        if self._left == 0 and done == self._after:
            self.died = True
            raise Killed


async def export(
    store: EventStore, objects: Objects, form: Format = "jsonl", selection: Selection | None = None
) -> Exported:
    """Bring an export up to date."""
    options = Options(format=form, selection=selection or Selection())
    return await Exporter(store, Target(objects, name="there"), options, tell=lambda _: None).run()


async def batches(objects: Objects) -> list[Done]:
    """What an export says of itself."""
    paths = await objects.paths("_signoff/batches")
    return [msgspec.json.decode(await objects.read(path), type=Done) for path in paths if ".done." in path]


async def files(objects: Objects) -> dict[str, bytes]:
    """All files with events, by path."""
    found = [path for path in await objects.paths("") if not path.startswith("_signoff")]
    return {path: await objects.read(path) for path in found}


def lines(content: bytes) -> list[bytes]:
    """The lines of a compressed file."""
    return gzip.decompress(content).splitlines()


async def exported(objects: Objects) -> list[tuple[int, bytes]]:
    """Positions and bytes of all exported lines, by position."""
    found: list[tuple[int, bytes]] = []
    everything = await files(objects)
    for path, content in everything.items():
        if path.endswith(".jsonl.gz"):
            positions = lines(everything[path.replace(".jsonl.gz", ".positions.gz")])
            found += zip(map(int, positions), lines(content), strict=True)
    return sorted(found)


def folder_objects(folder: Path) -> Objects:
    """The object store that a folder is."""
    return Objects.open(f"file://{folder}")
