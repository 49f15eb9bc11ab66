"""``signoff retry``."""

from typing import Annotated

from cyclopts import Parameter

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.output import Output
from signoff.cli.terminal.watching import conclude, wait, watch
from signoff.client import AsyncClient


def retry(
    execution: str,
    *,
    reason: str = "",
    workflow: str | None = None,
    watch_it: Annotated[bool, Parameter(name=["--watch", "-w"], negative="")] = False,
    detached: Annotated[bool, Parameter(name="--async", negative="")] = False,
) -> Exit:
    """Try a failed execution again from what failed, and wait until it ends or pauses.

    Args:
        execution: The failed execution's id.
        reason: Why, for the record.
        workflow: Its workflow; found out when left away.
        watch_it: Show every event of the new run; in a pipe, as a JSON line each.
        detached: Do not wait for the end of the new run.
    """
    output = Output()

    async def reopen(client: AsyncClient) -> Exit:
        failed = client.executions.handle(execution, workflow_id=workflow)
        workflow_id = await failed.find_workflow()
        retried = await failed.retry(reason=reason)
        if detached:
            record = {
                "runId": retried.run_id,
                "executionId": retried.execution_id,
                "statusUrl": retried.status_url,
            }
            output.either(record, f"started {retried.run_id}")
            return Exit.OK
        events = client.executions.handle(retried.run_id, workflow_id=workflow_id).follow()
        progress = await (watch(events, output) if watch_it else wait(events))
        return await conclude(client, progress, output, watched=watch_it)

    return with_client(reopen)
