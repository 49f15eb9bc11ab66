"""PostgreSQL goes away, comes back, and breaks off at the worst moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from signoff.events import faults
from signoff.events.errors import AppendUnknownError, LeaseLostError, StoreUnavailableError
from signoff.events.store.base import EventStore
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sql import queries
from support.postgres import Postgres
from support.stores import LIMIT, PARTITIONS, Writer, events, until


class Proxy:
    """Stands between store and server, and breaks a connection off at a given command."""

    def __init__(self, url: str) -> None:
        self._where = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.marker: bytes | None = None
        self.forward = False

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        where = self._where
        return where._replace(netloc=where.netloc.replace(str(where.port), str(port))).geturl()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for near in self._links.values():
            near.close()
        await asyncio.gather(*self._links)

    async def _serve(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        link = asyncio.current_task()
        assert link is not None
        self._links[link] = near
        far_reader, far = await asyncio.open_connection(self._where.hostname, self._where.port)
        up = asyncio.create_task(self._up(reader, near, far))
        down = asyncio.create_task(self._down(far_reader, near))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in (up, down):
                pump.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            for end in (near, far):
                end.close()
                with suppress(ConnectionError):
                    await end.wait_closed()

    async def _up(
        self, reader: asyncio.StreamReader, near: asyncio.StreamWriter, far: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65_536):
            broken = self.marker is not None and self.marker in data
            if broken:
                self.marker = None
                near.transport.abort()  # whatever the server says now is lost
            if not broken or self.forward:
                far.write(data)
                await far.drain()
            if broken:
                return

    async def _down(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            near.write(data)
            await near.drain()


@pytest.fixture
async def proxy(log_url: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(log_url)
    yield proxy
    await proxy.stop()


@pytest.fixture
async def store(proxy: Proxy) -> AsyncIterator[EventStore]:
    store = await PostgresStore.open(await proxy.start())
    yield store
    await store.close()


async def test_a_connection_lost_before_the_commit_has_written_nothing(
    store: EventStore, proxy: Proxy
) -> None:
    writer, log = await Writer.of(store), uuid4()
    proxy.marker, proxy.forward = b"INSERT INTO stored_events", True

    with pytest.raises(StoreUnavailableError):
        await writer.append(*events(log, [1]), next_offset=8)

    await until(lambda: succeeds(writer.append(*events(log, [1]))))
    assert await store.heads([log]) == {log: 1}
    assert (await store.leases())[writer.lease.partition].next_offset == 0


@pytest.mark.parametrize("committed", [True, False], ids=["which was done", "which was not done"])
async def test_a_connection_lost_during_the_commit_leaves_the_outcome_to_the_log(
    store: EventStore, proxy: Proxy, *, committed: bool
) -> None:
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, [1]))
    proxy.marker, proxy.forward = b"; COMMIT", committed

    with pytest.raises(AppendUnknownError):
        await writer.append(*events(log, [2]), next_offset=8)

    assert await store.heads([log]) == {log: 2 if committed else 1}
    assert (await store.leases())[writer.lease.partition].next_offset == (8 if committed else 0)
    await writer.append(*events(log, [3 if committed else 2]))


async def test_an_unknown_outcome_is_told_only_once_no_commit_can_follow(
    store: EventStore, proxy: Proxy, log_url: str
) -> None:
    writer = await Writer.of(store)
    other = await asyncpg.connect(log_url, timeout=LIMIT)
    named = await asyncio.to_thread(queries, "postgres")
    locked = asyncio.Event()

    async def lock() -> None:
        await other.execute(named["begin_locked"])
        locked.set()

    async def take_the_lock_next(point: str) -> None:
        """Stand for the server's process that commits although nobody hears of it."""
        if point == "store.committing":
            locking.append(asyncio.create_task(lock()))
            await until(lambda: an_append_waits(log_url))

    async def waits_or_is_told() -> bool:
        return appending.done() or await an_append_waits(log_url)

    locking: list[asyncio.Task[None]] = []

    faults.install(take_the_lock_next)
    proxy.marker, proxy.forward = b"; COMMIT", False
    appending = asyncio.create_task(writer.append(*events(uuid4(), [1])))
    try:
        async with asyncio.timeout(LIMIT):
            await locked.wait()
        await until(waits_or_is_told)
        assert not appending.done()
    finally:
        faults.install(None)
        await other.close()
    with pytest.raises(AppendUnknownError):
        await appending


async def test_all_members_of_a_group_share_an_unknown_outcome(store: EventStore, proxy: Proxy) -> None:
    writer = await Writer.of(store)
    proxy.marker, proxy.forward = b"; COMMIT", False
    # While the first begins its transaction the others join its group.
    group = [asyncio.create_task(writer.append(*events(uuid4(), [1]))) for _ in range(5)]

    results = await asyncio.gather(*group, return_exceptions=True)

    assert [type(result) for result in results] == [AppendUnknownError] * 5


async def test_a_lease_lost_while_an_append_waits_for_the_lock_is_seen(log_url: str) -> None:
    named = await asyncio.to_thread(queries, "postgres")
    store = await PostgresStore.open(log_url)
    writer, log = await Writer.of(store), uuid4()
    other = await asyncpg.connect(log_url, timeout=LIMIT)
    await other.execute(named["begin_locked"])
    appending = asyncio.create_task(writer.append(*events(log, [1])))
    await until(lambda: an_append_waits(log_url))

    await other.execute(f"UPDATE partitions SET epoch = epoch + 1 WHERE partition = {writer.lease.partition}")
    await other.execute("COMMIT")

    with pytest.raises(LeaseLostError):
        await appending
    assert await store.read(log) == []
    await other.close()
    await store.close()


async def an_append_waits(url: str) -> bool:
    connection = await asyncpg.connect(url, timeout=LIMIT)
    try:
        return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    finally:
        await connection.close()


async def succeeds(work: Any) -> bool:
    try:
        await work
    except StoreUnavailableError:
        return False
    return True


async def test_a_store_is_opened_while_the_server_is_away_and_follows_it_down_and_up(
    postgres: Postgres, log_url: str
) -> None:
    await asyncio.to_thread(postgres.stop)
    store = await PostgresStore.open(log_url)
    with pytest.raises(StoreUnavailableError):
        await store.ping()
    with pytest.raises(StoreUnavailableError):
        await store.acquire("me", most=1, ttl=60)
    with pytest.raises(StoreUnavailableError):
        await store.migrate(partitions=PARTITIONS)

    await asyncio.to_thread(postgres.start)
    await until(lambda: succeeds(store.ping()))
    writer, log = await Writer.of(store), uuid4()
    async with aclosing(cast("Any", store.subscribe(after=0))) as batches, asyncio.timeout(3 * LIMIT):
        await writer.append(*events(log, [1]))
        assert [event.version for event in await anext(batches)] == [1]

        await asyncio.to_thread(postgres.kill)
        with pytest.raises(StoreUnavailableError):
            await writer.append(*events(log, [2]))
        await asyncio.to_thread(postgres.start)

        await until(lambda: succeeds(writer.append(*events(log, [2]))), limit=2 * LIMIT)
        assert [event.version for event in await anext(batches)] == [2]
    await store.close()


async def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signoff.events.store.postgres_primary.CONNECT_LIMIT", 0.1)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = await PostgresStore.open(f"postgresql://nobody:x@127.0.0.1:{port}/none?sslmode=disable")

    async with asyncio.timeout(LIMIT):
        with pytest.raises(StoreUnavailableError):
            await store.ping()
        with pytest.raises(StoreUnavailableError):
            await Writer(store, cast("Any", _Lease)).append(*events(uuid4(), [1]))
    await store.close()
    server.close()
    await server.wait_closed()


class _Lease:
    partition = 0
    epoch = 1
