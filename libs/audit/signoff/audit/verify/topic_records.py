"""One record of the topic: which event of the log it stands for, and what it says wrong of it."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from signoff.audit.verify.faults import Fault, Place
from signoff.audit.verify.topic_sources import LogPages
from signoff.events.bus.base import Message
from signoff.events.cloudevents import REPUBLISHED, record_of
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import Recorded
from signoff.events.topics import EXECUTIONS, log_of_key, partition_of

PUBLISHER: Final = "somebody who may write to the topic did, or the log's own bytes were changed since"
LOSER: Final = "the broker lost records, or the topic was made anew: `signoff topics republish` repairs that"

_DIGITS: Final = 20


class RecordCheck:
    """Looks at records of one partition.

    Args:
        log: has the events.
        partition: of the topic …
        partitions: … and how many it has.
    """

    def __init__(self, log: LogPages, partition: int, *, partitions: int) -> None:
        self._log = log
        self._partition = partition
        self._partitions = partitions

    async def identify(self, record: Message, head: Recorded | None) -> tuple[Recorded | None, Fault | None]:
        """Which event of the log a record stands for, and what is wrong with what it says of that.

        Args:
            record: of the topic.
            head: the event that comes next.

        Raises:
            StoreUnavailableError: the database is away.
        """
        try:
            log_id = log_of_key(record.key)
        except ValueError:
            return None, self.fault(record, None, f"the key {record.key!r} is no log's id")
        try:
            header = decode_header(record.value)
            owner = UUID(header.log_id or header.execution_id or str(log_id))
        except (CodecError, ValueError):
            return await self._identify_unreadable(record, log_id, head)
        event = await self._log.find(owner, header.event_id)
        place = f"event {header.event_id} of log {owner}"
        if owner != log_id:
            is_next = event is not None and event == head
            meaning = f"the record is {place}, and its key says {log_id}: consumers of the former miss it"
            return event if is_next else None, self.fault(record, event, meaning)
        if partition_of(owner, self._partitions) != self._partition:
            meaning = f"{place} belongs to partition {partition_of(owner, self._partitions)}"
            return None, self.fault(record, event, meaning)
        if event is None:
            return None, self.fault(record, None, f"{place} is not in the log", log_id=owner)
        return event, None

    async def _identify_unreadable(
        self, record: Message, log_id: UUID, head: Recorded | None
    ) -> tuple[Recorded | None, Fault | None]:
        told = dict(record.headers).get("ce_eventid", b"")
        if told.isdigit() and len(told) < _DIGITS:
            event = await self._log.find(log_id, int(told))
        else:
            event = head if head is not None and head.log_id == log_id else None
        return event, self.fault(record, event, "the record's bytes are no event", log_id=log_id)

    def wrong_headers(self, record: Message, event: Recorded) -> Iterator[Fault]:
        """Headers that are not those of the event whose bytes the record has."""
        common = self._log.headers(event.log_id)
        if common is None:
            return
        try:
            header = decode_header(event.state)
        except CodecError:
            return
        given = dict(record.headers)
        wanted = record_of(header, event.state, record.key, common, again=False).headers
        wrong = [name for name, value in wanted if given.get(name) != value and name != REPUBLISHED]
        if wrong or len(given) != len(record.headers):
            named = ", ".join(wrong) or "some stand there twice"
            yield self.fault(record, event, f"headers contradict event {event.version}: {named}")

    def fault(
        self, record: Message, event: Recorded | None, meaning: str, *,
        log_id: UUID | None = None, cause: str = PUBLISHER,
    ) -> Fault:  # fmt: skip
        """A fault at a record.

        Args:
            record: of the topic.
            event: the one that it stands for.
            meaning: what was found.
            log_id: of the event, where that is not there.
            cause: what it says of its cause.
        """
        place = place_of(self._partition, event, offset=record.offset, log_id=log_id)
        return Fault(kind="topic", place=place, meaning=meaning, cause=cause)


def place_of(
    partition: int, event: Recorded | None, *, offset: int | None = None, log_id: UUID | None = None
) -> Place:
    """Where an event is, or should be, in a partition of the topic."""
    log_id = log_id if event is None else event.log_id
    return Place(
        topic=EXECUTIONS,
        partition=partition,
        offset=offset,
        log_id=None if log_id is None else str(log_id),
        event_id=None if event is None else event.version,
        position=None if event is None else event.position,
    )
