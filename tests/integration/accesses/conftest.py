"""Executors on each store in turn."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from signoff.events.blobs import BlobStore
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import EventStore
from signoff.events.topology import apply
from signoff.executor.app import open_tools
from signoff.executor.blocks.base import Tools
from signoff.runtime.settings import Settings
from support.executors import Site
from support.logs import logs_of_a_service
from support.stores import PARTITIONS, opened, store

__all__ = ["logs_of_a_service", "opened", "store"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tools() -> AsyncIterator[Tools]:
    async with open_tools(Settings(), BlobStore.open("memory:")) as tools:
        yield tools


@pytest.fixture
async def site(tools: Tools, store: EventStore) -> AsyncIterator[Site]:
    """A site on each store in turn; the store is its fixture's to close."""
    bus = MemoryBus()
    await apply(bus, partitions=PARTITIONS)
    yield Site(store, bus, BlobStore.open("memory:"), tools, partitions=PARTITIONS)
    await bus.close()
