"""``signoff watch``."""

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.output import Output
from signoff.cli.terminal.watching import conclude, watch
from signoff.client import AsyncClient


def watch_execution(execution: str, *, workflow: str | None = None, follow: bool = False) -> Exit:
    """Show an execution from its first event on, and each new one as it happens.

    It works for any execution ever recorded. It ends where the execution pauses or ends.

    Args:
        execution: The execution's id, or the id of one of its resumed runs.
        workflow: Its workflow; found out when left away.
        follow: Stay through pauses until the execution has ended for good.
    """
    output = Output()

    async def show(client: AsyncClient) -> Exit:
        known = client.executions.handle(execution, workflow_id=workflow)
        progress = await watch(known.follow(through_pauses=follow), output)
        return await conclude(client, progress, output, watched=True)

    return with_client(show)
