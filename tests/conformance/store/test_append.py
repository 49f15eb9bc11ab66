"""Appending to the log: all or nothing, in order, under a lease."""

import asyncio
from uuid import uuid4

import pytest

from signoff.events.errors import LeaseLostError, VersionConflictError
from signoff.events.store.base import EventStore, RunRow
from support.stores import PARTITIONS, Opened, Writer, events, execution


async def test_what_is_appended_is_read_back_in_order_with_growing_positions(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()

    position = await writer.append(*events(log, range(1, 4)))

    read = await store.read(log)
    assert [(event.log_id, event.version, event.topic, event.state) for event in read] == [
        (log, version, "signoff:Tested", b'{"a":1}') for version in (1, 2, 3)
    ]
    assert [event.position for event in read] == [position - 2, position - 1, position]


async def test_an_append_may_go_on_with_a_log(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    first = await writer.append(*events(log, [1, 2]))

    second = await writer.append(*events(log, [3]))

    assert second > first
    assert [event.version for event in await store.read(log)] == [1, 2, 3]


async def test_a_version_that_exists_is_a_conflict_and_nothing_is_written(store: EventStore) -> None:
    writer, log, other = await Writer.of(store), uuid4(), uuid4()
    await writer.append(*events(log, [1, 2]))

    with pytest.raises(VersionConflictError):
        await writer.append(
            *events(other, [1]), *events(log, [2]), next_offset=9, rows=[execution(log_id=other)]
        )

    assert await store.read(other) == []
    assert await store.execution(other) is None
    assert (await store.leases())[writer.lease.partition].next_offset == 0


async def test_a_version_that_is_left_out_is_a_conflict(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, [1]))

    for versions in ([3], [2, 4]):
        with pytest.raises(VersionConflictError):
            await writer.append(*events(log, versions))
    with pytest.raises(VersionConflictError):
        await writer.append(*events(uuid4(), [2]))

    assert await store.heads([log]) == {log: 1}


async def test_the_offset_moves_with_the_events(store: EventStore) -> None:
    writer = await Writer.of(store)

    await writer.append(*events(uuid4(), [1]), next_offset=17)
    await writer.append(*events(uuid4(), [1]))

    assert (await store.leases())[writer.lease.partition].next_offset == 17


async def test_an_append_of_an_offset_alone_is_written(store: EventStore) -> None:
    writer = await Writer.of(store)

    assert await writer.append(next_offset=5) == 0

    assert (await store.leases())[writer.lease.partition].next_offset == 5


async def test_an_append_of_a_stale_epoch_is_refused(opened: Opened) -> None:
    store, log = opened.store, uuid4()
    stale = await Writer.of(store, "one", ttl=0.05)
    await store.acquire("one", most=PARTITIONS, ttl=0.05)
    await opened.let_leases_lapse()
    await store.acquire("two", most=PARTITIONS, ttl=60)

    with pytest.raises(LeaseLostError) as refused:
        await stale.append(*events(log, [1]), next_offset=3, rows=[RunRow(run_id=uuid4(), log_id=log)])

    assert refused.value.partitions == frozenset({stale.lease.partition})
    assert await store.read(log) == []
    assert (await store.leases())[stale.lease.partition].next_offset == 0


async def test_a_lapsed_lease_that_nobody_took_may_still_write(opened: Opened) -> None:
    writer, log = await Writer.of(opened.store, ttl=0.05), uuid4()
    await opened.let_leases_lapse()

    await writer.append(*events(log, [1]))

    assert await opened.store.heads([log]) == {log: 1}


async def test_an_append_to_a_partition_that_does_not_exist_is_refused(store: EventStore) -> None:
    writer = await Writer.of(store)

    with pytest.raises(LeaseLostError):
        await writer.append(*events(uuid4(), [1]), partition=PARTITIONS)


async def test_fifty_concurrent_writers_all_get_their_place(store: EventStore) -> None:
    writer, logs = await Writer.of(store), [uuid4() for _ in range(50)]

    async def write(index: int) -> list[int]:
        return [await writer.append(*events(logs[index], [2 * n + 1, 2 * n + 2])) for n in range(5)]

    positions = await asyncio.gather(*(write(index) for index in range(50)))

    assert await store.last_position() == 500
    assert all(got == sorted(got) for got in positions)
    assert await store.heads(logs) == dict.fromkeys(logs, 10)
    everything = await store.read_all(after=0, limit=1_000)
    assert [event.position for event in everything] == list(range(1, 501))


async def test_one_bad_append_does_not_hold_up_those_written_with_it(store: EventStore) -> None:
    writer, logs = await Writer.of(store), [uuid4() for _ in range(20)]
    appends = [writer.to_append(*events(log, [1])) for log in logs]
    appends[7] = writer.to_append(*events(logs[7], [3]))
    appends[11] = writer.to_append(*events(logs[11], [1]), epoch=writer.lease.epoch + 1)

    results = await asyncio.gather(*map(store.append, appends), return_exceptions=True)

    assert isinstance(results[7], VersionConflictError)
    assert isinstance(results[11], LeaseLostError)
    assert set(await store.heads(logs)) == set(logs) - {logs[7], logs[11]}


async def test_two_appends_to_one_log_may_wait_together(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()

    results = await asyncio.gather(
        writer.append(*events(log, [1])),
        writer.append(*events(log, [2])),
        writer.append(*events(log, [2])),
        writer.append(*events(log, [3])),
        return_exceptions=True,
    )

    assert isinstance(results[2], VersionConflictError)
    assert [event.position for event in await store.read(log)] == [results[0], results[1], results[3]]
