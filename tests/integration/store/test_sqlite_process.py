"""An SQLite log belongs to one process, and survives its death."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from signoff.events.errors import StoreUnavailableError
from signoff.events.store.sqlite import SqliteStore
from support.stores import PARTITIONS

WRITER = """
import asyncio, sys, uuid
from signoff.events.store.base import Append, NewEvent
from signoff.events.store.sqlite import SqliteStore

async def main():
    store = await SqliteStore.open(sys.argv[1])
    await store.migrate(partitions=8)
    (lease,) = await store.acquire("child", most=1, ttl=60)
    async def write():
        log, version = uuid.uuid4(), 0
        while True:
            version += 1
            position = await store.append(Append(
                partition=lease.partition, epoch=lease.epoch, next_offset=version,
                events=[NewEvent(log, version, "signoff:Tested", b"{}" * 100)],
            ))
            print(position, log, version, flush=True)
    await asyncio.gather(*(write() for _ in range(20)))

asyncio.run(main())
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes to ``log.db`` and says what is committed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "log.db")], stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate(timeout=10)


def said(process: subprocess.Popen[str], lines: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(lines)]


async def test_what_was_committed_before_a_kill_is_there_after_it(
    child: subprocess.Popen[str], tmp_path: Path
) -> None:
    lines = await asyncio.to_thread(said, child, 3_000)
    child.send_signal(signal.SIGKILL)
    rest, _ = await asyncio.to_thread(child.communicate, timeout=10)
    told = [line.split() for line in lines + rest.splitlines(keepends=True) if line.endswith("\n")]

    store = await SqliteStore.open(tmp_path / "log.db")
    await store.check(partitions=PARTITIONS)
    kept = {event.position: event for event in await store.read_all(after=0, limit=1_000_000)}
    await store.close()

    assert len(told) >= 3_000
    for position, log, version in told:
        event = kept[int(position)]
        assert (str(event.log_id), event.version) == (log, int(version))


async def test_a_second_process_is_refused_and_told_which_one_is_first(
    child: subprocess.Popen[str], tmp_path: Path
) -> None:
    await asyncio.to_thread(said, child, 1)

    with pytest.raises(StoreUnavailableError, match=f"process {child.pid}"):
        await SqliteStore.open(tmp_path / "log.db")

    child.kill()
    await asyncio.to_thread(child.wait, 10)
    store = await SqliteStore.open(tmp_path / "log.db")
    await store.close()


async def test_a_commit_is_on_the_disk_before_it_is_told(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "log.db")

    def settings(connection: sqlite3.Connection) -> tuple[object, object]:
        return (
            connection.execute("PRAGMA journal_mode").fetchone()[0],
            connection.execute("PRAGMA synchronous").fetchone()[0],
        )

    assert await store._writing.run(settings) == ("wal", 2)
    await store.close()


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_text("somebody's notes, longer than the header of a database " * 10)
    before = path.read_bytes()

    with pytest.raises(StoreUnavailableError, match="not a database"):
        await SqliteStore.open(path)

    assert path.read_bytes() == before
