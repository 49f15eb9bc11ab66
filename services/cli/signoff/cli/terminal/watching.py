"""Following an execution on the terminal or down a pipe, and telling how it ended."""

import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from rich.live import Live

from signoff.cli.exits import Exit
from signoff.cli.terminal import views
from signoff.cli.terminal.output import Output
from signoff.cli.terminal.progress import Progress
from signoff.client import AsyncClient, AsyncExecution, PausePoint, StreamEvent

_EXITS = {
    "running": Exit.PAUSED,
    "paused": Exit.PAUSED,
    "completed": Exit.OK,
    "failed": Exit.FAILED,
    "cancelled": Exit.FAILED,
}


async def watch(events: AsyncGenerator[StreamEvent, None], output: Output) -> Progress:
    """Show each event as it comes: a live picture on a terminal, the very bytes of the log in a pipe."""
    progress = Progress()
    if not output.is_terminal:
        return await _follow(events, progress, lambda event: output.raw_line(event.raw))
    with Live(
        console=output.console,
        get_renderable=lambda: views.execution(progress, time.time()),
        refresh_per_second=8,
    ):
        return await _follow(events, progress)


async def wait(events: AsyncGenerator[StreamEvent, None]) -> Progress:
    """Follow to the end without showing anything."""
    return await _follow(events, Progress())


async def _follow(
    events: AsyncGenerator[StreamEvent, None],
    progress: Progress,
    show: Callable[[StreamEvent], None] = lambda _: None,
) -> Progress:
    async with aclosing(events):  # also when nobody reads our output any more
        async for event in events:
            progress.apply(event)
            show(event)
    return progress


async def conclude(client: AsyncClient, progress: Progress, output: Output, *, watched: bool) -> Exit:
    """Tell how the run ended, with its output, or with what to do where it waits.

    Args:
        client: asked for what events only refer to.
        progress: the run's events.
        output: where to.
        watched: the events were shown, so that programs know already and people saw the last line.
    """
    if watched and not output.is_terminal:
        return _EXITS[progress.outcome]
    execution = client.executions.handle(progress.execution_id, workflow_id=progress.workflow_id)
    view = await execution.status(include_output=True)
    points = await open_points(execution) if progress.outcome == "paused" else []
    if output.is_terminal:
        _tell(progress, view.final_output, points, output, watched=watched)
    else:
        output.line(
            {
                "executionId": progress.execution_id,
                "workflowId": progress.workflow_id,
                "status": progress.outcome,
                "output": view.final_output,
                "error": progress.error,
                "pausePoints": [_for_programs(point) for point in points],
            }
        )
    return _EXITS[progress.outcome]


async def open_points(execution: AsyncExecution) -> list[PausePoint]:
    """The points of an execution that somebody may decide now; none for one that never paused."""
    return sorted((point for point in await execution.pauses() if point.is_open), key=_place)


def _place(point: PausePoint) -> list[tuple[str, int]]:
    """Branches in the order of their numbers: they pause in the order in which they get there."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D+)(\d*)", point.context_id)]


def _tell(
    progress: Progress, final_output: object, points: list[PausePoint], output: Output, *, watched: bool
) -> None:
    if not watched:
        output.show(views.outcome(progress))
    if progress.outcome == "completed":
        output.show(views.value(final_output))
    if points:
        output.show(views.decisions(progress.execution_id, points))


def _for_programs(point: PausePoint) -> dict[str, object]:
    return {
        "contextId": point.context_id,
        "blockId": point.block_id,
        "apiUrl": point.resume_links.api_url,
        "uiUrl": point.resume_links.ui_url,
        "response": point.response,
    }
