"""What hooks share: places, what has come due, and who is served when others are slow."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from aiohttp import web
from msgspec.structs import replace

from signoff.access.hooks import DEAD, TRIAL, Dead, Pending, delivery_id
from signoff.events.store.memory import MemoryStore
from signoff.executor.hooks.slots import NoSlotError, Slots
from support.executors import until
from support.hooks import COMPLETED, PARTITIONS, QUICK, STARTED, WORKSPACE, HookSite, Receiver

OTHER = UUID("0190a0a0-0000-7000-8000-000000000001")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
async def site() -> AsyncIterator[HookSite]:
    store = MemoryStore()
    await store.migrate(partitions=PARTITIONS)
    yield await HookSite.on(store)
    await store.close()


@pytest.fixture
async def released(receiver: Receiver) -> AsyncIterator[asyncio.Event]:
    """Until it is set, a request to ``/slow`` is not answered."""
    released = asyncio.Event()

    async def answer(path: str) -> web.Response:
        if path == "/slow":
            await released.wait()
        return web.Response()

    receiver.answer = lambda received: answer(received.path)
    yield released
    released.set()


async def test_a_workspace_cannot_take_all_places_for_requests() -> None:
    slots = Slots(replace(QUICK, in_all=4, per_workspace=2, per_hook=2))
    async with slots.taken(WORKSPACE, "a"), slots.taken(WORKSPACE, "b"):
        with pytest.raises(NoSlotError):
            async with slots.taken(WORKSPACE, "c"):
                pass
        async with slots.taken(OTHER, "d"):
            pass


async def test_the_slow_hooks_of_a_workspace_hold_up_no_other_workspace(
    site: HookSite, receiver: Receiver, released: asyncio.Event
) -> None:
    for _ in range(4):
        await site.hook(receiver.url("/slow"))
    await site.hook(receiver.url("/prompt"), workspace_id=OTHER)
    few = replace(QUICK, in_all=4, per_workspace=2, lanes=4, lanes_per_workspace=2, turn=30, timeout=30)
    async with site.delivering(limits=few):
        await site.executed()
        await receiver.until(lambda: len(receiver.received) == 2)
        log_id = site.new_log()
        await site.append(log_id, replace(STARTED, workspace_id=str(OTHER)), COMPLETED)
        await receiver.until(lambda: receiver.of(log_id) == [1, 2])
        assert not released.is_set()


async def test_what_is_due_for_an_owner_that_does_not_come_holds_up_nobody(
    site: HookSite, receiver: Receiver
) -> None:
    hook = await site.hook(receiver.url())
    for _ in range(5):
        await site.kept.owe(WORKSPACE, hook, site.new_log(1), Pending(next_event=1, due_at=1.0))
    log_id = await site.executed(0)
    await site.kept.owe(WORKSPACE, hook, log_id, Pending(next_event=1, due_at=2.0))
    await site.store.track("hooks/0", await site.store.last_position())
    async with site.delivering(owned=[0], limits=replace(QUICK, page=2)):
        await receiver.until(lambda: receiver.of(log_id) == [1, 2])


async def bury(site: HookSite, hook: str, log_id: UUID, event_id: int) -> str:
    """A dead letter that is to be tried once more."""
    delivery = delivery_id(hook, log_id, event_id)
    dead = Dead(type="execution:started", attempts=3, last_error="away", died_at=time.time())
    await site.kept.bury(WORKSPACE, delivery, dead)
    assert await site.kept.dig_up(WORKSPACE, delivery, now=site.clock())
    return delivery


async def at_the_end(site: HookSite) -> None:
    """Leave nothing of the log to be delivered but what is put aside, or dead."""
    for partition in range(PARTITIONS):
        await site.store.track(f"hooks/{partition}", await site.store.last_position())


async def test_dead_letters_of_a_slow_hook_keep_no_test_waiting(
    site: HookSite, receiver: Receiver, released: asyncio.Event
) -> None:
    slow, prompt = await site.hook(receiver.url("/slow")), await site.hook(receiver.url())
    for _ in range(40):
        await bury(site, slow, await site.executed(), 1)
    await at_the_end(site)
    async with site.delivering(limits=replace(QUICK, turn=30, timeout=30)):
        await receiver.until(lambda: len(receiver.received) == QUICK.per_hook)
        await site.kept.ask_trial(WORKSPACE, f"{prompt}/test/1", now=site.clock())
        await until(lambda: site.kept.trial(WORKSPACE, f"{prompt}/test/1"))
        assert not released.is_set()


async def test_a_dead_letter_that_finds_no_place_is_tried_again(
    site: HookSite, receiver: Receiver, released: asyncio.Event
) -> None:
    slow = await site.hook(receiver.url("/slow"))
    log_id = await site.executed()
    await at_the_end(site)
    _, second = [await bury(site, slow, log_id, event_id) for event_id in (1, 2)]
    async with site.delivering(limits=replace(QUICK, per_hook=1, turn=0.01, claim=0.05)):
        await receiver.until(lambda: receiver.received)
        claimed = await version_of(site, DEAD, second)
        await until(lambda: changed(site, DEAD, second, claimed))
        released.set()
        await until(lambda: none_of(site, DEAD))
    assert set(receiver.of(log_id)) == {1, 2}


async def test_a_dead_letter_that_was_removed_meanwhile_does_not_come_back(
    site: HookSite, receiver: Receiver, released: asyncio.Event
) -> None:
    async def fail() -> web.Response:
        await released.wait()
        return web.Response(status=500)

    receiver.answer = lambda _: fail()
    hook = await site.hook(receiver.url())
    log_id = await site.executed()
    await at_the_end(site)
    first, second = [await bury(site, hook, log_id, event_id) for event_id in (1, 2)]
    async with site.delivering(limits=replace(QUICK, per_hook=1, turn=30, timeout=30)):
        await receiver.until(lambda: receiver.received)
        await site.store.records.remove(DEAD, WORKSPACE, first)
        released.set()
        await receiver.until(lambda: len(receiver.received) == 2)
    left = await site.kept.of_hook(DEAD, WORKSPACE, hook, after="", limit=10)
    assert [each.key for each in left] == [second]


async def test_a_test_of_a_hook_that_is_not_known_yet_is_sent_when_it_is(
    site: HookSite, receiver: Receiver
) -> None:
    await site.hook(receiver.url("/other"))
    new = await site.hook(receiver.url())
    hook = site.directory.state.workspaces[str(WORKSPACE)].hooks.pop(new)
    key = f"{new}/test/1"
    async with site.delivering():
        await site.kept.ask_trial(WORKSPACE, key, now=site.clock())
        asked = await version_of(site, TRIAL, key)
        await until(lambda: changed(site, TRIAL, key, asked))
        site.directory.set_hook(new, workflow_ids=hook.workflow_ids)
        await until(lambda: site.kept.trial(WORKSPACE, key), limit=5)


async def version_of(site: HookSite, kind: str, key: str) -> int:
    kept = await site.store.records.get(kind, WORKSPACE, key)
    assert kept is not None
    return kept.version


async def changed(site: HookSite, kind: str, key: str, version: int) -> bool:
    return await version_of(site, kind, key) != version


async def none_of(site: HookSite, kind: str) -> bool:
    return not await site.store.records.list(kind, WORKSPACE)
