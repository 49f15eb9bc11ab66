"""Who owns what: executors share the partitions, and one that has lost its lease does nothing more."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from signoff.events.store.base import Lease
from signoff.events.store.memory import MemoryStore
from signoff.executor.ownership import lease as module
from signoff.executor.ownership.lease import Leases
from signoff.runtime.health import Health
from support.executor_blocks import Probe
from support.executor_faults import FaultyStore
from support.executors import Site, until
from support.stores import Clock

ONE = {"blocks": {"only": {"type": "probe.work"}}}
HELD = {"blocks": {"held": {"type": "probe.hold", "then": "after"}, "after": {"type": "probe.work"}}}


# The leases alone, by a clock of the test's -----------------------------------------------------------------


class Keeping:
    """A keeper of leases whose clock, and whose database's clock, the test moves."""

    def __init__(self, store: Any, clock: Callable[[], float], owner: str, **times: float) -> None:
        self.taken: list[int] = []
        self.gone: list[int] = []
        self.handed_over: list[int] = []
        self.at_work: set[int] = set()
        self.leases = Leases(store, owner, holder=self, partitions=4, monotonic=clock, **times)

    async def gained(self, lease: Lease) -> None:
        self.taken.append(lease.partition)

    async def handing_over(self, partition: int) -> None:
        await until(lambda: partition not in self.at_work)
        self.handed_over.append(partition)

    async def lost(self, partition: int) -> None:
        self.gone.append(partition)

    async def round(self) -> None:
        """What happens each second, and what follows from it as far as nothing is at work."""
        await self.leases._round()
        await until(lambda: self.at_work.issuperset(self.leases._handed_over))


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(clock: Clock) -> MemoryStore:
    store = MemoryStore(clock=clock)
    await store.migrate(partitions=4)
    return store


async def test_one_keeper_takes_everything(store: MemoryStore, clock: Clock) -> None:
    one = Keeping(store, clock, "one")

    await one.round()

    assert one.taken == [0, 1, 2, 3]


async def test_a_second_keeper_gets_its_share_and_the_first_gives_it_back(
    store: MemoryStore, clock: Clock
) -> None:
    one, two = Keeping(store, clock, "one"), Keeping(store, clock, "two")
    await one.round()
    await two.round()

    await one.round()
    await two.round()

    assert (one.leases.owned, sorted(one.handed_over)) == ([0, 1], [2, 3])
    assert two.leases.owned == [2, 3]


async def test_a_third_keeper_gets_a_share_too(store: MemoryStore, clock: Clock) -> None:
    keepers = [Keeping(store, clock, name) for name in ("one", "two", "three")]
    for _ in range(3):
        for keeper in keepers:
            await keeper.round()

    owned = [keeper.leases.owned for keeper in keepers]
    assert sorted(partition for each in owned for partition in each) == [0, 1, 2, 3]
    assert max(map(len, owned)) == 2


async def test_the_share_of_a_keeper_that_died_is_taken_when_its_leases_lapse(
    store: MemoryStore, clock: Clock
) -> None:
    one, two = Keeping(store, clock, "one"), Keeping(store, clock, "two")
    await one.round()
    clock.now += module.TTL + 0.1

    await two.round()

    assert two.leases.owned == [0, 1, 2, 3]


async def test_what_was_lost_and_taken_again_while_it_was_handed_over_is_handed_over_on_leaving(
    store: MemoryStore, clock: Clock
) -> None:
    one = Keeping(store, clock, "one")
    await one.round()
    one.at_work.add(3)
    one.leases._hand_over(3)
    clock.now += module.TTL + 0.1
    await one.round()
    assert one.leases.owned == [0, 1, 2, 3]

    leaving = asyncio.create_task(one.leases.leave())
    await until(lambda: one.leases.owned == [3])
    one.at_work.clear()
    await leaving

    assert one.handed_over.count(3) == 2
    assert [row.owner for row in await store.leases()] == [None] * 4


async def test_a_process_that_was_stopped_knows_that_it_holds_nothing(
    store: MemoryStore, clock: Clock
) -> None:
    one = Keeping(store, clock, "one")
    await one.round()
    assert one.leases.held(0)

    clock.now += module.TTL

    assert not one.leases.held(0)


async def test_a_keeper_drops_what_another_took_meanwhile(store: MemoryStore, clock: Clock) -> None:
    one, two = Keeping(store, clock, "one"), Keeping(store, clock, "two")
    await one.round()
    clock.now += module.TTL + 0.1
    await two.round()

    await one.round()

    assert one.gone == [0, 1, 2, 3]
    assert one.leases.owned == []


async def test_leases_lapse_here_while_the_database_is_away(store: MemoryStore, clock: Clock) -> None:
    faulty = FaultyStore(store)
    one = Keeping(faulty, clock, "one")
    one.leases._renewal = 0.001
    keeping = asyncio.create_task(one.leases.keep())
    await until(lambda: one.taken)

    faulty.away = True
    clock.now += module.TTL
    await until(lambda: len(one.gone) == 4)

    faulty.away = False
    await until(lambda: len(one.taken) == 8)
    keeping.cancel()


async def test_a_lease_counts_from_before_its_renewal_was_asked_for(store: MemoryStore, clock: Clock) -> None:
    class Slow(FaultyStore):
        async def renew(self, leases: Any, *, owner: str, ttl: float) -> Any:
            answer = await store.renew(leases, owner=owner, ttl=ttl)
            clock.now += module.TTL - 0.5
            return answer

    one = Keeping(Slow(store), clock, "one")
    await one.round()
    await one.round()

    clock.now += 0.5

    assert not one.leases.held(0)


async def test_what_ran_out_while_its_renewal_was_under_way_is_not_held_again(
    store: MemoryStore, clock: Clock
) -> None:
    class Slow(FaultyStore):
        async def renew(self, leases: Any, *, owner: str, ttl: float) -> Any:
            answer = await store.renew(leases, owner=owner, ttl=ttl)
            clock.now += module.TTL + 0.1
            return answer

    one = Keeping(Slow(store), clock, "one")
    await one.round()
    clock.now += 1

    await one.leases._extend(clock.now + module.TTL)  # by its own word the renewal would reach far

    assert not any(map(one.leases.held, range(4)))
    assert [row.owner for row in await store.leases()] == [None] * 4


async def test_work_stops_when_its_lease_runs_out_though_the_database_does_not_answer(
    store: MemoryStore,
) -> None:
    class Silent(FaultyStore):
        async def renew(self, *_: Any, **__: Any) -> Any:
            await asyncio.Event().wait()

    one = Keeping(Silent(store), module.since_boot, "one", ttl=0.2, renewal=0.05)
    keeping = asyncio.create_task(one.leases.keep())

    await until(lambda: sorted(one.gone) == [0, 1, 2, 3])

    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_leases_are_renewed_while_what_they_are_for_is_brought_to_an_end(
    store: MemoryStore, clock: Clock
) -> None:
    one = Keeping(store, clock, "one")
    await one.round()
    one.at_work = {3}
    leaving = asyncio.create_task(one.leases.leave())
    await until(lambda: one.leases.owned == [3])

    for _ in range(5):
        clock.now += 1
        await one.leases._round()

    assert one.leases.held(3)
    one.at_work.clear()
    await leaving
    assert one.gone == []


async def test_each_partition_is_released_as_soon_as_its_work_has_ended(
    store: MemoryStore, clock: Clock
) -> None:
    one, two = Keeping(store, clock, "one"), Keeping(store, clock, "two")
    await one.round()
    one.at_work = {1}
    leaving = asyncio.create_task(one.leases.leave())
    await until(lambda: one.leases.owned == [1])
    await two.round()
    assert two.leases.owned == [0, 2, 3]

    one.at_work.clear()
    await leaving
    await two.round()

    assert two.leases.owned == [0, 1, 2, 3]


async def test_what_is_released_is_taken_at_once_and_not_at_the_next_round(
    store: MemoryStore, clock: Clock
) -> None:
    one, two = Keeping(store, clock, "one"), Keeping(store, clock, "two", renewal=3600.0)
    await one.round()
    taking = asyncio.create_task(two.leases.keep())
    await until(lambda: two.leases._others_end < float("inf"))

    await one.leases.leave()

    await until(lambda: two.leases.owned == [0, 1, 2, 3])
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)


async def test_who_joins_gets_its_share_in_steps(
    store: MemoryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    one, two = Keeping(store, clock, "one"), Keeping(store, clock, "two")
    await one.round()
    one.at_work = {2, 3}
    await two.round()

    await one.leases._round()
    assert list(one.leases._handed_over) == [3]
    one.at_work = {2}
    await until(lambda: not one.leases._handed_over)
    await one.leases._round()

    assert list(one.leases._handed_over) == [2]
    one.at_work.clear()
    await until(lambda: one.leases.owned == [0, 1])


# Executors --------------------------------------------------------------------------------------------------


async def test_an_executor_that_lost_one_partition_works_on_with_its_others(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry):
        workflow = await site.deploy(HELD)
        here, there = site.new_log(1), site.new_log(2)
        sent = [await site.start(workflow, log_id=log_id) for log_id in (here, there)]
        await until(lambda: len(probe.held) == 2)
        take_by_force(site, 1)
        before = await site.raw(here)

        probe.release(here)
        probe.release(there)
        await site.ended(sent[1])
        await until(lambda: str(here) not in probe.held)

        assert await site.raw(here) == before
        assert probe.tries("after") == [1]


def take_by_force(site: Site, partition: int) -> None:
    """Another owner raises the epoch, as after a lapse."""
    store = site.store
    assert isinstance(store, MemoryStore)
    row = store._partitions[partition]
    row.owner, row.epoch, row.until = "another", row.epoch + 1, row.until + 1


async def test_blocks_of_a_lost_partition_are_stopped(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry) as executor:
        log_id = site.new_log(1)
        await site.start(await site.deploy(HELD), log_id=log_id)
        await until(lambda: len(probe.held) == 1)

        take_by_force(site, 1)

        await until(lambda: not probe.held and executor._runner.running == 0)


async def test_an_executor_takes_a_lost_partition_again_when_it_is_free(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry) as executor:
        workflow = await site.deploy(ONE)
        take_by_force(site, 1)
        await until(lambda: 1 not in executor.owned)

        await site.run(workflow, log_id=site.new_log(1))

        assert executor.owned == list(range(site.partitions))
    await site.topic_equals_log()


async def test_a_partition_is_taken_again_after_the_database_was_away_at_its_take_over(
    site: Site, probe: Probe
) -> None:
    store, health = FirstUnparkedFails(site.store), Complaining()
    async with site.executor(probe.registry, store=store, health=health):
        await site.run(await site.deploy(ONE), log_id=site.new_log(1))

        assert store.failed
        assert health.complaints == []


class Complaining(Health):
    """Notes every reason for not being ready."""

    def __init__(self) -> None:
        super().__init__()
        self.complaints: list[str] = []

    def closed(self, name: str, reason: str) -> None:
        self.complaints.append(reason)
        super().closed(name, reason)


class FirstUnparkedFails(FaultyStore):
    """The database is away for the first question of a new owner."""

    failed = False

    async def unparked(self, partition: int) -> Any:
        self.away, self.failed = not self.failed, True
        try:
            return await self.__getattr__("unparked")(partition)
        finally:
            self.away = False


async def test_executors_share_partitions_and_lose_no_command_when_others_come_and_go(
    site: Site, probe: Probe
) -> None:
    async with AsyncExitStack() as stack, site.executor(probe.registry, owner="one") as first:
        workflow = await site.deploy(ONE)
        sent = [await site.start(workflow) for _ in range(30)]
        second = await stack.enter_async_context(site.executor(probe.registry, owner="two", owns=4))
        sent += [await site.start(workflow) for _ in range(30)]
        third = await stack.enter_async_context(site.executor(probe.registry, owner="three", owns=2))
        await until(
            lambda: sorted([*first.owned, *second.owned, *third.owned]) == list(range(site.partitions))
        )
        assert max(map(len, (first.owned, second.owned, third.owned))) == 3
        sent += [await site.start(workflow) for _ in range(30)]
        for each in sent:
            await site.until_event(each.log_id, "execution:completed")

    for each in sent:
        assert (await site.kinds(each.log_id)).count("execution:completed") == 1
    assert await site.store.dead_commands() == []
    await site.topic_equals_log()


async def test_an_executor_that_stops_gives_everything_back_at_once(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry):
        await site.run(await site.deploy(ONE))

    assert [row.owner for row in await site.store.leases()] == [None] * site.partitions
    async with site.executor(probe.registry), asyncio.timeout(1):
        await site.run(await site.deploy(ONE))


async def test_an_executor_without_a_database_is_not_ready_and_stops_all_the_same(
    site: Site, probe: Probe
) -> None:
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        sent = await site.start(await site.deploy(HELD))
        await until(lambda: probe.held)
        store.away = True

    assert not probe.held
    assert (await site.kinds(sent.log_id))[-1] == "block:started"
