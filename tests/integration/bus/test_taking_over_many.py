"""An executor that takes over many partitions asks for all of them at the same time."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaClient
from local_services.kafka import Kafka

from signoff.events.bus.base import Record
from signoff.events.bus.kafka import KafkaBus
from signoff.events.errors import BusUnavailableError

PARTITIONS = 32
WAVES = 3  # who comes first is asked for at once, who comes second too, and all others share


@pytest.fixture
async def bus(kafka: Kafka) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(kafka.bootstrap, timeout=10)
    yield bus
    await bus.close()


@pytest.fixture
async def topic(bus: KafkaBus) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    await bus.create({name: PARTITIONS}, configs={})
    return name


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the broker from now on, by kind."""
    asked: list[str] = []
    send = AIOKafkaClient.send

    async def counted(client: AIOKafkaClient, node: int, request: Any, **given: Any) -> Any:
        asked.append(type(request).__name__)
        return await send(client, node, request, **given)

    monkeypatch.setattr(AIOKafkaClient, "send", counted)
    return asked


async def fill(bus: KafkaBus, topic: str, partitions: range) -> None:
    for number in partitions:
        await bus.send(topic, number, Record(b"key", b"first"))
        await bus.send(topic, number, Record(b"key", b"last of %d" % number))


async def test_the_last_records_of_many_partitions_take_few_requests(
    bus: KafkaBus, topic: str, requests: list[str]
) -> None:
    await fill(bus, topic, range(PARTITIONS - 1))
    await bus.last(topic, 0)  # knows the leaders by now
    requests.clear()

    found = await asyncio.gather(*(bus.last(topic, number) for number in range(PARTITIONS)))

    assert [message and message.value for message in found] == [
        *(b"last of %d" % number for number in range(PARTITIONS - 1)),
        None,
    ]
    assert requests.count("OffsetRequest") <= 2 * WAVES
    assert requests.count("FetchRequest") <= 2 * WAVES


async def test_a_partition_that_is_not_there_is_no_matter_of_the_others(kafka: Kafka, topic: str) -> None:
    bus = KafkaBus(kafka.bootstrap, timeout=2)
    await fill(bus, topic, range(4))

    *found, missing, elsewhere = await asyncio.gather(
        *(bus.last(topic, number) for number in range(4)),
        bus.bounds(topic, [PARTITIONS]),
        bus.bounds(f"{topic}-no", [0]),
        return_exceptions=True,
    )

    assert [getattr(message, "value", message) for message in found] == [
        b"last of %d" % number for number in range(4)
    ]
    assert isinstance(missing, BusUnavailableError)
    assert isinstance(elsewhere, BusUnavailableError)
    await bus.close()
