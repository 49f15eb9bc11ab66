"""Timers: what is due soon is in memory, what is due later in the database, and nothing is forgotten."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from signoff.executor.partition import timing as module
from signoff.executor.partition.timing import HORIZON, Timing
from support.executors import until
from support.stores import Clock

LOG = UUID(int=3)


class Woken:
    """A partition that notes whom it was told to wake."""

    def __init__(self) -> None:
        self.logs: list[UUID] = []

    def deliver(self, log_id: UUID, message: object) -> None:
        self.logs.append(log_id)


class Rows:
    """A database that knows what is due."""

    def __init__(self) -> None:
        self.due_at: dict[UUID, float] = {}

    async def due(
        self, partitions: Collection[int], *, before: float, limit: int
    ) -> list[tuple[UUID, float]]:
        return [
            (log_id, due)
            for log_id, due in self.due_at.items()
            if due <= before and log_id.int % 8 in partitions
        ]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def timers(rows: Any, clock: Clock, owned: Any) -> AsyncIterator[Timing]:
    timing = Timing(rows, lambda: owned, partitions=8, clock=clock)
    tasks = [asyncio.create_task(timing.fire()), asyncio.create_task(timing.poll())]
    yield timing
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_due_is_woken_once(clock: Clock) -> None:
    woken = Woken()
    async with timers(Rows(), clock, {3: woken}) as timing:
        timing.watch(3, LOG, clock.now + 1)
        timing.watch(3, LOG, clock.now + 1)
        clock.now += 1
        timing.watch(3, UUID(int=11), clock.now - 5)

        await until(lambda: len(woken.logs) == 2)

    assert woken.logs == [UUID(int=11), LOG]


async def test_what_is_due_later_takes_no_memory_until_it_is_near(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_POLL", 0.01)
    rows, woken = Rows(), Woken()
    async with timers(rows, clock, {3: woken}) as timing:
        rows.due_at[LOG] = clock.now + HORIZON + 100
        timing.watch(3, LOG, rows.due_at[LOG])
        assert timing._heap == []

        clock.now += 100
        await until(lambda: timing._heap)
        clock.now += HORIZON
        timing.watch(3, UUID(int=11), clock.now)

        await until(lambda: LOG in woken.logs)


async def test_what_is_due_in_a_partition_of_another_is_left_to_it(clock: Clock) -> None:
    woken = Woken()
    async with timers(Rows(), clock, {3: woken}) as timing:
        timing.watch(4, UUID(int=4), clock.now)
        timing.watch(3, LOG, clock.now)

        await until(lambda: woken.logs == [LOG])
        assert timing._heap == []
