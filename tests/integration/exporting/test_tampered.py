"""An export of a log to whose table somebody wrote: it says so, and goes on once that is undone."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import pytest
from msgspec import Struct

from signoff.cli.exits import Exit
from signoff.events.store.base import EventStore
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import PARTITIONS
from support.exports import LogWriter
from support.postgres import Postgres, migrate
from support.stores import drop_log, without_files

SIGNOFF: Final = Path(sys.executable).with_name("signoff")


class Log(Struct, frozen=True):
    """A log of two executions, what a server has to know of it, and who writes to its table."""

    events: int
    second: bytes
    environment: dict[str, str]
    write: Callable[[bytes], Awaitable[None]]


async def filled(store: EventStore) -> list[bytes]:
    await (await LogWriter.open(store)).some(2)
    states = [event.state for event in await store.read_all(after=0, limit=100)]
    await store.close()
    return states


@pytest.fixture
async def in_sqlite(tmp_path: Path) -> Log:
    path = tmp_path / "signoff.db"
    store = await SqliteStore.open(path)
    await store.migrate(partitions=PARTITIONS)
    states = await filled(store)

    def write(state: bytes) -> None:
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("UPDATE stored_events SET state = ? WHERE rowid = 2", (state,))
        connection.close()

    return Log(len(states), states[1], {}, lambda state: asyncio.to_thread(write, state))


@pytest.fixture
async def in_postgres(postgres: Postgres) -> AsyncIterator[Log]:
    url = without_files(await asyncio.to_thread(postgres.fresh_database, migrate))
    states = await filled(await PostgresStore.open(url))
    connection = await asyncpg.connect(url)

    async def write(state: bytes) -> None:
        (position,) = await connection.fetchrow("SELECT min(notification_id) + 1 FROM stored_events")
        await connection.execute(
            "UPDATE stored_events SET state = $1 WHERE notification_id = $2", state, position
        )

    yield Log(len(states), states[1], {"SIGNOFF_DATABASE_URL": url}, write)
    await connection.close()
    await drop_log(postgres, url)


@pytest.fixture(params=["sqlite", "postgres"])
def log(request: pytest.FixtureRequest) -> Log:
    found: Log = request.getfixturevalue(f"in_{request.param}")
    return found


@pytest.mark.parametrize(
    "options",
    [["--format", "jsonl"], ["--format", "parquet", "--workspace", str(UUID(int=0))]],
    ids=["lines of everything", "parquet of a workspace"],
)
async def test_an_event_of_no_time_is_named_and_what_was_put_right_is_exported(
    log: Log, tmp_path: Path, options: list[str]
) -> None:
    command = [SIGNOFF, "audit", "export", "exported", *options]
    environment = {"SIGNOFF_DATA": str(tmp_path), "PATH": os.environ["PATH"], **log.environment}

    async def run() -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run, command, env=environment, cwd=tmp_path, capture_output=True, text=True,
            timeout=50, check=False,
        )  # fmt: skip

    await log.write(log.second.replace(b'"timestamp":"', b'"timestamp":"../../../'))
    refused = await run()
    there = [path.name for path in (tmp_path / "exported").rglob("*") if path.is_file()]
    await log.write(log.second)
    done = await run()

    assert (refused.returncode, refused.stdout, there) == (Exit.REFUSED, "", ["export.json"])
    assert "of the log cannot be read (a time of it is none): `signoff audit verify`" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["events"] == log.events
