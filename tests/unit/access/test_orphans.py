"""Secrets that no fact names are forgotten, and none that is just being set."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from signoff.access.directory.orphans import Orphans
from signoff.access.secrets.environment import KIND
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import DEFAULT_WORKSPACE
from support.hooks import KnownDirectory


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    store = MemoryStore()
    yield store
    await store.close()


@pytest.fixture
def directory() -> Any:
    return KnownDirectory()


@pytest.fixture
def orphans(store: MemoryStore, directory: Any) -> Orphans:
    return Orphans(store.records, directory, {KIND: lambda workspace: workspace.environment})


async def keep(store: MemoryStore, *names: str) -> None:
    for name in names:
        await store.records.put(KIND, DEFAULT_WORKSPACE, name, b"sealed")


async def kept(store: MemoryStore) -> list[str]:
    return [each.key for each in await store.records.list(KIND, DEFAULT_WORKSPACE, limit=1000)]


def name(directory: Any, *names: str) -> None:
    """Let the directory know values by name."""
    directory.state.workspaces[str(DEFAULT_WORKSPACE)].environment.update(dict.fromkeys(names, 1.0))


async def test_what_nothing_names_is_removed_when_it_is_seen_again(
    store: MemoryStore, directory: Any, orphans: Orphans
) -> None:
    names = [f"NAME_{number:03}" for number in range(300)]
    await keep(store, *names, "ORPHAN")
    name(directory, *names)

    assert await orphans.sweep() == 0
    assert await orphans.sweep() == 1
    assert await kept(store) == names


async def test_what_is_just_being_set_stays(store: MemoryStore, directory: Any, orphans: Orphans) -> None:
    await keep(store, "TOKEN")
    await orphans.sweep()
    name(directory, "TOKEN")

    assert await orphans.sweep() == 0
    assert await kept(store) == ["TOKEN"]


async def test_what_was_set_anew_between_two_sweeps_stays(store: MemoryStore, orphans: Orphans) -> None:
    await keep(store, "TOKEN")
    await orphans.sweep()
    await keep(store, "TOKEN")

    assert await orphans.sweep() == 0
    assert await kept(store) == ["TOKEN"]


async def test_other_kinds_of_records_stay(store: MemoryStore, orphans: Orphans) -> None:
    await store.records.put("session", DEFAULT_WORKSPACE, "TOKEN", b"sealed")
    await orphans.sweep()

    assert await orphans.sweep() == 0
    assert await store.records.get("session", DEFAULT_WORKSPACE, "TOKEN") is not None
