"""``signoff schedules``: what starts by the clock."""

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.listing import AsJson, show_all
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def list_schedules(*, as_json: AsJson = False) -> Exit:
    """List the schedules of the deployed workflows, on or off.

    Args:
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "WORKFLOW": lambda schedule: schedule.workflow_id,
            "BLOCK": lambda schedule: schedule.block_id,
            "CRON": lambda schedule: schedule.cron,
            "TIME ZONE": lambda schedule: schedule.timezone,
            "ON": lambda schedule: schedule.enabled,
            "NEXT": lambda schedule: moment(schedule.next_run_at),
            "LAST": lambda schedule: moment(schedule.last_run_at),
        }
        await show_all(client.schedules.list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def enable(workflow: str, block: str) -> Exit:
    """Let a schedule fire. Moments that passed while it was off are let go.

    Args:
        workflow: The workflow's id.
        block: The id of its block of type schedule.
    """
    return _switch(workflow, block, enabled=True)


def disable(workflow: str, block: str) -> Exit:
    """Let a schedule fire no more; new deployments keep it so.

    Args:
        workflow: The workflow's id.
        block: The id of its block of type schedule.
    """
    return _switch(workflow, block, enabled=False)


def _switch(workflow: str, block: str, *, enabled: bool) -> Exit:
    async def change(client: AsyncClient) -> Exit:
        switched = await client.schedules.switch(workflow, block, enabled=enabled)
        Output().either(switched, f"{workflow} {block} is {'on' if switched.enabled else 'off'}")
        return Exit.OK

    return with_client(change)
