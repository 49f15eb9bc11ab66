"""``signoff feed``."""

from contextlib import aclosing

from rich.text import Text

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.happenings import block_of, remark_on
from signoff.cli.terminal.listing import AsJson
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, ExecutionStatus, StreamEvent


def feed(
    *,
    types: list[str] | None = None,
    workflow: list[str] | None = None,
    status: list[ExecutionStatus] | None = None,
    execution: str | None = None,
    as_json: AsJson = False,
) -> Exit:
    """Show everything that happens from now on, in all executions and workflows, until Ctrl-C.

    A server that is away for up to a minute is waited for, and nothing is missed.

    Args:
        types: Only events of this type, such as block:error; pause:* is all that begin so; may be given
            again.
        workflow: Only of this workflow; may be given again.
        status: Only what brings an execution into this state; may be given again.
        execution: Only of this execution.
        as_json: Print JSON lines on a terminal, too: the events as they stand in the log.
    """
    output = Output()

    async def show(client: AsyncClient) -> Exit:
        happening = client.feed(
            types=types or (), workflows=workflow or (), states=status or (), execution_id=execution
        )
        async with aclosing(happening) as events:  # also when nobody reads our output any more
            async for event in events:
                if as_json or not output.is_terminal:
                    output.raw_line(event.raw)
                else:
                    output.unbroken(_line(event))
        return Exit.OK

    return with_client(show)


def _line(event: StreamEvent) -> Text:
    clock = moment(event.timestamp).partition(" ")[2]
    text = Text.assemble((clock, "dim"), "  ", (event.type, "bold"), f"  {event.workflow_id}")
    for told in (event.execution_id, block_of(event), remark_on(event)):
        if told:
            text.append(f"  {told}")
    return text
