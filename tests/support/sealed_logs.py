"""A log with checkpoints on a real store, and somebody who writes to its tables."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
import pytest
from msgspec import Struct

from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import Keyring, Signer
from signoff.audit.checkpoints.writer import CheckpointWriter
from signoff.audit.life import folding
from signoff.audit.verify.faults import Fault
from signoff.audit.verify.sealed import SealCheck
from signoff.audit.verify.shapes import check_shapes
from signoff.audit.verify.sources import FilesSource, Source
from signoff.cli.auditing.unit_check import UnitCheck
from signoff.cli.auditing.units import Levels, Selection, plan
from signoff.events.blobs import BlobStore
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import EventStore
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import PARTITIONS
from signoff.events.topology import apply
from signoff.executor.app import open_tools
from signoff.executor.logs.loader import Loader
from signoff.runtime.settings import Settings
from support.executors import REFUND, Site
from support.installations import installation_of

Dialect: TypeAlias = Literal["postgres", "sqlite"]
SEED: Final = b"a seed of checkpoints, 32 bytes "
TABLES: Final = (
    "stored_events", "executions", "runs", "workflows", "points", "point_lists", "fold_waypoints",
    "fold_snapshots", "point_words",
)  # fmt: skip
"""The last one is SQLite's alone."""

PARENT: Final = {
    "blocks": {"call": {"type": "workflow", "workflow": "refund", "input": {"amount": 10, "customer": "Ada"}}}
}
FAILING: Final = {"blocks": {"fail": {"type": "function", "code": "throw new Error('no')"}}}


class Hand:
    """Somebody who has a connection to the database, and knows SQL.

    Args:
        run: runs a statement, with "?" for arguments; gives its rows.
        dialect: of the database.
    """

    def __init__(self, run: Callable[..., Any], dialect: Dialect) -> None:
        self._run = run
        self.dialect = dialect
        self.position = "notification_id" if dialect == "postgres" else "rowid"

    def uuid(self, log_id: UUID) -> object:
        """A log's id as the database has it."""
        return log_id if self.dialect == "postgres" else log_id.hex

    async def do(self, sql: str, *given: object) -> list[Any]:
        """Run a statement."""
        arguments = [self.uuid(each) if isinstance(each, UUID) else each for each in given]
        found: list[Any] = await self._run(sql, *arguments)
        return found

    async def keep(self) -> None:
        """Copy all tables, for :meth:`put_back`."""
        for table in self._tables:
            listed = await self._columns(table)
            await self.do(f"CREATE TABLE kept_{table} AS SELECT {listed} FROM {table}")

    async def _columns(self, table: str) -> str:
        if self.dialect == "postgres":
            names = "SELECT column_name FROM information_schema.columns WHERE table_name = ?"
            return ", ".join(row[0] for row in await self.do(names, table))
        rows = await self.do("SELECT name FROM pragma_table_info(?)", table)
        first = [self.position] if table == "stored_events" else []
        return ", ".join([*first, *(row[0] for row in rows)])

    @property
    def _tables(self) -> tuple[str, ...]:
        return TABLES if self.dialect == "sqlite" else TABLES[:-1]

    async def put_back(self) -> None:
        """Let all tables hold what they held."""
        always = "OVERRIDING SYSTEM VALUE " if self.dialect == "postgres" else ""
        for table in self._tables:
            listed = await self._columns(table)
            await self.do(f"DELETE FROM {table}")
            await self.do(f"INSERT INTO {table} ({listed}) {always}SELECT {listed} FROM kept_{table}")

    async def states(self, log_id: UUID) -> list[bytes]:
        """The bytes of a log's events."""
        rows = await self.do(
            "SELECT state FROM stored_events WHERE originator_id = ? ORDER BY originator_version", log_id
        )
        return [bytes(row[0]) for row in rows]

    async def write(self, log_id: UUID, version: int, state: bytes) -> None:
        """Put other bytes into a row."""
        await self.do(
            "UPDATE stored_events SET state = ? WHERE originator_id = ? AND originator_version = ?",
            state, log_id, version,
        )  # fmt: skip


class Logs(Struct, frozen=True, kw_only=True):
    """Executions in every state, and the log of a workflow."""

    paid: UUID
    approved: UUID
    paused: UUID
    failed: UUID
    cancelled: UUID
    parent: UUID

    @property
    def all(self) -> tuple[UUID, ...]:
        """All of them."""
        return (self.paid, self.approved, self.paused, self.failed, self.cancelled, self.parent)


class SealedLog:
    """A log whose services have ended, with the checkpoints that they made and a copy of those.

    Args:
        site: the services' parts.
        hand: writes to its tables.
        logs: what is in it.
        folder: of the server's checkpoints …
        place: … or the URL of where they are instead.
    """

    def __init__(self, site: Site, hand: Hand, logs: Logs, folder: Path, place: str | None = None) -> None:
        self.site = site
        self.hand = hand
        self.logs = logs
        self.folder = folder
        self._place = place or folder
        self.keys = Signer([SEED]).keys

    @property
    def store(self) -> EventStore:
        """The log."""
        return self.site.store

    def files(
        self, folder: Path | None = None, *, is_live: bool = False, keys: Keyring | None = None
    ) -> Source:
        """Checkpoints in a folder, or where the server keeps them."""
        known = self.keys if keys is None else keys
        return FilesSource(files_in(folder or self._place), known, is_live=is_live)

    async def faults(
        self, *sources: Source, levels: Levels | None = None, published: int = 0, accepted: Sequence[int] = ()
    ) -> list[Fault]:
        """All that verification finds."""
        seals = SealCheck(self.store, sources, self.keys, published=published, accepted=accepted)
        sealed = [fault async for fault in seals.run()]
        state = await plan(self.store, levels or Levels(), Selection())
        installation = installation_of(self.site)
        check = UnitCheck(installation, state.levels, state.selection, upto=state.upto, moments=seals.moments)
        found = await check_shapes(self.store, limit=1_000)
        found += [fault for unit in state.units for fault in (await check.run(unit)).faults]
        return found + sealed

    async def seal(self, folder: Path | None = None) -> int:
        """Make checkpoints."""
        return await writer_of(self.site, folder or self._place).write()


async def keep_everywhere(store: EventStore, loader: Loader, monkeypatch: pytest.MonkeyPatch) -> int:
    """Keep a snapshot of every log and a waypoint at every event of every execution, as long ones have some.

    Returns:
        How many waypoints.
    """
    monkeypatch.setattr(folding, "SPAN", 1)
    monkeypatch.setattr(folding, "_WEIGHT", 0)
    count = 0
    for log_id in await store.upkeep.logs(limit=10_000):
        await loader.make_snapshot(log_id)
        if await store.execution(log_id) is not None:
            head = (await store.heads([log_id]))[log_id]
            for _ in range(head):
                await folding.mark_waypoint(store, log_id)
            count += head
    return count


def files_in(place: Path | str) -> CheckpointFiles:
    """The checkpoints in a folder, or at a URL."""
    return CheckpointFiles.open(place if isinstance(place, str) else f"file://{place}")


def writer_of(
    site: Site, place: Path | str, *, seed: bytes = SEED, window: int = 25, ahead: float = 0.0
) -> CheckpointWriter:
    """A writer of small checkpoints, so that there are some; its clock is seconds ahead."""
    return CheckpointWriter(
        site.store, site.bus, files_in(place), Signer([seed]),
        held=lambda: True, clock=lambda: time.time() + ahead, window=window,
    )  # fmt: skip


@asynccontextmanager
async def sealed_log(
    dialect: Dialect, folder: Path, url: str = "", *, place: str | None = None
) -> AsyncIterator[SealedLog]:
    """A log with checkpoints.

    Args:
        dialect: of the database.
        folder: for the files.
        url: of a migrated PostgreSQL log.
        place: the URL of where checkpoints go, in place of a folder among the files.
    """
    store: EventStore
    if dialect == "postgres":
        store = await PostgresStore.open(url)
    else:
        store = await SqliteStore.open(folder / "log.db")
        await store.migrate(partitions=PARTITIONS)
    bus, blobs = MemoryBus(), BlobStore.open("memory:")
    await apply(bus)
    async with open_tools(Settings(), blobs) as tools, _hand(dialect, folder, url) as hand:
        site = Site(store, bus, blobs, tools, partitions=PARTITIONS)
        async with site.executor():
            logs = await _fill(site)
        sealed = SealedLog(site, hand, logs, folder / "checkpoints", place)
        await sealed.seal()
        await hand.keep()
        yield sealed
        await site.close()


async def _fill(site: Site) -> Logs:
    refund = await site.deploy(REFUND)
    parent = await site.deploy(PARENT, "parent")
    failing = await site.deploy(FAILING, "failing")
    large, small = {"amount": 250, "customer": "Ada"}, {"amount": 10, "customer": "Bob"}
    sent = [await site.start(refund, large) for _ in range(3)]
    sent += [await site.start(refund, small), await site.start(parent, {}), await site.start(failing, {})]
    for each in sent:
        await site.ended(each)
    approved, paused, cancelled, paid, called, failed = (each.log_id for each in sent)
    (point,) = await site.store.upkeep.points(approved)
    await site.ended(await site.resume(approved, point.context_id, {"approved": True}))
    await site.outcome(await site.cancel(cancelled))
    return Logs(
        paid=paid, approved=approved, paused=paused, failed=failed, cancelled=cancelled, parent=called
    )


@asynccontextmanager
async def _hand(dialect: Dialect, folder: Path, url: str) -> AsyncIterator[Hand]:
    if dialect == "postgres":
        connection = await asyncpg.connect(url)

        async def run(sql: str, *given: object) -> list[Any]:
            parts = sql.split("?")
            numbered = parts[0] + "".join(f"${at}{part}" for at, part in enumerate(parts[1:], 1))
            return list(await connection.fetch(numbered, *given))

        yield Hand(run, dialect)
        await connection.close()
        return
    file = sqlite3.connect(folder / "log.db", isolation_level=None, check_same_thread=False)

    async def execute(sql: str, *given: object) -> list[Any]:
        return await asyncio.to_thread(lambda: file.execute(sql, given).fetchall())

    yield Hand(execute, dialect)
    file.close()


def kinds(faults: Sequence[Fault]) -> set[str]:
    """What is wrong, by kinds."""
    return {fault.kind for fault in faults}
