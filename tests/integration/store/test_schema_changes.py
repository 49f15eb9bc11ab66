"""Old and new processes on one database while its schema changes: expand, roll, contract."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from signoff.events.errors import SchemaError
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.postgres_connection import dial
from signoff.events.store.postgres_schema import migrate
from signoff.events.store.schema import SCHEMA, check_steps, process_name
from signoff.events.store.sql import Migration, migrations, queries
from signoff.events.store.sqlite import SqliteStore
from support.postgres import Postgres
from support.stores import PARTITIONS, Writer, drop_log, events, execution, fresh_log, log_in

NEXT = SCHEMA + 1
EXPAND = Migration(
    name=f"{NEXT:04}_labels_pre",
    phase="pre",
    sql="""
        ALTER TABLE executions ADD COLUMN label text NOT NULL DEFAULT 'none';
        CREATE INDEX executions_labelled ON executions (label);
        CREATE TABLE labels (label text PRIMARY KEY);
    """,
)
CONTRACT = Migration(
    name=f"{NEXT:04}_labels_post", phase="post", sql="ALTER TABLE executions DROP COLUMN attributes"
)
AFTER = Migration(name=f"{NEXT + 1:04}_more_pre", phase="pre", sql="CREATE TABLE more (label text)")
"""What the next versions may do: add a column, an index and a table; take a column away; go on from there."""


@pytest.fixture
async def url(postgres: Postgres) -> AsyncIterator[str]:
    """A log that this version made."""
    made = await fresh_log(postgres)
    yield made
    await drop_log(postgres, made)


@pytest.fixture
async def running(url: str) -> AsyncIterator[PostgresStore]:
    """A process of this version, at work on that log while the next one comes."""
    store = await PostgresStore.open(url)
    await store.check(partitions=PARTITIONS)
    yield store
    await store.close()


async def upgrade(url: str, *added: Migration) -> list[str]:
    """``signoff migrate`` of a version that knows these steps, too."""

    async def connect(**options: object) -> asyncpg.Connection:
        return await dial(url, limit=5.0, **options)

    steps: Sequence[Migration] = (*migrations("postgres"), *added)
    return await migrate(connect, steps, queries("postgres"), partitions=PARTITIONS)


async def applied(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(queries("postgres")["migrations"])
    await connection.close()
    return [row[0] for row in rows]


def test_the_schema_that_processes_carry_is_that_of_the_last_step() -> None:
    assert {each: migrations(each)[-1].number for each in ("postgres", "sqlite")} == {
        "postgres": SCHEMA,
        "sqlite": SCHEMA,
    }


def test_the_name_of_a_process_is_not_cut_off_before_it_tells_which_it_is() -> None:
    schema, _, place = process_name().partition(" ")

    assert schema == f"signoff/{SCHEMA}"
    assert place.rpartition(":")[2].isdigit()


async def test_an_old_process_goes_on_beside_what_a_new_version_added(
    running: PostgresStore, url: str
) -> None:
    writer = await Writer.of(running)

    assert await upgrade(url, EXPAND) == [EXPAND.name]

    log_id = log_in(writer.lease.partition)
    row = execution(log_id=log_id, partition=writer.lease.partition)
    await writer.append(*events(log_id, [1]), rows=[row])
    await running.check(partitions=PARTITIONS)
    assert len(await running.read(log_id)) == 1
    assert await running.execution(log_id) == row


async def test_nothing_is_taken_away_while_an_old_process_is_connected(
    running: PostgresStore, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await running.ping()

    assert await upgrade(url, EXPAND, CONTRACT) == [EXPAND.name]

    assert f"{CONTRACT.name} waits for older processes to end: {process_name()}" in caplog.text
    await running.check(partitions=PARTITIONS)


async def test_a_process_of_the_first_versions_which_carry_no_schema_counts_as_old(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = await asyncpg.connect(url, server_settings={"application_name": "signoff"})

    assert await upgrade(url, EXPAND, CONTRACT) == [EXPAND.name]

    await first.close()
    assert "waits for older processes to end: signoff:" in caplog.text


async def test_a_new_process_and_strangers_hold_nothing_up(url: str) -> None:
    new = await asyncpg.connect(url, server_settings={"application_name": f"signoff/{NEXT} web:1"})
    stranger = await asyncpg.connect(url, server_settings={"application_name": "signoffs-auditor"})

    assert await upgrade(url, EXPAND, CONTRACT) == [EXPAND.name, CONTRACT.name]

    await new.close()
    await stranger.close()


async def test_what_waited_is_done_once_the_old_process_has_gone(url: str) -> None:
    store = await PostgresStore.open(url)
    await store.ping()
    await upgrade(url, EXPAND, CONTRACT)
    await store.close()

    assert await upgrade(url, EXPAND, CONTRACT) == [CONTRACT.name]
    assert await upgrade(url, EXPAND, CONTRACT) == []


async def test_a_version_that_builds_on_what_has_to_wait_changes_nothing_and_says_so(
    running: PostgresStore, url: str
) -> None:
    await running.ping()
    before = await applied(url)

    with pytest.raises(SchemaError, match=f"needs {AFTER.name} behind it"):
        await upgrade(url, EXPAND, CONTRACT, AFTER)

    assert await applied(url) == before


async def test_an_old_version_that_migrates_after_the_contraction_is_told_to_be_the_new_version(
    url: str,
) -> None:
    await upgrade(url, EXPAND, CONTRACT)

    with pytest.raises(SchemaError, match=f"has {CONTRACT.name} of a newer version"):
        await upgrade(url)


async def test_the_same_goes_for_the_file_of_an_embedded_server(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    store = await SqliteStore.open(path)
    await store.migrate(partitions=PARTITIONS)
    await store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(queries("sqlite")["record_migration"], (CONTRACT.name,))

    store = await SqliteStore.open(path)
    try:
        with pytest.raises(SchemaError, match=f"has {CONTRACT.name} of a newer version"):
            await store.migrate(partitions=PARTITIONS)
    finally:
        await store.close()


async def test_an_old_process_that_starts_after_the_contraction_is_told_to_be_the_new_version(
    url: str,
) -> None:
    await upgrade(url, EXPAND, CONTRACT)
    store = await PostgresStore.open(url)

    with pytest.raises(SchemaError, match=CONTRACT.name):
        await store.check(partitions=PARTITIONS)

    await store.close()


def test_a_new_process_waits_for_the_expansion_and_not_for_the_contraction() -> None:
    steps = (*migrations("postgres"), EXPAND, CONTRACT)
    names = [each.name for each in migrations("postgres")]

    with pytest.raises(SchemaError, match=EXPAND.name):
        check_steps(names, steps)
    check_steps([*names, EXPAND.name], steps)
