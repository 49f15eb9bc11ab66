"""The state as of any event: waypoints shorten the way to it, and change nothing."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from signoff.audit.life import folding
from signoff.audit.life.folding import WAYPOINT, mark_waypoint, state_as_of, version_at
from signoff.engine.state import FORMAT
from signoff.events.codec import TOPIC_BY_TYPE, encode
from signoff.events.store.base import Append, NewEvent
from signoff.events.store.memory import MemoryStore
from signoff.events.times import iso
from signoff.events.types import SYSTEM, Event, EventData, ExecutionStarted, VariablesSet

LOG = UUID("018f0000-0000-7000-8000-00000000abcd")
BEGAN = 1_750_000_000.0
LENGTH = 2_500
SPAN = 600


@pytest.fixture
async def store(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MemoryStore]:
    """A long log; a second passes from one event to the next."""
    monkeypatch.setattr(folding, "SPAN", SPAN)
    store = MemoryStore()
    await store.migrate(partitions=1)
    [lease] = await store.acquire("test", most=1, ttl=60)
    started = ExecutionStarted(
        workspace_id=str(UUID(int=0)), workflow_version=1, definition_digest="sha256:0", trigger="api",
        mode="async", actor=SYSTEM, start_time=iso(BEGAN),
    )  # fmt: skip
    data: list[EventData] = [started, *(VariablesSet(values={"n": each}) for each in range(2, LENGTH + 1))]
    events = [_event(number, each) for number, each in enumerate(data, start=1)]
    await store.append(Append(partition=0, epoch=lease.epoch, events=events))
    yield store
    await store.close()


def _event(number: int, data: EventData) -> NewEvent:
    event = Event(
        type=data.TYPE, event_id=number, execution_id=str(LOG), workflow_id="w",
        timestamp=iso(BEGAN + number), causation_id="1", data=data,
    )  # fmt: skip
    return NewEvent(LOG, number, TOPIC_BY_TYPE[data.TYPE], encode(event))


async def mark_all(store: MemoryStore) -> list[int]:
    """Make all waypoints that there are to make; gives their versions."""
    found: list[int] = []
    while True:
        await mark_waypoint(store, LOG)
        last = await store.waypoint(LOG, upto=LENGTH)
        if last is None or last.version in found:
            return found
        found.append(last.version)


async def test_waypoints_stand_a_span_apart(store: MemoryStore) -> None:
    assert await mark_all(store) == [600, 1200, 1800, 2400]


@pytest.mark.parametrize("upto", [1, 2, 499, 500, 501, 600, 601, 1199, 1200, 2400, 2499, 2500, None])
async def test_a_state_is_the_same_with_waypoints_and_without(store: MemoryStore, upto: int | None) -> None:
    before = await state_as_of(store, LOG, upto=upto)
    await mark_all(store)

    after = await state_as_of(store, LOG, upto=upto)

    assert after == before
    assert after.state.version == (upto or LENGTH)
    assert after.state.variables.get("n", 1) == (upto or LENGTH)


async def test_waypoints_of_another_format_and_damaged_ones_are_passed_over(store: MemoryStore) -> None:
    await mark_all(store)
    for version, change in (
        (600, {"format": WAYPOINT + 1}),
        (1200, {"format": FORMAT}),
        (2400, {"state": b"{"}),
    ):
        waypoint = await store.waypoint(LOG, upto=version)
        assert waypoint is not None
        await store.keep_waypoint(replace(waypoint, **change))

    for upto in (700, 1300, 2450):
        assert (await state_as_of(store, LOG, upto=upto)).state.variables == {"n": upto}


@pytest.mark.parametrize("change", [{"prev": "another"}, {"prev": None}, {"state": {"version": 1199}}])
async def test_a_waypoint_of_other_events_is_passed_over(
    store: MemoryStore, change: dict[str, object]
) -> None:
    """The log was restored since, or somebody wrote to the table."""
    await mark_all(store)
    waypoint = await store.waypoint(LOG, upto=1200)
    assert waypoint is not None
    kept = msgspec.json.decode(waypoint.state)
    spoilt = kept | {"state": kept["state"] | {"variables": {"n": "spoilt", "m": 1}}} | change
    await store.keep_waypoint(replace(waypoint, state=msgspec.json.encode(spoilt)))

    assert (await state_as_of(store, LOG, upto=1300)).state.variables == {"n": 1300}


async def test_a_large_state_has_fewer_waypoints_so_that_they_stay_small_beside_the_log(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "_EVENT", 4)
    found = await mark_all(store)
    assert found[0] == SPAN
    assert len(found) < 4


@pytest.mark.parametrize(("seconds", "version"), [(0, 0), (1, 1), (1.5, 1), (1234, 1234), (99_999, LENGTH)])
async def test_a_moment_is_found_among_the_events(store: MemoryStore, seconds: float, version: int) -> None:
    assert await version_at(store, LOG, BEGAN + seconds) == version


async def test_a_log_that_is_not_there_has_no_moment(store: MemoryStore) -> None:
    assert await version_at(store, UUID(int=7), BEGAN) == 0
