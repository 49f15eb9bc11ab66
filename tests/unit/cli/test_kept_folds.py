"""Waypoints are held against the fold of the events before them, of as many logs and pages as there are."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from signoff.audit.life import folding
from signoff.audit.life.folding import WAYPOINT, mark_waypoint
from signoff.cli.auditing import kept_folds
from signoff.cli.auditing.kept_folds import WaypointCheck
from signoff.cli.auditing.units import Unit
from signoff.events.codec import TOPIC_BY_TYPE, encode
from signoff.events.store.base import Append, NewEvent, Snapshot
from signoff.events.store.memory import MemoryStore
from signoff.events.store.upkeep import LAST_LOG, NO_LOG
from signoff.events.times import iso
from signoff.events.types import SYSTEM, Event, EventData, ExecutionStarted, VariablesSet

LOGS = tuple(UUID(int=at << 64) for at in range(1, 5))
LENGTH = 100
MARKED = LOGS[1:3]


@pytest.fixture
async def store(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MemoryStore]:
    """Logs of which some have waypoints, at events 30, 60 and 90."""
    monkeypatch.setattr(folding, "SPAN", 30)
    monkeypatch.setattr(folding, "_WEIGHT", 0)
    monkeypatch.setattr(kept_folds, "_PAGE", 2)
    store = MemoryStore()
    await store.migrate(partitions=1)
    [lease] = await store.acquire("test", most=1, ttl=60)
    for log_id in LOGS:
        events = [_event(log_id, number) for number in range(1, LENGTH + 1)]
        await store.append(Append(partition=0, epoch=lease.epoch, events=events))
    for log_id in MARKED:
        for _ in range(3):
            await mark_waypoint(store, log_id)
    yield store
    await store.close()


def _event(log_id: UUID, number: int) -> NewEvent:
    data: EventData = VariablesSet(values={"n": number})
    if number == 1:
        data = ExecutionStarted(
            workspace_id=str(UUID(int=0)), workflow_version=1, definition_digest="sha256:0", trigger="api",
            mode="async", actor=SYSTEM, start_time=iso(0),
        )  # fmt: skip
    event = Event(
        type=data.TYPE, event_id=number, execution_id=str(log_id), workflow_id="w", timestamp=iso(number),
        causation_id="1", data=data,
    )  # fmt: skip
    return NewEvent(log_id, number, TOPIC_BY_TYPE[data.TYPE], encode(event))


async def spoil(store: MemoryStore, log_id: UUID, version: int, **changes: object) -> None:
    waypoint = await store.waypoint(log_id, upto=version)
    assert waypoint is not None
    assert waypoint.version == version
    kept = msgspec.json.decode(waypoint.state) | changes
    await store.keep_waypoint(replace(waypoint, state=msgspec.json.encode(kept)))


async def found(store: MemoryStore, *, page: int = 7, upto: int = LENGTH) -> list[tuple[UUID, int]]:
    """The places of what is wrong."""
    check = WaypointCheck(store, Unit(NO_LOG, LAST_LOG))
    faults = []
    for log_id in LOGS:
        for after in range(0, upto, page):
            events = await store.read(log_id, after=after, limit=min(page, upto - after))
            faults += await check.take(log_id, events)
    assert all((fault.kind, fault.place.table) == ("projection", "fold_waypoints") for fault in faults)
    return [(UUID(fault.place.log_id), fault.place.event_id or 0) for fault in faults]


@pytest.mark.parametrize("page", [1, 7, 30, LENGTH])
async def test_nothing_is_found_in_what_was_folded(store: MemoryStore, page: int) -> None:
    assert [await store.upkeep.waypoints(after=NO_LOG, version=0, until=LAST_LOG, limit=9)] == [
        [(log_id, version) for log_id in MARKED for version in (30, 60, 90)]
    ]
    assert await found(store, page=page) == []


@pytest.mark.parametrize("page", [1, 7, 30, LENGTH])
async def test_each_waypoint_that_says_something_else_is_named(store: MemoryStore, page: int) -> None:
    state = msgspec.json.decode((await _kept(store, MARKED[0], 60)).state)["state"]
    await spoil(store, MARKED[0], 60, state=state | {"status": "completed"})
    await spoil(store, MARKED[1], 30, prev="another")
    await spoil(store, MARKED[1], 90, large=True)

    assert await found(store, page=page) == [(MARKED[0], 60), (MARKED[1], 30), (MARKED[1], 90)]


async def test_one_that_was_put_in_is_named_also_in_a_log_without_any(store: MemoryStore) -> None:
    honest = await _kept(store, MARKED[0], 30)
    for log_id in (LOGS[0], LOGS[3]):
        await store.keep_waypoint(replace(honest, log_id=log_id, version=17))

    assert await found(store) == [(LOGS[0], 17), (LOGS[3], 17)]


async def test_those_that_nobody_reads_or_whose_events_are_not_looked_at_are_passed_over(
    store: MemoryStore,
) -> None:
    honest = await _kept(store, MARKED[0], 60)
    await store.keep_waypoint(replace(honest, format=WAYPOINT + 1, state=b"{"))
    await spoil(store, MARKED[1], 90, large=True)

    assert await found(store, upto=80) == []


async def _kept(store: MemoryStore, log_id: UUID, version: int) -> Snapshot:
    waypoint = await store.waypoint(log_id, upto=version)
    assert waypoint is not None
    return waypoint
