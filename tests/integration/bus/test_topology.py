"""The topics of a cluster, on a real broker."""

import uuid

import pytest
from local_services.kafka import Kafka

from signoff.events import topology
from signoff.events.bus import open_bus
from signoff.events.errors import BusError
from signoff.events.topics import COMMANDS, EXECUTIONS, OUTCOMES, PARTITIONS


async def test_a_broker_takes_the_settings_of_every_topic(kafka: Kafka) -> None:
    bus = await open_bus(f"kafka://{kafka.bootstrap}")
    configs = {f"{name}.{uuid.uuid4().hex}": each for name, each in topology.topic_configs().items()}

    assert await bus.create(dict.fromkeys(configs, 2), configs=configs) == list(configs)

    await bus.close()


async def test_the_topics_are_made_once() -> None:
    bus = await open_bus("memory:")

    assert await topology.apply(bus) == [COMMANDS, EXECUTIONS, OUTCOMES]
    assert await topology.apply(bus) == []

    assert [await bus.partitions(name) for name in (COMMANDS, EXECUTIONS, OUTCOMES)] == [PARTITIONS] * 3


async def test_a_broker_without_topics_is_told_with_what_to_run() -> None:
    bus = await open_bus("memory:")

    with pytest.raises(BusError, match=r"no signoff\.commands, .* run `signoff topics apply`"):
        await topology.check(bus)

    await topology.apply(bus)
    await topology.check(bus)


async def test_topics_with_another_number_of_partitions_are_refused() -> None:
    bus = await open_bus("memory:")
    await topology.apply(bus, partitions=4)

    with pytest.raises(BusError, match="4 partitions, not 8"):
        await topology.apply(bus, partitions=8)


async def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="host:port"):
        await open_bus("kafka.example")
