"""What a block does while it runs: it beats, streams, and hears that it is given up."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from signoff.blocks import (
    BlockCancelledError,
    BlockDefinitionError,
    BlockSpec,
    Context,
    HeartbeatError,
    block,
)
from signoff.runtime.threads import DaemonThreads
from support.executors import until

QUIET = 0.05
"""Seconds without a heartbeat after which the blocks of these tests are given up."""


class Run:
    """What an executor gives to a try, and what came of it."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.emitted: list[tuple[str, str]] = []
        self.context = Context(
            execution_id="e1",
            workflow_id="w1",
            block_id="b1",
            attempt=1,
            idempotency_key="e1/b1",
            cancelled=self.cancelled,
            log=lambda message, /, **fields: None,
            secret=lambda name: name,
            emit=lambda text: self.emitted.append((text, threading.current_thread().name)),
        )


@pytest.fixture
async def run() -> Run:
    return Run()


@pytest.fixture
def threads() -> Iterator[DaemonThreads]:
    with DaemonThreads(2, name="block") as threads:
        yield threads


def spec_of(function: Callable[..., object]) -> BlockSpec:
    spec: BlockSpec = vars(function)["__signoff_block__"]
    return spec


# Heartbeats ---------------------------------------------------------------------------------------------


async def test_a_block_that_stops_beating_is_cancelled_and_says_where_it_was(
    run: Run, threads: DaemonThreads
) -> None:
    ended = asyncio.Event()

    @block(heartbeat_timeout=QUIET)
    async def hangs(ctx: Context) -> None:
        ctx.heartbeat("page 7 of 90")
        try:
            await asyncio.Event().wait()
        finally:
            assert ctx.cancelled.is_set()
            ended.set()

    with pytest.raises(HeartbeatError, match=r'^Block "hangs" gave no heartbeat .* after: page 7'):
        await spec_of(hangs).call(run.context, {}, threads=threads)
    assert ended.is_set()
    assert not run.cancelled.is_set()


async def test_a_block_that_beats_may_take_longer_than_the_limit_of_its_heartbeat(
    run: Run, threads: DaemonThreads
) -> None:
    limit = 10 * QUIET  # long beside any stall of a busy machine

    @block(heartbeat_timeout=limit)
    async def works(ctx: Context) -> str:
        end = time.monotonic() + 1.2 * limit
        while time.monotonic() < end:
            ctx.heartbeat()
            await asyncio.sleep(limit / 50)
        return "done"

    assert await spec_of(works).call(run.context, {}, threads=threads) == "done"


async def test_a_block_in_a_thread_hears_at_its_next_beat_that_it_was_given_up(
    run: Run, threads: DaemonThreads
) -> None:
    heard = threading.Event()

    @block(heartbeat_timeout=QUIET)
    def hangs(ctx: Context) -> None:
        while not ctx.cancelled.is_set():
            threading.Event().wait(0.001)
        try:
            ctx.heartbeat()
        except BlockCancelledError:
            heard.set()
            raise

    with pytest.raises(HeartbeatError):
        await spec_of(hangs).call(run.context, {}, threads=threads)
    await until(heard.is_set)


async def test_a_time_limit_of_the_block_s_own_is_no_missing_heartbeat(
    run: Run, threads: DaemonThreads
) -> None:
    @block(heartbeat_timeout=60)
    async def gives_up(ctx: Context) -> None:
        raise TimeoutError("the bank did not answer")

    with pytest.raises(TimeoutError, match="the bank did not answer"):
        await spec_of(gives_up).call(run.context, {}, threads=threads)


async def test_a_task_of_the_block_may_wait_for_the_end_of_its_run(run: Run, threads: DaemonThreads) -> None:
    @block(heartbeat_timeout=60)
    async def waits(ctx: Context) -> str:
        await ctx.cancelled.wait()
        return "tidied up"

    call = asyncio.ensure_future(spec_of(waits).call(run.context, {}, threads=threads))
    run.cancelled.set()
    assert await call == "tidied up"


def test_a_heartbeat_needs_the_context() -> None:
    async def silent() -> None: ...

    with pytest.raises(BlockDefinitionError, match="Add a parameter `ctx: Context`"):
        block(heartbeat_timeout=1)(silent)


# Streaming ----------------------------------------------------------------------------------------------


async def test_what_a_thread_emits_arrives_in_the_event_loop_in_order_and_before_the_result(
    run: Run, threads: DaemonThreads
) -> None:
    @block
    def tells(ctx: Context) -> str:
        for word in ("once ", "upon ", "a time"):
            ctx.emit(word)
        return "end"

    await spec_of(tells).call(run.context, {}, threads=threads)

    assert "".join(text for text, _ in run.emitted) == "once upon a time"
    assert {thread for _, thread in run.emitted} == {threading.current_thread().name}


async def test_a_thread_that_was_given_up_cannot_emit(run: Run, threads: DaemonThreads) -> None:
    started, refused = threading.Event(), threading.Event()

    @block
    def tells(ctx: Context) -> None:
        started.set()
        while not ctx.cancelled.is_set():
            threading.Event().wait(0.001)
        try:
            ctx.emit("too late")
        except BlockCancelledError:
            refused.set()

    call = asyncio.ensure_future(spec_of(tells).call(run.context, {}, threads=threads))
    await until(started.is_set)
    run.cancelled.set()
    call.cancel()
    await until(refused.is_set)

    assert run.emitted == []


def test_a_context_without_an_executor_may_beat(run: Run) -> None:
    msgspec.structs.replace(run.context).heartbeat("nobody hears it")
