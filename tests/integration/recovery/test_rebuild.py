"""`signoff doctor --rebuild` on a real PostgreSQL: rows are lost and spoilt while executors work."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from signoff.cli.upkeep.comparison import compare, is_of_earlier_version
from signoff.cli.upkeep.rebuild import TABLES, Progress, Rebuilt, rebuild
from signoff.cli.upkeep.walking import every_log
from signoff.events.blobs import BlobStore
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import WorkflowRow
from signoff.events.store.inbox import InboxSearch
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.search import Search
from signoff.events.store.upkeep import NO_LOG
from signoff.events.topics import DEFAULT_WORKSPACE, PARTITIONS
from signoff.events.topology import apply
from signoff.events.types import Fork, Source
from signoff.executor.app import open_tools
from signoff.runtime.settings import Settings
from support.executors import REFUND, Sent, Site, until
from support.installations import installation_of
from support.postgres import Postgres, migrate
from support.stores import drop_log, without_files

GIVEN: Final = {"amount": 250, "customer": "Ada"}
WAITING: Final = {"blocks": {"rest": {"type": "wait", "for": "30m"}}}
LOSSES: Final = (
    "DELETE FROM executions WHERE get_byte(uuid_send(log_id), 15) % 2 = 0",
    "UPDATE executions SET status = 'failed', parked = true, due_at = NULL, trigger = 'x', broken = 'x'",
    "DELETE FROM runs",
    "DELETE FROM workflows",
    "DELETE FROM points WHERE get_byte(uuid_send(log_id), 15) % 3 = 0",
    "DELETE FROM point_lists WHERE id % 2 = 0",
    "UPDATE points SET title = 'spoilt', context_id = context_id || 'x' WHERE id % 5 = 1",
)
"""What happens to every table of rows."""


@pytest.fixture
async def url(postgres: Postgres) -> AsyncIterator[str]:
    """A new log with as many partitions as an installation has."""
    url = without_files(await asyncio.to_thread(postgres.fresh_database, migrate))
    yield url
    await drop_log(postgres, url)


@pytest.fixture
async def site(url: str) -> AsyncIterator[Site]:
    store, bus, blobs = await PostgresStore.open(url), MemoryBus(), BlobStore.open("memory:")
    await apply(bus)
    async with open_tools(Settings(), blobs) as tools:
        yield Site(store, bus, blobs, tools, partitions=PARTITIONS)
    await bus.close()
    await store.close()


@pytest.fixture
async def sql(url: str) -> AsyncIterator[Any]:
    """Runs what a clumsy hand types."""
    connection = await asyncpg.connect(url)
    yield connection.execute
    await connection.close()


async def paused(site: Site, workflow: WorkflowRow) -> UUID:
    sent = await site.start(workflow, GIVEN)
    await site.ended(sent)
    return sent.log_id


async def approve(site: Site, log_id: UUID) -> None:
    (point,) = await site.store.upkeep.points(log_id)
    await site.ended(await site.resume(log_id, point.context_id, {"approved": True}))


async def rebuilt(site: Site, tables: Collection[Any] = TABLES) -> list[Rebuilt]:
    return [each async for each in rebuild(installation_of(site), tables, Progress())]


async def wrong(site: Site) -> dict[UUID, frozenset[str]]:
    """The logs whose rows are not what follows from them."""
    deriver = installation_of(site).deriver
    pages = [page async for page in every_log(site.store)]
    compared = [await compare(site.store, deriver, log_id) for page in pages for log_id in page]
    return {each.log_id: each.differing for each in compared if each.differing or each.unfoldable}


@asynccontextmanager
async def load(site: Site, workflow: WorkflowRow) -> AsyncIterator[list[Sent]]:
    """Executions that start, pause and are decided all the time, two after each other."""
    sent: list[Sent] = []

    async def run() -> None:
        while True:
            first = await site.start(workflow, {"amount": 1, "customer": "Bob"})
            sent.append(first)
            await site.ended(first)

    task = asyncio.create_task(run())
    try:
        await until(lambda: len(sent) > 1)
        yield sent
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_rows_of_every_table_come_back_while_executors_work(site: Site, sql: Any) -> None:
    async with site.executor():
        workflow = await site.deploy(REFUND)
        waiting = await site.start(await site.deploy(WAITING, "waiting"))
        done = [await paused(site, workflow) for _ in range(4)]
        for log_id in done:
            await approve(site, log_id)
        undecided = [await paused(site, workflow) for _ in range(12)]
        assert await wrong(site) == {}
        async with load(site, workflow) as sent:
            for loss in LOSSES:
                await sql(loss)
            before = len(sent)

            found = await rebuilt(site)

            await until(lambda: len(sent) > before)
        await site.ended(sent[-1])

        assert {table for each in found for table in each.tables} == set(TABLES)
        assert [each.problem for each in found if each.problem] == []
        await until(lambda: _all_well(site))
        assert waiting.log_id in {each.log_id for each in found}
        inbox = await site.store.inbox(InboxSearch(workspace_ids=(DEFAULT_WORKSPACE,)), limit=100)
        assert {row.log_id for row in inbox} >= set(undecided)
        await approve(site, undecided[0])


async def test_an_execution_whose_row_was_lost_goes_on_after_a_rebuild(site: Site, sql: Any) -> None:
    short = {
        "blocks": {
            "rest": {"type": "wait", "for": "2s", "then": "last"},
            "last": {"type": "wait", "for": "1ms"},
        }
    }
    async with site.executor():
        sent = await site.start(await site.deploy(short, "short"))
        await site.until_event(sent.log_id, "timer:set")
    await sql("DELETE FROM executions")

    async with site.executor():
        await rebuilt(site)

        await site.until_event(sent.log_id, "execution:completed")


async def test_only_the_rows_that_are_asked_for_are_rebuilt(site: Site, sql: Any) -> None:
    async with site.executor():
        log_id = await paused(site, await site.deploy(REFUND))
        await sql("UPDATE executions SET status = 'failed'")
        await sql("DELETE FROM point_lists")
        await sql("DELETE FROM points")

        assert await rebuilt(site, ["runs"]) == []
        (found,) = await rebuilt(site, ["inbox"])

        assert (found.log_id, found.tables) == (log_id, ("executions", "inbox"))
        assert await rebuilt(site) == []


async def test_a_rebuild_finds_what_each_fork_was_forked_from_that_an_older_executor_recorded(
    site: Site, sql: Any
) -> None:
    async with site.executor():
        workflow = await site.deploy(REFUND)
        source = await paused(site, workflow)
        last = len(await site.events(source))
        sent = await site.start(
            workflow, GIVEN, fork=Fork(log_id=str(source), event_id=last, reason="what if"),
            source=Source(execution_id=str(source), event_id=last, kind="fork"),
        )  # fmt: skip
        await site.outcome(sent)
        await sql("UPDATE executions SET forked_from = NULL")
        compared = await compare(site.store, installation_of(site).deriver, sent.log_id)
        assert is_of_earlier_version(compared)

        (found,) = await rebuilt(site, ["executions"])

        forks = await site.store.executions(Search(workspace_id=DEFAULT_WORKSPACE, forked_from=str(source)))
        assert [row.log_id for row in forks] == [found.log_id] == [sent.log_id]
        assert not is_of_earlier_version(await compare(site.store, installation_of(site).deriver, source))


async def test_an_interrupted_rebuild_goes_on_where_it_was(site: Site, sql: Any) -> None:
    async with site.executor():
        workflow = await site.deploy(REFUND)
        paused_ones = sorted([await paused(site, workflow) for _ in range(3)])
        await sql("DELETE FROM points")
        first, *_ = paused_ones
        await site.store.records.put("rebuild", NO_LOG, "inbox", first.bytes)

        found = await rebuilt(site, ["inbox"])
        again = await rebuilt(site, ["inbox"])

        assert [each.log_id for each in found] == paused_ones[1:]
        assert [each.log_id for each in again] == [first]


async def test_an_execution_that_was_broken_goes_on_when_it_can_be_folded_again(site: Site, sql: Any) -> None:
    async with site.executor():
        log_id = await paused(site, await site.deploy(REFUND))
        await sql(
            "UPDATE executions SET broken = 'a fault of an older version', parked = true, due_at = NULL"
        )

        await rebuilt(site)

        assert await site.store.broken() == []
        await approve(site, log_id)


async def _all_well(site: Site) -> bool:
    return not await wrong(site)
