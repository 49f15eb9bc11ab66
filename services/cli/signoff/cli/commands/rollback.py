"""``signoff rollback``."""

from typing import Annotated

from cyclopts import Parameter

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def rollback(workflow: str, *, version: Annotated[int, Parameter(name="--to")]) -> Exit:
    """Let an earlier version of a workflow take the executions again.

    Executions that run go on with the version that they began with. The next deploy makes a new version.

    Args:
        workflow: The workflow's id.
        version: The version to go back to, from 1.
    """
    output = Output()

    async def activate(client: AsyncClient) -> Exit:
        active = await client.workflows.rollback(workflow, version)
        record = {"workflowId": active.workflow_id, "version": active.version, "digest": active.digest}
        output.either(record, f"{active.workflow_id} runs version {active.version}")
        return Exit.OK

    return with_client(activate)
