"""Outgoing webhooks on a log of this process: who is told, when again, and what it costs."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace
from standardwebhooks import Webhook

from signoff.access.hooks import DEAD, PENDING, Pending, Secret, Target, new_secret, read_pending
from signoff.events.errors import StoreUnavailableError
from signoff.events.store.memory import MemoryStore
from signoff.executor.hooks.limits import Limits
from signoff.executor.hooks.progress import Progress
from signoff.executor.hooks.sending import Sender, signed
from signoff.runtime.guard import guarded_session, parse_networks
from support.executors import until
from support.hooks import (
    COMPLETED,
    LOOPBACK,
    PARTITIONS,
    QUICK,
    STARTED,
    WORKSPACE,
    HookSite,
    Receiver,
)
from support.stores import Clock


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    store = MemoryStore()
    await store.migrate(partitions=PARTITIONS)
    yield store
    await store.close()


@pytest.fixture
async def site(store: MemoryStore) -> HookSite:
    return await HookSite.on(store)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with guarded_session(LOOPBACK) as session:
        yield session


def target(url: str) -> Target:
    return Target(url=url, secrets=[Secret(new_secret())], created_at=0.0)


# Who is told --------------------------------------------------------------------------------------------


async def test_a_hook_is_told_of_the_types_that_it_names_only(site: HookSite, receiver: Receiver) -> None:
    await site.hook(receiver.url(), types=["execution:completed"])
    async with site.delivering():
        log_id = await site.executed()
        await receiver.until(lambda: receiver.received)
        later = await site.executed()
        await receiver.until(lambda: receiver.of(later))
    assert receiver.of(log_id) == [2]


class NotLookedAt(list[int]):
    """Owned partitions whose leases have run out since the deliverer looked last."""

    asked = 0

    def __contains__(self, partition: object) -> bool:
        self.asked += 1
        return False


async def test_nothing_is_sent_once_the_lease_has_run_out(site: HookSite, receiver: Receiver) -> None:
    await site.hook(receiver.url())
    owned = NotLookedAt(range(PARTITIONS))
    async with site.delivering(owned=owned):
        log_id = await site.executed()
        await until(lambda: owned.asked)
    assert receiver.received == []

    async with site.delivering():  # the next owner
        await receiver.until(lambda: len(receiver.of(log_id)) == 2)


class TakenAgain(list[int]):
    """Owned partitions whose leases ran out for a moment, and were taken again before anybody looked."""

    lapsed = True

    def __contains__(self, partition: object) -> bool:
        lapsed, self.lapsed = self.lapsed, False
        return not lapsed and super().__contains__(partition)


async def test_what_was_given_up_in_a_lapse_of_the_lease_is_delivered_by_the_same_owner(
    site: HookSite, receiver: Receiver
) -> None:
    await site.hook(receiver.url())
    async with site.delivering(owned=TakenAgain(range(PARTITIONS))):
        log_id = await site.executed()
        await receiver.until(lambda: receiver.of(log_id) == [1, 2])


async def test_a_hook_is_told_about_the_workflows_that_it_names_only(
    site: HookSite, receiver: Receiver
) -> None:
    await site.hook(receiver.url("/other"), workflow_ids=["another"])
    await site.hook(receiver.url("/refund"), workflow_ids=["another", "refund"])
    async with site.delivering():
        await site.executed()
        await receiver.until(lambda: len(receiver.received) == 2)
    assert {each.path for each in receiver.received} == {"/refund"}


async def test_a_hook_of_another_workspace_is_told_of_nothing(site: HookSite, receiver: Receiver) -> None:
    log_id = site.new_log()
    await site.hook(receiver.url())
    other = replace(STARTED, workspace_id="0190a0a0-0000-7000-8000-000000000001")
    async with site.delivering():
        await site.append(log_id, other, COMPLETED)
        own = await site.executed()
        await receiver.until(lambda: receiver.of(own) == [1, 2])
    assert receiver.of(log_id) == []


async def test_what_happened_long_before_a_hook_was_made_is_not_for_it(
    site: HookSite, receiver: Receiver
) -> None:
    before = await site.executed()
    await site.hook(receiver.url(), created_at=site.clock() + 3600)
    ever = await site.hook(receiver.url("/ever"))
    async with site.delivering():
        await receiver.until(lambda: len(receiver.received) == 2)
    assert receiver.of(before) == [1, 2]
    assert {each.id.split("/")[0] for each in receiver.received} == {ever}


async def test_a_disabled_hook_is_sent_nothing_until_it_is_enabled(
    site: HookSite, receiver: Receiver
) -> None:
    hook = await site.hook(receiver.url(), enabled=False)
    await site.hook(receiver.url("/other"))
    async with site.delivering():
        missed = await site.executed()
        await receiver.until(lambda: len(receiver.received) == 2)
        site.directory.set_hook(hook)
        told = await site.executed()
        await receiver.until(lambda: len(receiver.of(told)) == 4)
    assert receiver.of(missed) == [1, 2]


async def test_what_a_removed_hook_was_owed_is_let_go(site: HookSite, receiver: Receiver) -> None:
    hook = await site.hook(receiver.url())
    await site.hook(receiver.url("/other"))
    receiver.answer = lambda received: web.Response(status=500 if received.path == "/hook" else 200)
    async with site.delivering():
        await site.executed()
        await receiver.until(lambda: len(receiver.received) > 3)
        site.directory.remove_hook(hook)
        await until(lambda: nothing(site, PENDING, hook))
        receiver.received.clear()
        later = await site.executed()
        await receiver.until(lambda: receiver.of(later) == [1, 2])
    assert await nothing(site, DEAD, hook)


async def nothing(site: HookSite, kind: str, hook_id: str) -> bool:
    return not await site.kept.of_hook(kind, WORKSPACE, hook_id, after="", limit=10)


# When again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempt", "chance", "seconds"),
    [(1, 0.0, 0.5), (1, 1.0, 1.0), (4, 1.0, 8.0), (12, 1.0, 2048.0), (13, 1.0, 3600.0), (5000, 0.0, 1800.0)],
)
def test_waits_double_up_to_an_hour_and_half_of_each_is_chance(
    attempt: int, chance: float, seconds: float
) -> None:
    assert Limits().wait(attempt, chance=lambda: chance) == seconds


@pytest.mark.parametrize(("asked", "seconds"), [(30.0, 30.0), (0.1, 1.0), (1e9, 3600.0)])
def test_a_receiver_may_ask_for_a_longer_wait_up_to_an_hour(asked: float, seconds: float) -> None:
    assert Limits().wait(1, asked=asked, chance=lambda: 1.0) == seconds


async def test_an_event_is_given_up_a_day_after_its_first_failure(receiver: Receiver) -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.migrate(partitions=PARTITIONS)
    site = await HookSite.on(store, clock)
    hook = await site.hook(receiver.url())
    receiver.answer = lambda _: web.Response(status=500)

    async def first_failed() -> bool:
        page = await site.kept.of_hook(PENDING, WORKSPACE, hook, after="", limit=1)
        return bool(page) and read_pending(page[0]).attempt == 1

    async def all_dead() -> bool:
        return len(await site.kept.of_hook(DEAD, WORKSPACE, hook, after="", limit=10)) == 2

    async with site.delivering(limits=replace(QUICK, first_wait=3600.0, longest_wait=3600.0)):
        await site.executed()
        await until(first_failed)
        clock.now += 24 * 3600
        await until(all_dead)
    await store.close()


async def test_executions_wait_behind_a_record_while_a_hook_is_busy(
    site: HookSite, receiver: Receiver
) -> None:
    released = asyncio.Event()

    async def hang() -> web.Response:
        await released.wait()
        return web.Response()

    receiver.answer = lambda _: hang()
    hook = await site.hook(receiver.url())
    few = replace(QUICK, per_hook=1, lanes_per_hook=2, turn=0.01)
    async with site.delivering(limits=few):
        logs = [await site.executed(partition) for partition in range(PARTITIONS)]

        async def most_wait() -> bool:
            page = await site.kept.of_hook(PENDING, WORKSPACE, hook, after="", limit=20)
            return len(page) == PARTITIONS - 1

        await until(most_wait)
        assert len(receiver.received) == 1
        released.set()
        await receiver.until(lambda: all(receiver.of(log_id)[-1:] == [2] for log_id in logs))
        await until(lambda: nothing(site, PENDING, hook))
    assert all(receiver.of(log_id) == [1, 2] for log_id in logs)


async def test_a_database_that_is_away_is_waited_for(site: HookSite, receiver: Receiver) -> None:
    await site.hook(receiver.url())
    store = Away(site.store)
    async with site.delivering(store=store):
        store.away = True
        log_id = await site.executed()
        await store.asked.wait()
        store.away = False
        await receiver.until(lambda: receiver.of(log_id) == [1, 2])


async def test_without_hooks_nothing_is_read_and_one_position_is_recorded(site: HookSite) -> None:
    store = Counting(site.store)
    await site.executed()
    last = await site.store.last_position()
    async with site.delivering(store=store):

        async def recorded() -> bool:
            return await site.store.tracked("hooks") == last

        await until(recorded)
    assert store.calls["read_all"] == 0
    assert store.calls["track"] == 1


async def test_what_happened_before_there_was_any_hook_is_not_read(
    site: HookSite, receiver: Receiver
) -> None:
    before = await site.executed()
    async with site.delivering():

        async def passed() -> bool:
            return await site.store.tracked("hooks") == await site.store.last_position()

        await until(passed)
    await site.hook(receiver.url())
    async with site.delivering():
        after = await site.executed()
        await receiver.until(lambda: receiver.of(after) == [1, 2])
    assert receiver.of(before) == []


def test_a_position_does_not_pass_what_is_owed() -> None:
    progress = Progress(10)
    for position in (11, 12, 12):
        progress.open(position)
    progress.read = 15
    assert progress.position == 10
    progress.close(12)
    progress.close(11)
    assert progress.position == 11
    progress.close(12)
    assert progress.position == 15


async def test_an_execution_that_is_put_aside_twice_goes_on_at_the_earlier_event(site: HookSite) -> None:
    log_id = site.new_log()
    assert await site.kept.owe(WORKSPACE, "hook", log_id, Pending(next_event=5, due_at=1.0, attempt=3))
    assert not await site.kept.owe(WORKSPACE, "hook", log_id, Pending(next_event=7, due_at=2.0))
    there = await site.kept.pending(WORKSPACE, "hook", log_id)
    assert there is not None
    assert there[0] == Pending(next_event=5, due_at=1.0, attempt=3)


async def test_a_record_that_was_touched_is_not_settled(site: HookSite) -> None:
    log_id = site.new_log()
    await site.kept.owe(WORKSPACE, "hook", log_id, Pending(next_event=5, due_at=1.0))
    there = await site.kept.pending(WORKSPACE, "hook", log_id)
    assert there is not None
    await site.kept.owe(WORKSPACE, "hook", log_id, Pending(next_event=7, due_at=2.0))
    assert not await site.kept.settle(WORKSPACE, "hook", log_id, expected=there[1])


# One attempt --------------------------------------------------------------------------------------------


async def test_every_secret_that_signs_verifies_by_another_implementation() -> None:
    keys, body = [new_secret(), new_secret()], '{"type":"ä"}'.encode()
    now = int(time.time())
    headers = {
        "webhook-id": "hook/log/1",
        "webhook-timestamp": str(now),
        "webhook-signature": signed(keys, "hook/log/1", now, body),
    }
    for key in keys:
        Webhook(key).verify(body, headers)


async def test_a_previous_secret_signs_for_a_day() -> None:
    rotated = target("http://x/").rotated(1000.0)
    assert len(rotated.signing(1000.0 + 24 * 3600 - 1)) == 2
    assert rotated.signing(1000.0 + 24 * 3600) == [rotated.secrets[0].key]


async def test_a_secret_signs_for_a_day_however_often_it_is_rotated_meanwhile() -> None:
    known = target("http://x/")
    rotated = known.rotated(1000.0)
    again = rotated.rotated(2000.0)
    assert again.signing(2000.0) == [again.secrets[0].key, rotated.secrets[0].key, known.secrets[0].key]
    assert len(again.signing(1000.0 + 24 * 3600)) == 2
    for hour in range(20):
        again = again.rotated(3000.0 + hour)
    assert len(again.secrets) == 5


async def test_a_redirect_is_a_failure_and_is_not_followed(
    session: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answer = lambda _: web.Response(status=307, headers={"Location": receiver.url("/elsewhere")})
    answer = await Sender(session, QUICK).send(target(receiver.url()), "hook/log/1", b"{}")
    assert (answer.status, answer.error) == (307, "answered 307 Temporary Redirect")
    assert [each.path for each in receiver.received] == ["/hook"]


async def test_a_receiver_that_does_not_answer_in_time_fails(
    session: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async def hang() -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    receiver.answer = lambda _: hang()
    sender = Sender(session, replace(QUICK, timeout=0.05))
    answer = await sender.send(target(receiver.url()), "hook/log/1", b"{}")
    assert answer.error == "no answer within 0.05 s"


async def test_of_a_long_answer_only_the_beginning_is_read(
    session: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answer = lambda _: web.Response(body=b"x" * 20_000_000)
    answer = await Sender(session, QUICK).send(target(receiver.url()), "hook/log/1", b"{}")
    assert (answer.status, answer.error) == (200, None)
    assert session.connector is not None
    assert not session.connector._conns  # type: ignore[attr-defined]


async def test_an_address_that_is_not_public_is_not_connected_to(receiver: Receiver) -> None:
    async with guarded_session(parse_networks("")) as session:
        answer = await Sender(session, QUICK).send(target(receiver.url()), "hook/log/1", b"{}")
    assert answer.error is not None
    assert "is not public" in answer.error
    assert receiver.received == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1/"])
async def test_a_receiver_that_cannot_be_reached_fails(session: aiohttp.ClientSession, url: str) -> None:
    answer = await Sender(session, QUICK).send(target(url), "hook/log/1", b"{}")
    assert (answer.status, bool(answer.error)) == (None, True)


@pytest.mark.parametrize("answer", [b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b""])
async def test_what_goes_wrong_is_told_without_the_url(session: aiohttp.ClientSession, answer: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sent = await Sender(session, QUICK).send(
            target(f"http://127.0.0.1:{port}/?token=canary"), "hook/log/1", b"{}"
        )
    assert sent.error
    assert "canary" not in sent.error


async def test_a_url_that_cannot_be_used_is_not_told(session: aiohttp.ClientSession) -> None:
    sent = await Sender(session, QUICK).send(target("http://[::1/?token=canary"), "hook/log/1", b"{}")
    assert sent.error == "the URL cannot be used: set the webhook anew"


async def test_how_long_a_receiver_wants_to_be_left_alone_is_told(
    session: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answer = lambda _: web.Response(status=429, headers={"Retry-After": "17"})
    answer = await Sender(session, QUICK).send(target(receiver.url()), "hook/log/1", b"{}")
    assert answer.retry_after == 17.0


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: dict[str, int] = {"read_all": 0, "track": 0}

    def __getattr__(self, name: str) -> Any:
        if name in self.calls:
            self.calls[name] += 1
        return getattr(self._store, name)


class Away:
    """A store that can be away."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.away = False
        self.asked = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def last_position(self) -> int:
        if self.away:
            self.asked.set()
            raise StoreUnavailableError("away")
        position: int = await self._store.last_position()
        return position
