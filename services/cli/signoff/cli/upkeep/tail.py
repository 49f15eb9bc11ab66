"""What the topic of a partition has that its log does not: the events that a restored database lost."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.events.bus.base import Bus, Message
from signoff.events.codec import TOPIC_BY_TYPE, Header, chain_hash, decode_header
from signoff.events.errors import BusUnavailableError, CodecError
from signoff.events.store.base import EventStore, NewEvent
from signoff.events.topics import EXECUTIONS, log_of_key, recovery_log_id

_WAIT: Final = 1.0
_SILENCE: Final = 15
"""Polls without a record after which the broker counts as away."""


class Lost(Struct):
    """The events of one log that are on the topic alone: after ``after`` up to ``upto``."""

    after: int
    upto: int
    prev: str | None


class Tail(Struct):
    """All such events of a partition.

    Attributes:
        logs: by their ids.
        flaw: why they cannot be put back; ``None`` when they can.
    """

    logs: dict[UUID, Lost] = {}
    flaw: str | None = None

    @property
    def events(self) -> int:
        """How many events."""
        return sum(lost.upto - lost.after for lost in self.logs.values())


class _Entry(Struct, frozen=True):
    """A record of the topic."""

    log_id: UUID
    header: Header
    message: Message


async def read_tail(store: EventStore, bus: Bus, partition: int) -> Tail:
    """Read the whole topic of a partition, and compare it with the log.

    Each event that the log lacks must follow on the one before it, by its number and by the hash that it
    carries. What lies before an earlier recovery was decided on then.

    Raises:
        BusError: the broker is away, or loses records meanwhile.
        StoreUnavailableError: the database is away.
    """
    tail = Tail()
    settled = recovery_log_id(partition)
    async for messages in _records(bus, partition):
        entries = [_read(message) for message in messages]
        heads = await store.heads({entry.log_id for entry in entries if isinstance(entry, _Entry)})
        for entry in entries:
            if not isinstance(entry, _Entry):
                tail.flaw = f"{EXECUTIONS}/{partition} offset {entry.offset} is no event of a log"
            elif entry.header.event_id > heads.get(entry.log_id, 0):
                await _add(store, tail, entry, heads.get(entry.log_id, 0))
            elif entry.log_id == settled:
                tail = Tail()
    return tail


async def _add(store: EventStore, tail: Tail, entry: _Entry, head: int) -> None:
    lost, header = tail.logs.get(entry.log_id), entry.header
    if lost is None:
        lost = tail.logs[entry.log_id] = Lost(head, head, await _hash(store, entry.log_id, head))
    if header.event_id <= lost.upto:
        return  # a relay may repeat records
    if header.event_id != lost.upto + 1 or header.prev != lost.prev:
        tail.flaw = (
            f"event {header.event_id} of {entry.log_id} (offset {entry.message.offset}) does not follow on "
            f"event {lost.upto}: records before it have expired, or the log went on otherwise"
        )
    elif header.type not in TOPIC_BY_TYPE:
        tail.flaw = f"{header.type} is an event of another version of Signoff: recover with that one"
    lost.upto, lost.prev = header.event_id, chain_hash(entry.message.value)


async def _hash(store: EventStore, log_id: UUID, version: int) -> str | None:
    found = await store.read(log_id, after=version - 1, limit=1) if version else []
    return chain_hash(found[0].state) if found else None


async def lost_events(bus: Bus, partition: int, logs: Mapping[UUID, Lost]) -> AsyncIterator[list[NewEvent]]:
    """The events of a tail in the order of the topic, each once, by pages.

    Raises:
        BusError: the broker is away, or lost records since they were read.
    """
    at = {log_id: lost.after for log_id, lost in logs.items()}
    async for messages in _records(bus, partition):
        page = []
        for entry in map(_read, messages):
            if not isinstance(entry, _Entry) or entry.log_id not in at:
                continue
            log_id, version = entry.log_id, entry.header.event_id
            if at[log_id] < version <= logs[log_id].upto:
                at[log_id] = version
                page.append(NewEvent(log_id, version, TOPIC_BY_TYPE[entry.header.type], entry.message.value))
        if page:
            yield page


def _read(message: Message) -> _Entry | Message:
    """What a record says; itself where that is nothing."""
    try:
        return _Entry(log_of_key(message.key), decode_header(message.value), message)
    except (CodecError, ValueError):
        return message


async def _records(bus: Bus, partition: int) -> AsyncIterator[Collection[Message]]:
    """All records that a partition of the topic holds now, by pages."""
    first, end = (await bus.bounds(EXECUTIONS, [partition]))[partition]
    if first == end:
        return
    reader = await bus.reader(EXECUTIONS)
    try:
        await reader.assign({partition: first})
        silent, at = 0, first
        while at < end:
            messages = await reader.poll(wait=_WAIT)
            silent = 0 if messages else silent + 1
            if silent > _SILENCE:
                raise BusUnavailableError(f"{EXECUTIONS}/{partition} gives nothing after offset {at}")
            if messages:
                at = messages[-1].offset + 1
                yield [message for message in messages if message.offset < end]
    finally:
        await reader.close()
