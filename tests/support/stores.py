"""Stores for tests: every adapter behind one fixture, and short words for what is written to them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from signoff.events.store.base import Append, EventStore, ExecutionRow, Lease, NewEvent, PointRow
from signoff.events.store.memory import MemoryStore
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore
from support.looks import pauses
from support.older import OlderExecutor
from support.postgres import Postgres

PARTITIONS = 8
WORKSPACE = UUID(int=0)
STARTED = 1_750_000_000.123456
LIMIT = 30.0
"""Seconds that a test waits for something that must happen."""


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = STARTED

    def __call__(self) -> float:
        return self.now


class Opened:
    """A store in a test, with what the test must know of it beyond the port.

    Attributes:
        store: the store.
        older: writes to it as the version before did.
    """

    def __init__(self, store: EventStore, clock: Clock | None, older: OlderExecutor) -> None:
        self.store = store
        self.older = older
        self._clock = clock

    async def let_leases_lapse(self) -> None:
        """Come to a time when no lease is valid: at once, or by the database's clock."""
        if self._clock is not None:
            self._clock.now += 3_600
        await until(self._no_lease_is_valid)

    async def _no_lease_is_valid(self) -> bool:
        return all(lease.seconds_left <= 0 for lease in await self.store.leases())


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    """Each adapter in turn, new and migrated."""
    clock = Clock()
    store: EventStore
    url = None
    match request.param:
        case "memory":
            store = MemoryStore(clock=clock)
            await store.migrate(partitions=PARTITIONS)
        case "sqlite":
            store = await SqliteStore.open(tmp_path / "log.db", clock=clock)
            await store.migrate(partitions=PARTITIONS)
        case _:
            url = await fresh_log(request.getfixturevalue("postgres"))
            store = await PostgresStore.open(url)
    older = OlderExecutor(store, url or tmp_path / "log.db")
    yield Opened(store, None if request.param == "postgres" else clock, older)
    await store.close()
    if url is not None:
        await drop_log(request.getfixturevalue("postgres"), url)


@pytest.fixture
def store(opened: Opened) -> EventStore:
    """Each adapter in turn, when the test needs no more than the port."""
    return opened.store


@pytest.fixture
async def log_url(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of a new, migrated PostgreSQL log."""
    url = await fresh_log(postgres)
    yield url
    await drop_log(postgres, url)


async def fresh_log(server: Postgres) -> str:
    """Make a migrated PostgreSQL log, as a copy of one made before, and give its URL."""
    url = await asyncio.to_thread(server.fresh_database, migrate)
    return without_files(url)


async def drop_log(server: Postgres, url: str) -> None:
    """Remove a log, and whoever is still connected to it."""
    await asyncio.to_thread(server.drop, url.partition("?")[0])


def without_files(url: str) -> str:
    """The URL with a password, which the server ignores, and without TLS.

    Otherwise asyncpg looks for files with passwords and keys when it connects, and that blocks the loop.
    """
    return url.replace("postgres@", "postgres:ignored@", 1) + f"{'&' if '?' in url else '?'}sslmode=disable"


def migrate(url: str) -> None:
    """Make the schema in an empty PostgreSQL database."""
    url = without_files(url)

    async def run() -> None:
        store = await PostgresStore.open(url)
        try:
            await store.migrate(partitions=PARTITIONS)
        finally:
            await store.close()

    asyncio.run(run())


class Writer:
    """An owner of one partition, writing to logs of it."""

    def __init__(self, store: EventStore, lease: Lease) -> None:
        self.store = store
        self.lease = lease

    @classmethod
    async def of(cls, store: EventStore, owner: str = "writer", *, ttl: float = 60.0) -> "Writer":
        """Take a partition that is free."""
        (lease,) = await store.acquire(owner, most=1, ttl=ttl)
        return cls(store, lease)

    async def append(self, *events: NewEvent, **others: Any) -> int:
        """Append under the lease: events, and whatever else an :class:`Append` has."""
        return await self.store.append(self.to_append(*events, **others))

    def to_append(self, *events: NewEvent, **others: Any) -> Append:
        """An append under the lease."""
        return Append(
            **{
                "partition": self.lease.partition,
                "epoch": self.lease.epoch,
                "events": list(events),
                **others,
            }
        )


def events(log_id: UUID, versions: range | list[int], state: bytes = b'{"a":1}') -> list[NewEvent]:
    """Events of one log."""
    return [NewEvent(log_id, version, "signoff:Tested", state) for version in versions]


def log_in(partition: int) -> UUID:
    """A new log of a partition."""
    return UUID(int=uuid4().int & ~0xFFFF | partition)


def execution(**changes: Any) -> ExecutionRow:
    """The row of a running execution, but for some changes."""
    log_id = changes.get("log_id", uuid4())
    row = ExecutionRow(
        log_id=log_id,
        partition=0,
        workspace_id=WORKSPACE,
        workflow_id="refund",
        workflow_version=1,
        status="running",
        trigger="api",
        mode="async",
        version=1,
        parked=False,
        started_at=STARTED,
        updated_at=STARTED,
    )
    return msgspec.structs.replace(row, **changes)


def point(**changes: Any) -> PointRow:
    """An open pause point, but for some changes."""
    row = PointRow(
        log_id=uuid4(),
        context_id="approve",
        workspace_id=WORKSPACE,
        workflow_id="refund",
        block_id="approve",
        title="Approve the refund",
        text="Approve the refund",
        priority=1,
        opened_at=STARTED,
        candidates=["anybody"],
        version=3,
    )
    return msgspec.structs.replace(row, **changes)


async def until(condition: Callable[[], Awaitable[bool]], *, limit: float = LIMIT) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + limit
    for attempt, pause in enumerate(pauses()):
        if await condition():
            return
        if time.monotonic() > deadline:
            pytest.fail(f"what the test waits for did not come within {limit:.0f} s ({attempt} looks)")
        await asyncio.sleep(pause)
