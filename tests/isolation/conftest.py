from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from signoff.access.gate import Gate
from signoff.runtime.health import Health
from signoff.stream.app import create_app
from support.gateways import SECRET, Server, settings
from support.identities import add_workspace, serving_people
from support.worlds import World, build


@pytest.fixture(scope="session")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield monkeypatch


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(patched: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """One server for all tests of isolation; its webhooks may go to this machine."""
    async with serving_people(patched, allow_private_networks=("127.0.0.0/8",)) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(server: Server) -> World:
    """A workspace that has everything."""
    return await build(server, await add_workspace(server, "Finance"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def streams(server: Server, world: World) -> AsyncIterator[TestClient[Any, Any]]:
    """The stream service on the same log. It follows the topic as long as there are tests."""
    app = create_app(
        settings(), store=server.store, bus=server.bus, gate=Gate(server.store, server.directory, settings()),
        secrets=[SECRET], health=Health(),
    )  # fmt: skip
    async with TestClient(TestServer(app)) as client, _open_stream(client, world):
        client.session.headers["Connection"] = "close"
        yield client


@asynccontextmanager
async def _open_stream(client: TestClient[Any, Any], world: World) -> AsyncIterator[None]:
    execution = (await world.paused()).execution
    path = f"/api/workflows/approval/executions/{execution}/stream?follow=true"
    async with client.get(path, headers=world.admin.headers) as response:
        assert response.status == 200
        await response.content.readline()
        yield
