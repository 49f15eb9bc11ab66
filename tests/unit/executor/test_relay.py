"""The relay: everything that was committed is on the topic, in order, whatever happened between."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from signoff.events.store.base import Append, NewEvent
from signoff.executor.publishing import publisher
from signoff.executor.publishing import relay as module
from support.executor_blocks import Probe
from support.executor_faults import FaultyBus
from support.executors import Site, until
from support.relays import Writing

CHAIN = {
    "blocks": {f"b{i}": {"type": "probe.work", **({"then": f"b{i + 1}"} if i < 9 else {})} for i in range(10)}
}


@pytest.fixture
async def writing() -> AsyncIterator[Writing]:
    async with Writing.open() as writing:
        yield writing


async def test_each_event_is_published_once_and_in_order(writing: Writing) -> None:
    writing.take()
    await until(lambda: writing.relay.lag == 0)
    for _ in range(50):
        await writing.write(count=2)
    await until(lambda: writing.relay.lag == 0)

    assert await writing.published() == [(event_id, b"false") for event_id in range(1, 101)]


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
    await until(lambda: writing.relay.lag == 0)
    await writing.write(count=3)
    await writing.until_published(3)
    writing.bus.away = True
    for _ in range(10):
        await writing.write(count=2)
    await until(lambda: writing.bus.turned_away)
    writing.bus.away = False

    await writing.until_published(23)

    assert [event_id for event_id, _ in await writing.published()] == [*range(1, 24)]


@pytest.mark.parametrize("limit", [("_BUFFER", 10), ("_BUFFER_BYTES", 2000)])
async def test_what_does_not_fit_into_the_buffer_is_read_from_the_log(
    writing: Writing, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    monkeypatch.setattr(publisher, *limit)
    writing.take()
    await until(lambda: writing.relay.lag == 0)
    writing.bus.answers.clear()
    for _ in range(10):
        await writing.write(count=5)
    assert len(writing.relay._publishers[0]._buffer.records) <= 10
    writing.bus.answers.set()

    await writing.until_published(50)
    await writing.write()
    await writing.until_published(51)


async def test_a_catch_up_of_several_pages_is_complete(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_PAGE", 7)
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
    await until(lambda: writing.bus.turned_away)
    await reports(writing, 3)

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


async def test_an_append_that_was_given_up_is_published_though_its_answer_never_came(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_GAP", 0)
    writing.take()
    await writing.write()
    await writing.until_published(1)
    writing.store.answers.clear()
    appending = asyncio.create_task(writing.write())
    await until(lambda: writing.store.committed == 2)

    appending.cancel()
    await asyncio.wait([appending])
    await writing.relay._pass_over_idle()
    await writing.relay.remove(0, limit=5)

    assert [event_id for event_id, _ in await writing.published()] == [1, 2]
    assert await relayed_is(writing, 2)


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


async def test_nothing_is_published_any_more_once_whoever_lets_a_partition_go_was_ended(
    writing: Writing,
) -> None:
    publishing = writing.relay.add(0, writing.lease.epoch, writing.lease.relayed)
    writing.bus.away = True
    await writing.write()
    await until(lambda: writing.bus.turned_away)
    letting_go = asyncio.create_task(writing.relay.remove(0, limit=5))
    await until(lambda: not writing.relay._publishers)

    letting_go.cancel()
    await asyncio.wait([letting_go])

    await until(publishing.cancelled)


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
