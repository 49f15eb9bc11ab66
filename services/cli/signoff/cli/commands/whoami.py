"""``signoff whoami``."""

import os

from signoff.cli.connection import server_url, with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal import views
from signoff.cli.terminal.listing import AsJson
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient
from signoff.client.answers.workspaces import Caller


def whoami(*, as_json: AsJson = False) -> Exit:
    """Say who the key in use is, on which server, and what it may do where.

    Args:
        as_json: Print a JSON line on a terminal, too.
    """
    output = Output()

    async def ask(client: AsyncClient) -> Exit:
        caller = await client.who_am_i()
        if as_json or not output.is_terminal:
            output.line(caller)
        else:
            output.show(views.facts(_facts(server_url(os.environ), caller)))
        return Exit.OK

    return with_client(ask)


def _facts(url: str, caller: Caller) -> dict[str, str]:
    workspaces = "\n".join(f"{each.name} ({each.id}): {', '.join(each.roles)}" for each in caller.workspaces)
    if caller.user is None:
        who = "nobody's own: the key of a workspace, or of the installation"
    else:
        who = " ".join(text for text in (caller.user.name, caller.user.email, caller.user.id) if text)
    return {"server": url, "user": who, "by": caller.method, "workspaces": workspaces or "none"}
