"""The engine, servers, and what they call: a server, and a language model."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from semantics.model import Model
from semantics.rules import EveryRule, is_whole, shown
from semantics.server import application
from signoff.events.blobs import BlobStore
from signoff.executor.app import open_tools
from signoff.runtime.settings import Settings
from support.cast import Directory
from support.engine_runs import Engine
from support.openai_server import MODEL
from support.semantic_blocks import registry
from support.system_services import ENVIRONMENT
from support.systems import system

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
async def model() -> AsyncIterator[Model]:
    """What agents, routers and evaluators ask."""
    async with Model() as model:
        yield model


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine(model: Model) -> AsyncIterator[Engine]:
    """The engine, with real blocks."""
    blobs = BlobStore.open("memory:")
    settings = Settings(allow_private_networks=("127.0.0.0/8",), llm_url=model.url, llm_model=MODEL)
    async with open_tools(settings, blobs) as tools:
        known = msgspec.structs.replace(tools, assignees=Directory())
        engine = Engine(known, blobs, registry(), ENVIRONMENT)
        yield engine
        await engine.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[str]:
    """Where the server listens that cases know as ``$SERVER``."""
    async with TestServer(application()) as running:
        yield str(running.make_url("")).rstrip("/")
