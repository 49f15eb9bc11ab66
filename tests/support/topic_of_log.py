"""A partition's log, and a topic that is made of it by hand: whole, or as somebody has left it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec

from signoff.audit.verify.faults import Fault
from signoff.audit.verify.topic import TopicCheck, TopicCompared
from signoff.events.bus.base import Bus, Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.cloudevents import common_headers, record_of
from signoff.events.codec import TOPIC_BY_TYPE, decode_header, encode
from signoff.events.store.base import Append, EventStore, NewEvent, Recorded
from signoff.events.store.memory import MemoryStore
from signoff.events.times import from_iso
from signoff.events.topics import DEFAULT_WORKSPACE, EXECUTIONS, record_key
from signoff.events.topology import apply
from signoff.events.types import Event
from support.relays import FIRED, NOON, start_of_an_execution

LOGS = {name: UUID(int=(number << 64) + (number << 16)) for number, name in enumerate("abc", 1)}
"""Three logs of partition 0, whatever the number of partitions."""

Place = tuple[str, int]
"""A log by its short name, and one of its versions."""


class TopicOfLog:
    """A log in partition 0, owned by nobody who would publish it.

    Args:
        store: the log.
        bus: where its topic is.
        partitions: of both.

    Attributes:
        compared: what the last check looked at.
    """

    def __init__(self, store: EventStore, bus: Bus, *, partitions: int) -> None:
        self.store = store
        self.bus = bus
        self.compared = TopicCompared()
        self._partitions = partitions
        self._epoch = 0
        self._lengths = dict.fromkeys(LOGS, 0)

    @classmethod
    @asynccontextmanager
    async def in_memory(cls, *, expired: int = 0, age: float = 1.0) -> AsyncIterator["TopicOfLog"]:
        """One in this process.

        Args:
            expired: so many records of its topic have.
            age: of its events, in seconds.
        """
        store, bus = (
            MemoryStore(clock=lambda: from_iso(NOON) + age),
            MemoryBus(first_offsets={EXECUTIONS: {0: expired}}),
        )
        await store.migrate(partitions=1)
        await apply(bus, partitions=1)
        yield cls(store, bus, partitions=1)
        await bus.close()
        await store.close()

    async def write(
        self, names: Iterable[str], *, relayed: bool = True, state: bytes | None = None
    ) -> list[Recorded]:
        """Append an event to each of some logs, one after the other; gives all events of the partition.

        Args:
            names: of the logs, by letter.
            relayed: whether the owner notes that they are on the topic.
            state: bytes in place of an event's own.
        """
        if not self._epoch:
            leases = await self.store.acquire("writer", most=self._partitions, ttl=600)
            (self._epoch,) = (lease.epoch for lease in leases if lease.partition == 0)
        events = [self._next(name, state) for name in names]
        if events:
            await self.store.append(Append(partition=0, epoch=self._epoch, events=events))
        if relayed:
            await self.store.relayed({0: (self._epoch, await self.store.last_position())})
        return await self.store.read_all(after=0, limit=10_000, partitions=[0])

    def _next(self, name: str, state: bytes | None) -> NewEvent:
        version = self._lengths[name] = self._lengths[name] + 1
        data = start_of_an_execution() if version == 1 else FIRED
        event = Event(
            type=data.TYPE, event_id=version, execution_id=str(LOGS[name]), workflow_id="w", timestamp=NOON,
            causation_id="c", data=data,
        )  # fmt: skip
        return NewEvent(LOGS[name], version, TOPIC_BY_TYPE[event.type], state or encode(event))

    async def publish(self, records: Sequence[Record]) -> None:
        """Write records to the topic."""
        await (await self.bus.publish(EXECUTIONS, 0, records))

    async def faults(self, *, log: str | None = None, since: float | None = None) -> list[Fault]:
        """What is wrong with the topic."""
        check = TopicCheck(
            self.store, self.bus, 0, partitions=self._partitions,
            log_id=None if log is None else LOGS[log], since=since,
        )  # fmt: skip
        found = [fault async for fault in check.run()]
        self.compared = check.compared
        assert self.compared.faults == len(found)
        return found


def published(event: Recorded, *, again: bool = False) -> Record:
    """The record of an event as a relay makes it."""
    common = common_headers(str(DEFAULT_WORKSPACE), "w", str(event.log_id))
    return record_of(decode_header(event.state), event.state, record_key(event.log_id), common, again=again)


def with_header(record: Record, name: str, value: bytes) -> Record:
    """A record with another value of a header."""
    headers = [(each, value if each == name else given) for each, given in record.headers]
    return msgspec.structs.replace(record, headers=tuple(headers))


def places(faults: Iterable[Fault]) -> list[Place | None]:
    """Which events faults are about; ``None`` for a fault that is about none."""
    names = {str(log_id): name for name, log_id in LOGS.items()}
    return [
        (names[each.place.log_id], each.place.event_id) if each.place.log_id and each.place.event_id else None
        for each in faults
    ]
