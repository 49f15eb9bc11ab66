"""An executor whose lease has run out writes nothing and does nothing outside, whether it noticed or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from signoff.blocks import Context, block
from signoff.events.errors import AppendUnknownError
from signoff.events.store.base import Append
from signoff.executor.app import Executor
from signoff.executor.blocks.base import Tools
from signoff.executor.notices.letters import Letter
from signoff.executor.notices.teller import _send
from signoff.executor.ownership.fencing import LeaseRanOutError, fence
from signoff.executor.ownership.lease import TTL, since_boot
from signoff.executor.running.jobs import GivenUp
from support.executor_blocks import Probe, registry
from support.executor_faults import FaultyStore
from support.executors import Site, output_of, until

HELD = {"blocks": {"held": {"type": "probe.hold", "then": "after"}, "after": {"type": "probe.work"}}}


def pause(executor: Executor) -> None:
    """Let a lease's time pass as while the whole process stood still: nobody has looked at a clock since."""
    executor._leases._monotonic = lambda: since_boot() + TTL


class Receiver:
    """A server that is down, and notes what it was sent.

    Attributes:
        tries: how many tries of the block the log knew of at each request.
        keys: the idempotency keys.
    """

    def __init__(self, site: Site, log_id: UUID) -> None:
        self._site = site
        self._log_id = log_id
        self.executor: Executor | None = None
        self.tries: list[int] = []
        self.keys: list[str] = []

    async def _take(self, request: web.Request) -> web.Response:
        self.tries.append((await self._site.kinds(self._log_id)).count("block:started"))
        self.keys.append(request.headers["Idempotency-Key"])
        if self.executor is not None:
            pause(self.executor)
            self.executor = None
            return web.Response(status=503)
        return web.Response(text="thank you")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its URL."""
        app = web.Application()
        app.router.add_route("*", "/", self._take)
        async with TestServer(app) as server:
            yield str(server.make_url("/"))


async def test_a_result_that_comes_after_the_lease_is_not_recorded(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry) as executor:
        sent = await site.start(await site.deploy(HELD))
        await until(lambda: probe.held)
        pause(executor)
        probe.release(sent.log_id)
        await site.until_event(sent.log_id, "execution:completed")

    assert output_of(await site.events(sent.log_id), "held") == {"attempt": 2}
    assert probe.tries("held") == [1, 2]
    assert probe.tries("after") == [1]


async def test_a_block_whose_turn_comes_after_the_lease_does_not_begin(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry, block_concurrency=1) as executor:
        first, second = [await site.start(await site.deploy(HELD)) for _ in range(2)]
        await until(lambda: probe.held and len(executor._runner.line))
        pause(executor)
        probe.release(first.log_id)
        await site.until_event(second.log_id, "execution:completed")

    assert [call.attempt for call in probe.calls if call.execution_id == str(second.log_id)] == [2, 1]


async def test_a_request_is_not_sent_again_after_the_lease(site: Site, probe: Probe) -> None:
    log_id = site.new_log()
    receiver = Receiver(site, log_id)
    async with site.executor(probe.registry) as executor, receiver.listening() as url:
        receiver.executor = executor
        call = {"url": url, "method": "PUT", "retries": 3, "retryDelayMs": 50}
        put = {"id": "put", "metadata": {"id": "api"}, "config": {"params": call}}
        start = {"id": "start", "metadata": {"id": "start_trigger"}}
        edges = [{"source": "start", "target": "put"}]
        workflow = await site.deploy({"blocks": [start, put], "connections": edges})
        sent = await site.start(workflow, log_id=log_id)
        await site.until_event(sent.log_id, "execution:completed")

    started = (await site.kinds(log_id)).count("block:started")
    assert receiver.tries == [started - 1, started]
    assert len(set(receiver.keys)) == 1


@pytest.mark.parametrize("session", ["http", "llm"])
async def test_no_session_of_blocks_sends_anything_after_the_lease(tools: Tools, session: str) -> None:
    reached: list[str] = []

    async def take(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    async def act(http: aiohttp.ClientSession, url: Any) -> None:
        fence(lambda: not reached)
        await http.get(url)
        await http.get(url)

    app = web.Application()
    app.router.add_get("/", take)
    async with TestServer(app) as server:
        http = tools.http if session == "http" else tools.llm.http
        with pytest.raises(LeaseRanOutError):
            await asyncio.create_task(act(http, server.make_url("/")))

    assert reached == ["/"]


async def test_nobody_is_told_after_the_lease() -> None:
    sent: list[str] = []

    class Notifier:
        async def send(self, notice: str) -> None:
            sent.append(notice)

    async def make(_: set[str]) -> Any:
        return Letter(cast("Any", Notifier()), cast("Any", "it waits for you"))

    async def tell() -> None:
        fence(lambda: False)
        await _send(cast("Any", None), make, asyncio.Semaphore())

    with pytest.raises(LeaseRanOutError):
        await asyncio.create_task(tell())

    assert sent == []


def test_a_block_in_a_thread_learns_that_the_lease_has_run_out() -> None:
    held = True
    given_up = GivenUp(lambda: held)
    assert not given_up.is_set()

    held = False

    assert given_up.is_set()


class Doubtful(FaultyStore):
    """A store that does not say what became of one append of events; it was written."""

    def __init__(self, store: Any, number: int) -> None:
        super().__init__(store)
        self._left = number

    async def append(self, append: Append) -> int:
        position = await super().append(append)
        self._left -= bool(append.events)
        if append.events and self._left == 0:
            raise AppendUnknownError("the connection broke during the commit")
        return position


@pytest.mark.parametrize("number", range(2, 8))
async def test_whatever_is_unknown_tries_of_one_block_have_one_key_and_different_numbers(
    site: Site, number: int
) -> None:
    calls: list[Context] = []

    @block("test.failing")
    async def failing(ctx: Context) -> None:
        calls.append(ctx)
        if len(calls) < 3:
            raise ConnectionError("the server is away")

    retry = {"maxTries": 10, "waitBetweenTriesMs": 1}
    async with site.executor(registry(failing), store=Doubtful(site.store, number)):
        workflow = await site.deploy({"blocks": {"tried": {"type": "test.failing", "retry": retry}}})
        sent = await site.start(workflow)
        await site.until_event(sent.log_id, "execution:completed")

    attempts = [call.attempt for call in calls]
    assert len(set(attempts)) == len(attempts) >= 3
    assert {call.idempotency_key for call in calls} == {f"{sent.log_id}/tried"}
    assert (await site.kinds(sent.log_id)).count("block:completed") == 2  # the start block, and this one
