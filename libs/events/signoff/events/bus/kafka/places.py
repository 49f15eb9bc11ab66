"""Offsets and records of many partitions, with one request to each leader.

A partition whose leader cannot be asked, or refuses, has its error in place of an answer: it is no matter of
the others.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from aiokafka import AIOKafkaClient, TopicPartition
from aiokafka.errors import KafkaError, LeaderNotAvailableError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

from signoff.events.bus.base import Message
from signoff.events.bus.limits import MAX_RECORD_BYTES
from signoff.events.errors import BusError, BusUnavailableError

EARLIEST: Final = -2
"""A moment, in a request for offsets: the first that is held."""

LATEST: Final = -1
"""Another one: the next that will be written."""

_READ_UNCOMMITTED: Final = 0
_NO_REPLICA: Final = -1
_FETCH_WAIT_MS: Final = 100

Found = TypeVar("Found")


class Place(NamedTuple):
    """A moment, or an offset, of a partition."""

    topic: str
    partition: int
    at: int


async def find_offsets(client: AIOKafkaClient, places: Sequence[Place]) -> list[int | Exception]:
    """The offset at each moment, or why it is not known."""
    found: dict[Place, int | Exception] = {}
    # A request may name a partition once.
    for moment in {place.at for place in places}:
        of_moment = {place for place in places if place.at == moment}
        for node, wanted in (await _by_leader(client, of_moment, found)).items():
            topics = [(topic, [(each.partition, each.at) for each in of]) for topic, of in _by_topic(wanted)]
            request = OffsetRequest(_NO_REPLICA, _READ_UNCOMMITTED, topics)
            try:
                response = await client.send(node, request)
            except KafkaError as error:
                found.update(dict.fromkeys(wanted, error))
                continue
            for topic, answers in response.topics:
                for number, code, _, offset in answers:
                    found[Place(topic, number, moment)] = for_code(code)() if code else offset
    return [found[place] for place in places]


async def find_records(client: AIOKafkaClient, places: Sequence[Place]) -> list[Message | Exception | None]:
    """The record at each offset, or why it is not known; ``None``: there was no room for it in the answer."""
    found: dict[Place, Message | Exception | None] = dict.fromkeys(places)
    for node, wanted in (await _by_leader(client, set(places), found)).items():
        try:
            found.update(await _fetch(client, node, wanted))
        except KafkaError as error:
            found.update(dict.fromkeys(wanted, error))
    return [found[place] for place in places]


async def record_at(client: AIOKafkaClient, place: Place) -> Message:
    """The record at an offset that is known to be held, however large its batch is.

    Raises:
        BusUnavailableError: it is not there.
        KafkaError: the leader cannot be asked, or refuses.
    """
    (found,) = await find_records(client, [place])
    if isinstance(found, Exception):
        raise found
    if found is None:
        raise BusUnavailableError(f"{place.topic}/{place.partition} holds no record at its offset {place.at}")
    return found


async def describe(client: AIOKafkaClient, topic: str) -> list[dict[str, Any]]:
    """The partitions of a topic as the broker describes them; asking must not make the topic."""
    request = MetadataRequest([topic], allow_auto_topic_creation=False)
    response = await client.send(client.get_random_node(), request)
    (described,) = response.to_object()["topics"]
    if described["error_code"] == UnknownTopicOrPartitionError.errno:
        return []
    raise_for(described["error_code"])
    partitions: list[dict[str, Any]] = described["partitions"]
    return partitions


def raise_for(code: int) -> None:
    """Raise the error that a broker's code stands for, if it does."""
    if code:
        raise for_code(code)


async def _fetch(
    client: AIOKafkaClient, node: int, places: Collection[Place]
) -> dict[Place, Message | Exception | None]:
    topics = [
        (topic, [(each.partition, each.at, MAX_RECORD_BYTES) for each in of])
        for topic, of in _by_topic(places)
    ]
    room = len(places) * MAX_RECORD_BYTES
    response = await client.send(node, FetchRequest(_FETCH_WAIT_MS, 1, room, _READ_UNCOMMITTED, topics))
    asked = {(place.topic, place.partition): place for place in places}
    found: dict[Place, Message | Exception | None] = {}
    for topic, answers in response.topics:
        for number, code, _, *_, raw in answers:
            place = asked[topic, number]
            found[place] = for_code(code)() if code else _record(place, raw)
    return found


def _record(place: Place, raw: bytes) -> Message | None:
    records = MemoryRecords(raw)
    while records.has_next():
        for record in records.next_batch():
            if record.offset == place.at:
                return Message(
                    place.topic,
                    place.partition,
                    place.at,
                    record.key or b"",
                    record.value or b"",
                    tuple(record.headers),
                    record.timestamp / 1000,
                )
    return None


async def _by_leader(
    client: AIOKafkaClient, places: Collection[Place], failed: dict[Place, Found | Exception]
) -> dict[int, list[Place]]:
    """Places by the node that leads their partition; notes the errors of those that have none."""
    by_leader: defaultdict[int, list[Place]] = defaultdict(list)
    for place in places:
        try:
            by_leader[await _leader(client, place)].append(place)
        except (KafkaError, BusError) as error:
            failed[place] = error
    return by_leader


async def _leader(client: AIOKafkaClient, place: Place) -> int:
    partition = TopicPartition(place.topic, place.partition)
    if client.cluster.leader_for_partition(partition) is None:
        if not await describe(client, place.topic):
            raise BusUnavailableError(f"{place.topic} does not exist: run `signoff topics apply`")
        await client.add_topic(place.topic)
    leader: int | None = client.cluster.leader_for_partition(partition)
    if leader is None or leader < 0:
        raise LeaderNotAvailableError(partition)
    return leader


def _by_topic(places: Collection[Place]) -> Iterator[tuple[str, list[Place]]]:
    topics: defaultdict[str, list[Place]] = defaultdict(list)
    for place in places:
        topics[place.topic].append(place)
    yield from topics.items()
