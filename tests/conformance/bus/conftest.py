"""Every behaviour of the bus is shown on both adapters."""

import uuid
from collections.abc import AsyncIterator

import pytest

from signoff.events.bus.base import Bus
from signoff.events.bus.kafka import KafkaBus
from signoff.events.bus.limits import MAX_RECORD_BYTES
from signoff.events.bus.memory import MemoryBus, Retention


@pytest.fixture(params=["memory", "kafka"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    bus: Bus = (
        MemoryBus()
        if request.param == "memory"
        else KafkaBus(request.getfixturevalue("kafka").bootstrap, timeout=10)
    )
    yield bus
    await bus.close()


@pytest.fixture(params=["memory", "kafka"])
async def tight_bus(request: pytest.FixtureRequest, topic: str) -> AsyncIterator[Bus]:
    """A bus with room for two records, be it before their acknowledgement or before they are read."""
    bus: Bus = (
        MemoryBus(retention={topic: Retention(records=2, keep_unread=True)})
        if request.param == "memory"
        else KafkaBus(request.getfixturevalue("kafka").bootstrap, timeout=10, sends=2, publishes=2)
    )
    await create(bus, topic)
    yield bus
    await bus.close()


@pytest.fixture
def topic() -> str:
    """A name that no other test uses."""
    return f"topic-{uuid.uuid4().hex}"


@pytest.fixture
async def made(bus: Bus, topic: str) -> str:
    """The name of a topic with three partitions."""
    await create(bus, topic)
    return topic


async def create(bus: Bus, topic: str) -> None:
    await bus.create({topic: 3}, configs={topic: {"max.message.bytes": str(MAX_RECORD_BYTES)}})
