"""The client without a loop: the same methods, from any thread, with nothing left behind."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from aiohttp import web

from signoff.client import (
    AsyncClient,
    AsyncExecution,
    Client,
    ClientError,
    ConfigurationError,
    Execution,
    NotFoundError,
)
from unit.client.conftest import Recorder, Serve, answering
from unit.client.test_follow import DONE, frame, stream

NOBODY = "http://127.0.0.1:1"


def chapters() -> Iterator[tuple[type, type]]:
    """Each async class with its blocking one."""
    inner, outer = vars(AsyncClient(NOBODY)), vars(Client(NOBODY))
    yield AsyncClient, Client
    yield AsyncExecution, Execution
    for name, chapter in inner.items():
        if not name.startswith("_"):
            yield type(chapter), type(outer[name])


def methods(kind: type) -> dict[str, object]:
    return {
        name: method
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(("inner", "outer"), list(chapters()), ids=lambda kind: kind.__name__)
def test_both_clients_have_the_same_methods_with_the_same_signatures(inner: type, outer: type) -> None:
    awaited, plain = methods(inner), methods(outer)

    assert awaited.keys() == plain.keys()
    for name in awaited.keys() - {"close"}:
        assert inspect.unwrap(plain[name]) is awaited[name], f"{name} is another method's"
        assert inspect.signature(plain[name]) == inspect.signature(awaited[name])
        assert not inspect.iscoroutinefunction(plain[name])
        assert not inspect.isasyncgenfunction(plain[name])


def test_both_clients_are_made_from_the_same_arguments() -> None:
    with pytest.raises(TypeError, match="patients"):
        Client(NOBODY, patients=3)  # type: ignore[call-arg]

    assert repr(Client(NOBODY, "sk-secret", timeout=3)) == f"Client({NOBODY!r})"


async def test_an_execution_is_started_followed_and_waited_for(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/execute"):
            return web.json_response({"executionId": "e", "jobId": "e", "statusUrl": "/"}, status=202)
        if request.path.endswith("/stream"):
            return await stream(request, frame(1), frame(2, "execution:completed"), DONE)
        view = {"executionId": "e", "workflowId": "w", "status": "completed", "finalOutput": {"n": 1}}
        return web.json_response(view)

    url = await serve(handler)

    def work() -> tuple[list[int], object]:
        with Client(url) as client:
            execution = client.executions.start("w", {"n": 1})
            return [event.event_id for event in execution.follow()], execution.result(timeout=5)

    assert await asyncio.to_thread(work) == ([1, 2], {"n": 1})


async def test_a_refusal_is_raised_where_the_call_stands(serve: Serve) -> None:
    url = await serve(answering({"error": "Workflow not found"}, 404))

    def work() -> None:
        with Client(url) as client, pytest.raises(NotFoundError, match="Workflow not found"):
            client.workflows.get("w")

    await asyncio.to_thread(work)


async def test_many_threads_share_one_client(serve: Serve) -> None:
    server = Recorder({"isDeployed": True})
    url = await serve(server)

    def work() -> int:
        with Client(url) as client, ThreadPoolExecutor(8) as pool:
            found = pool.map(lambda number: client.workflows.status(f"w{number}"), range(40))
            return sum(status.is_deployed for status in found)

    assert await asyncio.to_thread(work) == 40
    assert len({path for _, path in server.asked}) == 40


async def test_an_iterator_that_is_left_lets_go_of_its_connection(serve: Serve) -> None:
    left = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = await stream(request, frame(1))
        try:
            while True:
                await response.write(b": heartbeat\n\n")
                await asyncio.sleep(0.01)
        except ConnectionResetError:
            left.set()
        return response

    url = await serve(handler)

    def work(client: Client) -> int:
        for event in client.feed():
            return event.event_id
        return 0

    with_client = Client(url)
    assert await asyncio.to_thread(work, with_client) == 1
    await asyncio.wait_for(left.wait(), 5)
    await asyncio.to_thread(with_client.close)


async def test_closing_ends_what_is_under_way_and_the_thread(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = await stream(request, frame(1))
        await reading.wait()
        return response

    reading = asyncio.Event()
    client = Client(await serve(handler))
    first = threading.Event()

    def follow() -> None:
        for _ in client.feed():
            first.set()

    follower = asyncio.create_task(asyncio.to_thread(follow))
    assert await asyncio.to_thread(first.wait, 5)
    await asyncio.to_thread(client.close)

    with pytest.raises(ConfigurationError, match="closed"):
        await asyncio.wait_for(follower, 5)
    assert "signoff-client" not in {thread.name for thread in threading.enumerate()}
    reading.set()


def test_a_call_that_meets_the_closing_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    client, caller, closed = Client(NOBODY), threading.current_thread(), threading.Event()
    schedule = asyncio.run_coroutine_threadsafe

    def close() -> None:
        client.close()
        closed.set()

    closing = threading.Thread(target=close)

    def schedule_late(work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Future[Any]:
        if threading.current_thread() is caller:
            closing.start()
            closed.wait(0.2)  # it must not get that far
        return schedule(work, loop)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", schedule_late)
    with pytest.raises(ClientError):
        client.usage()

    closing.join(5)
    assert closed.is_set()


@pytest.mark.parametrize("use", [lambda c: c.usage(), lambda c: next(c.feed())], ids=["call", "iterate"])
def test_a_closed_client_says_so(use: Callable[[Client], object]) -> None:
    client = Client(NOBODY)
    client.close()
    client.close()

    with pytest.raises(ConfigurationError, match="the client is closed: make another one"):
        use(client)
