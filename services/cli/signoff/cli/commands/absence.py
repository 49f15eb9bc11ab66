"""``signoff absence``: who decides in your place while you are away."""

from rich.text import Text

from signoff.cli.arguments.people import find_user
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.listing import AsJson, show_one
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import Absence, AsyncClient


def set_absence(delegate: str, *, until: str, since: str | None = None, as_json: AsJson = False) -> Exit:
    """Let another member of the workspace decide in your place; you still may.

    Args:
        delegate: Their address or id.
        until: When you are back: ISO 8601, at most 366 days away; without an offset it is UTC.
        since: From when; from now on where it is left away.
        as_json: Print a JSON line on a terminal, too.
    """

    async def leave(client: AsyncClient) -> Exit:
        delegate_id = await find_user(client, delegate)
        _show(await client.absences.set(delegate_id, until=until, since=since), as_json=as_json)
        return Exit.OK

    return with_client(leave)


def show(*, as_json: AsJson = False) -> Exit:
    """Show who decides in your place, and when.

    Args:
        as_json: Print a JSON line on a terminal, too.
    """

    async def look(client: AsyncClient) -> Exit:
        absence = await client.absences.get()
        if absence is not None:
            _show(absence, as_json=as_json)
            return Exit.OK
        output = Output()
        if output.is_terminal and not as_json:
            output.show(Text("Nobody decides in your place.", "dim"))
        return Exit.OK

    return with_client(look)


def end() -> Exit:
    """Be back, or do not leave at all."""

    async def come_back(client: AsyncClient) -> Exit:
        await client.absences.end()
        Output().either({"ended": True}, "nobody decides in your place any more")
        return Exit.OK

    return with_client(come_back)


def _show(absence: Absence, *, as_json: bool) -> None:
    text = (
        f"{absence.delegate_id} decides in your place from {moment(absence.since)} to {moment(absence.until)}"
    )
    show_one(absence, text, Output(), as_json=as_json)
