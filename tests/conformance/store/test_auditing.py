"""What auditors' tools need of a log: heads within some positions, all of it by log, rows by log."""

import hashlib
from uuid import UUID, uuid4

from signoff.events.store.base import EventStore, Recorded, Snapshot
from signoff.events.store.upkeep import LAST_LOG, NO_LOG, Derived
from support.stores import Writer, events, execution, point

_ROOM = 1024 * 1024


async def pages(
    store: EventStore, *, limit: int, size: int = _ROOM, until: UUID = LAST_LOG
) -> list[Recorded]:
    found: list[Recorded] = []
    after, version = NO_LOG, 0
    while page := await store.upkeep.scan(after=after, version=version, until=until, limit=limit, size=size):
        found += page
        after, version = page[-1].log_id, page[-1].version
    return found


async def test_heads_are_the_last_events_of_logs_within_some_positions(store: EventStore) -> None:
    writer, one, two, three = await Writer.of(store), *sorted(uuid4() for _ in range(3))
    await writer.append(*events(three, [1]))
    before = await store.last_position()
    await writer.append(*events(two, [1]), *events(one, [1, 2]))
    await writer.append(*events(one, [3]))
    upto = await store.last_position()
    await writer.append(*events(two, [2]))

    heads = await store.changed_heads(after=before, upto=upto)

    assert [(head.log_id, head.version) for head in heads] == [(one, 3), (two, 1)]
    last = (await store.read(one, after=2))[0]
    assert heads[0].digest == hashlib.sha256(last.state).digest()


async def test_where_nothing_was_appended_no_head_changed(store: EventStore) -> None:
    writer = await Writer.of(store)
    await writer.append(*events(uuid4(), [1]))
    last = await store.last_position()

    assert await store.changed_heads(after=last, upto=last + 100) == []


async def test_a_scan_gives_every_event_once_by_log_and_version(store: EventStore) -> None:
    writer = await Writer.of(store)
    logs = sorted(uuid4() for _ in range(4))
    for log_id in logs:
        await writer.append(*events(log_id, [1, 2, 3]))

    found = await pages(store, limit=5)

    assert [(event.log_id, event.version) for event in found] == [
        (log_id, version) for log_id in logs for version in (1, 2, 3)
    ]
    assert found[:3] == await store.read(logs[0])


async def test_a_scan_ends_with_a_log(store: EventStore) -> None:
    writer = await Writer.of(store)
    logs = sorted(uuid4() for _ in range(3))
    for log_id in logs:
        await writer.append(*events(log_id, [1, 2]))

    found = await pages(store, limit=100, until=logs[1])

    assert {event.log_id for event in found} == set(logs[:2])


async def test_a_page_of_a_scan_ends_once_it_has_its_bytes(store: EventStore) -> None:
    writer, log_id = await Writer.of(store), uuid4()
    await writer.append(*events(log_id, range(1, 6)))
    size = len((await store.read(log_id, limit=1))[0].state)

    page = await store.upkeep.scan(after=NO_LOG, version=0, until=LAST_LOG, limit=100, size=size + 1)

    assert [event.version for event in page] == [1, 2]
    assert len(await pages(store, limit=100, size=size + 1)) == 5


async def test_history_is_all_events_by_position_in_pages(store: EventStore) -> None:
    writer, one, two = await Writer.of(store), uuid4(), uuid4()
    await writer.append(*events(one, [1, 2]))
    await writer.append(*events(two, [1]))
    await writer.append(*events(one, [3]))
    size = len((await store.read(one, limit=1))[0].state)

    by_limit = await store.upkeep.history(after=0, limit=2, size=_ROOM)
    by_size = await store.upkeep.history(after=by_limit[-1].position, limit=100, size=size)
    rest = await store.upkeep.history(after=by_size[-1].position, limit=100, size=_ROOM)

    assert [len(by_limit), len(by_size), len(rest)] == [2, 1, 1]
    assert [*by_limit, *by_size, *rest] == await store.read_all(after=0, limit=100)


async def test_rows_are_given_by_their_logs_with_their_points(store: EventStore) -> None:
    writer = await Writer.of(store)
    logs = sorted(uuid4() for _ in range(3))
    rows = [execution(log_id=log_id) for log_id in logs[:2]]
    points = [point(log_id=logs[1], context_id="a"), point(log_id=logs[1], context_id="b")]
    alone = point(log_id=logs[2])
    await writer.append(rows=[*rows, *points, alone])

    found = await store.upkeep.rows(after=NO_LOG, until=LAST_LOG, limit=10)

    assert found == [
        Derived(log_id=logs[0], version=0, execution=rows[0]),
        Derived(log_id=logs[1], version=0, execution=rows[1], points=tuple(points)),
        Derived(log_id=logs[2], version=0, points=(alone,)),
    ]


async def test_a_full_page_of_rows_ends_with_its_last_execution(store: EventStore) -> None:
    writer = await Writer.of(store)
    logs = sorted(uuid4() for _ in range(3))
    await writer.append(rows=[execution(log_id=log_id) for log_id in logs] + [point(log_id=logs[2])])

    first = await store.upkeep.rows(after=NO_LOG, until=LAST_LOG, limit=2)
    second = await store.upkeep.rows(after=first[-1].log_id, until=LAST_LOG, limit=2)

    assert [each.log_id for each in first] == logs[:2]
    assert [(each.log_id, len(each.points)) for each in second] == [(logs[2], 1)]


async def test_waypoints_are_listed_by_log_and_version_in_pages(store: EventStore) -> None:
    one, two, three = sorted(uuid4() for _ in range(3))
    for log_id, version in ((two, 9), (one, 20), (three, 1), (one, 10)):
        await store.keep_waypoint(Snapshot(log_id=log_id, version=version, format=1, state=b"{}"))

    first = await store.upkeep.waypoints(after=NO_LOG, version=0, until=two, limit=2)
    second = await store.upkeep.waypoints(after=first[-1][0], version=first[-1][1], until=two, limit=2)

    assert (first, second) == ([(one, 10), (one, 20)], [(two, 9)])


async def test_snapshots_are_listed_by_log_in_pages(store: EventStore) -> None:
    one, two, three, four = sorted(uuid4() for _ in range(4))
    for log_id, version in ((two, 9), (one, 20), (four, 1), (three, 5), (two, 10)):
        await store.keep_snapshot(Snapshot(log_id=log_id, version=version, format=1, state=b"{}"))

    first = await store.upkeep.snapshots(after=NO_LOG, version=0, until=three, limit=2)
    second = await store.upkeep.snapshots(after=first[-1][0], version=first[-1][1], until=three, limit=2)

    assert (first, second) == ([(one, 20), (two, 10)], [(three, 5)])
