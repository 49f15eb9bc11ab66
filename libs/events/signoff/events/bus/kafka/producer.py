"""Produce requests: batches to the brokers that lead their partitions.

aiokafka's producer would add queues, futures and tasks of its own to every batch, which took a third of
the time that a step costs; the order, the one batch under way and the time limit are ours in any case.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Self

from aiokafka import AIOKafkaClient, TopicPartition
from aiokafka.errors import DuplicateSequenceNumber, KafkaError, UnknownError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest

from signoff.events.bus.kafka.connection import RETRY_AFTER, Settings
from signoff.events.bus.kafka.lanes import Place

_ALL_REPLICAS = -1
_NO_TRANSACTION = None


class Producer:
    """An idempotent producer: a batch that is sent again, with its sequence number, is kept once.

    Args:
        settings: of the connection.
        client: connected.
        producer_id: what the brokers gave it.
        epoch: likewise.
    """

    def __init__(self, settings: Settings, client: AIOKafkaClient, producer_id: int, epoch: int) -> None:
        self.producer_id = producer_id
        self.epoch = epoch
        self._client = client
        self._timeout_ms = settings.client()["request_timeout_ms"]

    @classmethod
    async def start(cls, settings: Settings) -> Self:
        """Connect, and be given an id.

        Raises:
            KafkaError: no broker can be reached.
            TimeoutError: none answered in time.
        """
        client = AIOKafkaClient(**settings.client())
        try:
            async with asyncio.timeout(settings.timeout):
                await client.bootstrap()
                producer_id, epoch = await _new_id(client)
        except BaseException:
            await client.close()
            raise
        return cls(settings, client, producer_id, epoch)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    def leader(self, place: Place) -> int | None:
        """The broker that takes a partition's batches, ``None`` when that is not known now."""
        node: int | None = self._client.cluster.leader_for_partition(TopicPartition(*place))
        return None if node is None or node < 0 else node

    async def find_leaders(self, topics: Iterable[str]) -> bool:
        """Ask which brokers lead the partitions of topics; gives whether any broker answered."""
        for topic in topics:
            self._client.add_topic(topic)
        answered: bool = await self._client.force_metadata_update()
        return answered

    async def send(self, node: int, batches: Sequence[tuple[Place, bytearray]]) -> dict[Place, KafkaError]:
        """Send batches to a broker and wait until all replicas have them.

        Returns:
            The error of each batch without acknowledgement.
        """
        topics = defaultdict(list)
        for (topic, partition), batch in batches:
            topics[topic].append((partition, batch))
        request = ProduceRequest(_NO_TRANSACTION, _ALL_REPLICAS, self._timeout_ms, list(topics.items()))
        try:
            response = await self._client.send(node, request)
        except KafkaError as error:
            return {place: error for place, _ in batches}
        refused: dict[Place, KafkaError] = {place: UnknownError("not in the answer") for place, _ in batches}
        for topic, partitions in response.topics:
            for partition, code, *_ in partitions:
                if code in (0, DuplicateSequenceNumber.errno):
                    del refused[topic, partition]
                else:
                    refused[topic, partition] = for_code(code)()
        return refused


async def _new_id(client: AIOKafkaClient) -> tuple[int, int]:
    request = InitProducerIdRequest(_NO_TRANSACTION, 0)
    while True:
        try:
            response = await client.send(client.get_random_node(), request)
            if not response.error_code:
                return response.producer_id, response.producer_epoch
            raise for_code(response.error_code)
        except KafkaError as error:
            if not error.retriable:
                raise
        await client.force_metadata_update()
        await asyncio.sleep(RETRY_AFTER)
