"""What only the bus of an embedded server does: begin at recorded offsets, and forget."""

import asyncio

import pytest

from signoff.events.bus.base import Record
from signoff.events.bus.memory import MemoryBus, Retention
from signoff.events.errors import BusFullError, OffsetOutOfRangeError

TOPIC = "topic"


def records(*values: object) -> list[Record]:
    return [Record(b"key", str(value).encode()) for value in values]


async def bus_with(retention: Retention) -> MemoryBus:
    bus = MemoryBus(retention={TOPIC: retention})
    await bus.create({TOPIC: 1}, configs={})
    return bus


async def test_partitions_go_on_where_the_log_says() -> None:
    bus = MemoryBus(first_offsets={TOPIC: {1: 40}})
    await bus.create({TOPIC: 2}, configs={})
    reader = await bus.reader(TOPIC)
    await reader.assign({0: 0, 1: 40})

    await bus.publish(TOPIC, 1, records("next"))

    assert await bus.bounds(TOPIC, [0, 1]) == {0: (0, 0), 1: (40, 41)}
    assert [message.offset for message in await reader.poll(wait=0)] == [40]


async def test_only_the_newest_records_are_kept() -> None:
    bus = await bus_with(Retention(records=3))

    await bus.publish(TOPIC, 0, records(*range(10)))

    assert await bus.bounds(TOPIC, [0]) == {0: (7, 10)}


async def test_large_records_leave_room_for_the_last_one_at_least() -> None:
    bus = await bus_with(Retention(bytes=10_000))

    for size in (9_000, 20_000):
        await bus.send(TOPIC, 0, Record(b"key", b"x" * size))

    last = await bus.last(TOPIC, 0)
    assert await bus.bounds(TOPIC, [0]) == {0: (1, 2)}
    assert last is not None
    assert len(last.value) == 20_000


async def test_a_reader_that_falls_behind_is_told() -> None:
    bus = await bus_with(Retention(records=3))
    reader = await bus.reader(TOPIC)
    await reader.assign({0: 0})
    await bus.publish(TOPIC, 0, records(*range(10)))

    with pytest.raises(OffsetOutOfRangeError) as told:
        await reader.poll(wait=0)

    assert told.value.partitions == {0}


async def test_offsets_stay_right_through_many_generations_of_records() -> None:
    bus = await bus_with(Retention(records=100))
    reader = await bus.reader(TOPIC)
    await reader.assign({0: 0})
    seen = []

    for start in range(0, 10_000, 50):
        await bus.publish(TOPIC, 0, records(*range(start, start + 50)))
        seen += await reader.poll(wait=0)

    assert [(message.offset, int(message.value)) for message in seen] == [(n, n) for n in range(10_000)]


async def test_an_unread_command_is_never_dropped() -> None:
    bus = await bus_with(Retention(records=2, keep_unread=True))
    for record in records("one", "two"):
        await bus.send(TOPIC, 0, record)

    with pytest.raises(BusFullError):
        await bus.send(TOPIC, 0, Record(b"key", b"three"))

    assert await bus.bounds(TOPIC, [0]) == {0: (0, 2)}


async def test_a_command_that_was_read_makes_room() -> None:
    bus = await bus_with(Retention(records=2, keep_unread=True))
    reader = await bus.reader(TOPIC)
    await reader.assign({0: 0})
    await bus.publish(TOPIC, 0, records("one", "two"))
    await reader.poll(wait=0, limit=1)

    await bus.send(TOPIC, 0, Record(b"key", b"three"))

    assert await bus.bounds(TOPIC, [0]) == {0: (1, 3)}


async def test_once_a_group_commits_only_what_it_committed_may_go() -> None:
    bus = await bus_with(Retention(records=2, keep_unread=True))
    reader = await bus.reader(TOPIC)
    await reader.assign({0: 0})
    await bus.publish(TOPIC, 0, records("one", "two"))
    await bus.commit(TOPIC, {0: 0}, group="executors")
    await reader.poll(wait=0)
    with pytest.raises(BusFullError):
        await bus.send(TOPIC, 0, Record(b"key", b"three"))

    waiting = asyncio.create_task(bus.publish(TOPIC, 0, records("three")))
    await bus.commit(TOPIC, {0: 1}, group="executors")
    await waiting

    assert await bus.bounds(TOPIC, [0]) == {0: (1, 3)}
