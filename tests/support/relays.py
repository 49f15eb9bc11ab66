"""An owner of a partition with its relay, and a log that it writes to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.bus.base import Bus
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import TOPIC_BY_TYPE, decode_command, encode
from signoff.events.store.base import Append, EventStore, Lease, NewEvent
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import COMMANDS, DEFAULT_WORKSPACE, EXECUTIONS
from signoff.events.topology import apply
from signoff.events.types import Command, Event, EventData, ExecutionStarted, TimerFired
from signoff.executor.publishing.cloudevents import Origin, origin_of
from signoff.executor.publishing.messages import lineage_of
from signoff.executor.publishing.relay import Relay
from support.executor_faults import FaultyBus, FaultyStore
from support.executors import ACTOR, until

PARTITIONS = 4
NOON = "2026-01-01T00:00:00.000000Z"
FIRED = TimerFired(timer_id="t", kind="wait", due_at=NOON)


class Watched(FaultyStore):
    """A store that notes what it is asked, and can hold back the answers to appends.

    Attributes:
        asked: how often it was asked how far the log is.
        leased: how often it was asked for the leases.
        committed: the position of the last append.
    """

    def __init__(self, store: EventStore) -> None:
        super().__init__(store)
        self.asked = 0
        self.leased = 0
        self.committed = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def last_position(self) -> int:
        self.asked += 1
        position: int = await self.__getattr__("last_position")()
        return position

    async def leases(self) -> Any:
        self.leased += 1
        return await self.__getattr__("leases")()

    async def append(self, append: Append) -> int:
        self.committed = await super().append(append)
        await self.answers.wait()
        return self.committed


class Slow(FaultyBus):
    """A bus that can hold records back before it takes them."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self.answers = asyncio.Event()
        self.answers.set()

    async def publish(self, topic: str, partition: int, records: Any) -> Any:
        await self.answers.wait()
        return await super().publish(topic, partition, records)


class Writing:
    """An owner of partition 0 with its relay, and one execution's log that it writes to.

    Args:
        started: the log's first event; a start that nobody called unless given.
    """

    def __init__(self, store: Any, bus: Any, lease: Lease, started: ExecutionStarted) -> None:
        self.store = store
        self.bus = bus
        self.lease = lease
        self.relay = Relay(store, bus, partitions=PARTITIONS, time_limit=60)
        self.log_id = UUID(int=1 << 64)
        self.state = State()
        self._first: list[EventData] = [started]

    @classmethod
    @asynccontextmanager
    async def open(cls, started: ExecutionStarted | None = None) -> AsyncIterator["Writing"]:
        """One on a log and topics of this process, its relay ended on leaving."""
        store, bus = MemoryStore(), MemoryBus()
        await store.migrate(partitions=PARTITIONS)
        await apply(bus, partitions=PARTITIONS)
        (lease,) = await store.acquire("writer", most=1, ttl=60)
        writing = cls(Watched(store), Slow(bus), lease, started or start_of_an_execution())
        yield writing
        await writing.relay.remove(0)
        await bus.close()

    @property
    def version(self) -> int:
        """The last event of the log."""
        return self.state.version

    @property
    def origin(self) -> Origin:
        """What its events have in common."""
        return origin_of(self.log_id, str(DEFAULT_WORKSPACE), "w", str(self.log_id), lineage_of(self.state))

    def take(self) -> None:
        """Begin to publish."""
        self.relay.add(0, self.lease.epoch, self.lease.relayed)

    def event(self, data: EventData) -> tuple[Event, NewEvent]:
        """The next event of the log."""
        event = Event(
            type=data.TYPE,
            event_id=self.version + 1,
            execution_id=str(self.log_id),
            workflow_id="w",
            timestamp=NOON,
            causation_id="1",
            data=data,
        )
        if isinstance(data, ExecutionStarted):
            evolve(self.state, event)
        else:
            self.state.version = event.event_id  # the relay goes by the first event alone
        return event, NewEvent(self.log_id, event.event_id, TOPIC_BY_TYPE[event.type], encode(event))

    async def write(self, *data: EventData, count: int = 1, hand_over: bool = True) -> None:
        """Append events, the log's first one before them, and tell the relay as the partition does."""
        first, self._first = self._first, []
        drafts = [*first, *(data or [FIRED] * (count - len(first)))]
        events, new = zip(*map(self.event, drafts), strict=True)
        append = Append(partition=0, epoch=self.lease.epoch, events=list(new))
        with self.relay.appending(0):
            position = await self.store.append(append)
            if hand_over:
                self.relay.publish(0, self.origin, events, new, position)

    async def published(self) -> list[tuple[int, bytes]]:
        """Event ids on the topic, each with whether it says that it may be a repetition."""
        headers = [dict(message.headers) for message in await self._read(EXECUTIONS, 0)]
        return [(int(each["ce_eventid"]), each["ce_republished"]) for each in headers]

    async def until_published(self, count: int) -> None:
        """Wait until the topic ends with the log's last events."""

        async def complete() -> bool:
            return [event_id for event_id, _ in await self.published()][-count:] == [
                *range(self.version - count + 1, self.version + 1)
            ]

        await until(complete)

    async def commands(self, partition: int) -> list[Command]:
        """The commands of a partition's topic."""
        return [decode_command(message.value) for message in await self._read(COMMANDS, partition)]

    async def relayed(self) -> int:
        """The position that a next owner would go on from."""
        (row,) = [row for row in await self.store.leases() if row.partition == 0]
        relayed: int = row.relayed
        return relayed

    async def _read(self, topic: str, partition: int) -> Any:
        first, end = (await self.bus.bounds(topic, [partition]))[partition]
        reader = await self.bus.reader(topic)
        await reader.assign({partition: first})
        messages = await reader.poll(wait=0.1, limit=10_000) if end > first else []
        await reader.close()
        return messages


def start_of_an_execution(**fields: Any) -> ExecutionStarted:
    """The first event of an execution's log."""
    return ExecutionStarted(
        **{
            "workspace_id": str(DEFAULT_WORKSPACE),
            "workflow_version": 1,
            "definition_digest": "sha256:1",
            "trigger": "api",
            "mode": "async",
            "actor": ACTOR,
            "start_time": NOON,
            **fields,
        }
    )
