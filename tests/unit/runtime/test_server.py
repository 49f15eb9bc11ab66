"""How a service listens and stops."""

import asyncio
import os
import select
import signal
import socket

import aiohttp
import pytest
import uvloop
from aiohttp import web

from signoff.runtime.errors import ServerError
from signoff.runtime.health import Health, add_health_routes
from signoff.runtime.server import LEAVING, STOPPING, install_signal_handlers, run, serve

_HOST = "127.0.0.1"


class _Running:
    """A server in a task, with its URL."""

    def __init__(self, app: web.Application, port: int = 0, **times: float) -> None:
        self.stop = asyncio.Event()
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(
            serve(app, host=_HOST, port=port, stop=self.stop, on_ready=self._url.set_result, **times)
        )

    async def url(self) -> str:
        return await asyncio.wait_for(asyncio.shield(self._url), 5)


async def _hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"begun")
    await request.app[STOPPING].wait()
    await response.write(b", ended")
    return response


def _app() -> web.Application:
    app = web.Application()
    app.router.add_get("/", _hello)
    app.router.add_get("/endless", _endless)
    return app


async def test_a_server_on_port_0_says_where_it_listens_and_ends_when_told() -> None:
    running = _Running(_app())
    async with aiohttp.ClientSession() as session, session.get(await running.url()) as response:
        assert await response.text() == "hello"

    running.stop.set()

    await asyncio.wait_for(running.task, 5)


async def test_open_streams_end_cleanly_and_at_once_when_the_server_stops() -> None:
    running = _Running(_app())
    async with aiohttp.ClientSession() as session, session.get(await running.url() + "/endless") as response:
        assert await response.content.readexactly(5) == b"begun"

        running.stop.set()

        assert await asyncio.wait_for(response.content.read(), 1) == b", ended"
    await asyncio.wait_for(running.task, 5)


async def test_a_server_that_stops_says_so_and_serves_on_for_a_while() -> None:
    app = _app()
    add_health_routes(app, Health())
    running = _Running(app, grace=0.5)
    async with aiohttp.ClientSession(await running.url()) as session:
        async with session.get("/healthz") as healthy:
            assert healthy.status == 200

        running.stop.set()
        await asyncio.wait_for(app[LEAVING].wait(), 5)

        for probe in ("/healthz", "/readyz"):
            async with session.get(probe) as stopping:
                assert (stopping.status, await stopping.json()) == (503, {"status": "stopping"})
        async with session.get("/") as response:
            assert (response.status, await response.text()) == (200, "hello")
            assert response.headers["Connection"] == "close"
    await asyncio.wait_for(running.task, 5)


async def test_streams_go_on_until_load_balancers_had_time_to_find_out() -> None:
    app = _app()
    running = _Running(app, grace=0.3)
    async with aiohttp.ClientSession(await running.url()) as session, session.get("/endless") as response:
        assert await response.content.readexactly(5) == b"begun"

        running.stop.set()
        await asyncio.wait_for(app[LEAVING].wait(), 5)

        assert not app[STOPPING].is_set()
        assert await asyncio.wait_for(response.content.read(), 5) == b", ended"
    await asyncio.wait_for(running.task, 5)


async def test_a_request_under_way_is_answered_although_the_server_stops() -> None:
    app, asked, answered = _app(), asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        asked.set()
        await answered.wait()
        return web.Response(text="at last")

    app.router.add_get("/slow", slow)
    running = _Running(app)
    async with aiohttp.ClientSession(await running.url()) as session:
        waiting = asyncio.create_task(session.get("/slow"))
        await asyncio.wait_for(asked.wait(), 5)
        running.stop.set()
        await asyncio.wait_for(app[STOPPING].wait(), 5)

        answered.set()

        async with await waiting as response:
            assert await response.text() == "at last"
    await asyncio.wait_for(running.task, 5)


async def test_a_taken_port_is_refused_with_what_to_do() -> None:
    first = _Running(_app())
    port = int((await first.url()).rpartition(":")[2])

    with pytest.raises(ServerError, match=rf"cannot listen on 127.0.0.1:{port} \(.*SIGNOFF_PORT"):
        await _Running(_app(), port).task

    first.stop.set()
    await first.task


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_service_on_uvloop(number: signal.Signals) -> None:
    loops: list[str] = []

    async def main() -> None:
        loops.append(type(asyncio.get_running_loop()).__module__)
        stop = asyncio.Event()
        install_signal_handlers(stop)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 5)

    run(main())

    assert loops == ["uvloop"]


async def _rounds_until_all_are_let_in(count: int) -> int:
    """How often the loop goes round until so many who connect at once have their answers."""
    running = _Running(_app())
    port = int((await running.url()).rpartition(":")[2])
    clients = [socket.create_connection((_HOST, port)) for _ in range(count)]  # the kernel lets them in
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        client.setblocking(False)
    rounds, left = 0, set(clients)
    while left:
        left -= set(select.select(left, [], [], 0)[0])
        rounds += 1
        await asyncio.sleep(0)
    for client in clients:
        client.close()
    running.stop.set()
    await running.task
    return rounds


async def test_who_connects_does_not_wait_for_one_round_of_a_busy_loop_each() -> None:
    rounds = await asyncio.to_thread(uvloop.run, _rounds_until_all_are_let_in(96))

    assert rounds < 48
