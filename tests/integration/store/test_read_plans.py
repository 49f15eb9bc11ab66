"""What is read by ids is read by indexes: also by plans that were made while the tables were small."""

from typing import Final
from uuid import uuid4

import pytest

from signoff.events.store.base import RunRow
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.postgres_connection import READING, connect_writer, open_pool
from signoff.events.store.postgres_primary import Primary
from signoff.events.store.sql import queries
from support.stores import Writer, execution

_STATISTICS: Final = "ANALYZE executions, runs, stored_events"


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
    pool = await open_pool(Primary(log_url, queries("postgres")).connect, size=1, settings=READING)

    await pool.execute(_STATISTICS)
    plan = "\n".join(row[0] for row in await pool.fetch(f"EXPLAIN {queries('postgres')[query]}", *arguments))
    await pool.close()

    assert "Seq Scan" not in plan


_INDEXES: Final = {
    "point_lists_opened": ("opened_at", "id"),
    "point_lists_due": ("due_at", "opened_at", "id"),
    "point_lists_priority": ("rank", "opened_at", "id"),
}
"""What follows on the list's name in each."""


@pytest.mark.parametrize("index", _INDEXES)
async def test_every_index_of_inboxes_finds_the_very_row_of_a_point_that_goes(
    log_url: str, index: str
) -> None:
    connection = await connect_writer(Primary(log_url, queries("postgres")).connect)
    others = sorted(_INDEXES.keys() - {index})

    await connection.execute(f"DROP INDEX {', '.join(others)}")
    rows = await connection.fetch(f"EXPLAIN {queries('postgres')['put_gone_points']}", [uuid4()], ["approve"])
    await connection.close()

    (found,) = (row[0] for row in rows if "(key = k.key)" in row[0])
    assert all(f"({column} = gone.{column})" in found for column in _INDEXES[index])
