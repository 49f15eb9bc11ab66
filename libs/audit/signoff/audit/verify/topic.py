"""Whether a partition of ``signoff.executions`` says what the log says: all of it, in order, with its bytes.

Log and topic are merged as a consumer would read them. A record is the next event of the log, or repeats one
before it; where it is neither, something is missing, late or not of the log.

Not wrong are repetitions, what retention took from the topic's beginning, what was committed and is not
relayed yet, and another order of events of different logs.
"""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.audit.verify.faults import Fault
from signoff.audit.verify.partition_log import PartitionLog
from signoff.audit.verify.topic_gaps import Gaps
from signoff.audit.verify.topic_records import LOSER, RecordCheck, place_of
from signoff.audit.verify.topic_sources import ExpiredError, LogPages, position_at, read_records
from signoff.events.bus.base import Bus, Message
from signoff.events.cloudevents import REPUBLISHED
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, LeaseRow, Recorded
from signoff.events.times import from_iso
from signoff.events.topics import EXECUTIONS, record_key

LATE: Final = 60.0
"""Seconds that an event may wait for the topic while its partition has an owner."""

_FEW: Final = 100
"""Events that are named one by one where the topic's beginning is missing."""


class TopicCompared(Struct, kw_only=True):
    """What was looked at.

    Attributes:
        records: of the topic.
        events: of the log that were compared.
        repeats: records that repeat an earlier one, with equal bytes.
        expired: events before the topic's first record, which retention took away.
        behind: events that are committed and not on the topic yet.
        faults: how many were found.
    """

    records: int = 0
    events: int = 0
    repeats: int = 0
    expired: int = 0
    behind: int = 0
    faults: int = 0

    def add(self, other: "TopicCompared") -> None:
        """Add another's to it."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class TopicCheck:
    """Compares one partition of the topic with the log, or one log in it.

    Args:
        store: the log.
        bus: the broker.
        partition: which.
        partitions: how many there are.
        log_id: only this log's events and records.
        since: only what happened at this moment or later, seconds since the epoch.
        shared: reads the log for all partitions that are compared at the same time; ``None``: for this alone.

    Attributes:
        compared: what was looked at so far.
    """

    def __init__(
        self,
        store: EventStore,
        bus: Bus,
        partition: int,
        *,
        partitions: int,
        log_id: UUID | None = None,
        since: float | None = None,
        shared: PartitionLog | None = None,
    ) -> None:
        self.compared = TopicCompared()
        self._store = store
        self._bus = bus
        self._partition = partition
        self._partitions = partitions
        self._log_id = log_id
        self._key = None if log_id is None else record_key(log_id)
        self._since = since
        self._shared = shared or PartitionLog(store, [partition], partitions=partitions)
        self._gaps = Gaps(partition)
        self._begins_anywhere = False
        self._log: LogPages
        self._records: RecordCheck

    async def run(self) -> AsyncIterator[Fault]:
        """Compare; gives each fault as it is found.

        Raises:
            BusError: the broker is away.
            StoreUnavailableError: the database is away.
        """
        # In this order: what is noted as relayed is on the topic, and what is on the topic is in the log.
        lease = next(row for row in await self._store.leases() if row.partition == self._partition)
        held, end = (await self._bus.bounds(EXECUTIONS, [self._partition]))[self._partition]
        upto = await self._store.last_position()
        after, first = await self._begin(held, end, upto)
        self._log = LogPages(
            self._store, self._shared, self._partition, log_id=self._log_id, after=after, upto=upto
        )
        self._records = RecordCheck(self._log, self._partition, partitions=self._partitions)
        async for record in self._read(first, end):
            async for fault in self._take(record):
                yield self._count(fault)
        async for fault in self._finish(lease):
            yield self._count(fault)

    def _count(self, fault: Fault) -> Fault:
        self.compared.faults += 1
        return fault

    # Where it begins ----------------------------------------------------------------------------------

    async def _begin(self, held: int, end: int, upto: int) -> tuple[int, int]:
        """Where the comparison begins: after a position, and at an offset.

        Where records have expired the topic begins anywhere in the log. By a moment it does so, too: the
        clocks of who wrote an event and who published it need not agree.
        """
        self._begins_anywhere = held > 0 or self._since is not None
        if self._since is None:
            return 0, held
        at = (await self._bus.offsets_at(EXECUTIONS, [self._partition], self._since - LATE))[self._partition]
        return await position_at(self._store, self._since - LATE, upto=upto), min(max(at, held), end)

    async def _read(self, first: int, end: int) -> AsyncIterator[Message]:
        while True:
            try:
                async for page in read_records(self._bus, self._partition, first=first, end=end):
                    for record in page:
                        if self._key is None or record.key == self._key:
                            yield record
            except ExpiredError as error:
                first = error.first
                self._begins_anywhere = True  # once more
            else:
                return

    # One record ---------------------------------------------------------------------------------------

    async def _take(self, record: Message) -> AsyncIterator[Fault]:
        self.compared.records += 1
        head = await self._log.head()
        if head is not None and record.value == head.state and record.key == record_key(head.log_id):
            for fault in self._records.wrong_headers(record, head):
                yield fault
            self._pass(record, head)
            return
        async for fault in self._look(record, head):
            yield fault

    def _pass(self, record: Message, head: Recorded) -> None:
        """A record is of the event that comes next."""
        self.compared.events += 1
        self._gaps.follow(head)
        if self._begins_anywhere and (REPUBLISHED, b"false") in record.headers:
            self._begins_anywhere = False  # no relay publishes that before what comes before it
        self._log.advance()

    async def _look(self, record: Message, head: Recorded | None) -> AsyncIterator[Fault]:
        """A record is not simply the event that comes next."""
        event, fault = await self._records.identify(record, head)
        if fault is not None:
            yield fault
        if event is None:
            return
        if fault is None and record.value != event.state:
            meaning = f"event {event.version} has other bytes on the topic than in the log"
            yield self._records.fault(record, event, meaning)
        elif fault is None:
            for wrong in self._records.wrong_headers(record, event):
                yield wrong
        if head is not None and event.position >= head.position:
            async for lost in self._jump(record, event):
                yield lost
            self._pass(record, event)
        elif not self._gaps.comes_late(record, event):
            self.compared.repeats += 1

    async def _jump(self, record: Message, event: Recorded) -> AsyncIterator[Fault]:
        """Pass over what comes before an event in the log, and is not before it on the topic."""
        begins, passed = not self.compared.events and not self._begins_anywhere, 0
        while (head := await self._log.head()) is not None and head.position < event.position:
            passed += 1
            if not self._begins_anywhere:
                self._gaps.miss(head)
            self._log.advance()
        if self._begins_anywhere:
            self.compared.expired += passed
        elif begins and passed > _FEW:
            self._gaps.forget()
            place = f"event {event.version} of log {event.log_id}"
            meaning = f"the topic begins with {place}, and {passed} events before it are not there"
            yield self._records.fault(record, event, meaning, cause=LOSER)

    # The end ------------------------------------------------------------------------------------------

    async def _finish(self, lease: LeaseRow) -> AsyncIterator[Fault]:
        """What is left of the log, and of which nothing came."""
        oldest: Recorded | None = None
        had_records = self.compared.events > 0
        while (head := await self._log.head()) is not None:
            self._log.advance()
            if head.position > lease.relayed:
                self.compared.behind += 1
                oldest = oldest or head
            elif self._begins_anywhere and not had_records:
                self.compared.expired += 1
            else:
                self._gaps.miss(head)
        for fault in self._gaps.faults():
            yield fault
        if oldest is not None and lease.seconds_left > 0:
            waiting = await self._waiting(oldest)
            if waiting > LATE:
                meaning = (
                    f"{self.compared.behind} events of the partition are not on the topic, the oldest for "
                    f"{waiting:.0f} s: look at the executor {lease.owner}"
                )
                yield Fault(kind="topic", place=place_of(self._partition, oldest), meaning=meaning)

    async def _waiting(self, event: Recorded) -> float:
        try:
            return await self._store.now() - from_iso(decode_header(event.state).timestamp)
        except CodecError:
            return 0.0  # the verification of the log names it
