"""``signoff run``."""

from typing import Annotated

from cyclopts import Parameter

from signoff.cli.arguments.documents import read_input
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.output import Output
from signoff.cli.terminal.watching import conclude, wait, watch
from signoff.client import AsyncClient, FromBlock


def run(
    workflow: str,
    *,
    given: Annotated[str | None, Parameter(name=["--input", "-i"], allow_leading_hyphen=True)] = None,
    execution_id: Annotated[str | None, Parameter(name="--id")] = None,
    from_block: str | None = None,
    source: str = "latest",
    stop_after: str | None = None,
    watch_it: Annotated[bool, Parameter(name=["--watch", "-w"], negative="")] = False,
    detached: Annotated[bool, Parameter(name="--async", negative="")] = False,
) -> Exit:
    """Start a workflow, wait until it ends or pauses, and print what came of it.

    Ctrl-C ends the waiting, not the execution: `signoff watch` goes on with it.

    Args:
        workflow: The workflow's id.
        given: Its input: JSON, @FILE with JSON, or - for standard input.
        execution_id: The execution's id, chosen by you: a second start with the same one is refused.
        from_block: The id of a block to begin with, instead of the start.
        source: With --from-block: the execution that gives what lies before; the newest by default.
        stop_after: The id of the block that is the last one to run.
        watch_it: Show every event as it happens; in a pipe, as a JSON line each.
        detached: Do not wait: print the execution's id and go.
    """
    value = read_input(given)
    output = Output()

    async def start(client: AsyncClient) -> Exit:
        started = await client.executions.start(
            workflow,
            value,
            execution_id=execution_id,
            from_block=FromBlock(start_block_id=from_block, execution_id=source) if from_block else None,
            stop_after=stop_after,
        )
        if detached:
            record = {
                "executionId": started.id,
                "workflowId": workflow,
                "statusUrl": started.status_url,
            }
            output.either(record, f"started {started.id}")
            return Exit.OK
        events = started.follow()
        progress = await (watch(events, output) if watch_it else wait(events))
        return await conclude(client, progress, output, watched=watch_it)

    return with_client(start)
