"""What an operator mends goes on at once, also where an executor has it in mind that it is broken."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from signoff.cli.upkeep.rebuild import TABLES, Progress, rebuild
from signoff.events.blobs import BlobStore
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import PARTITIONS
from signoff.events.topology import apply
from signoff.executor.blocks.base import Tools
from support.executors import REFUND, Site, until
from support.installations import installation_of

APPROVED = {"approved": True}


@pytest.fixture
async def site(tmp_path: Path, tools: Tools) -> AsyncIterator[Site]:
    store, bus = await SqliteStore.open(tmp_path / "signoff.db"), MemoryBus()
    await store.migrate(partitions=PARTITIONS)
    await apply(bus)
    yield Site(store, bus, BlobStore.open("memory:"), tools, partitions=PARTITIONS)
    await bus.close()
    await store.close()


async def rewrite(file: Path, log_id: UUID, old: bytes, new: bytes) -> None:
    """Change the bytes of a log's second event, as nobody should."""

    def work() -> None:
        connection = sqlite3.connect(file)
        with connection:
            changed = connection.execute(
                "UPDATE stored_events SET state = CAST(replace(state, ?, ?) AS BLOB)"
                " WHERE originator_id = ? AND originator_version = 2",
                (old, new, log_id.hex),
            )
        connection.close()
        assert changed.rowcount == 1

    await asyncio.to_thread(work)


async def test_an_execution_that_was_broken_takes_commands_once_its_rows_are_made_again(
    site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "signoff.db"
    async with site.executor() as executor:
        sent = await site.start(await site.deploy(REFUND), {"amount": 250, "customer": "Ada"})
        await site.ended(sent)
        (point,) = await site.store.upkeep.points(sent.log_id)
        await rewrite(file, sent.log_id, b'"type"', b'"tope"')
        refused = await site.outcome(await site.resume(sent.log_id, point.context_id, APPROVED))
        assert refused.refusal is not None
        assert refused.refusal.code == "BROKEN"
        await rewrite(file, sent.log_id, b'"tope"', b'"type"')
        number = site.partition_of(sent.log_id)
        before = executor._holdings.owned[number]

        (rebuilt,) = [each async for each in rebuild(installation_of(site), TABLES, Progress())]

        assert (rebuilt.log_id, rebuilt.problem) == (sent.log_id, None)

        await until(lambda: executor._holdings.owned.get(number) not in (None, before))
        again = await site.outcome(await site.resume(sent.log_id, point.context_id, APPROVED))
        assert again.outcome == "accepted"
