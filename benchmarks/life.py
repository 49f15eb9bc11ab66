"""The state of a long execution as of any event: `python -m benchmarks life [--postgres]`.

The log is that of loops whose blocks set variables, as an executor writes it; waypoints are made as
executors make them, while it grows. Each state is asked for at another event, or at another moment.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final
from uuid import UUID

import psycopg
import uvloop
from benchmarks.figures import Figure, Target, latencies, table
from benchmarks.inprocess import Load

from signoff.audit.life.folding import mark_waypoint, state_as_of, version_at
from signoff.events.codec import TOPIC_BY_TYPE, chain_hash, encode
from signoff.events.ids import new_id
from signoff.events.store import open_store
from signoff.events.store.base import Append, EventStore, NewEvent
from signoff.events.times import iso
from signoff.events.topics import PARTITIONS
from signoff.events.types import (
    SYSTEM,
    BlockCompleted,
    BlockStarted,
    ContainerOpened,
    Event,
    EventData,
    ExecutionStarted,
    LoopIteration,
    VariablesSet,
)

_EVENTS: Final = 100_000
_TURN: Final = 1_000
_ASKED: Final = 300
_PAGE: Final = 500
_TARGET: Final = Target(100.0)
_BEGAN: Final = 1_750_000_000.0
_BLOCKS: Final = 3


def measure(load: Load) -> None:
    """Make the log, ask, and print the figures."""
    uvloop.run(_measure(load))


async def _measure(load: Load) -> None:
    url = load.database or f"sqlite:///{load.folder / 'life.db'}"
    store = await open_store(url)
    try:
        await store.migrate(partitions=PARTITIONS)
        log_id = new_id()
        taken = await _write(store, log_id)
        if load.database:
            await asyncio.to_thread(_analyze, load.database)
        figures = [
            Figure(f"{_EVENTS:,} events written, with waypoints", _EVENTS / taken, "events/s"),
            await _whole(store, log_id),
            *latencies("state as of an event", await _by_event(store, log_id), _TARGET, None),
            *latencies("state as of a moment", await _by_moment(store, log_id), _TARGET, None),
        ]
    finally:
        await store.close()
    print("\n".join(table({"PostgreSQL" if load.database else "SQLite": figures})))


def _analyze(url: str) -> None:
    """Gather statistics, as autovacuum does within a minute of such a load."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


async def _write(store: EventStore, log_id: UUID) -> float:
    """Write the log as it grows; gives the seconds."""
    leases = {each.partition: each for each in await store.acquire("life", most=PARTITIONS, ttl=3600)}
    lease = leases[int.from_bytes(log_id.bytes[-2:]) % PARTITIONS]
    begun = time.perf_counter()
    page: list[NewEvent] = []
    for event in _events(log_id):
        page.append(event)
        if len(page) == _PAGE:
            await store.append(Append(partition=lease.partition, epoch=lease.epoch, events=page))
            await mark_waypoint(store, log_id)
            page = []
    return time.perf_counter() - begun


def _events(log_id: UUID) -> Iterator[NewEvent]:
    prev: str | None = None
    for number, data in enumerate(_facts(), start=1):
        event = Event(
            type=data.TYPE, event_id=number, execution_id=str(log_id), workflow_id="life",
            timestamp=iso(_BEGAN + number), causation_id=str(number - 1), prev=prev, data=data,
        )  # fmt: skip
        raw = encode(event)
        prev = chain_hash(raw)
        yield NewEvent(log_id, number, TOPIC_BY_TYPE[data.TYPE], raw)
        if number == _EVENTS:
            return


def _facts() -> Iterator[EventData]:
    """What happens: loops one after the other, of as many turns as a loop may have."""
    yield ExecutionStarted(
        workspace_id=str(UUID(int=0)), workflow_version=1, definition_digest="sha256:" + "0" * 64,
        trigger="api", mode="async", input={"amount": 10}, actor=SYSTEM, start_time=iso(_BEGAN),
    )  # fmt: skip
    order = 0
    for loop in range(_EVENTS):
        order += 1
        name = f"loop-{loop}"
        yield BlockStarted(block_id=name, block_name=name, block_type="loop", execution_order=order)
        yield ContainerOpened(block_id=name, total=_TURN)
        for turn in range(_TURN):
            yield LoopIteration(container_id=name, index=turn)
            for block in range(_BLOCKS):
                order += 1
                yield from _block(name, f"step-{block}", turn, order)


def _block(loop: str, block_id: str, turn: int, order: int) -> Iterator[EventData]:
    at = iso(_BEGAN + order)
    yield BlockStarted(
        block_id=block_id, block_name=block_id, block_type="variables", execution_order=order,
        iteration_current=turn, iteration_total=_TURN, iteration_type="loop", iteration_container_id=loop,
    )  # fmt: skip
    yield VariablesSet(values={block_id: turn})
    yield BlockCompleted(
        block_id=block_id, block_name=block_id, block_type="variables", execution_order=order,
        iteration_current=turn, iteration_total=_TURN, iteration_type="loop", iteration_container_id=loop,
        input={"set": turn}, output={block_id: turn}, duration_ms=1, started_at=at, ended_at=at,
    )  # fmt: skip


async def _whole(store: EventStore, log_id: UUID) -> Figure:
    waypoints = [each async for each in _waypoints(store, log_id)]
    kept = sum(len(each) for each in waypoints)
    return Figure("waypoints", kept / 1024, "KiB", None, f"{len(waypoints)} of them")


async def _waypoints(store: EventStore, log_id: UUID) -> AsyncIterator[bytes]:
    upto = _EVENTS
    while (found := await store.waypoint(log_id, upto=upto)) is not None:
        yield found.state
        upto = found.version - 1


async def _by_event(store: EventStore, log_id: UUID) -> list[float]:
    chance = random.Random(1)
    seconds: list[float] = []
    for _ in range(_ASKED):
        upto = chance.randint(1, _EVENTS)
        begun = time.perf_counter()
        folded = await state_as_of(store, log_id, upto=upto)
        seconds.append(time.perf_counter() - begun)
        if folded.state.version != upto:
            raise AssertionError(f"asked for event {upto}, got {folded.state.version}")
        await asyncio.sleep(0)
    return seconds


async def _by_moment(store: EventStore, log_id: UUID) -> list[float]:
    chance = random.Random(2)
    seconds: list[float] = []
    for _ in range(_ASKED):
        moment = _BEGAN + chance.uniform(1, _EVENTS)
        begun = time.perf_counter()
        await state_as_of(store, log_id, upto=await version_at(store, log_id, moment))
        seconds.append(time.perf_counter() - begun)
    return seconds
