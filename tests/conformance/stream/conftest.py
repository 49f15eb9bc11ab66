"""The stream service over a log and a topic in memory, and over PostgreSQL and Kafka."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from local_services.kafka import Kafka

from signoff.events.bus.base import Bus
from signoff.events.bus.kafka import KafkaBus
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import EventStore
from signoff.events.store.memory import MemoryStore
from signoff.events.store.postgres import PostgresStore
from signoff.events.topics import COMMANDS, EXECUTIONS, PARTITIONS
from support.growing_logs import Ledger
from support.logs import logs_of_a_service
from support.postgres import Postgres
from support.stores import without_files
from support.stream_service import World, migrate

__all__ = ["logs_of_a_service"]


@pytest.fixture(params=["memory", "postgres and kafka"])
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[str, str] | None]:
    """Nothing, or the URL of a migrated database and the address of a broker."""
    if request.param == "memory":
        yield None
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    kafka: Kafka = request.getfixturevalue("kafka")
    database = postgres.fresh_database(migrate)
    yield without_files(database), kafka.bootstrap
    postgres.drop(database)


@pytest.fixture
async def world(servers: tuple[str, str] | None) -> AsyncIterator[World]:
    """A running service: everything in memory, and everything real."""
    async with AsyncExitStack() as closing:
        store: EventStore
        bus: Bus
        if servers is None:
            store, bus = MemoryStore(), MemoryBus()
            await store.migrate(partitions=PARTITIONS)
        else:
            database, bootstrap = servers
            store, bus = await PostgresStore.open(database), KafkaBus(bootstrap)
        closing.push_async_callback(store.close)
        closing.push_async_callback(bus.close)
        await bus.create({EXECUTIONS: PARTITIONS, COMMANDS: PARTITIONS}, configs={})
        world = World(store, bus, await Ledger.open(store, bus))
        await closing.enter_async_context(world.serving())
        await world.follow_topic()
        yield world
