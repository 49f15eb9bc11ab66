"""The engine, servers, and a server for them to call."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from semantics.rules import EveryRule, is_whole, shown
from signoff.events.blobs import BlobStore
from signoff.executor.app import open_tools
from signoff.runtime.settings import Settings
from support.engine_runs import Engine
from support.semantic_blocks import registry
from support.systems import ENVIRONMENT, system

__all__ = ["system"]


def pytest_configure(config: pytest.Config) -> None:
    """Let tests name the rules that they show."""
    config.addinivalue_line("markers", "rule(number): a rule of docs/semantics.md that the test shows")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Check the rules when all of their tests are there to be counted."""
    if is_whole(items, config.args):
        items.append(EveryRule.from_parent(session, name="every_rule_is_tested_twice", found=shown(items)))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine() -> AsyncIterator[Engine]:
    """The engine, with real blocks."""
    blobs = BlobStore.open("memory:")
    async with open_tools(Settings(allow_private_networks=("127.0.0.0/8",)), blobs) as tools:
        engine = Engine(tools, blobs, registry(), ENVIRONMENT)
        yield engine
        await engine.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[str]:
    """Where the server listens that cases know as ``$SERVER``."""

    async def echo(request: web.Request) -> web.Response:
        """What it was sent."""
        body = await request.text()
        return _answer(
            {
                "method": request.method,
                "query": dict(request.query),
                "key": request.headers.get("Idempotency-Key", "").partition("/")[2],
                "header": request.headers.get("X-Test"),
                "body": body,
            }
        )

    async def status(request: web.Request) -> web.Response:
        return _answer({"why": "told to"}, status=int(request.match_info["status"]))

    app = web.Application()
    app.router.add_route("*", "/echo", echo)
    app.router.add_route("*", "/status/{status}", status)
    async with TestServer(app) as running:
        yield str(running.make_url("")).rstrip("/")


def _answer(value: object, status: int = 200) -> web.Response:
    """An answer that ends its connection, whose task would otherwise outlive the test."""
    response = web.json_response(value, status=status)
    response.force_close()
    return response
