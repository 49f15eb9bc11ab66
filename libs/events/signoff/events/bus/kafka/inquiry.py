"""Questions to Kafka that no producer or consumer answers well, over one connection.

Bounds and the last record are asked of a partition's leader, lag offsets are told to the group's
coordinator: single requests, where aiokafka's consumer would keep fetching in the background. A broker serves
those of a connection one after the other; so an executor that takes over many partitions has them share.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from aiokafka import AIOKafkaClient
from aiokafka.client import CoordinationType
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    RequestTimedOutError,
)
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.metadata import MetadataRequest

from signoff.events.bus.base import Message
from signoff.events.bus.kafka.connection import RETRY_AFTER, Settings, bus_error
from signoff.events.bus.kafka.places import (
    EARLIEST,
    LATEST,
    Place,
    describe,
    find_offsets,
    find_records,
    raise_for,
    record_at,
)
from signoff.events.errors import BusUnavailableError
from signoff.events.lookups import Lookups

Answer = TypeVar("Answer")
Found = TypeVar("Found")

_NONE = -1  # the offset in the broker's answer where no record is as new as that
_NO_GENERATION = -1  # an offset commit from outside of the group
_RETENTION_OF_BROKER = -1
_RECORDS = 16  # in one request: each may be as large as a record can be
_BROKEN = (KafkaConnectionError, NodeNotReadyError, RequestTimedOutError)


class Inquiry:
    """Asks, again while an error may pass, and for a bounded time. Connects when first asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AIOKafkaClient | None = None
        self._connecting = asyncio.Lock()
        self._closed = False
        stopped = BusUnavailableError
        self._offsets = Lookups(self._find_offsets, stopped=stopped)
        self._records = Lookups(self._find_records, most=_RECORDS, stopped=stopped)

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has, 0 when it does not exist."""

        async def question(client: AIOKafkaClient) -> int:
            return len(await describe(client, topic))

        return await self._ask(f"partitions of {topic}", question)

    async def replicas(self, topic: str) -> int:
        """How many copies every partition of a topic has; 0 when it does not exist."""

        async def question(client: AIOKafkaClient) -> int:
            return min((len(each["replicas"]) for each in await describe(client, topic)), default=0)

        return await self._ask(f"copies of {topic}", question)

    async def await_writable(self, topics: Collection[str]) -> None:
        """Wait until every partition of the topics can be written to."""

        async def question(client: AIOKafkaClient) -> None:
            for topic in topics:
                described = await describe(client, topic)
                if not described:
                    raise LeaderNotAvailableError(topic)
                # Metadata name a leader before it is ready to be one; it refuses to tell offsets until then.
                every = [Place(topic, number, LATEST) for number in range(len(described))]
                _all_known(await find_offsets(client, every))

        await self._ask(f"leaders of {', '.join(topics)}", question)

    async def bounds(self, topic: str, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """First offset held and next offset to be written, by partition."""

        async def question(_: AIOKafkaClient) -> dict[int, tuple[int, int]]:
            return await self._bounds(topic, partitions)

        return await self._ask(f"bounds of {topic}", question)

    async def offsets_at(self, topic: str, partitions: Collection[int], moment: float) -> dict[int, int]:
        """The offset of the first record that is not older than a moment, by partition; else the end."""

        async def question(client: AIOKafkaClient) -> dict[int, int]:
            numbers, since = list(partitions), max(0, math.floor(moment * 1000))
            end = _all_known(await find_offsets(client, [Place(topic, n, LATEST) for n in numbers]))
            found = _all_known(await find_offsets(client, [Place(topic, n, since) for n in numbers]))
            return {
                number: last if at == _NONE else at
                for number, last, at in zip(numbers, end, found, strict=True)
            }

        return await self._ask(f"offsets of {topic}", question)

    async def last(self, topic: str, partition: int) -> Message | None:
        """The last record of a partition, ``None`` when it holds none."""

        async def question(client: AIOKafkaClient) -> Message | None:
            first, end = (await self._bounds(topic, [partition]))[partition]
            if first == end:
                return None
            place = Place(topic, partition, end - 1)
            (found,) = _all_known(await self._records.find([place]))
            return found or await record_at(client, place)

        return await self._ask(f"last record of {topic}/{partition}", question)

    async def _bounds(self, topic: str, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        numbers = list(partitions)
        places = [Place(topic, number, moment) for moment in (EARLIEST, LATEST) for number in numbers]
        found = _all_known(await self._offsets.find(places))
        return dict(zip(numbers, zip(found[: len(numbers)], found[len(numbers) :], strict=True), strict=True))

    async def _find_offsets(self, places: Sequence[Place]) -> Sequence[int | Exception]:
        return await find_offsets(await self._connected(), places)

    async def _find_records(self, places: Sequence[Place]) -> Sequence[Message | Exception | None]:
        return await find_records(await self._connected(), places)

    async def commit(self, topic: str, offsets: Mapping[int, int], *, group: str) -> None:
        """Store offsets of a group without being a member."""
        wanted = [(partition, offset, "") for partition, offset in offsets.items()]
        request = OffsetCommitRequest(group, _NO_GENERATION, "", _RETENTION_OF_BROKER, [(topic, wanted)])

        async def question(client: AIOKafkaClient) -> None:
            coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
            response = await client.send(coordinator, request)
            for _, partitions in response.topics:
                for _, code in partitions:
                    raise_for(code)

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


def _all_known(found: Sequence[Found | Exception]) -> list[Found]:
    """What was found, unless there was an error instead of some of it."""
    known = []
    for each in found:
        if isinstance(each, Exception):
            raise each
        known.append(each)
    return known
