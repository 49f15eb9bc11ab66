"""The schema is the library's, and the one that was agreed."""

import asyncio
import os
import re
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder
from eventsourcing.sqlite import SQLiteDatastore, SQLiteProcessRecorder
from local_services.postgres import binaries

from signoff.events.errors import SchemaError
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore
from support.postgres import Postgres
from support.stores import PARTITIONS, fresh_log, without_files

EXPECTED = Path(__file__).parent
_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)$")


def dump(url: str) -> str:
    """The schema of a PostgreSQL database, without what differs from server to server."""
    where = urlsplit(url)
    script = subprocess.run(
        [binaries() / "pg_dump", "--schema-only", "--no-owner", "--no-privileges", url],
        env={**os.environ, "PGPASSWORD": where.password or ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout
    lines = [line.rstrip() for line in script.splitlines() if not _NOISE.match(line)]
    return re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip() + "\n"


def dump_sqlite(path: Path) -> str:
    """The schema of an SQLite database."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name"
        )
        script = "".join(f"{sql};\n" for (sql,) in rows)
    connection.close()
    return script


def stock_recorder(url: str) -> PostgresProcessRecorder:
    where = urlsplit(url)
    return PostgresProcessRecorder(
        PostgresDatastore(
            dbname=where.path[1:],
            host=where.hostname or "",
            port=where.port or 0,
            user=where.username or "",
            password=where.password or "",
        )
    )


def stock_creates_tables(url: str) -> None:
    recorder = stock_recorder(url)
    recorder.create_table()
    recorder.datastore.close()


def same_as_committed(name: str, schema: str) -> None:
    """Compare with the committed file; with SIGNOFF_UPDATE_SCHEMA=1 write it, and look at the diff."""
    expected = EXPECTED / name
    if os.environ.get("SIGNOFF_UPDATE_SCHEMA"):
        expected.write_text(schema)
    assert schema == expected.read_text()


def test_migrations_make_the_committed_postgresql_schema(log_url: str) -> None:
    same_as_committed("schema_postgres.sql", dump(log_url))


async def test_migrations_make_the_committed_sqlite_schema(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "log.db")
    await store.migrate(partitions=PARTITIONS)
    await store.close()

    same_as_committed("schema_sqlite.sql", await asyncio.to_thread(dump_sqlite, tmp_path / "log.db"))


def test_the_stock_librarys_create_table_changes_nothing_in_postgresql(log_url: str) -> None:
    before = dump(log_url)

    stock_creates_tables(log_url)

    assert dump(log_url) == before


async def test_the_stock_librarys_create_table_changes_nothing_in_sqlite(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "log.db")
    await store.migrate(partitions=PARTITIONS)
    await store.close()
    before = await asyncio.to_thread(dump_sqlite, tmp_path / "log.db")

    def stock() -> None:
        datastore = SQLiteDatastore(str(tmp_path / "log.db"))
        SQLiteProcessRecorder(datastore).create_table()
        datastore.close()

    await asyncio.to_thread(stock)

    assert await asyncio.to_thread(dump_sqlite, tmp_path / "log.db") == before


def test_the_logs_tables_are_the_stock_librarys_but_for_two_columns(postgres: Postgres, log_url: str) -> None:
    stock = postgres.fresh_database()
    stock_creates_tables(stock)

    def of_the_log(script: str) -> list[str]:
        parts = re.split(r";\n", script)
        return [part.strip() for part in parts if re.search(r"stored_event|notification_tracking", part)]

    ours = ";\n".join(of_the_log(dump(log_url)))
    assert ours.replace(",\n    event_id uuid,\n    metadata jsonb", "") == ";\n".join(
        of_the_log(dump(stock))
    )


async def test_two_that_migrate_at_once_do_it_once(empty_database: str) -> None:
    stores = [await PostgresStore.open(without_files(empty_database)) for _ in range(2)]

    applied = await asyncio.gather(*(store.migrate(partitions=PARTITIONS) for store in stores))

    assert sorted(applied) == [
        [],
        [
            *("0001_log_pre", "0002_schedules_pre", "0003_records_pre", "0004_search_pre", "0005_inbox_pre"),
            "0006_dead_commands_pre",
            "0007_waypoints_pre",
            "0008_words_pre",
            "0009_forks_pre",
        ],
    ]
    for store in stores:
        await store.check(partitions=PARTITIONS)
        await store.close()


async def test_an_empty_database_is_named_as_such(empty_database: str, tmp_path: Path) -> None:
    for store in (
        await PostgresStore.open(without_files(empty_database)),
        await SqliteStore.open(tmp_path / "log.db"),
    ):
        with pytest.raises(SchemaError, match="signoff migrate"):
            await store.check(partitions=PARTITIONS)
        with pytest.raises(SchemaError, match="signoff migrate"):
            await store.last_position()
        await store.close()


async def test_what_a_newer_version_took_away_is_noticed_and_what_it_added_is_not(postgres: Postgres) -> None:
    url = await fresh_log(postgres)
    store = await PostgresStore.open(url)
    name = url.partition("?")[0].rpartition("/")[2]

    await asyncio.to_thread(postgres.query, "INSERT INTO migrations VALUES ('9999_later_pre')", name)
    await store.check(partitions=PARTITIONS)

    await asyncio.to_thread(postgres.query, "INSERT INTO migrations VALUES ('9999_later_post')", name)
    with pytest.raises(SchemaError, match="9999_later_post"):
        await store.check(partitions=PARTITIONS)
    await store.close()
