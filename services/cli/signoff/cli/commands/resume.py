"""``signoff resume``."""

from typing import Annotated

from cyclopts import Parameter

from signoff.cli.connection import with_client
from signoff.cli.documents import read_input
from signoff.cli.exits import CommandError, Exit
from signoff.cli.output import Output
from signoff.cli.watching import conclude, open_points, wait, watch
from signoff.client import AsyncClient, PausePoint


def resume(
    execution: str,
    context: str | None = None,
    *,
    given: Annotated[str | None, Parameter(name=["--input", "-i"], allow_leading_hyphen=True)] = None,
    workflow: str | None = None,
    watch_it: Annotated[bool, Parameter(name=["--watch", "-w"], negative="")] = False,
    detached: Annotated[bool, Parameter(name="--async", negative="")] = False,
) -> Exit:
    """Decide what a paused execution waits for, and wait until it ends or pauses again.

    Args:
        execution: The paused execution's id.
        context: Which of its pause points; needed only where several are open.
        given: What fills the form: JSON, @FILE with JSON, or - for standard input.
        workflow: Its workflow; found out when left away.
        watch_it: Show every event of the resumed run; in a pipe, as a JSON line each.
        detached: Do not wait for the end of the resumed run.
    """
    value = read_input(given)
    output = Output()

    async def decide(client: AsyncClient) -> Exit:
        paused = client.executions.handle(execution, workflow_id=workflow)
        workflow_id = await paused.find_workflow()
        context_id = context or _only(await open_points(paused), execution)
        resumed = await paused.resume(context_id, value)
        if detached:
            record = {"runId": resumed.run_id, "executionId": execution, "status": resumed.status}
            output.either(record, f"{resumed.status} {resumed.run_id}")
            return Exit.OK
        events = client.executions.handle(resumed.run_id, workflow_id=workflow_id).follow()
        progress = await (watch(events, output) if watch_it else wait(events))
        return await conclude(client, progress, output, watched=watch_it)

    return with_client(decide)


def _only(points: list[PausePoint], execution: str) -> str:
    """The one open point.

    Raises:
        CommandError: there is none, or which of several is meant must be said.
    """
    if not points:
        raise CommandError(
            f"nothing of {execution} waits for a decision: look with `signoff watch {execution}`"
        )
    if len(points) > 1:
        raise CommandError(
            f"{execution} waits for {len(points)} decisions: name one of these after the execution's id",
            details=tuple(point.context_id for point in points),
        )
    return points[0].context_id
