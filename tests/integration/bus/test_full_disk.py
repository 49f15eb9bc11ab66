"""What becomes of records while the broker's disk is full, and after space was made.

A broker ends when its only log folder fails: it must be started again.
"""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from local_services.kafka import Kafka

from signoff.events.bus.base import Bus, Record
from signoff.events.bus.kafka import KafkaBus
from signoff.events.errors import BusUnavailableError
from support.ports import unused_port
from support.processes import LocalRun
from support.small_disks import SmallDisk, small_disk

TOPIC = "topic"
LIMIT = 30.0
VALUE = b"x" * 20_000


@pytest.fixture
def small(local_run: LocalRun) -> Iterator[tuple[Kafka, SmallDisk]]:
    """A broker, and the small disk that it keeps everything on."""
    folder = local_run.folder / f"full-{uuid4().hex}"
    with small_disk(folder / "disk", mebibytes=48) as disk:
        port = unused_port()
        broker = Kafka(
            folder, port=port, controller_port=unused_port(taken={port}), data=disk.folder / "kafka"
        )
        broker.start()
        yield broker, disk
        broker.kill()


async def test_a_full_disk_loses_nothing_acknowledged_and_sending_goes_on_after(
    small: tuple[Kafka, SmallDisk],
) -> None:
    broker, disk = small
    bus = KafkaBus(broker.bootstrap, timeout=5)
    await bus.create({TOPIC: 1}, configs={})

    with disk.full():
        acknowledged = await send_until_that_fails(bus, disk)
        with pytest.raises(BusUnavailableError):
            await bus.send(TOPIC, 0, Record(b"key", VALUE))
    await asyncio.to_thread(broker.process.wait_for_end, LIMIT)
    await asyncio.to_thread(broker.start)

    async with asyncio.timeout(LIMIT):
        while not await is_sent(bus, b"after"):
            pass
    values = await read_all(bus)
    assert values.count(VALUE) >= acknowledged
    assert values[-1] == b"after"
    await bus.close()


async def send_until_that_fails(bus: Bus, disk: SmallDisk) -> int:
    """How many records were acknowledged. What the broker frees meanwhile is taken away again."""
    acknowledged = 0
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                await bus.send(TOPIC, 0, Record(b"key", VALUE))
            except BusUnavailableError:
                return acknowledged
            acknowledged += 1
            await asyncio.to_thread(disk.fill)


async def is_sent(bus: Bus, value: bytes) -> bool:
    try:
        await bus.send(TOPIC, 0, Record(b"key", value))
    except BusUnavailableError:
        return False
    return True


async def read_all(bus: Bus) -> list[bytes]:
    reader = await bus.reader(TOPIC)
    await reader.assign({0: 0})
    end = (await bus.bounds(TOPIC, [0]))[0][1]
    values: list[bytes] = []
    async with asyncio.timeout(LIMIT):
        while len(values) < end:
            values += [message.value for message in await reader.poll(wait=1)]
    return values
