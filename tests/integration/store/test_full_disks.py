"""What the log does on a disk that is full, and after space was made."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from local_services.postgres import Postgres
from local_services.waiting import LocalServicesError

from signoff.events.errors import AppendUnknownError, StoreUnavailableError, VersionConflictError
from signoff.events.store.base import EventStore
from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sqlite import SqliteStore
from support.ports import unused_port
from support.processes import LocalRun
from support.small_disks import SmallDisk, small_disk
from support.stores import LIMIT, PARTITIONS, Writer, events, until, without_files

STATE = b'{"a":"' + b"x" * 20_000 + b'"}'


class Log:
    """One log, which grows event by event; `acknowledged` is its last version that we were told of."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.id: UUID = uuid4()
        self.acknowledged = 0
        self._next = 1

    @classmethod
    async def in_store(cls, store: EventStore) -> "Log":
        await store.migrate(partitions=PARTITIONS)
        return cls(await Writer.of(store))

    async def grow(self) -> None:
        await self.writer.append(*events(self.id, [self._next], STATE))
        self.acknowledged = self._next
        self._next += 1

    async def grows_again(self) -> bool:
        """As an executor does it: what is known of the log is read again after an error."""
        try:
            heads = await self.writer.store.heads([self.id])
            self._next = heads[self.id] + 1
            await self.grow()
        except (StoreUnavailableError, AppendUnknownError, VersionConflictError):
            return False
        return True

    async def fill(self, disk: SmallDisk) -> None:
        """Grow until that fails; what is freed meanwhile is taken away again."""
        while True:
            try:
                await self.grow()
            except (StoreUnavailableError, AppendUnknownError):
                return
            await asyncio.to_thread(disk.fill)

    async def is_whole(self) -> bool:
        versions = [event.version for event in await self.writer.store.read(self.id)]
        return versions == list(range(1, len(versions) + 1)) and len(versions) >= self.acknowledged


async def test_sqlite_on_a_full_disk_refuses_and_goes_on_when_there_is_space(local_run: LocalRun) -> None:
    with small_disk(local_run.folder / "sqlite-disk", mebibytes=8) as disk:
        store = await SqliteStore.open(disk.folder / "log.db")
        log = await Log.in_store(store)
        await log.grow()

        with disk.full():
            async with asyncio.timeout(LIMIT):
                await log.fill(disk)
            with pytest.raises(StoreUnavailableError, match="full"):
                await log.grow()
            assert await log.is_whole()

        await log.grow()
        assert await log.is_whole()
        await store.close()


@pytest.fixture(params=["data", "write-ahead log"])
def kept(request: pytest.FixtureRequest, local_run: LocalRun) -> Iterator[tuple[Postgres, SmallDisk]]:
    """A PostgreSQL server, and the small disk on which it keeps one thing or the other."""
    folder = local_run.folder / f"full-{uuid4().hex}"
    with small_disk(folder / "disk", mebibytes=96) as disk:
        place = {"data" if request.param == "data" else "wal": disk.folder / "kept"}
        server = Postgres(folder, port=unused_port(), **place)
        server.start()
        yield server, disk
        server.stop("immediate")


async def test_postgresql_on_a_full_disk_loses_nothing_and_goes_on_when_there_is_space(
    kept: tuple[Postgres, SmallDisk],
) -> None:
    server, disk = kept
    url = await asyncio.to_thread(server.create_database, "signoff")
    store = await PostgresStore.open(without_files(url))
    log = await Log.in_store(store)
    await log.grow()

    with disk.full():
        await asyncio.to_thread(begin_a_file_of_the_write_ahead_log, server)
        async with asyncio.timeout(LIMIT):
            await log.fill(disk)
        assert not await log.grows_again()

    async def goes_on() -> bool:
        if not server.running:  # one that cannot write its write-ahead log ends, sooner or later
            await asyncio.to_thread(server.start)
        return await log.grows_again()

    await until(goes_on)
    assert await log.is_whole()
    await store.close()


def begin_a_file_of_the_write_ahead_log(server: Postgres) -> None:
    """Use up the file at hand, so that the next record needs space."""
    with suppress(LocalServicesError):  # on that very disk the server breaks down
        server.query("SELECT pg_switch_wal()")
