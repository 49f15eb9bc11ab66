"""What the Kafka bus does while its broker is dead, frozen, missing or refuses."""

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition
from local_services.kafka import Kafka
from local_services.waiting import wait_until

from signoff.events.bus.base import Bus, Reader, Record
from signoff.events.bus.kafka import KafkaBus
from signoff.events.errors import BusUnavailableError, RecordTooLargeError
from support.ports import unused_port
from support.proxies import Proxy

TIMEOUT = 3.0
BOUND = 3 * TIMEOUT  # nothing may take longer than this to tell that the broker is away


@pytest.fixture
async def bus(kafka: Kafka) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(kafka.bootstrap, timeout=TIMEOUT)
    yield bus
    await bus.close()


@pytest.fixture
async def topic(bus: KafkaBus) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    await bus.create({name: 2}, configs={name: {"max.message.bytes": "100000"}})
    return name


@pytest.fixture
def killed(kafka: Kafka) -> Iterator[Kafka]:
    """A broker that a test may leave dead."""
    yield kafka
    if not kafka.running:
        kafka.start()


@pytest.fixture
def frozen(kafka: Kafka) -> Iterator[Kafka]:
    """A broker that a test may leave frozen."""
    yield kafka
    kafka.process.send(signal.SIGCONT)
    kafka.await_ready()


async def freeze(broker: Kafka) -> None:
    """Stop the broker where it stands. A thread may run on, and answer, for a moment after the signal."""
    identity = broker.process.identity
    assert identity is not None
    threads = Path(f"/proc/{identity.pid}/task")

    def frozen() -> bool:
        states = [(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads.iterdir()]
        return set(states) == {"T"}

    broker.process.send(signal.SIGSTOP)
    await asyncio.to_thread(wait_until, frozen, limit=10, otherwise="the broker is not frozen")


async def relay(bus: Bus, topic: str, count: int) -> int:
    """Publish 0, 1, 2 … as the relay does: ahead of the acknowledgements, and after an error from the last.

    Returns:
        How many times it had to start again.
    """
    acknowledged, errors = 0, 0
    while acknowledged < count:
        try:
            under_way = []
            for start in range(acknowledged, min(acknowledged + 100, count), 10):
                batch = [Record(b"key", str(number).encode()) for number in range(start, start + 10)]
                under_way.append(await bus.publish(topic, 0, batch))
            for acknowledgement in under_way:
                await acknowledgement
                acknowledged += 10
        except BusUnavailableError:
            errors += 1
            await asyncio.sleep(0.05)  # how a relay backs off; the loop ends by what is acknowledged
    return errors


async def follow(reader: Reader, count: int) -> list[int]:
    """Read until all numbers were there; gives them without the repeated ones."""
    seen: list[int] = []
    async with asyncio.timeout(50):
        while len(seen) < count:
            try:
                messages = await reader.poll(wait=0.2)
            except BusUnavailableError:
                continue
            for message in messages:
                if not seen or int(message.value) > seen[-1]:
                    seen.append(int(message.value))
    return seen


async def follow_values(reader: Reader, count: int) -> list[bytes]:
    values: list[bytes] = []
    async with asyncio.timeout(20):
        while len(values) < count:
            values += [message.value for message in await reader.poll(wait=1)]
    return values


async def under_load(bus: Bus, topic: str) -> None:
    """Return once a good part is on the topic."""
    async with asyncio.timeout(20):
        while True:
            if (await bus.bounds(topic, [0]))[0][1] >= 1_000:
                return


async def until_poll_fails(reader: Reader) -> None:
    while True:
        await reader.poll(wait=0.2)


async def until_it_answers(bus: Bus, topic: str) -> None:
    """Return once the topic has its leaders again."""
    async with asyncio.timeout(30):
        while True:
            try:
                await bus.bounds(topic, [0, 1])
            except BusUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_broker_killed_under_load_loses_skips_and_swaps_nothing(
    bus: KafkaBus, topic: str, killed: Kafka
) -> None:
    reader = await bus.reader(topic)
    await reader.assign({0: 0})
    count = 20_000
    publishing = asyncio.create_task(relay(bus, topic, count))
    following = asyncio.create_task(follow(reader, count))
    await under_load(bus, topic)

    await asyncio.to_thread(killed.kill)
    await asyncio.to_thread(killed.start)

    async with asyncio.timeout(50):
        assert await publishing > 0
        assert await following == list(range(count))


async def test_everything_tells_in_bounded_time_that_the_broker_is_missing() -> None:
    bus = KafkaBus(f"127.0.0.1:{unused_port()}", timeout=TIMEOUT)
    reader = await bus.reader("topic")
    await reader.assign({0: 0})

    async def published() -> None:
        await (await bus.publish("topic", 0, [Record(b"key", b"value")]))

    for call in (
        bus.send("topic", 0, Record(b"key", b"value")),
        published(),
        reader.poll(wait=0.1),
        bus.bounds("topic", [0]),
        bus.last("topic", 0),
        bus.commit("topic", {0: 1}, group="group"),
        bus.partitions("topic"),
        bus.create({"topic": 1}, configs={}),
        bus.ping(),
    ):
        async with asyncio.timeout(BOUND):
            with pytest.raises(BusUnavailableError):
                await call
    async with asyncio.timeout(BOUND):
        await bus.close()


async def test_a_topic_that_is_missing_fails_its_own_calls_alone(bus: KafkaBus, topic: str) -> None:
    missing = f"missing-{uuid.uuid4().hex}"
    lost = asyncio.create_task(bus.send(missing, 0, Record(b"key", b"value")))
    published = await bus.publish(missing, 1, [Record(b"key", b"value")])
    sent = 0

    while not lost.done():
        await bus.send(topic, 0, Record(b"key", b"%d" % sent))
        await (await bus.publish(topic, 1, [Record(b"key", b"%d" % sent)]))
        sent += 1

    for call in (lost, published):
        with pytest.raises(BusUnavailableError, match="signoff topics apply"):
            await call
    await bus.send(topic, 0, Record(b"key", b"after"))
    assert [await bus.bounds(topic, [number]) for number in (0, 1)] == [{0: (0, sent + 1)}, {1: (0, sent)}]


async def test_a_topic_is_sent_to_once_it_is_made(bus: KafkaBus) -> None:
    name = f"topic-{uuid.uuid4().hex}"
    with pytest.raises(BusUnavailableError):
        await bus.send(name, 0, Record(b"key", b"early"))

    await bus.create({name: 1}, configs={})
    await bus.send(name, 0, Record(b"key", b"value"))

    assert await bus.bounds(name, [0]) == {0: (0, 1)}


async def test_a_poll_that_cannot_connect_takes_its_time_so_that_loops_do_not_spin() -> None:
    bus = KafkaBus(f"127.0.0.1:{unused_port()}", timeout=TIMEOUT)
    reader = await bus.reader("topic")
    await reader.assign({0: 0})
    started = time.monotonic()

    with pytest.raises(BusUnavailableError):
        await reader.poll(wait=0.3)

    assert time.monotonic() - started >= 0.3
    await bus.close()


async def test_a_frozen_broker_is_told_from_a_quiet_one_and_reading_goes_on_after(
    bus: KafkaBus, topic: str, frozen: Kafka
) -> None:
    reader = await bus.reader(topic)
    await reader.assign({0: 0})
    await bus.send(topic, 0, Record(b"key", b"before"))
    assert [message.value for message in await reader.poll(wait=5)] == [b"before"]
    async with asyncio.timeout(1.5 * TIMEOUT + 1):  # quiet for longer than the limit: no error
        while await reader.poll(wait=1.5 * TIMEOUT):
            pass

    await freeze(frozen)
    async with asyncio.timeout(BOUND):
        with pytest.raises(BusUnavailableError, match="no answer for"):
            await until_poll_fails(reader)
        with pytest.raises(BusUnavailableError):
            await bus.send(topic, 0, Record(b"key", b"unknown"))
    async with asyncio.timeout(BOUND):
        with pytest.raises(BusUnavailableError):
            await bus.ping()
    frozen.process.send(signal.SIGCONT)

    await until_it_answers(bus, topic)
    await bus.send(topic, 1, Record(b"key", b"a new producer works"))
    await reader.assign({1: 0})
    assert await follow_values(reader, 1) == [b"a new producer works"]


async def test_closing_is_bounded_while_the_broker_is_frozen(topic: str, frozen: Kafka) -> None:
    bus = KafkaBus(frozen.bootstrap, timeout=TIMEOUT)
    reader = await bus.reader(topic)
    await reader.assign({0: 0})
    await reader.poll(wait=0.1)
    await bus.send(topic, 0, Record(b"key", b"value"))
    await freeze(frozen)
    acknowledgement = await bus.publish(topic, 0, [Record(b"key", b"never acknowledged")])

    async with asyncio.timeout(3 * BOUND):
        await bus.close()

    with pytest.raises(BusUnavailableError):
        await acknowledgement


async def test_a_call_after_a_failure_that_nobody_has_seen_is_refused_once(
    bus: KafkaBus, topic: str, killed: Kafka
) -> None:
    await bus.send(topic, 0, Record(b"key", b"connects"))
    await asyncio.to_thread(killed.kill)
    first = await bus.publish(topic, 0, [Record(b"key", b"first")])
    with pytest.raises(BusUnavailableError):
        await bus.send(topic, 1, Record(b"key", b"ends the generation, and with it the first call"))
    await asyncio.to_thread(killed.start)
    await until_it_answers(bus, topic)

    with pytest.raises(BusUnavailableError, match="an earlier call failed"):
        await bus.publish(topic, 0, [Record(b"key", b"second")])

    await (await bus.publish(topic, 0, [Record(b"key", b"first again")]))
    with pytest.raises(BusUnavailableError):
        await first


async def test_a_publisher_that_has_seen_the_failure_goes_on_at_once(
    bus: KafkaBus, topic: str, killed: Kafka
) -> None:
    await bus.send(topic, 0, Record(b"key", b"connects"))
    await asyncio.to_thread(killed.kill)
    acknowledgement = await bus.publish(topic, 0, [Record(b"key", b"first")])
    with pytest.raises(BusUnavailableError):
        await acknowledgement
    await asyncio.to_thread(killed.start)
    await until_it_answers(bus, topic)

    await (await bus.publish(topic, 0, [Record(b"key", b"first again")]))


async def test_a_record_that_the_topic_refuses_breaks_nothing(bus: KafkaBus, topic: str) -> None:
    with pytest.raises(RecordTooLargeError):
        await bus.send(topic, 0, Record(b"key", b"x" * 200_000))

    await bus.send(topic, 0, Record(b"key", b"after"))

    last = await bus.last(topic, 0)
    assert last is not None
    assert (last.offset, last.value) == (0, b"after")


async def test_lag_tools_see_how_far_a_group_is(topic: str, kafka: Kafka) -> None:
    bus = KafkaBus(kafka.bootstrap, timeout=30)  # at its first commit a broker makes the topic for offsets
    await bus.commit(topic, {0: 41, 1: 42}, group="executors")
    await bus.close()

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    stored = await admin.list_consumer_group_offsets("executors")
    await admin.close()
    assert {place: offset.offset for place, offset in stored.items() if place.topic == topic} == {
        TopicPartition(topic, 0): 41,
        TopicPartition(topic, 1): 42,
    }


@pytest.fixture
async def bus_by_proxy(kafka_proxy: Proxy) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(kafka_proxy.address, timeout=TIMEOUT)
    yield bus
    await bus.close()


async def test_connections_cut_again_and_again_lose_skip_and_swap_nothing(
    bus: KafkaBus, bus_by_proxy: KafkaBus, topic: str, kafka_proxy: Proxy
) -> None:
    reader = await bus_by_proxy.reader(topic)
    await reader.assign({0: 0})
    count = 10_000
    publishing = asyncio.create_task(relay(bus_by_proxy, topic, count))
    following = asyncio.create_task(follow(reader, count))

    for part in range(1, 5):
        await published_at_least(bus, topic, part * 1000)
        await asyncio.to_thread(kafka_proxy.cut)

    async with asyncio.timeout(50):
        await publishing
        assert await following == list(range(count))


async def published_at_least(bus: Bus, topic: str, count: int) -> None:
    """Return once so many records are on the topic, repeated ones counted."""
    async with asyncio.timeout(20):
        while (await bus.bounds(topic, [0]))[0][1] < count:
            pass


@pytest.mark.parametrize("ways", [{"down": False}, {"up": False}], ids=["there", "back"])
async def test_a_line_that_stalls_is_told_in_time_and_used_again(
    bus_by_proxy: KafkaBus, topic: str, kafka_proxy: Proxy, ways: dict[str, bool]
) -> None:
    reader = await bus_by_proxy.reader(topic)
    await reader.assign({0: 0})
    await bus_by_proxy.send(topic, 0, Record(b"key", b"0"))
    assert await follow(reader, 1) == [0]

    with kafka_proxy.stalled(**ways):
        async with asyncio.timeout(BOUND):
            with pytest.raises(BusUnavailableError):
                await bus_by_proxy.send(topic, 0, Record(b"key", b"1"))
        async with asyncio.timeout(BOUND):
            with pytest.raises(BusUnavailableError):
                await until_poll_fails(reader)

    await until_it_answers(bus_by_proxy, topic)
    await bus_by_proxy.send(topic, 0, Record(b"key", b"2"))
    assert (await follow_last(reader, b"2"))[-1] == b"2"


async def follow_last(reader: Reader, last: bytes) -> list[bytes]:
    """Read until a value was there."""
    values: list[bytes] = []
    async with asyncio.timeout(20):
        while last not in values:
            values += [message.value for message in await reader.poll(wait=1)]
    return values


async def test_a_slow_line_is_slow_and_nothing_else(
    bus_by_proxy: KafkaBus, topic: str, kafka_proxy: Proxy
) -> None:
    reader = await bus_by_proxy.reader(topic)
    await reader.assign({0: 0})
    with kafka_proxy.slowed(latency=0.05, rate=100_000):
        assert await relay(bus_by_proxy, topic, 500) == 0
        assert await follow(reader, 500) == list(range(500))
