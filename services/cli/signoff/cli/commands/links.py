"""``signoff links``: by which one person decides at one pause point."""

from signoff.cli.arguments.people import find_user
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.inbox.points import find_point
from signoff.cli.terminal.listing import AsJson, show_all, show_one
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def make(
    execution: str,
    context: str | None = None,
    *,
    user: str | None = None,
    expires_in_days: int | None = None,
    as_json: AsJson = False,
) -> Exit:
    """Make a link by which one person decides at one pause point, and show it, once.

    Args:
        execution: The id of the execution that waits.
        context: Which of its pause points; needed only where several are open that you may decide.
        user: Whom it is for: address or id of a member; you, where it is left away.
        expires_in_days: How long it is good; 7 days where it is left away, at most 90.
        as_json: Print a JSON line on a terminal, too.
    """
    seconds = None if expires_in_days is None else expires_in_days * 24 * 3600

    async def create(client: AsyncClient) -> Exit:
        context_id = await find_point(client, client.executions.handle(execution), context)
        user_id = None if user is None else await find_user(client, user)
        link = await client.links.create(execution, context_id, user_id=user_id, expires_in_seconds=seconds)
        note = f"link {link.id}, good until {moment(link.expires_at)}; it is shown this once: keep it"
        show_one(link, f"{link.url}\n{note}", Output(), as_json=as_json)
        return Exit.OK

    return with_client(create)


def list_links(execution: str, context: str, *, as_json: AsJson = False) -> Exit:
    """List the links to a pause point, without their tokens: your own; with write permission all.

    Args:
        execution: The execution's id.
        context: Its pause point.
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda link: link.id,
            "FOR": lambda link: link.user_id,
            "UNTIL": lambda link: moment(link.expires_at),
            "STATE": lambda link: link.state,
            "NEEDS A CODE": lambda link: link.lent,
        }
        await show_all(client.links.list(execution, context), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def revoke(execution: str, context: str, link: str) -> Exit:
    """Let a link be good for nothing from now on.

    Args:
        execution: The execution's id.
        context: Its pause point.
        link: The link's id.
    """

    async def end(client: AsyncClient) -> Exit:
        await client.links.revoke(execution, context, link)
        Output().either({"revoked": link}, f"{link} is revoked")
        return Exit.OK

    return with_client(end)
