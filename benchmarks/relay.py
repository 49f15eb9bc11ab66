"""What the relay carries from the log to the topic: `python -m benchmarks relay`, on a private broker.

A relay without an executor around it. Catching up: the log is full, nothing of it is on the topic, and all of
it is read and published. Handed over: each append's events go to the relay once they are committed, as fast
as the database takes them. At a steady rate: from the commit until a consumer of the topic has the record.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import uvloop
from benchmarks.figures import Figure, Target, percentile, table
from benchmarks.inprocess import Load
from benchmarks.load import LoadError

from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus, Reader
from signoff.events.codec import TOPIC_BY_TYPE, encode
from signoff.events.ids import new_id
from signoff.events.store import open_store
from signoff.events.store.base import Append, EventStore, NewEvent
from signoff.events.topics import DEFAULT_WORKSPACE, EXECUTIONS, PARTITIONS, partition_of
from signoff.events.topology import apply
from signoff.events.types import BlockCompleted, Event
from signoff.executor.publishing.cloudevents import origin_of
from signoff.executor.publishing.relay import Relay

_EVENTS: Final = 200_000
_EACH: Final = 10
"""Events of an append: a step has two, and what comes together is committed together."""

_WRITERS: Final = 64
_STEADY: Final = 1_000
_SECONDS: Final = 20.0
_LIMIT: Final = 300.0
_MICROSECONDS: Final = 1_000_000
_RATE: Final = Target(20_000, least=True)
_LATENCY: Final = Target(10.0)


class Writer:
    """Appends events to logs as an executor does, and hands them to a relay, if there is one.

    Args:
        store: the log.
        epochs: of the partitions.
        relay: what publishes; ``None`` to let that be done later.
    """

    def __init__(self, store: EventStore, epochs: dict[int, int], relay: Relay | None) -> None:
        self._store = store
        self._epochs = epochs
        self._relay = relay
        self.committed: dict[bytes, float] = {}

    async def write(self, count: int) -> None:
        """Append some events to a new log."""
        log_id = new_id()
        partition = partition_of(log_id)
        events = [_event(log_id, version) for version in range(1, count + 1)]
        new = [NewEvent(log_id, each.event_id, TOPIC_BY_TYPE[each.type], encode(each)) for each in events]
        append = Append(partition=partition, epoch=self._epochs[partition], events=new)
        position = await self._store.append(append)
        self.committed[str(log_id).encode()] = time.perf_counter()
        if self._relay is not None:
            origin = origin_of(log_id, str(DEFAULT_WORKSPACE), "benchmark", str(log_id))
            self._relay.publish(partition, origin, events, new, position)

    async def write_all(self, count: int) -> None:
        """Append so many events by many writers at once."""
        left = iter(range(count // _EACH))

        async def writer() -> None:
            for _ in left:
                await self.write(_EACH)

        await asyncio.gather(*(writer() for _ in range(_WRITERS)))


def _event(log_id: UUID, version: int) -> Event:
    data = BlockCompleted(
        block_id="lookup", block_name="Look up the customer", block_type="function", execution_order=version,
        input={"customer": "Ada", "amount": 250}, output={"name": "Ada Lovelace", "limit": 1000, "ok": True},
        duration_ms=1.5, started_at="2026-05-01T12:00:00.000000Z", ended_at="2026-05-01T12:00:00.001500Z",
    )  # fmt: skip
    return Event(
        type=data.TYPE, event_id=version, execution_id=str(log_id), workflow_id="benchmark",
        timestamp="2026-05-01T12:00:00.001500Z", causation_id=str(log_id),
        prev="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", data=data,
    )  # fmt: skip


@asynccontextmanager
async def relaying(store: EventStore, bus: Bus, epochs: dict[int, int], relayed: int) -> AsyncIterator[Relay]:
    """A relay of all partitions, which begins after a position.

    Args:
        store: the log.
        bus: the broker.
        epochs: of the partitions.
        relayed: the position.
    """
    relay = Relay(store, bus, time_limit=60.0)
    for partition, epoch in epochs.items():
        relay.add(partition, epoch, relayed)
    yield relay
    for partition in epochs:
        await relay.remove(partition)


async def until_relayed(relay: Relay) -> None:
    """Wait until all that is committed is on the topic.

    Raises:
        LoadError: it takes too long.
    """
    deadline = time.perf_counter() + _LIMIT
    while relay.lag:
        if time.perf_counter() > deadline:
            raise LoadError(f"the relay lags behind after {_LIMIT:.0f} s")
        await asyncio.sleep(0.01)


async def _catch_up(store: EventStore, bus: Bus, epochs: dict[int, int]) -> list[Figure]:
    await Writer(store, epochs, None).write_all(_EVENTS)
    begun, used = time.perf_counter(), time.process_time()
    async with relaying(store, bus, epochs, 0) as relay:
        await until_relayed(relay)
        return _rates("catching up from the log", time.perf_counter() - begun, time.process_time() - used)


async def _hand_over(store: EventStore, bus: Bus, epochs: dict[int, int]) -> list[Figure]:
    async with relaying(store, bus, epochs, await store.last_position()) as relay:
        await until_relayed(relay)
        begun, used = time.perf_counter(), time.process_time()
        await Writer(store, epochs, relay).write_all(_EVENTS)
        await until_relayed(relay)
        spent, used = time.perf_counter() - begun, time.process_time() - used
        return _rates("appended and handed over", spent, used)


def _rates(name: str, seconds: float, used: float) -> list[Figure]:
    note = f"{_EVENTS:,} in {seconds:.1f} s"
    return [
        Figure(name, _EVENTS / seconds, "events/s", _RATE, note),
        Figure("  processor time of this process", used / _EVENTS * _MICROSECONDS, "µs/event"),
    ]


async def _steady(store: EventStore, bus: Bus, epochs: dict[int, int]) -> list[Figure]:
    async with relaying(store, bus, epochs, await store.last_position()) as relay:
        await until_relayed(relay)
        writer = Writer(store, epochs, relay)
        reader = await _reader_at_end(bus)
        reading = asyncio.create_task(_arrivals(reader, int(_STEADY * _SECONDS)))
        begun, used = time.perf_counter(), time.process_time()
        steps = int(_STEADY * _SECONDS / 2)
        async with asyncio.TaskGroup() as group:
            for step in range(steps):
                due = begun + step * 2 / _STEADY
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(writer.write(2))
        used = time.process_time() - used
        arrivals = await asyncio.wait_for(reading, _LIMIT)
    taken = [at - writer.committed[key] for key, at in arrivals]
    note = f"{len(taken):,} events at {_STEADY:,} a second, as a consumer has them"
    return [
        Figure("commit to topic, p50", percentile(taken, 50) * 1e3, "ms", _LATENCY, note),
        Figure("commit to topic, p99", percentile(taken, 99) * 1e3, "ms"),
        Figure("  processor time of this process", used / _SECONDS * 100, "%", None, "reader included"),
    ]


async def _reader_at_end(bus: Bus) -> Reader:
    """A consumer that has all that comes from now on."""
    bounds = await bus.bounds(EXECUTIONS, range(PARTITIONS))
    reader = await bus.reader(EXECUTIONS)
    await reader.assign({number: end for number, (_, end) in bounds.items()})
    return reader


async def _arrivals(reader: Reader, count: int) -> list[tuple[bytes, float]]:
    """When records come, by their keys."""
    found: list[tuple[bytes, float]] = []
    while len(found) < count:
        page = await reader.poll(wait=1.0)
        now = time.perf_counter()
        found += [(message.key, now) for message in page]
    await reader.close()
    return found


async def _measure(load: Load) -> Sequence[Figure]:
    store = await open_store(load.database or f"sqlite:///{load.folder / 'relay.db'}")
    bus = await open_bus(f"kafka://{load.kafka}" if load.kafka else "memory:")
    await store.migrate(partitions=PARTITIONS)
    await apply(bus)
    leases = await store.acquire("benchmark", most=PARTITIONS, ttl=_LIMIT * 10)
    epochs = {lease.partition: lease.epoch for lease in leases}
    figures = [
        *await _catch_up(store, bus, epochs),
        *await _hand_over(store, bus, epochs),
        *await _steady(store, bus, epochs),
    ]
    await bus.close()
    await store.close()
    return figures


def measure(load: Load) -> None:
    """Measure the relay."""
    for line in table({"relay": uvloop.run(_measure(load))}):
        print(line)
