"""The stock ``eventsourcing`` library: its own test cases on our stores, and its own code on our log."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from eventsourcing.persistence import (
    InfrastructureFactory,
    IntegrityError,
    JSONTranscoder,
    OperationalError,
    StoredEvent,
)
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)
from eventsourcing.utils import Environment

from signoff.events.audit import LogEntry, LogMapper
from signoff.events.codec import encode
from signoff.events.store.base import EventStore, NewEvent
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore
from signoff.events.types import Event, VariablesSet
from support.postgres import Postgres
from support.store_recorder import StoreRecorder
from support.stores import LIMIT, PARTITIONS, Writer, events, migrate, until, without_files

OpenStore = Callable[[], Awaitable[EventStore]]


class AggregateRecorder(StoreRecorder):
    """As a recorder of aggregates alone, which gives no positions."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


class OnPostgres:
    """Gives a test case of the library recorders on a new PostgreSQL log."""

    recorder_class: type[StoreRecorder] = StoreRecorder

    @pytest.fixture(autouse=True)
    def _store(self, postgres: Postgres) -> Iterator[None]:
        url = without_files(postgres.fresh_database(migrate))
        yield from self._recorders(lambda: PostgresStore.open(url))

    def _recorders(self, open_store: OpenStore) -> Iterator[None]:
        self._open_store = open_store
        self._made: list[StoreRecorder] = []
        yield
        for recorder in self._made:
            recorder.close()

    def create_recorder(self) -> Any:
        recorder = self.recorder_class(self._open_store)
        self._made.append(recorder)
        return recorder


class OnSqlite(OnPostgres):
    """The same on a new SQLite log."""

    @pytest.fixture(autouse=True)
    def _store(self, tmp_path: Path) -> Iterator[None]:
        yield from self._recorders(lambda: open_sqlite(tmp_path / "log.db"))


async def open_sqlite(path: Path) -> SqliteStore:
    store = await SqliteStore.open(path)
    await store.migrate(partitions=PARTITIONS)
    return store


class TestAggregatesOnPostgres(OnPostgres, AggregateRecorderTestCase):
    """The library's own cases."""

    recorder_class = AggregateRecorder


class TestAggregatesOnSqlite(OnSqlite, AggregateRecorderTestCase):
    """The library's own cases."""

    recorder_class = AggregateRecorder


class TestApplicationOnPostgres(OnPostgres, ApplicationRecorderTestCase):
    """The library's own cases."""

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestApplicationOnSqlite(OnSqlite, ApplicationRecorderTestCase):
    """The library's own cases."""

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTrackingOnPostgres(OnPostgres, TrackingRecorderTestCase):
    """The library's own cases."""


class TestTrackingOnSqlite(OnSqlite, TrackingRecorderTestCase):
    """The library's own cases."""


class TestProcessOnPostgres(OnPostgres, ProcessRecorderTestCase):
    """The library's own cases."""


class TestProcessOnSqlite(OnSqlite, ProcessRecorderTestCase):
    """The library's own cases."""


class TestInterleavingOnPostgres(OnPostgres, NonInterleavingNotificationIDsBaseCase):
    """The library's own cases."""


class TestInterleavingOnSqlite(OnSqlite, NonInterleavingNotificationIDsBaseCase):
    """The library's own cases."""


@pytest.fixture
async def posted(log_url: str) -> AsyncIterator[tuple[Writer, Environment]]:
    """A writer of a log, and the environment in which an auditor opens it with the stock library."""
    store, where = await PostgresStore.open(log_url), urlsplit(log_url)
    environment = Environment(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": where.path[1:],
            "POSTGRES_HOST": where.hostname or "",
            "POSTGRES_PORT": str(where.port),
            "POSTGRES_USER": where.username or "",
            "POSTGRES_PASSWORD": where.password or "",
            "MAPPER_TOPIC": "signoff.events.audit:LogMapper",
            "CREATE_TABLE": "n",
        }
    )
    yield await Writer.of(store), environment
    await store.close()


async def test_an_auditor_reads_typed_events_with_the_stock_library(
    posted: tuple[Writer, Environment],
) -> None:
    writer, environment = posted
    log = uuid4()
    event = Event(
        type=VariablesSet.TYPE,
        event_id=1,
        workflow_id="refund",
        timestamp="2026-01-01T00:00:00.000000Z",
        causation_id="1",
        data=VariablesSet(values={"amount": 1.5}),
    )
    await writer.append(NewEvent(log, 1, "signoff:VariablesSet", encode(event)))

    def audit() -> list[object]:
        with InfrastructureFactory.construct(environment) as factory:
            mapper, recorder = factory.mapper(), factory.application_recorder()
            return [mapper.to_domain_event(stored) for stored in recorder.select_events(log)]

    assert await asyncio.to_thread(audit) == [LogEntry(log, 1, event)]


async def test_our_appends_wake_the_stock_librarys_subscriptions(posted: tuple[Writer, Environment]) -> None:
    writer, environment = posted
    await writer.append(*events(uuid4(), [1]))
    caught_up, seen = threading.Event(), []

    def follow() -> None:
        with (
            InfrastructureFactory.construct(environment) as factory,
            factory.application_recorder().subscribe(gt=0) as subscription,
        ):
            for notification in subscription:
                seen.append(notification.id)
                caught_up.set()
                if notification.id == 2:
                    return

    following = asyncio.create_task(asyncio.to_thread(follow))
    await asyncio.to_thread(caught_up.wait, LIMIT)

    # The library reads only when notified; before its LISTEN stands it cannot be.
    await until(lambda: listens(environment))
    await writer.append(*events(uuid4(), [1]))

    async with asyncio.timeout(LIMIT):
        await following
    assert seen == [1, 2]


async def listens(environment: Environment) -> bool:
    connection = await asyncpg.connect(
        host=environment["POSTGRES_HOST"],
        port=int(environment["POSTGRES_PORT"]),
        user=environment["POSTGRES_USER"],
        password=environment["POSTGRES_PASSWORD"],
        database=environment["POSTGRES_DBNAME"],
        ssl=False,
        timeout=LIMIT,
    )
    try:
        return bool(
            await connection.fetchval(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'LISTEN%'
                """
            )
        )
    finally:
        await connection.close()


async def test_the_stock_recorder_and_ours_may_write_the_same_log(posted: tuple[Writer, Environment]) -> None:
    writer, environment = posted
    environment["MAPPER_TOPIC"] = ""
    ours, theirs = [uuid4() for _ in range(50)], [uuid4() for _ in range(50)]

    def write() -> None:
        with InfrastructureFactory.construct(environment) as factory:
            recorder = factory.application_recorder()
            for log in theirs:
                recorder.insert_events(
                    [
                        StoredEvent(originator_id=log, originator_version=v, topic="t", state=b"")
                        for v in (1, 2)
                    ]
                )

    await asyncio.gather(asyncio.to_thread(write), *(writer.append(*events(log, [1, 2])) for log in ours))

    everything = await writer.store.read_all(after=0, limit=1_000)
    assert len(everything) == 200
    assert all(
        second.log_id == first.log_id and second.position == first.position + 1
        for first, second in zip(everything[::2], everything[1::2], strict=True)
    )


async def test_the_mapper_writes_nothing() -> None:
    with pytest.raises(TypeError, match="read-only"):
        LogMapper(JSONTranscoder()).to_stored_event(object())


def test_a_recorder_needs_a_partition_that_nobody_holds(postgres: Postgres) -> None:
    url = without_files(postgres.fresh_database(migrate))
    held = [StoreRecorder(lambda: PostgresStore.open(url), owner=str(n)) for n in range(PARTITIONS)]

    with pytest.raises(OperationalError, match="executor"):
        StoreRecorder(lambda: PostgresStore.open(url))

    for recorder in held:
        recorder.close()


def test_an_aggregate_conflict_is_the_librarys_error(tmp_path: Path) -> None:
    recorder = StoreRecorder(lambda: open_sqlite(tmp_path / "log.db"))
    event = StoredEvent(originator_id=uuid4(), originator_version=1, topic="t", state=b"")
    recorder.insert_events([event])

    with pytest.raises(IntegrityError):
        recorder.insert_events([event])

    recorder.close()
