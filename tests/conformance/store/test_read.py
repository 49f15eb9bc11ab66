"""Reading one log, many, and all."""

import asyncio
from uuid import uuid4

from signoff.events.store.base import EventStore
from support.stores import PARTITIONS, Writer, events, log_in


async def test_a_log_is_read_from_a_version_and_up_to_a_limit(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, range(1, 11)))

    assert [event.version for event in await store.read(log, after=6)] == [7, 8, 9, 10]
    assert [event.version for event in await store.read(log, after=6, limit=2)] == [7, 8]
    assert await store.read(log, after=10) == []


async def test_an_unknown_log_is_empty(store: EventStore) -> None:
    assert await store.read(uuid4()) == []
    assert await store.heads([uuid4()]) == {}


async def test_many_logs_are_read_each_from_its_version(store: EventStore) -> None:
    writer, one, two, three = await Writer.of(store), uuid4(), uuid4(), uuid4()
    await writer.append(*events(one, range(1, 6)), *events(two, range(1, 3)), *events(three, [1]))

    logs = await store.read_many({one: 1, two: 0, three: 1, uuid4(): 0}, limit=3)

    assert {log: [event.version for event in found] for log, found in logs.items()} == {
        one: [2, 3, 4],
        two: [1, 2],
    }


async def test_those_who_read_at_the_same_time_get_their_own_logs(store: EventStore) -> None:
    writer, one, two = await Writer.of(store), uuid4(), uuid4()
    await writer.append(*events(one, range(1, 6)), *events(two, range(1, 4)))
    asked = [({one: 0}, 2), ({one: 3, two: 0}, 10), ({uuid4(): 0}, 10), ({two: 2}, 1)]

    found = await asyncio.gather(*(store.read_many(after, limit=limit) for after, limit in asked))

    versions = [{log: [event.version for event in page] for log, page in logs.items()} for logs in found]
    assert versions == [{one: [1, 2]}, {one: [4, 5], two: [1, 2, 3]}, {}, {two: [3]}]


async def test_nothing_asked_for_is_nothing_found(store: EventStore) -> None:
    assert await store.read_many({}, limit=3) == {}
    assert await store.heads([]) == {}
    assert await store.locate([]) is None


async def test_heads_are_the_last_versions(store: EventStore) -> None:
    writer, one, two = await Writer.of(store), uuid4(), uuid4()
    await writer.append(*events(one, range(1, 6)), *events(two, [1]))

    assert await store.heads([one, two, uuid4()]) == {one: 5, two: 1}


async def test_everything_is_read_by_position_in_batches(store: EventStore) -> None:
    writer, logs = await Writer.of(store), [uuid4(), uuid4()]
    for version in range(1, 6):
        for log in logs:
            await writer.append(*events(log, [version]))

    first = await store.read_all(after=0, limit=7)
    rest = await store.read_all(after=first[-1].position, limit=7)

    assert [(event.log_id, event.version) for event in first + rest] == [
        (log, version) for version in range(1, 6) for log in logs
    ]
    assert await store.read_all(after=rest[-1].position, limit=7) == []
    assert await store.last_position() == rest[-1].position


async def test_an_empty_log_has_no_last_position(store: EventStore) -> None:
    assert await store.last_position() == 0


async def test_events_of_some_partitions_are_read_alone(store: EventStore) -> None:
    writer = await Writer.of(store)
    # 0x10000 is not seen: a partition is of the last two bytes; the high one of them counts.
    logs = [log_in(number) for number in range(PARTITIONS)] + [log_in(0xFF00 + 1), log_in(0xABCD)]
    for log in logs:
        await writer.append(*events(log, [1, 2]))

    found = await store.read_all(after=0, limit=100, partitions=[1, 5])

    assert [event.log_id for event in found] == [
        log for log in logs if (log.int & 0xFFFF) % PARTITIONS in (1, 5) for _ in range(2)
    ]
    assert await store.read_all(after=0, limit=3, partitions=[1, 5]) == found[:3]
    assert await store.read_all(after=found[2].position, limit=100, partitions=[1, 5]) == found[3:]
    assert await store.read_all(after=0, limit=100, partitions=[]) == []


async def test_events_of_partitions_that_are_read_at_the_same_time_are_each_read_alone(
    store: EventStore,
) -> None:
    writer = await Writer.of(store)
    logs = [log_in(number) for number in range(PARTITIONS)]
    for version in range(1, 6):
        for log in logs:
            await writer.append(*events(log, [version]))

    pages = await asyncio.gather(
        *(store.read_all(after=0, limit=3, partitions=[number]) for number in range(PARTITIONS))
    )

    assert [[(event.log_id, event.version) for event in page] for page in pages] == [
        [(log, version) for version in (1, 2, 3)] for log in logs
    ]


KB = b"x" * 1000


async def test_a_page_of_a_log_ends_once_it_has_its_bytes(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, range(1, 101)), *events(log, range(101, 105), state=5 * KB))

    page = await store.read(log, after=90, limit=50, size=10_000)
    rest = await store.read(log, after=page[-1].version, limit=50, size=10_000)

    assert [event.version for event in page] == [*range(91, 103)]
    assert [event.version for event in rest] == [103, 104]
    assert [event.state for event in rest] == [5 * KB, 5 * KB]


async def test_a_page_has_one_event_however_large_it_is(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, [1, 2], state=500 * KB))
    start = await store.last_position() - 2

    assert [event.version for event in await store.read(log, limit=50, size=1)] == [1]
    assert [event.version for event in await store.read_all(after=start, limit=50, size=1)] == [1]


async def test_pages_of_all_logs_end_once_they_have_their_bytes(store: EventStore) -> None:
    writer = await Writer.of(store)
    log, other = log_in(writer.lease.partition), uuid4()
    before = await store.last_position()
    await writer.append(*events(log, range(1, 41), state=KB))
    await writer.append(*events(other, range(1, 41), state=KB))
    partitions = [writer.lease.partition]

    page = await store.read_all(after=before, limit=50, size=10_000)
    own = await store.read_all(after=before, limit=50, partitions=partitions, size=10_000)
    few = await store.read_all(after=before, limit=3, partitions=partitions, size=10_000)

    assert [(event.log_id, event.version) for event in page] == [(log, each) for each in range(1, 11)]
    assert own == page
    assert [event.version for event in few] == [1, 2, 3]


async def test_pages_of_bytes_leave_nothing_out(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    sizes = [1, 7000, 20, 20, 12_000, 1, 1, 3000, 9000, 1]
    for version, size in enumerate(sizes, 1):
        await writer.append(*events(log, [version], state=b"x" * size))
    found, after = [], 0

    while page := await store.read(log, after=after, limit=4, size=8000):
        found += page
        after = page[-1].version

    assert [len(event.state) for event in found] == sizes
