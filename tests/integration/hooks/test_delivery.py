"""Deliveries over crashes, failures and a change of owners."""

import asyncio
import random
from typing import Any

from aiohttp import web

from signoff.access.hooks import DEAD, PENDING
from support.hooks import COMPLETED, PARTITIONS, QUICK, STARTED, WORKSPACE, HookSite, Receiver
from support.stores import until


async def test_an_event_is_told_with_its_very_bytes(site: HookSite, receiver: Receiver) -> None:
    hook = await site.hook(receiver.url())
    log_id = await site.executed()
    async with site.delivering():
        await receiver.until(lambda: len(receiver.received) == 2)
    recorded = await site.store.read(log_id)
    assert [each.body for each in receiver.received] == [each.state for each in recorded]
    assert receiver.ids() == [f"{hook}/{log_id}/1", f"{hook}/{log_id}/2"]


async def test_what_a_fork_copied_is_not_told_again(site: HookSite, receiver: Receiver) -> None:
    hook = await site.hook(receiver.url())
    log_id = site.new_log()
    await site.append(log_id, STARTED)
    await site.append(log_id, COMPLETED, copied=True)
    await site.append(log_id, COMPLETED)
    async with site.delivering():
        await receiver.until(lambda: len(receiver.received) == 2)
    await site.replay(hook, log_id, 1)
    async with site.delivering():
        await receiver.until(lambda: len(receiver.received) == 4)
    assert receiver.of(log_id) == [1, 3, 1, 3]


async def test_a_crash_between_delivery_and_position_delivers_again_with_the_same_id(
    site: HookSite, receiver: Receiver
) -> None:
    await site.hook(receiver.url())
    log_id = await site.executed()
    async with site.delivering(store=Forgetful(site.store)):
        await receiver.until(lambda: len(receiver.received) == 2)
    async with site.delivering():
        await receiver.until(lambda: len(receiver.received) == 4)
    assert receiver.ids()[:2] == receiver.ids()[2:]
    assert receiver.of(log_id) == [1, 2, 1, 2]


async def test_what_was_delivered_is_not_delivered_again_after_a_stop(
    site: HookSite, receiver: Receiver
) -> None:
    await site.hook(receiver.url())
    await site.executed()
    async with site.delivering():
        await receiver.until(lambda: len(receiver.received) == 2)
    later = await site.executed()
    async with site.delivering():
        await receiver.until(lambda: len(receiver.received) == 4)
    assert receiver.of(later) == [1, 2]


async def test_a_new_owner_goes_on_where_the_one_before_stopped(site: HookSite, receiver: Receiver) -> None:
    await site.hook(receiver.url())
    first, second = set(range(PARTITIONS)), set[int]()
    async with site.delivering(owned=first), site.delivering(owned=second):
        before = await site.executed(3)
        await receiver.until(lambda: receiver.of(before) == [1, 2])

        async def recorded() -> bool:
            return await site.store.tracked("hooks/3") == await site.store.last_position()

        await until(recorded)
        first.discard(3)
        second.add(3)
        after = await site.executed(3)
        await receiver.until(lambda: receiver.of(after) == [1, 2])
        other = await site.executed(2)
        await receiver.until(lambda: receiver.of(other) == [1, 2])
    assert receiver.of(before) == [1, 2]


async def test_what_an_owner_put_aside_is_delivered_by_the_next(site: HookSite, receiver: Receiver) -> None:
    await site.hook(receiver.url())
    receiver.answer = lambda _: web.Response(status=503)
    log_id = await site.executed()
    async with site.delivering():
        await receiver.until(lambda: len(receiver.received) >= 2)
    receiver.received.clear()
    receiver.answer = lambda _: web.Response()
    async with site.delivering():
        await receiver.until(lambda: receiver.of(log_id)[-1:] == [2])


async def test_events_of_one_execution_come_in_order_though_some_fail(
    site: HookSite, receiver: Receiver
) -> None:
    failures = dict.fromkeys(range(1, 9), 2)

    def answer(received: Any) -> web.Response:
        event_id = received.event[1]
        failures[event_id] -= 1
        return web.Response(status=500 if failures[event_id] >= 0 else 200)

    await site.hook(receiver.url(), types=["execution:started", "execution:completed"])
    receiver.answer = answer
    log_id = site.new_log()
    async with site.delivering():
        await site.append(log_id, STARTED)
        for _ in range(7):
            await site.append(log_id, COMPLETED)
        await receiver.until(lambda: receiver.of(log_id)[-1:] == [8] and failures[8] < 0)
    assert receiver.of(log_id) == [event_id for event_id in range(1, 9) for _ in range(3)]


async def test_other_executions_go_on_while_one_fails(site: HookSite, receiver: Receiver) -> None:
    await site.hook(receiver.url())
    bad, good = site.new_log(), site.new_log()
    receiver.answer = lambda received: web.Response(status=500 if received.event[0] == str(bad) else 200)
    async with site.delivering():
        await site.append(bad, STARTED)
        await receiver.until(lambda: len(receiver.of(bad)) > 1)
        await site.append(good, STARTED, COMPLETED)
        await receiver.until(lambda: receiver.of(good) == [1, 2])
        await site.append(bad, COMPLETED)
        await receiver.until(lambda: len(receiver.of(bad)) > 4)
    assert set(receiver.of(bad)) == {1}


async def test_every_event_comes_and_first_in_order_though_deliveries_fail_and_owners_change(
    site: HookSite, receiver: Receiver
) -> None:
    chance = random.Random(7)
    receiver.answer = lambda _: web.Response(status=chance.choice([200, 200, 500]))
    await site.hook(receiver.url(), types=["execution:started", "execution:completed"])
    first, second = set(range(PARTITIONS)), set[int]()
    logs = [site.new_log(partition) for partition in range(PARTITIONS) for _ in range(3)]
    async with site.delivering(owned=first), site.delivering(owned=second):
        for number in range(8):
            for log_id in logs:
                await site.append(log_id, COMPLETED if number else STARTED)
            moved = set(chance.sample(range(PARTITIONS), 3))
            first ^= moved
            second ^= moved
            await receiver.until(lambda: all(receiver.of(log_id) for log_id in logs))
        await receiver.until(lambda: all(8 in receiver.of(log_id) for log_id in logs), limit=30)
    assert {tuple(dict.fromkeys(receiver.of(log_id))) for log_id in logs} == {tuple(range(1, 9))}


async def test_a_position_is_not_held_back_by_what_was_put_aside(site: HookSite, receiver: Receiver) -> None:
    await site.hook(receiver.url())
    receiver.answer = lambda _: web.Response(status=500)
    async with site.delivering():
        await site.executed()

        async def recorded() -> bool:
            return await site.store.tracked("hooks/0") == await site.store.last_position()

        await until(recorded)


async def test_a_receiver_that_never_answers_slows_no_other(site: HookSite, receiver: Receiver) -> None:
    released = asyncio.Event()

    async def hang() -> web.Response:
        await released.wait()
        return web.Response()

    receiver.answer = lambda received: hang() if received.path == "/slow" else web.Response()
    slow = await site.hook(receiver.url("/slow"))
    fast = await site.hook(receiver.url("/fast"))
    async with site.delivering():
        logs = [await site.executed(partition) for partition in range(PARTITIONS) for _ in range(4)]
        await receiver.until(lambda: sum(each.path == "/fast" for each in receiver.received) == 2 * len(logs))
        assert {each.split("/")[0] for each in receiver.ids()} == {slow, fast}
        released.set()
        await receiver.until(lambda: sum(each.path == "/slow" for each in receiver.received) >= 2 * len(logs))


async def test_after_it_is_given_up_an_event_is_a_dead_letter_and_the_execution_goes_on(
    site: HookSite, receiver: Receiver
) -> None:
    hook = await site.hook(receiver.url())
    receiver.answer = lambda received: web.Response(status=500 if received.event[1] == 1 else 200)
    log_id = await site.executed()
    async with site.delivering(limits=QUICK_TO_GIVE_UP):
        await receiver.until(lambda: 2 in receiver.of(log_id))

        async def settled() -> bool:
            return not await site.kept.of_hook(PENDING, WORKSPACE, hook, after="", limit=10)

        await until(settled)
    dead = await site.kept.of_hook(DEAD, WORKSPACE, hook, after="", limit=10)
    assert [each.key for each in dead] == [f"{hook}/{log_id}/1"]


async def test_a_dead_letter_that_is_replayed_is_delivered_and_gone(
    site: HookSite, receiver: Receiver
) -> None:
    hook = await site.hook(receiver.url())
    receiver.answer = lambda _: web.Response(status=410)
    log_id = await site.executed()

    async def dead() -> list[str]:
        found = await site.kept.of_hook(DEAD, WORKSPACE, hook, after="", limit=10)
        return [each.key for each in found]

    async def both_dead() -> bool:
        return len(await dead()) == 2

    async def one_left() -> bool:
        return await dead() == [f"{hook}/{log_id}/2"]

    async with site.delivering():
        await until(both_dead)
        receiver.answer = lambda _: web.Response()
        assert await site.kept.dig_up(WORKSPACE, f"{hook}/{log_id}/1", now=site.clock())
        await until(one_left)
    assert receiver.of(log_id) == [1, 2, 1]


async def test_a_replay_from_an_event_goes_back_in_the_log(site: HookSite, receiver: Receiver) -> None:
    hook = await site.hook(receiver.url())
    async with site.delivering():
        log_id = await site.executed()
        await receiver.until(lambda: receiver.of(log_id) == [1, 2])
        assert await site.replay(hook, log_id, 2)
        await receiver.until(lambda: receiver.of(log_id) == [1, 2, 2])
        assert await site.replay(hook, log_id, 1)
        await receiver.until(lambda: receiver.of(log_id) == [1, 2, 2, 1, 2])


QUICK_TO_GIVE_UP = type(QUICK)(
    **{**{name: getattr(QUICK, name) for name in QUICK.__struct_fields__}, "give_up": 0.2}
)


class Forgetful:
    """A store that keeps no position: a process that is killed before it records one."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def track(self, name: str, position: int) -> None:
        pass
