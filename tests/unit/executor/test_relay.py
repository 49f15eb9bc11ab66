"""The relay: everything that was committed is on the topic, in order, whatever happened between."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from signoff.events.bus.base import Bus
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import encode
from signoff.events.store.base import Append, EventStore, ExecutionRow, Lease, NewEvent
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import DEFAULT_WORKSPACE, EXECUTIONS
from signoff.events.topology import apply
from signoff.events.types import Event, TimerFired
from signoff.executor import relay as module
from signoff.executor.cloudevents import origin_of
from signoff.executor.relay import Relay
from support.executor_blocks import Probe
from support.executor_faults import FaultyBus, FaultyStore
from support.executors import Site, until

PARTITIONS = 4
CHAIN = {
    "blocks": {f"b{i}": {"type": "probe.work", **({"then": f"b{i + 1}"} if i < 9 else {})} for i in range(10)}
}


class Watched(FaultyStore):
    """A store that notes what it is asked, and can hold back the answers to appends.

    Attributes:
        asked: how often it was asked how far the log is.
        committed: the position of the last append.
    """

    def __init__(self, store: EventStore) -> None:
        super().__init__(store)
        self.asked = 0
        self.committed = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def last_position(self) -> int:
        self.asked += 1
        position: int = await self.__getattr__("last_position")()
        return position

    async def append(self, append: Append) -> int:
        self.committed = await super().append(append)
        await self.answers.wait()
        return self.committed


class Slow(FaultyBus):
    """A bus that can hold records back before it takes them."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self.answers = asyncio.Event()
        self.answers.set()

    async def publish(self, topic: str, partition: int, records: Any) -> Any:
        await self.answers.wait()
        return await super().publish(topic, partition, records)


class Writing:
    """An owner of partition 0 with its relay, and one log that it writes to."""

    def __init__(self, store: Any, bus: Any, lease: Lease) -> None:
        self.store = store
        self.bus = bus
        self.lease = lease
        self.relay = Relay(store, bus)
        self.log_id = UUID(int=1 << 64)
        self.version = 0

    def take(self) -> None:
        """Begin to publish."""
        self.relay.add(0, self.lease.epoch, self.lease.relayed)

    def event(self) -> tuple[Event, NewEvent]:
        """The next event of the log."""
        self.version += 1
        data = TimerFired(timer_id="t", kind="wait", due_at="2026-01-01T00:00:00Z")
        event = Event(
            type=data.TYPE,
            event_id=self.version,
            execution_id=str(self.log_id),
            workflow_id="w",
            timestamp="2026-01-01T00:00:00.000000Z",
            causation_id="1",
            data=data,
        )
        return event, NewEvent(self.log_id, self.version, "signoff:TimerFired", encode(event))

    async def write(self, *, count: int = 1, hand_over: bool = True) -> None:
        """Append events, and tell the relay as the partition does."""
        events, new = zip(*(self.event() for _ in range(count)), strict=True)
        append = Append(partition=0, epoch=self.lease.epoch, events=list(new))
        with self.relay.appending(0):
            position = await self.store.append(append)
            if hand_over:
                origin = origin_of(self.log_id, str(DEFAULT_WORKSPACE), "w", str(self.log_id))
                self.relay.publish(0, origin, events, new, position)

    async def published(self) -> list[tuple[int, bytes]]:
        """Event ids on the topic, each with whether it says that it may be a repetition."""
        first, end = (await self.bus.bounds(EXECUTIONS, [0]))[0]
        reader = await self.bus.reader(EXECUTIONS)
        await reader.assign({0: first})
        messages = await reader.poll(wait=0.1, limit=10_000) if end > first else []
        await reader.close()
        headers = [dict(message.headers) for message in messages]
        return [(int(each["ce_eventid"]), each["ce_republished"]) for each in headers]

    async def until_published(self, count: int) -> None:
        async def complete() -> bool:
            return [event_id for event_id, _ in await self.published()][-count:] == [
                *range(self.version - count + 1, self.version + 1)
            ]

        await until(complete)


@pytest.fixture
async def writing() -> AsyncIterator[Writing]:
    store, bus = MemoryStore(), MemoryBus()
    await store.migrate(partitions=PARTITIONS)
    await apply(bus, partitions=PARTITIONS)
    (lease,) = await store.acquire("writer", most=1, ttl=60)
    writing = Writing(Watched(store), Slow(bus), lease)
    row = ExecutionRow(
        log_id=writing.log_id,
        partition=0,
        workspace_id=DEFAULT_WORKSPACE,
        workflow_id="w",
        workflow_version=1,
        status="running",
        trigger="api",
        mode="async",
        version=1,
        parked=False,
        started_at=1.0,
        updated_at=1.0,
    )
    await store.append(Append(partition=0, epoch=lease.epoch, rows=[row]))
    yield writing
    await writing.relay.remove(0)
    await bus.close()


async def test_each_event_is_published_once_and_in_order(writing: Writing) -> None:
    writing.take()
    for _ in range(50):
        await writing.write(count=2)
    await until(lambda: writing.relay.lag == 0)

    assert [event_id for event_id, _ in await writing.published()] == [*range(1, 101)]


async def test_what_is_published_by_its_first_owner_is_no_repetition(writing: Writing) -> None:
    writing.take()
    await until(lambda: writing.relay.lag == 0)
    await writing.write(count=3)
    await writing.until_published(3)

    assert {again for _, again in await writing.published()} == {b"false"}


async def test_a_new_owner_publishes_what_is_after_the_recorded_position_marked_as_a_repetition(
    writing: Writing,
) -> None:
    await writing.write(count=3, hand_over=False)

    writing.take()
    await writing.until_published(3)

    assert await writing.published() == [(1, b"true"), (2, b"true"), (3, b"true")]


async def test_everything_is_published_in_order_after_the_broker_was_away(writing: Writing) -> None:
    writing.take()
    await writing.write(count=3)
    await writing.until_published(3)
    writing.bus.away = True
    for _ in range(10):
        await writing.write(count=2)
    writing.bus.away = False

    await writing.until_published(23)

    assert [event_id for event_id, _ in await writing.published()] == [*range(1, 24)]


@pytest.mark.parametrize("limit", [("_BUFFER", 10), ("_BUFFER_BYTES", 2000)])
async def test_what_does_not_fit_into_the_buffer_is_read_from_the_log(
    writing: Writing, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    monkeypatch.setattr(module, *limit)
    writing.take()
    await until(lambda: writing.relay.lag == 0)
    writing.bus.answers.clear()
    for _ in range(10):
        await writing.write(count=5)
    assert len(writing.relay._publishers[0]._buffer) <= 10
    writing.bus.answers.set()

    await writing.until_published(50)
    await writing.write()
    await writing.until_published(51)


async def test_a_catch_up_of_several_pages_is_complete(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGE", 7)
    await writing.write(count=50, hand_over=False)

    writing.take()

    await writing.until_published(50)


async def test_the_recorded_position_follows_acknowledgements_only(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REPORT", 0.01)
    writing.take()
    reporting = asyncio.create_task(writing.relay.report())
    await writing.write(count=2)
    await until(lambda: relayed_is(writing, 2))
    writing.bus.away = True
    await writing.write(count=2)
    failing = writing.relay._publishers[0]
    await until(lambda: failing._behind)

    assert await relayed_is(writing, 2)
    writing.bus.away = False
    await until(lambda: relayed_is(writing, 4))
    reporting.cancel()


async def relayed_is(writing: Writing, position: int) -> bool:
    return (await writing.store.leases())[0].relayed == position


async def test_the_position_of_an_idle_partition_follows_the_log(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REPORT", 0.01)
    monkeypatch.setattr(module, "IDLE_GAP", 5)
    (other,) = await writing.store.acquire("other", most=1, ttl=60)
    new = [
        NewEvent(UUID(int=other.partition), version, "signoff:TimerFired", b"{}") for version in range(1, 21)
    ]
    await writing.store.append(Append(partition=other.partition, epoch=other.epoch, events=new))

    writing.take()
    reporting = asyncio.create_task(writing.relay.report())

    await until(lambda: relayed_is(writing, 20))
    await writing.write()
    await writing.until_published(1)
    reporting.cancel()


async def reports(writing: Writing, count: int) -> None:
    """Wait until the relay has looked some times at how far the log is."""
    target = writing.store.asked + count
    await until(lambda: writing.store.asked >= target)


async def test_the_position_does_not_pass_an_append_whose_answer_is_on_its_way(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REPORT", 0.01)
    monkeypatch.setattr(module, "IDLE_GAP", 0)
    writing.take()
    reporting = asyncio.create_task(writing.relay.report())
    await writing.write()
    await until(lambda: relayed_is(writing, 1))

    writing.store.answers.clear()
    appending = asyncio.create_task(writing.write())
    await until(lambda: writing.store.committed == 2)
    await reports(writing, 3)
    assert await relayed_is(writing, 1)

    writing.store.answers.set()
    await appending
    await until(lambda: relayed_is(writing, 2))
    reporting.cancel()


async def test_a_commit_that_becomes_known_only_later_is_published(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit of unknown outcome becomes visible after the relay asked the log about it."""
    monkeypatch.setattr(module, "_REPORT", 0.01)
    monkeypatch.setattr(module, "IDLE_GAP", 0)
    writing.take()
    reporting = asyncio.create_task(writing.relay.report())
    await writing.write()
    await writing.until_published(1)

    writing.relay.doubt(0)
    await until(lambda: writing.relay.lag == 0)
    await writing.write(hand_over=False)
    await reports(writing, 3)
    await writing.write()

    await writing.until_published(3)
    reporting.cancel()


async def test_a_partition_that_is_let_go_is_published_to_its_end_and_its_position_recorded(
    writing: Writing,
) -> None:
    writing.take()
    await writing.write(count=20)

    await writing.relay.remove(0, limit=5)

    assert [event_id for event_id, _ in await writing.published()] == [*range(1, 21)]
    assert await relayed_is(writing, 20)


async def test_a_partition_is_let_go_in_bounded_time_though_the_broker_is_away(writing: Writing) -> None:
    writing.take()
    writing.bus.away = True
    await writing.write()

    async with asyncio.timeout(3):
        await writing.relay.remove(0, limit=0.1)

    assert await relayed_is(writing, 0)


async def test_the_topic_equals_the_log_after_the_broker_was_away_under_work(
    site: Site, probe: Probe
) -> None:
    bus = FaultyBus(site.bus)
    async with site.executor(probe.registry, bus=bus):
        workflow = await site.deploy(CHAIN)
        bus.away = True
        sent = [await site.start(workflow) for _ in range(20)]
        for each in sent:
            await site.until_event(each.log_id, "execution:completed")
        bus.away = False
        await site.topic_equals_log()
