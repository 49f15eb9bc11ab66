"""Questions to Kafka that no producer or consumer answers well, over one connection.

Bounds and the last record are asked of a partition's leader, lag offsets are told to the group's
coordinator: single requests, where aiokafka's consumer would keep fetching in the background.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, TypeVar

from aiokafka import AIOKafkaClient, TopicPartition
from aiokafka.client import CoordinationType
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

from signoff.events.bus.base import Message
from signoff.events.bus.kafka.connection import RETRY_AFTER, Settings, bus_error
from signoff.events.bus.limits import MAX_RECORD_BYTES
from signoff.events.errors import BusUnavailableError

Answer = TypeVar("Answer")

_EARLIEST, _LATEST = -2, -1  # moments with a meaning of their own in a ListOffsets request
_READ_UNCOMMITTED = 0
_NO_REPLICA = -1
_NO_GENERATION = -1  # an offset commit from outside of the group
_RETENTION_OF_BROKER = -1
_FETCH_WAIT_MS = 100
_BROKEN = (KafkaConnectionError, NodeNotReadyError, RequestTimedOutError)


class Inquiry:
    """Asks, again while an error may pass, and for a bounded time. Connects when first asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AIOKafkaClient | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has, 0 when it does not exist."""

        async def question(client: AIOKafkaClient) -> int:
            return len(await _describe(client, topic))

        return await self._ask(f"partitions of {topic}", question)

    async def replicas(self, topic: str) -> int:
        """How many copies every partition of a topic has; 0 when it does not exist."""

        async def question(client: AIOKafkaClient) -> int:
            return min((len(each["replicas"]) for each in await _describe(client, topic)), default=0)

        return await self._ask(f"copies of {topic}", question)

    async def await_writable(self, topics: Collection[str]) -> None:
        """Wait until every partition of the topics can be written to."""

        async def question(client: AIOKafkaClient) -> None:
            for topic in topics:
                described = await _describe(client, topic)
                if not described:
                    raise LeaderNotAvailableError(topic)
                # Metadata name a leader before it is ready to be one; it refuses to tell offsets until then.
                await _offsets(client, topic, range(len(described)), _LATEST)

        await self._ask(f"leaders of {', '.join(topics)}", question)

    async def bounds(self, topic: str, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """First offset held and next offset to be written, by partition."""

        async def question(client: AIOKafkaClient) -> dict[int, tuple[int, int]]:
            first = await _offsets(client, topic, partitions, _EARLIEST)
            end = await _offsets(client, topic, partitions, _LATEST)
            return {number: (first[number], end[number]) for number in partitions}

        return await self._ask(f"bounds of {topic}", question)

    async def last(self, topic: str, partition: int) -> Message | None:
        """The last record of a partition, ``None`` when it holds none."""

        async def question(client: AIOKafkaClient) -> Message | None:
            first = (await _offsets(client, topic, [partition], _EARLIEST))[partition]
            end = (await _offsets(client, topic, [partition], _LATEST))[partition]
            return None if first == end else await _fetch(client, topic, partition, end - 1)

        return await self._ask(f"last record of {topic}/{partition}", question)

    async def commit(self, topic: str, offsets: Mapping[int, int], *, group: str) -> None:
        """Store offsets of a group without being a member."""
        wanted = [(partition, offset, "") for partition, offset in offsets.items()]
        request = OffsetCommitRequest(group, _NO_GENERATION, "", _RETENTION_OF_BROKER, [(topic, wanted)])

        async def question(client: AIOKafkaClient) -> None:
            coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
            response = await client.send(coordinator, request)
            for _, partitions in response.topics:
                for _, code in partitions:
                    _raise_for(code)

        await self._ask(f"commit of {group} on {topic}", question)

    async def ping(self) -> None:
        """Have any broker answer."""

        async def question(client: AIOKafkaClient) -> None:
            await client.send(client.get_random_node(), MetadataRequest([]))

        await self._ask("ping", question)

    async def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        if self._client is not None:
            await self._drop(self._client)

    async def _ask(self, what: str, question: Callable[[AIOKafkaClient], Awaitable[Answer]]) -> Answer:
        try:
            async with asyncio.timeout(self._settings.timeout):
                while True:
                    client = await self._connected()
                    try:
                        return await question(client)
                    except KafkaError as error:
                        if not error.retriable:
                            raise
                        await self._recover(client, error)
        except (KafkaError, OSError, TimeoutError) as error:
            raise bus_error(what, error) from error

    async def _recover(self, client: AIOKafkaClient, error: KafkaError) -> None:
        if isinstance(error, _BROKEN):
            await self._drop(client)  # the next try begins at the bootstrap servers: all others may be gone
        else:
            await client.force_metadata_update()
        await asyncio.sleep(RETRY_AFTER)

    async def _connected(self) -> AIOKafkaClient:
        async with self._connecting:
            if self._closed:
                raise BusUnavailableError("the bus is closed")
            if self._client is None:
                client = AIOKafkaClient(**self._settings.client())
                try:
                    await client.bootstrap()
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    async def _drop(self, client: AIOKafkaClient) -> None:
        another_call_was_first = self._client is not client
        if not another_call_was_first:
            self._client = None
            await client.close()


async def _describe(client: AIOKafkaClient, topic: str) -> list[dict[str, Any]]:
    """The partitions of a topic as the broker describes them; asking must not make the topic."""
    request = MetadataRequest([topic], allow_auto_topic_creation=False)
    response = await client.send(client.get_random_node(), request)
    (described,) = response.to_object()["topics"]
    if described["error_code"] == UnknownTopicOrPartitionError.errno:
        return []
    _raise_for(described["error_code"])
    partitions: list[dict[str, Any]] = described["partitions"]
    return partitions


async def _leader(client: AIOKafkaClient, topic: str, partition: int) -> int:
    place = TopicPartition(topic, partition)
    if client.cluster.leader_for_partition(place) is None:
        if not await _describe(client, topic):
            raise BusUnavailableError(f"{topic} does not exist: create the topic first")
        await client.add_topic(topic)
    leader: int | None = client.cluster.leader_for_partition(place)
    if leader is None or leader < 0:
        raise LeaderNotAvailableError(place)
    return leader


async def _offsets(
    client: AIOKafkaClient, topic: str, partitions: Collection[int], moment: int
) -> dict[int, int]:
    by_leader: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for number in partitions:
        by_leader[await _leader(client, topic, number)].append((number, moment))
    found = {}
    for node, wanted in by_leader.items():
        response = await client.send(node, OffsetRequest(_NO_REPLICA, _READ_UNCOMMITTED, [(topic, wanted)]))
        for _, answers in response.topics:
            for number, code, _, offset in answers:
                _raise_for(code)
                found[number] = offset
    return found


async def _fetch(client: AIOKafkaClient, topic: str, partition: int, offset: int) -> Message:
    """The record at an offset that is known to be held."""
    request = FetchRequest(
        _FETCH_WAIT_MS,
        1,
        MAX_RECORD_BYTES,
        _READ_UNCOMMITTED,
        [(topic, [(partition, offset, MAX_RECORD_BYTES)])],
    )
    response = await client.send(await _leader(client, topic, partition), request)
    for _, answers in response.topics:
        for _, code, _, *_, raw in answers:
            _raise_for(code)
            records = MemoryRecords(raw)
            while records.has_next():
                for record in records.next_batch():
                    if record.offset == offset:
                        return Message(
                            topic,
                            partition,
                            offset,
                            record.key or b"",
                            record.value or b"",
                            tuple(record.headers),
                            record.timestamp / 1000,
                        )
    raise BusUnavailableError(f"{topic}/{partition} holds no record at its last offset {offset}")


def _raise_for(code: int) -> None:
    if code:
        raise for_code(code)
