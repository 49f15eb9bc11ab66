"""Records of `signoff.executions` as the official SDK of CloudEvents reads them."""

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from signoff.events.bus.base import Message, Record
from support.executors import Site


async def everything(site: Site) -> list[Message]:
    """All records of the topic."""
    found = [each for partition in range(site.partitions) for each in await site.topic(partition)]
    assert found
    return found


def read_by_the_sdk(record: Message | Record) -> CloudEvent:
    """The CloudEvent that a record is, in Kafka's binary mode."""
    message = KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value)
    event = from_binary(message, JSONFormat(), CloudEvent)
    assert isinstance(event, CloudEvent)
    return event
