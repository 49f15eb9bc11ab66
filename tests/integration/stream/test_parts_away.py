"""Streams while Kafka or PostgreSQL are away, and when they come back."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from local_services.kafka import Kafka

from signoff.events.bus.kafka import KafkaBus
from signoff.events.errors import StoreUnavailableError
from signoff.events.store.postgres import PostgresStore
from signoff.events.topics import COMMANDS, EXECUTIONS, PARTITIONS
from support.growing_logs import LIMIT, GrowingLog, Ledger, completed, started, step
from support.logs import logs_of_a_service
from support.postgres import Postgres
from support.stores import without_files
from support.stream_service import World, migrate

__all__ = ["logs_of_a_service"]

_BROKER_LIMIT = 2.0


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The URL of a migrated database."""
    url = postgres.fresh_database(migrate)
    yield without_files(url)
    postgres.drop(url)


@pytest.fixture
async def world(database: str, kafka: Kafka) -> AsyncIterator[World]:
    """A running service that follows the topic."""
    store, bus = await PostgresStore.open(database), KafkaBus(kafka.bootstrap, timeout=_BROKER_LIMIT)
    await bus.create({EXECUTIONS: PARTITIONS, COMMANDS: PARTITIONS}, configs={})
    world = World(store, bus, await Ledger.open(store, bus))
    async with world.serving():
        await world.follow_topic()
        yield world
    await bus.close()
    await store.close()


@pytest.fixture
async def log(world: World) -> GrowingLog:
    """An execution that runs."""
    log = world.ledger.log()
    await log.add(started(), status="running")
    return log


async def _until_live(world: World, live: bool) -> None:
    async with asyncio.timeout(3 * LIMIT):
        while f"signoff_stream_topic_live {float(live)}" not in await world.metrics():  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.05)


@pytest.mark.timeout(120)  # a broker is killed and started
async def test_streams_go_on_from_the_log_while_the_broker_is_away_and_live_when_it_is_back(
    world: World, log: GrowingLog, kafka: Kafka
) -> None:
    async with world.stream(log.log_id) as stream:
        await stream.events(1)
        await asyncio.to_thread(kafka.kill)
        try:
            await log.add(step(), publish=False)
            await stream.events(2)
            await _until_live(world, live=False)
            await log.add(step(), publish=False)
            await stream.events(3)
            async with world.session.get(f"{world.url}/readyz") as ready:
                assert ready.status == 200
        finally:
            await asyncio.to_thread(kafka.start)
        await _until_live(world, live=True)
        await log.add(completed(), status="completed")
        await stream.to_end()

    assert stream.raws == log.raws
    assert stream.done


async def test_an_open_stream_outlives_a_restart_of_the_database_and_new_ones_get_503(
    world: World, log: GrowingLog, postgres: Postgres
) -> None:
    async with world.stream(log.log_id) as stream:
        await stream.events(1)
        await asyncio.to_thread(postgres.stop)
        try:
            async with world.session.get(world.path(log.log_id)) as refused:
                body = await refused.json()
            async with world.session.get(f"{world.url}/readyz") as ready:
                pass
        finally:
            await asyncio.to_thread(postgres.start)
        await _until_it_answers(world)
        await log.add(completed(), status="completed")
        await stream.to_end()

    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert body == {"error": "Service temporarily unavailable"}
    assert ready.status == 503
    assert stream.raws == log.raws


async def _until_it_answers(world: World) -> None:
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                return await world.store.ping()
            except StoreUnavailableError:
                await asyncio.sleep(0.05)
