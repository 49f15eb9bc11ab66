"""Parents and children on real logs and topics, over deaths of executors and of the broker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from local_services.kafka import Kafka

from integration.executor.conftest import Fleet, new_topics
from signoff.events.blobs import BlobStore
from signoff.events.bus.kafka import KafkaBus
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.search import Search
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.topology import apply
from signoff.executor.blocks.base import Tools
from signoff.executor.ownership.lease import TTL
from support.children import ChildrenSuite, calls, children, ended, started, workflow
from support.executor_blocks import Probe
from support.executors import Site, output_of, until
from support.stores import PARTITIONS, log_url

__all__ = ["log_url"]

FAMILY = {
    "A": workflow(
        first={"type": "journal.work", "then": "call"},
        call=calls("B", then="last"),
        last={"type": "journal.work"},
    ),
    "B": workflow(work={"type": "journal.work", "then": "more"}, more={"type": "journal.work"}),
}


class TestOnPostgresAndKafka(ChildrenSuite):
    """On what a cluster runs on, with few partitions: making them is most of what these tests cost."""

    @pytest.fixture
    async def site(self, log_url: str, kafka: Kafka, tools: Tools, tmp_path: Path) -> AsyncIterator[Site]:
        """A real log and real topics."""
        await new_topics(kafka, partitions=PARTITIONS)
        store, bus = await PostgresStore.open(log_url), KafkaBus(kafka.bootstrap, timeout=10)
        site = Site(store, bus, BlobStore.open(f"file://{tmp_path / 'blobs'}"), tools, partitions=PARTITIONS)
        yield site
        await site.close()


class TestOnSqlite(ChildrenSuite):
    """On what an embedded server runs on."""

    @pytest.fixture
    async def site(self, tools: Tools, tmp_path: Path) -> AsyncIterator[Site]:
        """A log in a file, topics in this process."""
        store, bus = await SqliteStore.open(tmp_path / "log.db"), MemoryBus()
        await store.migrate(partitions=8)
        await apply(bus, partitions=8)
        blobs = await asyncio.to_thread(BlobStore.open, f"file://{tmp_path / 'blobs'}")
        site = Site(store, bus, blobs, tools)
        yield site
        await site.close()


@pytest.mark.parametrize(
    "events", [1, 7, 13, *(pytest.param(events, marks=pytest.mark.soak) for events in (5, 9, 11, 17))]
)
async def test_a_family_goes_on_when_its_executor_is_killed_at_any_step(
    site: Site, fleet: Fleet, events: int
) -> None:
    one = await fleet.start()
    sent = await started(site, **FAMILY)

    async def far_enough() -> bool:
        log = await site.store.read_all(after=0, limit=100)
        return len(log) >= len(FAMILY) + events  # a deployment is an event too

    await until(far_enough)
    await one.kill()
    await fleet.start()

    await site.until_event(sent.log_id, "execution:completed", limit=TTL + 15)
    (child,) = await children(site, sent.log_id)
    assert output_of(await site.events(sent.log_id), "call")["childExecutionId"] == str(child)
    assert len(await site.store.executions(Search(workspace_id=DEFAULT_WORKSPACE))) == 2
    journal = fleet.journal()
    assert len(set(journal)) == len(journal), "the same try ran twice"
    assert {name for name, _, _ in journal} == {"first", "work", "more", "last"}
    await site.topic_equals_log()


async def test_families_go_on_after_the_broker_was_away_and_each_has_one_child(
    site: Site, probe: Probe, topics: Kafka
) -> None:
    work = {"type": "probe.work"}
    async with site.executor(probe.registry):
        row = await site.deploy(workflow(work=work), workflow_id="B")
        row = await site.deploy(
            workflow(before=work | {"then": "call"}, call=calls("B", then="after"), after=work),
            workflow_id="A",
        )
        sent = [await site.start(row, {"n": 1}, mode="async") for _ in range(30)]
        await until(lambda: len(probe.calls) > 20)

        await asyncio.to_thread(topics.stop)
        await asyncio.to_thread(topics.start)

        for each in sent:
            await site.until_event(each.log_id, "execution:completed", limit=30)
        await site.topic_equals_log()

    assert len(probe.calls) == 90
    assert len(await site.store.executions(Search(workspace_id=DEFAULT_WORKSPACE), limit=100)) == 60
    assert await site.store.dead_commands() == []


async def test_a_family_moves_on_over_two_executors(site: Site, fleet: Fleet) -> None:
    await fleet.start()
    await fleet.start()
    sent = [await started(site, **FAMILY)]
    row = await site.store.workflow(DEFAULT_WORKSPACE, "A")
    assert row is not None
    sent += [await site.start(row, {"n": n}, mode="async") for n in range(20)]

    ends = [await ended(site, each.log_id) for each in sent]

    assert [events[-1].type for events in ends] == ["execution:completed"] * 21
    assert len(fleet.journal()) == 84
    await site.topic_equals_log()
