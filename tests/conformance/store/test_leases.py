"""Who may write which partition."""

import asyncio
from uuid import uuid4

from signoff.events.store.base import EventStore
from support.stores import PARTITIONS, Opened, Writer, events


async def test_partitions_are_free_at_first(store: EventStore) -> None:
    leases = await store.leases()

    assert [lease.partition for lease in leases] == list(range(PARTITIONS))
    assert {(lease.owner, lease.epoch, lease.next_offset, lease.relayed) for lease in leases} == {
        (None, 0, 0, 0)
    }
    assert all(lease.seconds_left <= 0 for lease in leases)


async def test_an_owner_takes_no_more_than_it_asks_for(store: EventStore) -> None:
    mine = await store.acquire("me", most=3, ttl=60)

    assert [(lease.owner, lease.epoch, lease.next_offset, lease.relayed) for lease in mine] == [
        ("me", 1, 0, 0)
    ] * 3
    held = [lease for lease in await store.leases() if lease.owner == "me"]
    assert {lease.partition for lease in held} == {lease.partition for lease in mine}
    assert all(55 < lease.seconds_left <= 60 for lease in held)


async def test_what_is_held_is_not_taken(store: EventStore) -> None:
    mine = await store.acquire("me", most=3, ttl=60)

    yours = await store.acquire("you", most=PARTITIONS, ttl=60)

    assert len(yours) == PARTITIONS - 3
    assert not {lease.partition for lease in mine} & {lease.partition for lease in yours}
    assert await store.acquire("she", most=PARTITIONS, ttl=60) == []


async def test_two_that_take_at_once_share_and_neither_gets_the_others(store: EventStore) -> None:
    taken = await asyncio.gather(*(store.acquire(f"owner {n}", most=3, ttl=60) for n in range(4)))

    partitions = [lease.partition for leases in taken for lease in leases]
    assert len(partitions) == len(set(partitions))
    left = await store.acquire("last", most=PARTITIONS, ttl=60)
    assert len(partitions) + len(left) == PARTITIONS


async def test_a_lapsed_lease_is_taken_with_a_raised_epoch_and_where_it_stood(opened: Opened) -> None:
    store = opened.store
    writer = await Writer.of(store, "one", ttl=0.05)
    position = await writer.append(*events(uuid4(), [1]), next_offset=7)
    await store.relayed({writer.lease.partition: (writer.lease.epoch, position)})
    await opened.let_leases_lapse()

    taken = await store.acquire("two", most=PARTITIONS, ttl=60)

    (lease,) = [lease for lease in taken if lease.partition == writer.lease.partition]
    assert (lease.owner, lease.epoch, lease.next_offset, lease.relayed) == ("two", 2, 7, position)


async def test_a_renewed_lease_goes_on(opened: Opened) -> None:
    store = opened.store
    (lease,) = await store.acquire("me", most=1, ttl=0.05)

    assert await store.renew({lease.partition: lease.epoch}, owner="me", ttl=60) == {lease.partition}

    assert (await store.leases())[lease.partition].seconds_left > 55
    assert lease.partition not in {other.partition for other in await store.acquire("you", most=99, ttl=60)}


async def test_a_lost_lease_is_not_renewed(opened: Opened) -> None:
    store = opened.store
    lost, kept = await store.acquire("one", most=2, ttl=0.05)
    await opened.let_leases_lapse()
    await store.acquire("two", most=1, ttl=60)

    held = await store.renew({lost.partition: lost.epoch, kept.partition: kept.epoch}, owner="one", ttl=60)

    assert held == {kept.partition}


async def test_nobody_renews_or_frees_what_another_holds(store: EventStore) -> None:
    (lease,) = await store.acquire("me", most=1, ttl=60)
    before = (await store.leases())[lease.partition]

    assert await store.renew({lease.partition: lease.epoch}, owner="you", ttl=600) == frozenset()
    assert await store.renew({lease.partition: lease.epoch + 1}, owner="me", ttl=600) == frozenset()
    await store.release({lease.partition: lease.epoch}, owner="you")
    await store.release({lease.partition: lease.epoch - 1}, owner="me")

    after = (await store.leases())[lease.partition]
    assert (after.owner, after.epoch) == (before.owner, before.epoch)
    assert after.seconds_left <= 60


async def test_a_freed_lease_is_taken_at_once(store: EventStore) -> None:
    mine = await store.acquire("me", most=PARTITIONS, ttl=60)
    await store.release({mine[2].partition: mine[2].epoch}, owner="me")

    (taken,) = await store.acquire("you", most=PARTITIONS, ttl=60)

    assert (taken.partition, taken.epoch) == (mine[2].partition, 2)


async def test_who_waits_for_a_release_hears_of_it(store: EventStore) -> None:
    (lease,) = await store.acquire("me", most=1, ttl=60)
    heard = await store.released(0, limit=0.5)  # a database's hints begin once somebody listens
    waiting = asyncio.create_task(store.released(heard, limit=20))
    await asyncio.sleep(0)

    await store.release({lease.partition: lease.epoch}, owner="me")

    assert await waiting > heard


async def test_a_release_that_came_before_the_question_is_heard_of_at_once(store: EventStore) -> None:
    (lease,) = await store.acquire("me", most=1, ttl=60)
    heard = await store.released(0, limit=0.5)
    await store.release({lease.partition: lease.epoch}, owner="me")
    await store.released(heard, limit=20)

    async with asyncio.timeout(1):
        assert await store.released(heard, limit=20) > heard


async def test_the_relays_position_only_moves_forward_and_under_its_epoch(store: EventStore) -> None:
    one, two = await store.acquire("me", most=2, ttl=60)

    await store.relayed({one.partition: (one.epoch, 5), two.partition: (two.epoch + 1, 9)})
    await store.relayed({one.partition: (one.epoch, 3)})

    leases = await store.leases()
    assert (leases[one.partition].relayed, leases[two.partition].relayed) == (5, 0)


async def test_executors_are_counted_while_they_live(opened: Opened) -> None:
    store = opened.store

    assert await store.announce("one", ttl=60) == 1
    assert await store.announce("two", ttl=60) == 2
    assert await store.announce("one", ttl=60) == 2
    assert await store.announce("two", ttl=0) == 1


async def test_an_executor_that_says_nothing_more_is_not_counted(opened: Opened) -> None:
    store = opened.store
    await store.announce("silent", ttl=0.05)
    await store.acquire("silent", most=1, ttl=0.1)
    await opened.let_leases_lapse()

    assert await store.announce("one", ttl=60) == 1


async def test_nothing_to_renew_free_or_record_is_no_error(store: EventStore) -> None:
    assert await store.renew({}, owner="me", ttl=60) == frozenset()
    await store.release({}, owner="me")
    await store.relayed({})
