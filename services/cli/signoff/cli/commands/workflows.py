"""``signoff workflows``: what is deployed, and what was."""

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.listing import AsJson, show_all
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def list_workflows(*, as_json: AsJson = False) -> Exit:
    """List the workflows of the workspace.

    Args:
        as_json: Print JSON lines on a terminal, too.
    """

    async def show_them(client: AsyncClient) -> Exit:
        columns = {
            "WORKFLOW": lambda workflow: workflow.id,
            "NAME": lambda workflow: workflow.name,
            "VERSION": lambda workflow: workflow.version,
            "DEPLOYED": lambda workflow: workflow.is_deployed,
            "SINCE": lambda workflow: moment(workflow.deployed_at),
        }
        await show_all(client.workflows.list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show_them)


def show(workflow: str, *, version: int | None = None) -> Exit:
    """Print the definition of a workflow, in Sim's serialized form: it can be deployed as it is.

    Args:
        workflow: The workflow's id.
        version: Which version; the active one by default.
    """
    output = Output()

    async def look(client: AsyncClient) -> Exit:
        found = await client.workflows.get(workflow, version=version)
        output.indented(found.definition)
        return Exit.OK

    return with_client(look)


def versions(workflow: str, *, as_json: AsJson = False) -> Exit:
    """List the versions of a workflow, the newest first.

    Args:
        workflow: The workflow's id.
        as_json: Print JSON lines on a terminal, too.
    """

    async def show_them(client: AsyncClient) -> Exit:
        columns = {
            "VERSION": lambda version: version.version,
            "ACTIVE": lambda version: version.is_active,
            "DEPLOYED": lambda version: moment(version.created_at),
            "BY": lambda version: version.deployed_by,
            "DIGEST": lambda version: version.digest[:19],
        }
        await show_all(client.workflows.versions(workflow), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show_them)


def undeploy(workflow: str) -> Exit:
    """Let a workflow take no executions any more. Those that run go on; a deploy lets it run again.

    Args:
        workflow: The workflow's id.
    """

    async def stop(client: AsyncClient) -> Exit:
        await client.workflows.undeploy(workflow)
        Output().either({"undeployed": workflow}, f"{workflow} takes no executions any more")
        return Exit.OK

    return with_client(stop)
