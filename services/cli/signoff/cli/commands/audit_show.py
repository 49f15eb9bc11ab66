"""``signoff audit show``."""

from rich.text import Text

from signoff.audit.life.shape import shape_of
from signoff.audit.life.story import Story, lines_of
from signoff.cli.auditing.life import Until, events_until, fold_all, require_some
from signoff.cli.auditing.people import names_in
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.listing import AsJson
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def show(execution: str, *, as_of: str | None = None, as_json: AsJson = False) -> Exit:
    """Tell the whole life of an execution: what ran, who decided what, when, how they were known, on what.

    People and groups have their names beside their ids, as far as you may see them. For programs it prints
    a JSON line for each thing that happened, and a last one with the state.

    Args:
        execution: The execution's id.
        as_of: Only up to this event, or this moment (ISO 8601; without an offset it is UTC).
        as_json: Print JSON lines on a terminal, too.
    """
    until = Until(as_of)
    output = Output()

    async def tell(client: AsyncClient) -> Exit:
        events = require_some([each async for each in events_until(client, execution, until)], execution)
        state = fold_all(events)
        people = output.is_terminal and not as_json
        if people:
            output.unbroken(Text(f"Execution {state.execution_id} of workflow {state.workflow_id}"))
            output.unbroken(Text(f"Definition: version {state.workflow_version}, {state.definition_digest}"))
            output.unbroken(Text(f"After event {state.version} it is {state.status}.\n"))
        for entry in Story(await names_in(client, state.workspace_id)).tell(events):
            if people:
                for line in lines_of(entry):
                    output.unbroken(Text(line))
            else:
                output.line(entry)
        if not people:
            output.line(
                {"executionId": state.execution_id, "eventId": state.version, "state": shape_of(state)}
            )
        return Exit.OK

    return with_client(tell)
