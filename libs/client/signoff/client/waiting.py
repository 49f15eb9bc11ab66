"""Waiting for what becomes of an execution: its events say when to look, its state says what holds."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing

from signoff.client.answers.executions import ExecutionStatus, ExecutionView, StreamEvent
from signoff.client.errors import ExecutionEndedError, ExecutionFailedError, WaitTimeoutError

_CHANGES = "execution:"
"""What the types of events begin with that may change an execution's status."""


async def wait_for(
    wanted: Collection[ExecutionStatus],
    *,
    look: Callable[[], Awaitable[ExecutionView]],
    events: Callable[[ExecutionView], AsyncGenerator[StreamEvent, None]],
    execution_id: str,
    within: float | None,
) -> ExecutionView:
    """Wait until an execution is in one of some states, or has ended.

    Args:
        wanted: the states.
        look: gives it as it is now.
        events: all of its events, to its end.
        execution_id: for the text of the error.
        within: seconds; ``None`` for as long as it takes.

    Raises:
        WaitTimeoutError: it is in none of them in time.
    """
    try:
        async with asyncio.timeout(within):
            view = await look()
            if view.status in wanted or view.has_ended:
                return view
            async with aclosing(events(view)) as happening:
                async for event in happening:
                    if event.type.startswith(_CHANGES):
                        view = await look()
                        if view.status in wanted or view.has_ended:
                            return view
            return await look()
    except TimeoutError as error:
        raise WaitTimeoutError(
            f"execution {execution_id} was not {' or '.join(sorted(wanted))} within {within:g} s: "
            "it goes on, wait again or look at its status",
            execution_id=execution_id,
        ) from error


def ended(view: ExecutionView) -> ExecutionEndedError:
    """The error that an execution's end is to whoever waited for something else."""
    kind = ExecutionEndedError if view.status == "completed" else ExecutionFailedError
    return kind(view.execution_id, view.status, view.error)
