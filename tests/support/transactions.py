"""Transactions on a real topic, as a producer of somebody else writes them."""

import uuid
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from local_services.kafka import Kafka

from signoff.events.bus.base import Record


async def commit_at_end(kafka: Kafka, topic: str, records: Sequence[Record]) -> None:
    """Write records to partition 0 in a transaction: the broker's own marker then stands behind them."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=f"somebody-{uuid.uuid4().hex}"
    )
    await producer.start()
    try:
        async with producer.transaction():
            for record in records:
                await producer.send_and_wait(
                    topic, record.value, key=record.key, headers=list(record.headers), partition=0
                )
    finally:
        await producer.stop()
