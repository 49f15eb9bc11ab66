"""``signoff account``: one's own name and password, and where one is signed in."""

from typing import Annotated

from cyclopts import Parameter

from signoff.cli.arguments.people import read_password
from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.listing import AsJson, show_all
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def rename(name: str) -> Exit:
    """Give yourself another name.

    Args:
        name: As others see you.
    """

    async def change(client: AsyncClient) -> Exit:
        renamed = await client.account.rename(name)
        Output().either(renamed, f"you are called {renamed.name}")
        return Exit.OK

    return with_client(change)


def password() -> Exit:
    """Change your password, which signs you out everywhere; keys go on.

    It asks for the password as it is, then for the new one; in a pipe they are two lines of standard input.
    """
    current = read_password("Current password: ")
    new = read_password()

    async def change(client: AsyncClient) -> Exit:
        await client.account.change_password(current, new)
        Output().either({"changed": True}, "you have another password, and are signed out everywhere")
        return Exit.OK

    return with_client(change)


def sessions(*, as_json: AsJson = False) -> Exit:
    """List the browsers in which you are signed in, the newest first.

    Args:
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda session: session.id,
            "BY": lambda session: session.method,
            "SINCE": lambda session: moment(session.signed_in_at),
        }
        await show_all(client.account.sessions(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def sign_out(
    session: str | None = None, *, everywhere: Annotated[bool, Parameter(negative="")] = False
) -> Exit:
    """Sign yourself out in one browser, or in all of them; keys go on.

    Args:
        session: The session's id.
        everywhere: End all sessions.
    """
    if everywhere == (session is not None):
        raise CommandError("give either a session, of `signoff account sessions`, or --everywhere")

    async def end(client: AsyncClient) -> Exit:
        if session is None:
            await client.account.end_sessions()
        else:
            await client.account.end_session(session)
        Output().either({"ended": session or "all"}, f"{session or 'every session'} has ended")
        return Exit.OK

    return with_client(end)
