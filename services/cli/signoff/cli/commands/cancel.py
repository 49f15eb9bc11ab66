"""``signoff cancel``."""

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def cancel(execution: str, *, workflow: str | None = None) -> Exit:
    """Stop an execution, whether it runs or waits for somebody.

    Args:
        execution: The execution's id.
        workflow: Its workflow; found out when left away.
    """
    output = Output()

    async def stop(client: AsyncClient) -> Exit:
        cancelled = await client.executions.handle(execution, workflow_id=workflow).cancel()
        record = {"executionId": cancelled.execution_id, "reason": cancelled.reason}
        already = cancelled.reason == "already_cancelled"
        output.either(
            record, f"{'was cancelled already' if already else 'cancelled'} {cancelled.execution_id}"
        )
        return Exit.OK

    return with_client(stop)
