"""``signoff env``: the values of ``{{NAME}}``, which go in and never come out."""

from pathlib import Path

from signoff.cli.arguments.secret_values import read_secret
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.listing import AsJson, show_all
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient


def list_names(*, as_json: AsJson = False) -> Exit:
    """List the names that have a value; values are shown to nobody.

    Args:
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "NAME": lambda name: name.name,
            "SET BY": lambda name: name.source,
            "SET": lambda name: moment(name.set_at),
        }
        await show_all(client.environment.list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def set_value(name: str, *, from_file: Path | None = None) -> Exit:
    """Give a name its value, or another one. Blocks that start from now on get it.

    On a terminal the value is asked for; otherwise it is all of standard input. A line end at its end does
    not count.

    Args:
        name: Letters, digits and _; workflows say {{NAME}}.
        from_file: A file with the value.
    """
    value = read_secret(name, from_file)

    async def put(client: AsyncClient) -> Exit:
        kept = await client.environment.set(name, value)
        Output().either(kept, f"{kept.name} is set")
        return Exit.OK

    return with_client(put)


def remove(name: str) -> Exit:
    """Remove a value.

    Args:
        name: Its name.
    """

    async def end(client: AsyncClient) -> Exit:
        await client.environment.remove(name)
        Output().either({"removed": name}, f"{name} is removed")
        return Exit.OK

    return with_client(end)
