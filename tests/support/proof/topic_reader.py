"""Reads ``signoff.executions`` with a plain Kafka consumer that shares nothing with our bus."""

import asyncio
from typing import Final

from aiokafka import AIOKafkaConsumer

from support.proof.facts import Published

_TOPIC: Final = "signoff.executions"
_LIMIT: Final = 60.0


async def read_topic(bootstrap: str) -> list[Published]:
    """Every record that is on the topic now, by partition and offset.

    Args:
        bootstrap: ``host:port`` of the broker.

    Raises:
        TimeoutError: the broker does not hand them out within a minute.
    """
    consumer = AIOKafkaConsumer(
        _TOPIC, bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    async with asyncio.timeout(_LIMIT):
        await consumer.start()
        try:
            return await _read(consumer)
        finally:
            await consumer.stop()


async def _read(consumer: AIOKafkaConsumer) -> list[Published]:
    left = consumer.assignment()  # without a group that is every partition
    ends = await consumer.end_offsets(left)
    found: list[Published] = []
    while left := {place for place in left if await consumer.position(place) < ends[place]}:
        for records in (await consumer.getmany(*left, timeout_ms=1_000)).values():
            found += [
                Published(
                    partition=record.partition,
                    offset=record.offset,
                    key=record.key,
                    value=record.value,
                    headers=dict(record.headers),
                )
                for record in records
            ]
    return sorted(found, key=lambda record: (record.partition, record.offset))
