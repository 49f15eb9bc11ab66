"""People at the command line: named by their addresses or their ids; passwords that nobody looks at."""

import sys
from getpass import getpass

from signoff.cli.exits import CommandError
from signoff.client import AsyncClient


async def find_user(client: AsyncClient, who: str) -> str:
    """The id of a user.

    Args:
        client: to the server.
        who: an e-mail address, or the id itself.

    Raises:
        CommandError: nobody has this address.
    """
    if "@" not in who:
        return who
    async for user in client.users.list(email=who):
        return user.id
    raise CommandError(f"nobody here has the address {who}: look with `signoff users list`")


def read_password(prompt: str = "New password: ") -> str:
    """A password: asked for on a terminal, else the next line of standard input.

    Args:
        prompt: what a terminal shows.

    Raises:
        CommandError: there is none.
    """
    password = getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("a password is needed: type it, or send it as a line to standard input")
    return password
