"""A PostgreSQL log with the role of docs/audit.md, and logs on both databases as the library opens them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore
from support.audit_page import READER_ROLE, section
from support.postgres import Postgres, migrate
from support.stores import PARTITIONS, Writer, without_files


@dataclass(frozen=True)
class Readable:
    """A PostgreSQL log.

    Attributes:
        owner: its URL for its owner; a superuser, as in a test run everything is.
        services: its URL for the services, who own its tables.
        auditor: its URL for the role that can only read.
    """

    owner: str
    services: str
    auditor: str


@pytest.fixture(scope="module")
def readable(postgres: Postgres) -> Iterator[Readable]:
    """A new log with the role that the page makes."""
    owner = postgres.fresh_database(migrate)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE ROLE signoff LOGIN")
        for (table,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall():
            connection.execute(f'ALTER TABLE "{table}" OWNER TO signoff'.encode())
        for block in section(READER_ROLE):
            connection.execute(block.text.encode())
    services, auditor = (owner.replace("postgres@", f"{name}:any@", 1) for name in ("signoff", "auditor"))
    yield Readable(owner, without_files(services), auditor)
    postgres.drop(owner)
    for name in ("auditor", "signoff"):
        postgres.query(f"DROP ROLE {name}")


@dataclass(frozen=True)
class Log:
    """A log that is written while it is read.

    Attributes:
        writer: writes it.
        environment: how the library finds it, to read it.
    """

    writer: Writer
    environment: dict[str, str]


@pytest.fixture(params=["postgres", "sqlite"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Log]:
    """A log on each database in turn: read by the role of the page, or from a file that is opened for it."""
    if request.param == "sqlite":
        file = await SqliteStore.open(tmp_path / "log.db")
        await file.migrate(partitions=PARTITIONS)
        url = f"file:{tmp_path / 'log.db'}?mode=ro"
        yield Log(await Writer.of(file), {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": url})
        await file.close()
        return
    readable: Readable = request.getfixturevalue("readable")
    where = urlsplit(readable.auditor)
    store = await PostgresStore.open(readable.services)
    writer = await Writer.of(store)
    yield Log(
        writer,
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": where.path[1:],
            "POSTGRES_HOST": where.hostname or "",
            "POSTGRES_PORT": str(where.port),
            "POSTGRES_USER": where.username or "",
            "POSTGRES_PASSWORD": where.password or "",
        },
    )
    await store.release({writer.lease.partition: writer.lease.epoch}, owner="writer")
    await store.close()
