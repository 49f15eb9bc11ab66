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
from support.stores import PARTITIONS, until

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


class Child:
    """A process that writes to ``log.db``, and says in ``said`` what is committed."""

    def __init__(self, folder: Path) -> None:
        self._said = folder / "said"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WRITER, str(folder / "log.db")], stdout=said
            )

    def committed(self) -> list[list[str]]:
        lines = self._said.read_text().splitlines(keepends=True)
        return [line.split() for line in lines if line.endswith("\n")]

    async def has_committed(self, count: int) -> None:
        async def enough() -> bool:
            return len(await asyncio.to_thread(self.committed)) >= count

        await until(enough, limit=30)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    child = Child(tmp_path)
    yield child
    child.kill()


async def test_what_was_committed_before_a_kill_is_there_after_it(child: Child, tmp_path: Path) -> None:
    await child.has_committed(3_000)
    await asyncio.to_thread(child.kill)

    store = await SqliteStore.open(tmp_path / "log.db")
    await store.check(partitions=PARTITIONS)
    kept = {event.position: event for event in await store.read_all(after=0, limit=1_000_000)}
    await store.close()

    for position, log, version in await asyncio.to_thread(child.committed):
        event = kept[int(position)]
        assert (str(event.log_id), event.version) == (log, int(version))


async def test_a_second_process_is_refused_and_told_which_one_is_first(child: Child, tmp_path: Path) -> None:
    await child.has_committed(1)

    with pytest.raises(StoreUnavailableError, match=f"process {child.process.pid}"):
        await SqliteStore.open(tmp_path / "log.db")

    await asyncio.to_thread(child.kill)
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


async def test_who_only_reads_keeps_writers_away_and_no_other_reader(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    writer = await SqliteStore.open(path)
    await writer.migrate(partitions=PARTITIONS)
    with pytest.raises(StoreUnavailableError, match="is open in process"):
        await SqliteStore.open_to_read(path)
    await writer.close()

    readers = [await SqliteStore.open_to_read(path) for _ in range(2)]
    with pytest.raises(StoreUnavailableError, match="is open in another process"):
        await SqliteStore.open(path)
    for each in readers:
        assert await each.last_position() == 0
        await each.close()

    await (await SqliteStore.open(path)).close()


async def test_who_only_reads_can_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    writer = await SqliteStore.open(path)
    await writer.migrate(partitions=PARTITIONS)
    await writer.close()

    reader = await SqliteStore.open_to_read(path)
    with pytest.raises(StoreUnavailableError, match="readonly"):
        await reader.track("somebody", 1)
    await reader.close()


async def test_who_only_reads_makes_no_log(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        await SqliteStore.open_to_read(tmp_path / "log.db")

    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
