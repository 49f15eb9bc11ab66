"""A store and a bus in memory, and a hub that follows them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from signoff.events.bus.memory import MemoryBus
from signoff.events.topics import EXECUTIONS, PARTITIONS
from signoff.tail import Hub
from support.growing_logs import Ledger
from support.hubs import Hubs, WatchedStore
from support.logs import logs_of_a_service

__all__ = ["logs_of_a_service"]


@pytest.fixture
async def bus() -> AsyncIterator[MemoryBus]:
    bus = MemoryBus()
    await bus.create({EXECUTIONS: PARTITIONS}, configs={})
    yield bus
    await bus.close()


@pytest.fixture
async def store() -> AsyncIterator[WatchedStore]:
    store = WatchedStore()
    yield store
    store.away = False
    await store.close()


@pytest.fixture
async def ledger(store: WatchedStore, bus: MemoryBus) -> Ledger:
    return await Ledger.open(store, bus)


@pytest.fixture
async def hubs(store: WatchedStore, bus: MemoryBus) -> AsyncIterator[Hubs]:
    async with AsyncExitStack() as closing:
        yield Hubs(store, bus, closing)


@pytest.fixture
def hub(hubs: Hubs) -> Hub:
    """A hub that looks at the log by itself only once in a long while: what is live comes by the topic."""
    return hubs.new(check=3600, check_away=3600)
