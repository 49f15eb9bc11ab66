"""A server that plays a script, and clients that talk to it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from signoff.client import Client

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Connect = Callable[[Handler], Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Gives a client whose server answers every request by the handler given."""
    runners: list[web.AppRunner] = []
    clients: list[Client] = []

    async def start(handler: Handler) -> Client:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        client = Client(f"http://{host}:{port}", api_key="sk-test", timeout=5, patience=2)
        runners.append(runner)
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()
    for runner in runners:
        await runner.cleanup()
