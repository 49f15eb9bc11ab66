"""What is published of events: their records, and the messages that follow from them for other logs."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.events.bus.base import Record
from signoff.events.codec import decode_event, decode_header, encode
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, NewEvent, Recorded
from signoff.events.topics import partition_of, record_key
from signoff.events.types import Event
from signoff.executor.publishing.cloudevents import Origin, origin_of, record_of
from signoff.executor.publishing.messages import CAUSE_TYPES, CAUSES, message_of
from signoff.executor.publishing.origins import Origins

_log = structlog.get_logger("signoff.executor.relay")


class Batch(Struct):
    """Records of one partition's events; of the messages that follow from them, by partition, too."""

    records: list[Record] = []
    messages: dict[int, list[Record]] = {}

    def owe(self, target: int, message: Record) -> None:
        """Take a message for a partition."""
        self.messages.setdefault(target, []).append(message)

    def extend(self, later: "Batch") -> None:
        """Take all of a later one."""
        self.records += later.records
        for target, messages in later.messages.items():
            self.messages.setdefault(target, []).extend(messages)

    def size(self) -> int:
        """The bytes of its values, about: a message is made of its event."""
        return sum(len(record.value) for record in self.records)


class Batches:
    """Makes batches, of events just committed and of events read from the log.

    Args:
        store: the log; says what the events of a log have in common.
        partitions: of every topic.
        time_limit: seconds that a run may take which a schedule starts; that of an asynchronous one.
    """

    def __init__(self, store: EventStore, *, partitions: int, time_limit: float) -> None:
        self._origins = Origins(store)
        self._partitions = partitions
        self._time_limit = time_limit

    def of_committed(self, origin: Origin, events: Sequence[Event], committed: Sequence[NewEvent]) -> Batch:
        """What is published of events of one log that were just committed."""
        batch = Batch()
        for event, new in zip(events, committed, strict=True):
            batch.records.append(record_of(event, new.state, origin, again=False))
            if type(event.data) in CAUSES:
                self._owe(batch, event, new.log_id, origin)
        return batch

    async def read_again(self, page: Sequence[Recorded]) -> Batch:
        """What is published of events read from the log. Their owner before may have published them.

        Raises:
            StoreUnavailableError: the database is away.
        """
        origins = await self._origins.find(recorded.log_id for recorded in page)
        batch = Batch()
        for recorded in page:
            self._add_again(batch, recorded, origins.get(recorded.log_id))
        return batch

    def _add_again(self, batch: Batch, recorded: Recorded, origin: Origin | None) -> None:
        """Bytes that are no event, for somebody has changed them, are published without headers.

        The topic is what the log is, and no other execution waits.
        """
        log_id = recorded.log_id
        try:
            header = decode_header(recorded.state)
            event = decode_event(recorded.state) if header.type in CAUSE_TYPES else None
        except CodecError as error:
            _log.error("no event in the log", log=str(log_id), version=recorded.version, exc_info=error)
            batch.records.append(Record(record_key(log_id), recorded.state))
            return
        if origin is None:
            origin = origin_of(log_id, "", header.workflow_id, header.execution_id or header.workflow_id)
        batch.records.append(record_of(header, recorded.state, origin, again=True))
        if event is not None:
            self._owe(batch, event, log_id, origin)

    def _owe(self, batch: Batch, event: Event, log_id: UUID, origin: Origin) -> None:
        message = message_of(event, log_id, origin.lineage, time_limit=self._time_limit)
        if message is not None:
            target = UUID(message.log_id or message.execution_id)
            batch.owe(partition_of(target, self._partitions), Record(record_key(target), encode(message)))
