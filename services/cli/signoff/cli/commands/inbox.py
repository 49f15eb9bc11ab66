"""``signoff inbox``: the decisions that somebody is asked for."""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Annotated, Final

from cyclopts import Parameter

from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.inbox import lists as inbox_lists
from signoff.cli.inbox import views as inbox_views
from signoff.cli.inbox.points import find_point
from signoff.cli.inbox.selection import InboxSelection
from signoff.cli.inbox.watching import watch_inbox
from signoff.cli.terminal.listing import AsJson, Limit, first, show_all
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, HeldDecision, InboxItem
from signoff.client.answers.inbox import InboxOrder

_LARGEST_PAGE: Final = 200


def list_inbox(
    chosen: InboxSelection | None = None,
    *,
    sort: Annotated[InboxOrder, Parameter(allow_leading_hyphen=True)] = "-priority",
    limit: Limit = 50,
    watch: Annotated[bool, Parameter(name=["--watch", "-w"], negative="")] = False,
    count: bool = False,
    as_json: AsJson = False,
) -> Exit:
    """List the decisions that you may take now or, with --scope, others. All that is given must hold.

    Args:
        chosen: Which.
        sort: What they are sorted by; with - the latest, or highest, first.
        limit: How many at most.
        watch: Stay, and show each change as it happens, until Ctrl-C. In a pipe: a line for each that is new
            or changed, and one with "gone": true for each that is gone.
        count: Count them instead.
        as_json: Print JSON lines on a terminal, too.
    """
    filters = (chosen or InboxSelection()).filters()
    output = Output()
    if watch and count:
        raise CommandError("give either --watch or --count")

    async def show_them(client: AsyncClient) -> Exit:
        found = client.inbox.list(sort=sort, page_size=min(limit + 1, _LARGEST_PAGE), **filters)
        await show_all(first(found, limit), inbox_lists.COLUMNS, output, as_json=as_json)
        return Exit.OK

    async def stay(client: AsyncClient) -> Exit:
        async def read() -> list[InboxItem]:
            page = client.inbox.list(sort=sort, page_size=min(limit, _LARGEST_PAGE), **filters)
            async with aclosing(page) as items:
                return [item async for item in first(items, limit, tell=False)]

        workflows = filters.get("workflows", ())
        await watch_inbox(client, read, workflows=workflows, output=output, as_json=as_json)
        return Exit.OK

    async def show_counts(client: AsyncClient) -> Exit:
        counts = await client.inbox.counts(**filters)
        if as_json or not output.is_terminal:
            output.line(counts)
        else:
            output.show(inbox_lists.counts(counts))
        return Exit.OK

    return with_client(stay if watch else show_counts if count else show_them)


def show(execution: str, context: str | None = None, *, as_json: AsJson = False) -> Exit:
    """Show a decision: what it is on, the form, who may take it until when, and what happened so far.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
        as_json: Print a JSON line on a terminal, too.
    """
    output = Output()

    async def look(client: AsyncClient) -> Exit:
        context_id = await find_point(client, client.executions.handle(execution), context)
        detail = await client.inbox.get(execution, context_id)
        if as_json or not output.is_terminal:
            output.line(detail)
            return Exit.OK
        output.show(inbox_views.decision(detail))
        output.unbroken(inbox_views.what_to_do(detail))
        return Exit.OK

    return with_client(look)


def held(execution: str, *, as_json: AsJson = False) -> Exit:
    """List the decisions that came before their pause points, and what became of them.

    Args:
        execution: The execution's id.
        as_json: Print JSON lines on a terminal, too.
    """

    async def show_them(client: AsyncClient) -> Exit:
        await show_all(client.pauses.held(execution), _HELD, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show_them)


_HELD: Final[Mapping[str, Callable[[HeldDecision], object]]] = {
    "ID": lambda held: held.held_id,
    "POINT": lambda held: held.context_id,
    "STATUS": lambda held: held.status,
    "BY": lambda held: held.by and held.by.name,
    "UNTIL": lambda held: moment(held.expires_at),
    "REASON": lambda held: held.reason,
}
