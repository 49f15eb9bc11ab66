"""The database, or the broker, goes away under work and comes back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from local_services.kafka import Kafka

from integration.executor.conftest import new_topics
from signoff.events.bus.kafka import KafkaBus
from signoff.runtime.health import Health
from support.executor_blocks import Probe
from support.executors import Sent, Site, of_type, until
from support.postgres import Postgres

_END_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
CHAIN = {
    "blocks": {
        **{f"b{i}": {"type": "probe.work", "then": f"b{i + 1}"} for i in range(20)},
        "b20": {"type": "probe.work"},
    }
}


@pytest.fixture
async def breakable(postgres: Postgres) -> AsyncIterator[Postgres]:
    """A server that a test may leave stopped."""
    yield postgres
    if not postgres.running:
        await asyncio.to_thread(postgres.start)


async def all_done(site: Site, sent: list[Sent]) -> None:
    """Wait until executions of the chain are done, each step of each exactly once in its log."""
    for each in sent:
        await site.until_event(each.log_id, "execution:completed", limit=30)
        done = [data.block_id for data in of_type(await site.events(each.log_id), "block:completed")]
        assert done == ["start", *(f"b{i}" for i in range(21))]
    await site.topic_equals_log()


async def test_nothing_is_lost_or_doubled_when_the_database_stops_at_once_and_comes_back(
    site: Site, probe: Probe, breakable: Postgres
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(CHAIN)
        sent = [await site.start(workflow) for _ in range(50)]
        await until(lambda: len(probe.calls) > 100)

        await asyncio.to_thread(breakable.stop, "immediate")
        sent += [await site.start(workflow) for _ in range(10)]
        await asyncio.to_thread(breakable.start)

        await all_done(site, sent)


async def test_nothing_is_lost_or_doubled_when_connections_break_during_commits(
    site: Site, probe: Probe, postgres: Postgres
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(CHAIN)
        sent = [await site.start(workflow) for _ in range(50)]
        for calls in (50, 150, 300, 600):
            await until(lambda calls=calls: len(probe.calls) > calls)
            await asyncio.to_thread(postgres.query, _END_CONNECTIONS)

        await all_done(site, sent)


async def test_work_that_was_done_while_the_broker_was_away_is_published_in_order(
    site: Site, probe: Probe, topics: Kafka
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(CHAIN)
        sent = [await site.start(workflow) for _ in range(30)]
        await until(lambda: len(probe.calls) > 50)

        await asyncio.to_thread(topics.stop)
        for each in sent:
            await site.until_event(each.log_id, "execution:completed", limit=30)
        await asyncio.to_thread(topics.start)

        await all_done(site, sent)


async def test_a_broker_made_anew_closes_the_partitions_that_had_commands(
    site: Site, probe: Probe, topics: Kafka
) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(CHAIN)
        sent = await site.start(workflow)
        await site.until_event(sent.log_id, "execution:completed")
    await site.bus.close()
    await new_topics(topics)
    site.bus = KafkaBus(topics.bootstrap)
    health = Health()
    before = await site.store.last_position()
    closed = f"partition {site.partition_of(sent.log_id)}"

    async with site.executor(probe.registry, owns=site.partitions - 2, health=health):
        await until(lambda: says(health, closed))
        readiness = await health.readiness()

    assert "the broker was made anew, or commands expired unread" in (readiness.checks[closed].detail or "")
    assert await site.store.last_position() == before


async def says(health: Health, name: str) -> bool:
    return name in (await health.readiness()).checks


async def test_a_database_restored_to_an_earlier_time_closes_the_partition(
    site: Site, probe: Probe, postgres: Postgres, database: str
) -> None:
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(CHAIN))
        await site.until_event(sent.log_id, "execution:completed")
        await site.topic_equals_log()
    postgres.query(
        f"DELETE FROM stored_events WHERE originator_id = '{sent.log_id}' AND originator_version > 10",
        database.rpartition("/")[2],
    )
    health = Health()
    closed = f"partition {site.partition_of(sent.log_id)}"

    async with site.executor(probe.registry, owns=site.partitions - 1, health=health):
        await until(lambda: says(health, closed))
        readiness = await health.readiness()

    assert "restored to an earlier time" in (readiness.checks[closed].detail or "")
    assert len(await site.raw(sent.log_id)) == 10
