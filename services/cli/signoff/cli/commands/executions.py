"""``signoff executions``: found, looked at, and what is recorded of them."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final

from cyclopts import Parameter

from signoff.cli.arguments.selection import Selection
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal import views
from signoff.cli.terminal.happenings import block_of, remark_on
from signoff.cli.terminal.listing import AsJson, Limit, first, show_all
from signoff.cli.terminal.moments import duration, moment
from signoff.cli.terminal.output import Output
from signoff.cli.terminal.watching import open_points
from signoff.client import AsyncClient, Counts, FoundExecution, StreamEvent
from signoff.client.resources.executions import Order

_LARGEST_PAGE: Final = 1000


def list_executions(
    chosen: Selection | None = None,
    *,
    sort: Annotated[Order, Parameter(allow_leading_hyphen=True)] = "-startedAt",
    limit: Limit = 100,
    count: bool = False,
    as_json: AsJson = False,
) -> Exit:
    """Find executions. All that is given must hold; of values that are given again, one.

    Args:
        chosen: Which.
        sort: What they are sorted by; with - the highest first. By endedAt and duration only those that
            have ended are listed.
        limit: How many at most.
        count: Count them by status instead, whatever --status says.
        as_json: Print JSON lines on a terminal, too.
    """
    filters = (chosen or Selection()).filters()
    output = Output()

    async def show(client: AsyncClient) -> Exit:
        if count:
            _show_counts(await client.executions.counts(**filters), output, as_json=as_json)
        else:
            found = client.executions.search(sort=sort, page_size=min(limit + 1, _LARGEST_PAGE), **filters)
            await show_all(first(found, limit), _COLUMNS, output, as_json=as_json)
        return Exit.OK

    return with_client(show)


def show(execution: str, *, workflow: str | None = None, as_json: AsJson = False) -> Exit:
    """Show an execution as it is now, with its output and what it waits for.

    Args:
        execution: The execution's id.
        workflow: Its workflow; found out when left away.
        as_json: Print a JSON line on a terminal, too.
    """
    output = Output()

    async def look(client: AsyncClient) -> Exit:
        known = client.executions.handle(execution, workflow_id=workflow)
        view = await known.status(include_output=True)
        if as_json or not output.is_terminal:
            output.line(view)
            return Exit.OK
        output.show(views.record(view))
        if view.status == "completed":
            output.show(views.value(view.final_output))
        elif view.status == "paused":
            output.show(views.decisions(view.execution_id, await open_points(known)))
        return Exit.OK

    return with_client(look)


def events(execution: str, *, after: int = 0, until: int | None = None, as_json: AsJson = False) -> Exit:
    """List what is recorded of an execution so far; `signoff watch` shows it as it happens.

    Args:
        execution: The execution's id.
        after: The number of the last event that is known already.
        until: The number of the last one that is wanted.
        as_json: Print JSON lines on a terminal, too: the events as they stand in the log.
    """

    async def show(client: AsyncClient) -> Exit:
        recorded = client.executions.handle(execution).events(after=after, until=until)
        await show_all(recorded, _EVENT_COLUMNS, Output(), as_json=as_json, encode=lambda event: event.raw)
        return Exit.OK

    return with_client(show)


def _show_counts(counts: Counts, output: Output, *, as_json: bool) -> None:
    if as_json or not output.is_terminal:
        output.line(counts)
        return
    total = str(counts.total) if counts.exact else f"at least {counts.total}"
    by_status = {str(name): str(number) for name, number in counts.by_status.items()}
    output.show(views.facts({"in all": total, **by_status}))


def _about(found: FoundExecution) -> str:
    """What an execution is about, and why it failed."""
    attributes = ", ".join(f"{name}: {value}" for name, value in found.attributes.items())
    return "; ".join(text for text in (attributes, found.error) if text)


_COLUMNS: Final[Mapping[str, Callable[[FoundExecution], object]]] = {
    "EXECUTION": lambda found: found.execution_id,
    "WORKFLOW": lambda found: found.workflow_id,
    "STATUS": lambda found: found.status,
    "STARTED": lambda found: moment(found.started_at),
    "TOOK": lambda found: duration(found.duration_ms),
    "ABOUT": _about,
}


_EVENT_COLUMNS: Final[Mapping[str, Callable[[StreamEvent], object]]] = {
    "#": lambda event: event.event_id,
    "RECORDED": lambda event: moment(event.timestamp),
    "TYPE": lambda event: event.type,
    "BLOCK": block_of,
    "WHAT": remark_on,
}
