"""What a bus does, whichever it is."""

import asyncio
from collections.abc import Sequence

import pytest

from signoff.events.bus.base import Bus, Message, Reader, Record
from signoff.events.bus.limits import MAX_RECORD_BYTES, record_bytes
from signoff.events.errors import (
    BusFullError,
    BusUnavailableError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
)


def records(*values: object) -> list[Record]:
    return [Record(b"key", str(value).encode()) for value in values]


def values(messages: Sequence[Message]) -> list[str]:
    return [message.value.decode() for message in messages]


async def publish(bus: Bus, topic: str, partition: int, *what: object) -> None:
    await (await bus.publish(topic, partition, records(*what)))


async def read(reader: Reader, count: int) -> list[Message]:
    """The next messages, exactly as many."""
    messages: list[Message] = []
    async with asyncio.timeout(20):
        while len(messages) < count:
            messages += await reader.poll(wait=1)
    assert len(messages) == count
    return messages


async def reader_at(bus: Bus, topic: str, positions: dict[int, int]) -> Reader:
    reader = await bus.reader(topic)
    await reader.assign(positions)
    return reader


async def test_a_record_arrives_with_its_key_headers_place_and_time(bus: Bus, made: str) -> None:
    await bus.send(made, 1, Record(b"a key", b"a value", [("ce_type", b"block:started"), ("empty", b"")]))

    (message,) = await read(await reader_at(bus, made, {1: 0}), 1)

    assert (message.topic, message.partition, message.offset) == (made, 1, 0)
    assert (message.key, message.value) == (b"a key", b"a value")
    assert list(message.headers) == [("ce_type", b"block:started"), ("empty", b"")]
    assert 1_700_000_000 < message.timestamp < 10_000_000_000


async def test_records_of_a_partition_keep_the_order_of_the_calls(bus: Bus, made: str) -> None:
    acknowledgements = [
        await bus.publish(made, 0, records(*range(start, start + 7))) for start in range(0, 700, 7)
    ]
    await asyncio.gather(*acknowledgements)

    messages = await read(await reader_at(bus, made, {0: 0}), 700)

    assert values(messages) == [str(number) for number in range(700)]
    assert [message.offset for message in messages] == list(range(700))


async def test_publishers_at_the_same_time_keep_each_their_own_order(bus: Bus, made: str) -> None:
    async def publisher(name: str) -> None:
        for number in range(50):
            await publish(bus, made, 0, f"{name}{number}")

    await asyncio.gather(*(publisher(name) for name in "abc"))

    arrived = values(await read(await reader_at(bus, made, {0: 0}), 150))
    for name in "abc":
        assert [value for value in arrived if value[0] == name] == [f"{name}{n}" for n in range(50)]


async def test_an_acknowledged_record_is_on_the_topic(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, "one", "two")
    await bus.send(made, 0, Record(b"key", b"three"))

    assert await bus.bounds(made, [0, 1]) == {0: (0, 3), 1: (0, 0)}


async def test_records_are_found_by_the_time_at_which_they_were_sent(bus: Bus, made: str) -> None:
    async def sent() -> Message:
        await publish(bus, made, 0, "record")
        last = await bus.last(made, 0)
        assert last is not None
        return last

    first = later = await sent()
    while later.timestamp == first.timestamp:
        later = await sent()

    assert await bus.offsets_at(made, [0, 1], 0.0) == {0: 0, 1: 0}
    assert await bus.offsets_at(made, [0], later.timestamp) == {0: later.offset}
    assert await bus.offsets_at(made, [0], later.timestamp + 60) == {0: later.offset + 1}


async def test_the_last_record_of_a_partition_is_found(bus: Bus, made: str) -> None:
    await publish(bus, made, 2, "first", "last")

    last = await bus.last(made, 2)

    assert last is not None
    assert (last.value, last.offset) == (b"last", 1)


async def test_an_empty_partition_has_no_last_record(bus: Bus, made: str) -> None:
    assert await bus.last(made, 0) is None


async def test_publishing_nothing_is_acknowledged(bus: Bus, made: str) -> None:
    await publish(bus, made, 0)

    assert await bus.bounds(made, [0]) == {0: (0, 0)}


async def test_a_reader_begins_where_it_is_told(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, *range(10))

    assert values(await read(await reader_at(bus, made, {0: 7}), 3)) == ["7", "8", "9"]


async def test_a_reader_tells_from_where_it_reads_on(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, *range(10))
    reader = await reader_at(bus, made, {0: 7, 1: 0})
    begin = await reader.position(0)

    await read(reader, 3)

    assert (begin, await reader.position(0), await reader.position(1)) == (7, 10, 0)


async def test_a_reader_that_waits_is_given_what_comes(bus: Bus, made: str) -> None:
    reader = await reader_at(bus, made, {0: 0, 1: 0, 2: 0})
    assert await reader.poll(wait=0.05) == []

    waiting = asyncio.create_task(read(reader, 1))
    await publish(bus, made, 1, "late")

    assert values(await waiting) == ["late"]


async def test_a_poll_gives_at_most_what_was_asked_and_the_next_one_the_rest(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, *range(4))
    await publish(bus, made, 1, *range(4))
    reader = await reader_at(bus, made, {0: 0, 1: 0})

    polled = []
    async with asyncio.timeout(20):
        while sum(map(len, polled)) < 8:
            polled.append(await reader.poll(wait=1, limit=3))

    assert max(map(len, polled)) == 3
    for partition in (0, 1):
        arrived = [message for messages in polled for message in messages if message.partition == partition]
        assert values(arrived) == ["0", "1", "2", "3"]


async def test_two_readers_do_not_take_from_each_other(bus: Bus, made: str) -> None:
    one, other = await reader_at(bus, made, {0: 0}), await reader_at(bus, made, {0: 0})
    await publish(bus, made, 0, "for both")

    assert values(await read(one, 1)) == values(await read(other, 1)) == ["for both"]


async def test_a_reader_without_partitions_reads_nothing(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, "unread")

    assert await (await bus.reader(made)).poll(wait=0.05) == []


async def test_a_new_assignment_replaces_the_former(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, *"abc")
    await publish(bus, made, 1, *"xyz")
    reader = await reader_at(bus, made, {0: 0})
    await read(reader, 3)

    await reader.assign({0: 1, 1: 2})

    assert sorted(values(await read(reader, 3))) == ["b", "c", "z"]
    await publish(bus, made, 2, "not assigned")
    assert await reader.poll(wait=0.3) == []


async def test_a_partition_that_was_taken_away_gives_nothing(bus: Bus, made: str) -> None:
    reader = await reader_at(bus, made, {0: 0, 1: 0})
    await reader.assign({})
    await publish(bus, made, 0, "too late")

    assert await reader.poll(wait=0.3) == []


async def test_a_paused_partition_gives_nothing_until_resumed(bus: Bus, made: str) -> None:
    reader = await reader_at(bus, made, {0: 0, 1: 0})
    reader.pause([0])
    await publish(bus, made, 0, "held back")
    await publish(bus, made, 1, "passes")
    assert values(await read(reader, 1)) == ["passes"]
    assert await reader.poll(wait=0.3) == []

    reader.resume([0])

    assert values(await read(reader, 1)) == ["held back"]


async def test_a_partition_paused_half_read_goes_on_where_it_was(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, *range(6))
    reader = await reader_at(bus, made, {0: 0})
    async with asyncio.timeout(20):
        while not (first := await reader.poll(wait=1, limit=2)):
            pass

    reader.pause([0])
    assert await reader.poll(wait=0.3) == []
    reader.resume([0])

    assert values([*first, *await read(reader, 4)]) == [str(number) for number in range(6)]


async def test_a_position_that_the_topic_does_not_hold_is_refused_and_given_up(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, "at 0")
    reader = await reader_at(bus, made, {0: 5, 1: 0})

    with pytest.raises(OffsetOutOfRangeError) as refused:
        await read(reader, 1)

    assert refused.value.partitions == {0}
    await publish(bus, made, 1, "still read")
    assert values(await read(reader, 1)) == ["still read"]


async def test_a_position_at_the_end_is_in_range(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, "read before")
    reader = await reader_at(bus, made, {0: 1})
    assert await reader.poll(wait=0.3) == []

    await publish(bus, made, 0, "next")

    assert values(await read(reader, 1)) == ["next"]


async def test_a_record_as_large_as_the_limit_passes(bus: Bus, made: str) -> None:
    size = MAX_RECORD_BYTES - record_bytes(Record(b"key", b""))
    await bus.send(made, 0, Record(b"key", b"x" * size))

    (message,) = await read(await reader_at(bus, made, {0: 0}), 1)

    assert len(message.value) == size


async def test_a_record_over_the_limit_is_refused_and_others_pass(bus: Bus, made: str) -> None:
    too_large = Record(b"key", b"x" * MAX_RECORD_BYTES)

    with pytest.raises(RecordTooLargeError):
        await bus.send(made, 0, too_large)
    with pytest.raises(RecordTooLargeError):
        await bus.publish(made, 0, [*records("small"), too_large])

    await publish(bus, made, 0, "after")
    assert values(await read(await reader_at(bus, made, {0: 0}), 1)) == ["after"]


async def test_large_records_are_acknowledged_in_one_call(bus: Bus, made: str) -> None:
    large = [Record(b"key", bytes([number]) * 400_000) for number in range(5)]
    await (await bus.publish(made, 0, large))

    bounds = await bus.bounds(made, [0])

    assert bounds[0][1] == 5


async def test_a_full_bus_refuses_a_send_at_once(tight_bus: Bus, topic: str) -> None:
    sends = (tight_bus.send(topic, 0, record) for record in records(*range(3)))

    outcomes = await asyncio.gather(*sends, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), BusFullError]


async def test_a_full_bus_makes_a_publisher_wait(tight_bus: Bus, topic: str) -> None:
    async def publisher() -> None:
        for number in range(10):
            await tight_bus.publish(topic, 0, records(number))

    publishing = asyncio.create_task(publisher())
    messages = await read(await reader_at(tight_bus, topic, {0: 0}), 10)
    await publishing

    assert values(messages) == [str(number) for number in range(10)]


async def test_a_topic_is_created_once(bus: Bus, topic: str) -> None:
    assert await bus.partitions(topic) == 0

    assert await bus.create({topic: 2}, configs={}) == [topic]
    assert await bus.create({topic: 2}, configs={}) == []

    assert await bus.partitions(topic) == 2


async def test_a_topic_tells_the_settings_that_it_was_made_with(bus: Bus, topic: str) -> None:
    await bus.create({topic: 2}, configs={topic: {"retention.ms": "123456"}})

    told = await bus.configs(topic)

    assert not told or (told["retention.ms"], told["replicas"]) == ("123456", "1")


async def test_a_setting_is_changed_and_the_others_stay(bus: Bus, topic: str) -> None:
    await bus.create({topic: 2}, configs={topic: {"retention.ms": "123456", "segment.ms": "86400000"}})

    await bus.alter(topic, {"retention.ms": "654321"})

    told = await bus.configs(topic)
    assert not told or (told["retention.ms"], told["segment.ms"]) == ("654321", "86400000")


async def test_asking_for_a_partition_that_does_not_exist_fails(bus: Bus, topic: str) -> None:
    with pytest.raises(BusUnavailableError, match="signoff topics apply"):
        await bus.bounds(topic, [0])


async def test_a_group_can_say_how_far_it_is(bus: Bus, made: str) -> None:
    await publish(bus, made, 0, *range(3))

    await bus.commit(made, {0: 2}, group="a group")


async def test_a_bus_answers_a_ping_until_it_is_closed(bus: Bus) -> None:
    await bus.ping()

    await bus.close()

    with pytest.raises(BusUnavailableError):
        await bus.ping()


async def test_a_closed_bus_has_delivered_what_it_was_given(bus: Bus, made: str) -> None:
    acknowledgement = await bus.publish(made, 0, records(*range(100)))

    await bus.close()

    await acknowledgement
    with pytest.raises(BusUnavailableError):
        await bus.send(made, 0, Record(b"key", b"too late"))
    with pytest.raises(BusUnavailableError):
        await bus.publish(made, 0, records("too late"))


async def test_closing_the_bus_ends_a_poll(bus: Bus, made: str) -> None:
    reader = await reader_at(bus, made, {0: 0})
    await reader.poll(wait=0.05)
    polling = asyncio.create_task(reader.poll(wait=60))
    await asyncio.sleep(0)

    await bus.close()

    async with asyncio.timeout(5):
        with pytest.raises(BusUnavailableError):
            await polling


async def test_a_closed_reader_reads_no_more(bus: Bus, made: str) -> None:
    reader = await reader_at(bus, made, {0: 0})
    await reader.close()

    with pytest.raises(BusUnavailableError):
        await reader.poll(wait=0.05)
