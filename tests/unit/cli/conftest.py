"""What tests of the operator's commands have in common."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from signoff.events.blobs import BlobStore
from signoff.events.topics import PARTITIONS
from signoff.executor.app import open_tools
from signoff.executor.blocks.base import Tools
from signoff.runtime.settings import Settings
from support.executors import Site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tools() -> AsyncIterator[Tools]:
    """What blocks use, shared by all tests here."""
    async with open_tools(Settings(), BlobStore.open("memory:")) as tools:
        yield tools


@pytest.fixture
async def site(tools: Tools) -> AsyncIterator[Site]:
    """A log, a bus and an object store in memory, with as many partitions as an installation has."""
    site = await Site.in_memory(tools, partitions=PARTITIONS)
    yield site
    await site.close()
