"""PostgreSQL fails over to its synchronous standby, while Signoff appends and reads."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from typing import Any, Self, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from local_services.waiting import wait_until

from signoff.events.errors import AppendUnknownError, StoreUnavailableError
from signoff.events.store.base import EventStore
from signoff.events.store.postgres import PostgresStore
from support.processes import LocalRun
from support.replicas import Pair, replicated
from support.stores import LIMIT, PARTITIONS, Writer, events, until, without_files

BACK = 10.0
"""Seconds after which appending goes on, once there is a primary."""


@pytest.fixture(scope="module")
def pair(local_run: LocalRun) -> Iterator[Pair]:
    with replicated(local_run.folder / "replicas") as pair:
        yield pair


@pytest.fixture
def whole(pair: Pair) -> Iterator[Pair]:
    """The pair; whatever a test does to its primary, both are there after it."""
    yield pair
    if not pair.synchronous:
        pair.rejoin()


@pytest.fixture
async def url(whole: Pair) -> str:
    made = await asyncio.to_thread(whole.create_database, f"log_{uuid4().hex}")
    return without_files(made)


@pytest.fixture
async def store(url: str) -> AsyncIterator[EventStore]:
    store = await PostgresStore.open(url)
    await store.migrate(partitions=PARTITIONS)
    yield store
    await store.close()


class Load:
    """Appends to some logs, one event after the other, and remembers what was acknowledged, and when."""

    def __init__(self, store: EventStore, writer: Writer) -> None:
        self._store = store
        self._writer = writer
        self.acknowledged: dict[UUID, int] = {uuid4(): 0 for _ in range(4)}
        self.last = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._append(log)) for log in self.acknowledged]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert {type(result) for result in results} == {asyncio.CancelledError}

    async def _append(self, log: UUID) -> None:
        version = 1
        while True:
            try:
                await self._writer.append(*events(log, [version]))
            except AppendUnknownError:
                version = await self._next(log)
            except StoreUnavailableError:
                await asyncio.sleep(0.01)  # how a writer backs off; what ends the loop is the test
            else:
                self.acknowledged[log] = version
                self.last = time.monotonic()
                version += 1

    async def _next(self, log: UUID) -> int:
        """What comes next, as only the log knows."""
        while True:
            with suppress(StoreUnavailableError):
                return (await self._store.heads([log])).get(log, 0) + 1
            await asyncio.sleep(0.01)

    async def goes_on(self, *, limit: float = LIMIT) -> None:
        """Return once every log has grown."""
        before = dict(self.acknowledged)

        async def grown() -> bool:
            return all(self.acknowledged[log] > version for log, version in before.items())

        await until(grown, limit=limit)


def kill(pair: Pair) -> None:
    pair.primary.kill()


def freeze(pair: Pair) -> None:
    pair.primary.freeze()


def cut_off(pair: Pair) -> None:
    """It serves on, and its standby no longer follows it."""


@pytest.mark.parametrize("take_away", [kill, freeze, cut_off])
async def test_a_failover_under_appends_loses_nothing_acknowledged_and_they_go_on_soon(
    whole: Pair, store: EventStore, take_away: Callable[[Pair], None]
) -> None:
    writer = await Writer.of(store)
    async with aclosing(cast("Any", store.subscribe(after=0))) as batches, asyncio.timeout(4 * LIMIT):
        async with Load(store, writer) as load:
            await load.goes_on()
            await asyncio.to_thread(take_away, whole)
            await asyncio.to_thread(whole.promote)
            promoted = time.monotonic()
            await load.goes_on(limit=BACK)
            await until(lambda: answers_all_reads(store), limit=promoted + BACK - time.monotonic())

        heads = await store.heads(list(load.acknowledged))
        assert all(heads[log] >= version for log, version in load.acknowledged.items())
        assert await followed(batches, heads) == {
            log: list(range(1, head + 1)) for log, head in heads.items()
        }


async def answers_all_reads(store: EventStore) -> bool:
    """Whether as many reads at once as there are connections are answered: none leads to the old primary."""
    try:
        await asyncio.gather(*(store.last_position() for _ in range(4)))
    except StoreUnavailableError:
        return False
    return True


async def followed(batches: Any, heads: dict[UUID, int]) -> dict[UUID, list[int]]:
    """The versions up to some heads that a follower of the log saw; there may be more by now."""
    seen: dict[UUID, list[int]] = {log: [] for log in heads}
    async for batch in batches:
        for event in batch:
            if event.version <= heads[event.log_id]:
                seen[event.log_id].append(event.version)
        if all(seen[log][-1:] == [head] for log, head in heads.items()):
            break
    return seen


async def test_a_restart_under_appends_loses_nothing_acknowledged(whole: Pair, store: EventStore) -> None:
    async with Load(store, await Writer.of(store)) as load:
        await load.goes_on()
        await asyncio.to_thread(whole.primary.stop, "immediate")
        await asyncio.to_thread(whole.primary.start)
        await load.goes_on(limit=BACK)

    heads = await store.heads(list(load.acknowledged))
    assert all(heads[log] >= version for log, version in load.acknowledged.items())


async def test_what_only_the_primary_has_is_never_seen(
    whole: Pair, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signoff.events.store.postgres_writer.COMMIT_LIMIT", 0.5)
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, [1]))
    monkeypatch.setattr("signoff.events.store.postgres_writer.SETTLE_LIMIT", 0.5)

    whole.standby.freeze()
    with pytest.raises(AppendUnknownError):
        await writer.append(*events(log, [2]))
    assert await store.heads([log]) == {log: 1}

    whole.standby.thaw()
    await until(lambda: is_at(store, log, 2))


@pytest.mark.parametrize("careless", ["off", "local"])
async def test_commits_wait_for_the_standby_also_where_the_server_is_set_not_to(
    whole: Pair, url: str, monkeypatch: pytest.MonkeyPatch, careless: str
) -> None:
    monkeypatch.setattr("signoff.events.store.postgres_writer.COMMIT_LIMIT", 0.5)
    monkeypatch.setattr("signoff.events.store.postgres_writer.SETTLE_LIMIT", 0.5)
    database = urlsplit(url).path.removeprefix("/")
    whole.primary.query(f"ALTER DATABASE {database} SET synchronous_commit TO {careless}")
    store = await PostgresStore.open(url)
    await store.migrate(partitions=PARTITIONS)
    writer, log = await Writer.of(store), uuid4()

    whole.standby.freeze()
    with pytest.raises(AppendUnknownError):
        await writer.append(*events(log, [1]))

    whole.standby.thaw()
    await until(lambda: is_at(store, log, 1))
    await store.close()


async def is_at(store: EventStore, log: UUID, version: int) -> bool:
    return await store.heads([log]) == {log: version}


async def test_a_standby_is_not_read(whole: Pair, url: str) -> None:
    database = urlsplit(url).path.removeprefix("/")
    await asyncio.to_thread(
        wait_until, lambda: database in whole.standby.databases(), limit=LIMIT, otherwise="it lags"
    )
    store = await PostgresStore.open(without_files(whole.standby.url(database)))

    with pytest.raises(StoreUnavailableError, match="read-write"):
        await store.ping()
    await store.close()


async def test_a_former_primary_that_takes_writes_again_is_not_believed(
    whole: Pair, store: EventStore
) -> None:
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, [1]))
    await asyncio.to_thread(whole.fail_over)
    await until(lambda: is_written(writer, log, 2))

    await asyncio.to_thread(whole.standby.start)  # as the primary that it was
    await asyncio.to_thread(whole.primary.stop, "immediate")
    await until(lambda: tells(store, "which timeline"))

    await asyncio.to_thread(whole.primary.start)
    await until(lambda: is_written(writer, log, 3))
    assert whole.primary.query("SELECT pg_is_in_recovery()").strip() == "f"


async def is_written(writer: Writer, log: UUID, version: int) -> bool:
    with suppress(StoreUnavailableError, AppendUnknownError):
        await writer.append(*events(log, [version]))
        return True
    return await is_at_least(writer.store, log, version)


async def is_at_least(store: EventStore, log: UUID, version: int) -> bool:
    with suppress(StoreUnavailableError):
        return (await store.heads([log])).get(log, 0) >= version
    return False


async def tells(store: EventStore, text: str) -> bool:
    try:
        await store.ping()
    except StoreUnavailableError as error:
        return text in str(error)
    return False
