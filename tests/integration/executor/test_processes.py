"""Executors that are killed, stopped, frozen and joined by others, as processes of their own."""

import signal
import time

from integration.executor.conftest import Fleet
from signoff.executor.ownership.lease import TTL
from support.executors import Site, until

STEPS = {
    "blocks": {
        "first": {"type": "journal.work", "then": "second"},
        "second": {"type": "journal.hold", "then": "third"},
        "third": {"type": "journal.work"},
    }
}


async def test_a_killed_executor_is_replaced_within_the_time_of_a_lease(site: Site, fleet: Fleet) -> None:
    one = await fleet.start()
    sent = await site.start(await site.deploy(STEPS))
    await until(lambda: [call[:2] for call in fleet.journal()] == [("first", 1), ("second", 1)])
    two = await fleet.start()

    await one.kill()
    killed_at = time.monotonic()
    await site.until_event(sent.log_id, "execution:completed", limit=TTL + 5)

    assert time.monotonic() - killed_at < TTL + 3
    key = str(sent.log_id)
    assert fleet.journal() == [
        ("first", 1, f"{key}/first"),
        ("second", 1, f"{key}/second"),
        ("second", 2, f"{key}/second"),
        ("third", 1, f"{key}/third"),
    ]
    await site.topic_equals_log()
    assert await two.ready()


async def test_waits_that_ended_while_nobody_lived_fire_when_somebody_comes(site: Site, fleet: Fleet) -> None:
    one = await fleet.start()
    nap = {"nap": {"type": "wait", "for": "500ms", "then": "after"}, "after": {"type": "journal.work"}}
    workflow = await site.deploy({"blocks": nap})
    sent = [await site.start(workflow) for _ in range(10)]
    for each in sent:
        await site.until_event(each.log_id, "timer:set")
    await one.kill()
    assert fleet.journal() == []

    await fleet.start()
    for each in sent:
        await site.until_event(each.log_id, "execution:completed")

    assert [call[:2] for call in fleet.journal()] == [("after", 1)] * 10


async def test_a_frozen_executor_writes_nothing_and_starts_nothing_when_it_goes_on(
    site: Site, fleet: Fleet
) -> None:
    one = await fleet.start()
    sent = await site.start(await site.deploy(STEPS))
    await until(lambda: [call[:2] for call in fleet.journal()] == [("first", 1), ("second", 1)])
    one.send(signal.SIGSTOP)
    await fleet.start()
    await site.until_event(sent.log_id, "execution:completed")
    log, journal = await site.raw(sent.log_id), fleet.journal()

    one.send(signal.SIGCONT)
    await until(one.ready)
    other = await site.start(await site.deploy(STEPS))
    await until(lambda: [call for call in fleet.journal() if call[2] == f"{other.log_id}/second"])

    assert await site.raw(sent.log_id) == log
    assert fleet.journal()[: len(journal)] == journal
    assert not [call for call in fleet.journal()[len(journal) :] if str(sent.log_id) in call[2]]
    await site.topic_equals_log()


async def test_an_executor_that_is_stopped_hands_over_at_once(site: Site, fleet: Fleet) -> None:
    one = await fleet.start()
    sent = await site.start(await site.deploy(STEPS))
    await until(lambda: [call[:2] for call in fleet.journal()] == [("first", 1), ("second", 1)])

    one.send(signal.SIGTERM)
    assert await one.ended(limit=10) == 0

    assert [row.owner for row in await site.store.leases()] == [None] * site.partitions
    await fleet.start()
    await site.until_event(sent.log_id, "execution:completed")
    assert [call[:2] for call in fleet.journal()] == [
        ("first", 1),
        ("second", 1),
        ("second", 2),
        ("third", 1),
    ]


async def test_an_executor_stops_though_a_block_works_in_a_thread(site: Site, fleet: Fleet) -> None:
    one = await fleet.start()
    await site.start(await site.deploy({"blocks": {"busy": {"type": "journal.thread"}}}))
    await until(fleet.journal)

    one.send(signal.SIGTERM)

    assert await one.ended(limit=10) == 0


async def test_a_third_executor_gets_a_share_and_no_command_is_lost(site: Site, fleet: Fleet) -> None:
    work = {"blocks": {"only": {"type": "journal.work"}}}
    await fleet.start()
    workflow = await site.deploy(work)
    sent = [await site.start(workflow) for _ in range(60)]
    await fleet.start()
    sent += [await site.start(workflow) for _ in range(60)]
    await fleet.start()
    sent += [await site.start(workflow) for _ in range(60)]

    async def shared() -> bool:
        owners = [row.owner for row in await site.store.leases()]
        return None not in owners and sorted(map(owners.count, set(owners))) == [20, 22, 22]

    await until(shared)
    sent += [await site.start(workflow) for _ in range(60)]
    for each in sent:
        await site.until_event(each.log_id, "execution:completed")

    assert await site.store.dead_commands() == []
    finished = [key for _, _, key in fleet.journal()]
    assert set(finished) == {f"{each.log_id}/only" for each in sent}
    await site.topic_equals_log()
