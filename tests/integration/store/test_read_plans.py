"""What is read by ids is read by indexes: also by plans that were made while the tables were small."""

from uuid import uuid4

import pytest

from signoff.events.store.base import RunRow
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.postgres_connection import READING, open_pool
from signoff.events.store.sql import queries
from support.stores import Writer, execution

_STATISTICS = "ANALYZE executions, runs, stored_events"


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("locate", ([0], [uuid4()])),
        ("execution", (uuid4(),)),
        ("read_many", ([uuid4()], [0], [10])),
        ("heads", ([uuid4()],)),
        ("unparked", (3,)),
    ],
)
async def test_no_table_is_read_whole(log_url: str, query: str, arguments: tuple[object, ...]) -> None:
    store = await PostgresStore.open(log_url)
    writer, row = await Writer.of(store), execution()
    await writer.append(rows=[row, RunRow(run_id=uuid4(), log_id=row.log_id)])
    await store.close()
    pool = await open_pool(log_url, size=1, settings=READING)

    await pool.execute(_STATISTICS)
    plan = "\n".join(row[0] for row in await pool.fetch(f"EXPLAIN {queries('postgres')[query]}", *arguments))
    await pool.close()

    assert "Seq Scan" not in plan
