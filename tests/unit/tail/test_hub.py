"""Many readers: one reading of the topic and one look at the log for all."""

import asyncio
import random

import pytest

from signoff.events.bus.memory import MemoryBus
from signoff.events.ids import new_id
from signoff.events.topics import EXECUTIONS, PARTITIONS
from signoff.runtime.health import Health
from signoff.tail import Frame, Hub, Reader, TailClosedError, TailFullError
from signoff.tail import reader as reader_module
from signoff.tail import topic as topic_module
from support.growing_logs import LIMIT, GrowingLog, Ledger, completed, paused, resumed, started, step, until
from support.hubs import Hubs, WatchedStore


async def _all(hub: Hub, log: GrowingLog, after: int = 0) -> list[bytes]:
    async with asyncio.timeout(LIMIT):
        return [each.raw async for each in hub.follow(log.log_id, after=after) if isinstance(each, Frame)]


async def _history(reader: Reader) -> None:
    await reader.begin()
    assert not reader.ended


async def test_readers_of_one_log_share_each_frame(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), status="running")
    with hub.open(log.log_id, after=1) as first, hub.open(log.log_id, after=1) as second:
        await _history(first)
        await _history(second)
        await until(lambda: hub.live)

        shared = []
        for _ in range(10):  # a reader that is behind, as on a slow machine, reads for itself
            await log.add(step())
            shared.append((await first.read())[0] is (await second.read())[0])

        assert any(shared)


async def test_events_that_nobody_follows_are_not_even_read(
    hub: Hub, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, unread = ledger.log(), ledger.log()
    await log.add(started(), status="running")
    with hub.open(log.log_id, after=1) as reader:
        await _history(reader)
        await until(lambda: hub.live)

        await unread.publish(b"this would not decode")
        await log.add(step())

        assert [frame.event_id for frame in await reader.read()] == [2]


async def test_one_query_finds_all_readers_that_are_behind(
    hubs: Hubs, ledger: Ledger, store: WatchedStore
) -> None:
    hub = hubs.new(check=0.05, check_away=0.05)
    logs = [ledger.log() for _ in range(20)]
    readers = [hub.open(log.log_id, after=0) for log in logs for _ in range(3)]
    for log in logs:
        await log.add(started(), status="running")
    for reader in readers:
        await _history(reader)
    await until(lambda: hub.live)
    for log in logs:
        await log.add(completed(), status="completed", publish=False)
    store.asked.clear()

    async with asyncio.timeout(LIMIT):
        ends = [[frame.event_id for frame in await reader.read()] for reader in readers]

    assert ends == [[2]] * len(readers)
    assert store.asked.count("heads") <= 2
    for reader in readers:
        hub.leave(reader)


async def test_streams_live_on_while_the_topic_is_away(hubs: Hubs, ledger: Ledger, bus: MemoryBus) -> None:
    hub = hubs.new(check=3600, check_away=0.02)
    log = ledger.log()
    await log.add(started(), status="running")
    with hub.open(log.log_id, after=0) as reader:
        await _history(reader)
        await until(lambda: hub.live)
        await bus.close()
        await until(lambda: not hub.live)

        await log.add(step(), publish=False)
        first = await asyncio.wait_for(reader.read(), LIMIT)
        await log.add(completed(), status="completed", publish=False)
        second = await asyncio.wait_for(reader.read(), LIMIT)

    assert [frame.event_id for frame in first + second] == [2, 3]
    assert reader.ended


async def test_a_topic_that_comes_later_is_followed_and_nothing_between_is_missed(
    store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_module, "_RETRY_SECONDS", 0.02)
    bus = MemoryBus()
    ledger = await Ledger.open(store, bus)
    hub = Hub(store, bus, check=3600, check_away=3600)
    log = ledger.log()
    await log.add(started(), status="running", publish=False)
    with hub.open(log.log_id, after=1) as reader:
        await _history(reader)
        await log.add(step(), publish=False)
        await bus.create({EXECUTIONS: PARTITIONS}, configs={})

        frames = await asyncio.wait_for(reader.read(), LIMIT)
        await log.add(step())
        frames += await asyncio.wait_for(reader.read(), LIMIT)

    assert [frame.event_id for frame in frames] == [2, 3]
    await hub.close()
    await bus.close()


async def test_a_reader_of_the_topic_that_fell_too_far_behind_goes_on_at_its_end(
    hub: Hub, ledger: Ledger, bus: MemoryBus
) -> None:
    log = ledger.log()
    await log.add(started(), status="running")
    with hub.open(log.log_id, after=0) as reader:
        await _history(reader)
        await until(lambda: hub.live)
        await log.publish(*([b"x"] * 25_000))  # more than the bus keeps, while the hub had no turn
        await log.add(step())

        frames = await asyncio.wait_for(reader.read(), LIMIT)

    assert [frame.event_id for frame in frames] == [2]


@pytest.mark.parametrize("seed", range(10))
async def test_readers_that_come_and_go_at_any_time_miss_and_repeat_nothing(
    hubs: Hubs, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(reader_module, "_PAGE", chance.choice([5, 500]))
    monkeypatch.setattr(reader_module, "_PAGE_BYTES", chance.choice([1000, 1024 * 1024]))
    hub = hubs.new(check=0.01, check_away=0.01)
    log = ledger.log()
    await log.add(started(), status="running")

    async def write() -> None:
        for _ in range(150):
            raws = await log.add(
                *(step(chance.randrange(9)) for _ in range(chance.randrange(1, 4))), publish=False
            )
            if chance.random() < 0.8:
                await log.publish(*(raws if chance.random() < 0.7 else chance.choices(log.raws, k=3)))
            await asyncio.sleep(chance.choice([0, 0, 0.0005]))
        await log.add(completed(), status="completed", publish=chance.random() < 0.5)

    async def read() -> tuple[int, list[bytes]]:
        await asyncio.sleep(chance.random() * 0.1)
        after = chance.randrange(log.version + 1)
        got: list[bytes] = []
        while True:
            with hub.open(log.log_id, after=after + len(got)) as reader:
                got += [frame.raw for frame in await reader.begin()]
                while not reader.ended and chance.random() > 0.1:
                    got += [frame.raw for frame in await reader.read()]
                    await asyncio.sleep(chance.choice([0, 0.001, 0.005]))
                if reader.ended:
                    return after, got

    async with asyncio.timeout(LIMIT):
        _, *read_by = await asyncio.gather(write(), *(read() for _ in range(30)))

    for after, got in read_by:
        assert got == log.raws[after:]


async def test_a_storm_of_readers_is_served_with_few_queries_each(
    hubs: Hubs, ledger: Ledger, store: WatchedStore
) -> None:
    hub = hubs.new()
    log = ledger.log()
    await log.add(started(), step(), paused(), status="paused")

    got = await asyncio.gather(*(_all(hub, log, after=after % 4) for after in range(2000)))

    assert got == [log.raws[after % 4 :] for after in range(2000)]
    assert len(store.asked) <= 2 * 2000 + 2


async def test_more_readers_than_allowed_are_refused_until_one_leaves(hubs: Hubs, ledger: Ledger) -> None:
    hub = hubs.new(max_readers=1)
    log_id = ledger.log().log_id
    with hub.open(log_id, after=0), pytest.raises(TailFullError):
        hub.open(log_id, after=0)

    with hub.open(log_id, after=0):
        assert hub.readers == 1
    assert hub.readers == 0


async def test_a_hub_without_readers_stops_and_starts_again_with_the_next(hubs: Hubs, ledger: Ledger) -> None:
    hub = hubs.new(idle=0.01)
    before = asyncio.all_tasks()
    log, run = ledger.log(), new_id()
    await log.add(started(), paused(), status="paused")

    await _all(hub, log)
    await until(lambda: asyncio.all_tasks() == before)
    assert not hub.live
    await log.add(resumed(run), status="running")
    with hub.open(log.log_id, after=0) as reader:
        await _history(reader)
        await until(lambda: hub.live)
        await log.add(step())

        assert [frame.event_id for frame in await reader.read()] == [4]


async def test_a_reader_that_comes_before_the_hub_stops_keeps_it_running(hubs: Hubs, ledger: Ledger) -> None:
    hub = hubs.new(idle=0.02)
    log_id = ledger.log().log_id
    with hub.open(log_id, after=0):
        await until(lambda: hub.live)
    with hub.open(log_id, after=0) as reader:
        assert await reader.read(wait=0.05) == []

        assert hub.live


async def test_a_closed_hub_takes_no_readers_and_leaves_no_task(hubs: Hubs, ledger: Ledger) -> None:
    hub = hubs.new()
    before = asyncio.all_tasks()
    with hub.open(ledger.log().log_id, after=0) as reader:
        await until(lambda: hub.live)

        await hub.close()

        assert asyncio.all_tasks() == before
        with pytest.raises(TailClosedError):
            await reader.read()
        with pytest.raises(TailClosedError):
            hub.open(reader.log_id, after=0)


async def test_a_fault_in_the_background_takes_readiness_down(
    hubs: Hubs, ledger: Ledger, bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: str) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(bus, "reader", fails)
    health = Health()
    hub = hubs.new(watch=health.watch)

    with hub.open(ledger.log().log_id, after=0):
        await until(lambda: bool(health._closed))

    assert (await health.readiness()).status == "unavailable"
