"""The loop of simulations: virtual time, an order drawn by a seed, processes that die between two steps."""

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest

from simulation.kernel.errors import DeadlockError, StuckError
from simulation.kernel.loop import SimulatedLoop
from simulation.kernel.processes import Process

_LONG = 10**6


def loop_of(seed: int = 0, *, most_steps: int = 10_000) -> SimulatedLoop:
    return SimulatedLoop(Random(seed), most_steps=most_steps, most_seconds=_LONG)


def run(work: Coroutine[Any, Any, Any], loop: SimulatedLoop) -> Any:
    try:
        return loop.run_until_complete(loop.create_task(work))
    finally:
        loop.close()


def test_time_passes_only_where_nothing_else_can_happen() -> None:
    loop = loop_of()

    async def sleep() -> float:
        await asyncio.sleep(86_400)
        return loop.time()

    assert run(sleep(), loop) == 86_400


def test_what_is_due_at_the_same_moment_comes_in_the_order_of_asking() -> None:
    loop, came = loop_of(), list[int]()

    async def ask() -> None:
        for number in range(50):
            loop.call_at(1.0, came.append, number)
        await asyncio.sleep(2)

    run(ask(), loop)
    assert came == list(range(50))


def order_of(seed: int) -> list[int]:
    loop, came = loop_of(seed), list[int]()

    async def one(number: int) -> None:
        await asyncio.sleep(0)
        came.append(number)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(10)))

    run(all_of_them(), loop)
    return came


def test_the_order_of_tasks_is_drawn_by_the_seed() -> None:
    assert order_of(1) == order_of(1)
    assert len({tuple(order_of(seed)) for seed in range(10)}) > 1


def test_a_killed_process_never_takes_another_step() -> None:
    loop, did = loop_of(), list[str]()

    async def work() -> None:
        try:
            did.append("begun")
            await asyncio.sleep(1)
            did.append("went on")
        finally:
            did.append("cleaned up")

    async def kill() -> None:
        process = Process("one")
        process.spawn(work(), "work")
        await asyncio.sleep(0.5)
        loop.kill(process)
        await asyncio.sleep(5)
        assert did == ["begun"]

    run(kill(), loop)


def test_a_killed_process_hears_no_more_of_what_others_do() -> None:
    loop, did = loop_of(), list[str]()

    async def wait_for(told: asyncio.Event) -> None:
        await told.wait()
        did.append("heard")

    async def kill() -> None:
        process, told = Process("one"), asyncio.Event()
        process.spawn(wait_for(told), "work")
        await asyncio.sleep(0.5)
        loop.kill(process)
        told.set()
        await asyncio.sleep(5)

    run(kill(), loop)
    assert did == []


def test_a_frozen_process_goes_on_late_where_it_was() -> None:
    loop = loop_of()
    woke: list[float] = []

    async def work() -> None:
        await asyncio.sleep(1)
        woke.append(loop.time())

    async def freeze() -> None:
        process = Process("one")
        process.spawn(work(), "work")
        await asyncio.sleep(0.5)
        loop.freeze(process)
        await asyncio.sleep(9.5)
        assert woke == []
        loop.thaw(process)
        await asyncio.sleep(0.1)

    run(freeze(), loop)
    assert woke == [10.0]


def test_where_nothing_can_ever_happen_it_says_who_waits() -> None:
    loop = loop_of()

    with pytest.raises(DeadlockError, match="these wait"):
        run(asyncio.Event().wait(), loop)


def test_a_run_without_an_end_is_ended() -> None:
    loop = loop_of(most_steps=1000)

    async def spin() -> None:
        while True:  # noqa: ASYNC110  (that it never ends is the point)
            await asyncio.sleep(0)

    with pytest.raises(StuckError, match="no end after 1001 steps"):
        run(spin(), loop)


def test_work_in_threads_is_done_here_and_takes_time() -> None:
    loop = loop_of()

    async def work() -> tuple[int, float]:
        return await asyncio.to_thread(sum, [1, 2]), loop.time()

    result, took = run(work(), loop)
    assert result == 3
    assert 0 < took < 0.01
