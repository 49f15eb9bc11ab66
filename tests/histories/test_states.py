"""Old logs are folded by today's engine, with old snapshots or without."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from histories import blocks
from histories.past import SETTINGS
from signoff.engine.state import FORMAT, State
from signoff.events.blobs import BlobStore
from signoff.events.store.base import ExecutionRow
from signoff.events.store.search import Search
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import DEFAULT_WORKSPACE, PARTITIONS
from signoff.executor.app import open_tools
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.loader import Loader
from signoff.executor.logs.plans import Plans
from signoff.runtime.settings import Settings


class Archive:
    """The migrated log of an old version, and today's loader on it."""

    def __init__(self, store: SqliteStore, loader: Loader) -> None:
        self.store = store
        self._loader = loader

    async def rows(self) -> list[ExecutionRow]:
        """Every execution's row, as the old version wrote it."""
        return await self.store.executions(Search(workspace_id=DEFAULT_WORKSPACE), limit=1000)

    async def fold(self, log_id: UUID) -> State:
        """An execution's state today."""
        loaded = (await self._loader.load([log_id]))[log_id]
        assert isinstance(loaded, Loaded), loaded
        assert isinstance(loaded.state, State)
        return loaded.state


@pytest.fixture
async def archive(log_file: Path, tmp_path: Path) -> AsyncIterator[Archive]:
    """A copy of the recorded log, migrated in place."""
    await asyncio.to_thread(shutil.copytree, log_file.parent, tmp_path / "data")
    store = await SqliteStore.open(tmp_path / "data" / log_file.name)
    blobs = BlobStore.open(f"file://{tmp_path}/data/blobs")
    settings = Settings.from_environment(SETTINGS)
    async with open_tools(settings, blobs) as tools:
        await store.migrate(partitions=PARTITIONS)
        yield Archive(store, Loader(store, Plans(store, blobs, blocks.registry(), tools.llm)))
    await store.close()


async def test_every_execution_is_folded_to_what_its_row_says(archive: Archive) -> None:
    rows = await archive.rows()

    assert rows
    for row in rows:
        state = await archive.fold(row.log_id)
        told = (state.status, state.pause_status(), state.version, row.broken)
        assert told == (row.status, row.pause_status, row.version, None), row.workflow_id


async def test_a_snapshot_changes_nothing_of_what_a_log_is_folded_to(archive: Archive) -> None:
    (long,) = [row for row in await archive.rows() if row.workflow_id == "long" and row.status == "paused"]
    kept = await archive.store.snapshot(long.log_id)
    assert kept is not None
    with_it = await archive.fold(long.log_id)

    await archive.store.keep_snapshot(msgspec.structs.replace(kept, format=0))

    assert await archive.fold(long.log_id) == with_it


async def test_a_snapshot_of_todays_format_is_read_and_any_other_is_not(archive: Archive) -> None:
    (long,) = [row for row in await archive.rows() if row.workflow_id == "long" and row.status == "paused"]
    kept = await archive.store.snapshot(long.log_id)
    assert kept is not None
    spoilt = msgspec.json.decode(kept.state)
    spoilt["state"]["call_chain"] = ["snapshot"]
    await archive.store.keep_snapshot(msgspec.structs.replace(kept, state=msgspec.json.encode(spoilt)))

    state = await archive.fold(long.log_id)

    assert state.call_chain == (["snapshot"] if kept.format == FORMAT else [])
