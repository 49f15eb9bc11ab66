"""Registered blocks as an executor runs them."""

import asyncio
import threading

import pytest

from signoff.blocks import Context, PermanentError, Retry, block
from signoff.events.blobs import BlobStore
from signoff.executor.app import open_tools
from signoff.runtime.settings import Settings
from signoff.testing import Outcome, run_workflow
from support.executors import until

THREE_TRIES = Retry(max_tries=3, wait=1)


def run(function: object, name: str, **fields: object) -> Outcome:
    """Run one block of a registered type."""
    return run_workflow({"blocks": {name: {"type": name}}}, blocks=[function], **fields)


def failure(outcome: Outcome) -> tuple[str, str]:
    """How the block failed, for programs and for people."""
    assert outcome.status == "failed"
    (error,) = [event.data for event in outcome.events if event.type == "block:error"]
    return error.code, error.error


def test_a_block_that_stops_beating_is_tried_again() -> None:
    @block(heartbeat_timeout=0.3, retry=THREE_TRIES)
    async def crawls(ctx: Context) -> int:
        ctx.heartbeat("page 7")
        if ctx.attempt == 1:
            await asyncio.Event().wait()
        return ctx.attempt

    outcome = run(crawls, "crawls")

    assert outcome.output == {"result": 2}
    (retrying,) = [event.data for event in outcome.events if event.type == "block:retrying"]
    assert retrying.error == 'Block "crawls" gave no heartbeat for 0.3 seconds after: page 7'


def test_a_block_that_never_beats_fails_after_its_last_try() -> None:
    @block(heartbeat_timeout=0.02)
    async def hangs(ctx: Context) -> None:
        await asyncio.Event().wait()

    assert failure(run(hangs, "hangs")) == (
        "HEARTBEAT_TIMEOUT",
        'Block "hangs" gave no heartbeat for 0.02 seconds',
    )


def test_a_permanent_failure_is_not_tried_again() -> None:
    @block(retry=THREE_TRIES)
    async def pays() -> None:
        raise PermanentError("the card was declined")

    outcome = run(pays, "pays")

    assert failure(outcome) == ("BLOCK_FAILED", "the card was declined")
    assert "block:retrying" not in outcome.event_types


def test_a_secret_that_is_not_set_is_named_and_not_asked_for_again() -> None:
    @block(retry=THREE_TRIES)
    async def signs(ctx: Context) -> str:
        return ctx.secret("STRIPE_KEY")

    outcome = run(signs, "signs")

    assert failure(outcome) == (
        "SECRET_NOT_FOUND",
        "STRIPE_KEY is not set: give executors SIGNOFF_ENV_STRIPE_KEY",
    )
    assert "block:retrying" not in outcome.event_types


@pytest.mark.parametrize("is_async", [True, False])
def test_a_secret_is_kept_out_of_output_error_and_log_lines(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def leaks(ctx: Context) -> None:
        key = ctx.secret("KEY")
        ctx.log(f"the key is {key}", header={"key": key}, odd={1: key}, call=ValueError(key))
        raise PermanentError(f"refused: {key}")

    async def leaks_later(ctx: Context) -> None:
        leaks(ctx)

    outcome = run(block("leaks")(leaks_later if is_async else leaks), "leaks", environment={"KEY": "k-12345"})

    assert failure(outcome) == ("BLOCK_FAILED", "refused: •••")
    (line,) = logged(caplog)
    assert "12345" not in line
    assert line.count("•••") == 4


def test_a_log_line_carries_the_names_of_its_run(caplog: pytest.LogCaptureFixture) -> None:
    @block
    async def tells(ctx: Context) -> None:
        ctx.log("hello", event="mine")

    outcome = run(tells, "tells")

    (line,) = logged(caplog)
    assert "'event': 'hello'" in line
    for name in (outcome.events[0].execution_id, "tells", "attempt", "workflow"):
        assert str(name) in line


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What blocks wrote to the service's log."""
    return [str(record.msg) for record in caplog.records if record.name == "signoff.block"]


async def test_tools_are_closed_although_a_block_in_a_thread_never_ends() -> None:
    entered, let_go = threading.Event(), threading.Event()
    async with open_tools(Settings(), BlobStore.open("memory:")) as tools:
        tools.threads.submit(lambda: entered.set() or let_go.wait())
        await until(entered.is_set)

    assert not let_go.is_set()
    let_go.set()
