"""Finding the workspaces of logs: asked once, bounded, and never wrong."""

from collections.abc import Collection
from typing import Any
from uuid import UUID, uuid4

import pytest

from signoff.events.topics import directory_log_id
from signoff.tail.places import Places
from support.growing_logs import Ledger, started, step
from support.hubs import WatchedStore

HERE = uuid4()


@pytest.fixture
def asked(store: WatchedStore, monkeypatch: pytest.MonkeyPatch) -> list[set[UUID]]:
    """The logs that the store was asked for, one set for each query."""
    queries: list[set[UUID]] = []
    workspaces_of = store.workspaces_of

    async def count(log_ids: Collection[UUID]) -> Any:
        queries.append(set(log_ids))
        return await workspaces_of(log_ids)

    monkeypatch.setattr(store, "workspaces_of", count)
    return queries


async def test_a_log_that_begins_says_its_workspace_itself(
    store: WatchedStore, ledger: Ledger, asked: list[set[UUID]]
) -> None:
    log = ledger.log(workspace=HERE)
    await log.add(started(HERE), step(), status="running")
    places = Places(store)

    events = await store.read_all(after=0, limit=10)
    assert await places.of(events) == await places.of(events[1:]) == {log.log_id: HERE}
    assert asked == []


async def test_logs_met_in_their_middle_are_asked_for_once_all_in_one_query(
    store: WatchedStore, ledger: Ledger, asked: list[set[UUID]]
) -> None:
    logs = [ledger.log(workspace=HERE) for _ in range(3)]
    for log in logs:
        await log.add(started(HERE), status="running")
        await log.add(step())
    middles = [event for event in await store.read_all(after=0, limit=10) if event.version == 2]
    places = Places(store)

    first, again = await places.of(middles), await places.of(middles)

    assert first == again == {log.log_id: HERE for log in logs}
    assert asked == [{log.log_id for log in logs}]


async def test_a_log_of_no_workspace_is_asked_for_once_too(
    store: WatchedStore, ledger: Ledger, asked: list[set[UUID]]
) -> None:
    await ledger.log(log_id=directory_log_id()).add(step())
    events = await store.read_all(after=0, limit=10)
    places = Places(store)

    assert await places.of(events) == await places.of(events) == {}
    assert asked == [{directory_log_id()}]


async def test_only_so_many_are_remembered_and_the_one_met_longest_ago_is_forgotten(
    store: WatchedStore, ledger: Ledger, asked: list[set[UUID]]
) -> None:
    logs = [ledger.log(workspace=HERE) for _ in range(3)]
    for log in logs:
        await log.add(started(HERE), status="running")
        await log.add(step())
    events = await store.read_all(after=0, limit=10)
    begun, middles = events[::2], events[1::2]
    places = Places(store, most=2)

    await places.of(begun[:2])
    await places.of(middles[:1])  # met again: the second is now the one met longest ago
    await places.of(begun[2:])

    assert await places.of(middles) == {log.log_id: HERE for log in logs}
    assert asked == [{logs[1].log_id}]
