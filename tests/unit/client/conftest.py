"""A server that plays a script, and clients that talk to it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from signoff.client import AsyncClient

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]
Connect = Callable[[Handler], Awaitable[AsyncClient]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers that answer every request by the handler given; gives their URLs."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await handler(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def connect(serve: Serve) -> AsyncIterator[Connect]:
    """Gives a client whose server answers every request by the handler given."""
    clients: list[AsyncClient] = []

    async def start(handler: Handler) -> AsyncClient:
        client = AsyncClient(await serve(handler), api_key="sk-test", timeout=5, patience=2)
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


def answering(body: object, status: int = 200, **headers: str) -> Handler:
    """A server that gives one answer to everything."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response(
            body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    return handler


class Recorder:
    """A server that remembers what it was asked and gives its answers in turn, the last one for ever."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[object] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, str(request.rel_url)))
        body = await request.read()
        self.bodies.append(await request.json() if body else None)
        self.headers.append(dict(request.headers))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, tuple):
            status, body_, headers = answer
            return web.json_response(body_, status=status, headers=headers)
        return web.Response(status=204) if answer is None else web.json_response(answer)
