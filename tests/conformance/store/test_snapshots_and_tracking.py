"""Folded states that are kept, and how far readers have come."""

from uuid import uuid4

import pytest

from signoff.events.errors import VersionConflictError
from signoff.events.store.base import EventStore, Snapshot, TrackingRow
from support.stores import Writer, events


async def test_a_snapshot_comes_back(store: EventStore) -> None:
    snapshot = Snapshot(log_id=uuid4(), version=500, format=1, state=b"\x00\xffstate")
    await store.keep_snapshot(snapshot)

    assert await store.snapshot(snapshot.log_id) == snapshot
    assert await store.snapshot(uuid4()) is None


async def test_a_newer_snapshot_takes_the_place_of_an_older_one_and_never_the_reverse(
    store: EventStore,
) -> None:
    log = uuid4()
    old, new, other_format = (
        Snapshot(log_id=log, version=version, format=kind, state=b"state")
        for version, kind in ((500, 1), (900, 1), (900, 2))
    )
    await store.keep_snapshot(new)
    await store.keep_snapshot(old)
    assert await store.snapshot(log) == new

    await store.keep_snapshot(other_format)
    assert await store.snapshot(log) == other_format


async def test_the_last_waypoint_before_an_event_is_found_among_all_that_are_kept(store: EventStore) -> None:
    log = uuid4()
    first, second = (
        Snapshot(log_id=log, version=version, format=1, state=b"\x00\xff%d" % version) for version in (10, 20)
    )
    again = Snapshot(log_id=log, version=20, format=2, state=b"again")
    for each in (second, first):
        await store.keep_waypoint(each)

    assert await store.waypoint(log, upto=9) is None
    assert [await store.waypoint(log, upto=upto) for upto in (10, 19, 20, 99)] == [
        first,
        first,
        second,
        second,
    ]
    await store.keep_waypoint(again)
    assert await store.waypoint(log, upto=99) == again
    assert await store.waypoint(uuid4(), upto=99) is None


async def test_a_reader_finds_where_it_was(store: EventStore) -> None:
    await store.track("reader", 5)
    await store.track("reader", 3)
    await store.track("other", 1)

    assert [await store.tracked(name) for name in ("reader", "other", "new")] == [5, 1, 0]


async def test_a_position_is_recorded_with_what_it_led_to(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()

    await writer.append(*events(log, [1]), rows=[TrackingRow(name="reader", position=5)])

    assert await store.tracked("reader") == 5


async def test_a_position_that_was_recorded_before_writes_nothing(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    await store.track("reader", 5)

    with pytest.raises(VersionConflictError):
        await writer.append(*events(log, [1]), rows=[TrackingRow(name="reader", position=5)])

    assert await store.read(log) == []
