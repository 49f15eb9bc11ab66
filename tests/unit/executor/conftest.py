"""Executors on a log and topics of this process."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from signoff.events.blobs import BlobStore
from signoff.executor.app import open_tools
from signoff.executor.blocks.base import Tools
from signoff.runtime.settings import Settings
from support.executor_blocks import Probe
from support.executors import Site
from support.logs import logs_of_a_service

__all__ = ["logs_of_a_service"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tools() -> AsyncIterator[Tools]:
    """The sandbox, guarded HTTP (loopback allowed) and threads, shared by all tests here."""
    async with open_tools(
        Settings(allow_private_networks=("127.0.0.0/8",)), BlobStore.open("memory:")
    ) as tools:
        yield tools


@pytest.fixture
async def site(tools: Tools) -> AsyncIterator[Site]:
    site = await Site.in_memory(tools)
    yield site
    await site.close()


@pytest.fixture
def probe() -> Probe:
    return Probe()
