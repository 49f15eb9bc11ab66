"""Whose API keys a command is about."""

from dataclasses import dataclass

from cyclopts import Parameter

from signoff.cli.arguments.people import find_user
from signoff.cli.exits import CommandError
from signoff.client import AsyncClient
from signoff.client.resources.keys import AsyncKeys


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)  # not a Struct: the parser of arguments does not know those
class Owner:
    """The workspace, where nothing is given.

    Attributes:
        own: Of the user whose key is in use, not of the workspace.
        user: Of this service account, not of the workspace: its id.
    """

    own: bool = False
    user: str | None = None

    @property
    def is_workspace(self) -> bool:
        """Whether it is no user."""
        return not self.own and self.user is None

    async def keys(self, client: AsyncClient) -> AsyncKeys:
        """The owner's keys.

        Raises:
            CommandError: both are given.
        """
        if self.user is None:
            return client.own_keys if self.own else client.keys
        if self.own:
            raise CommandError("give either --own or --user: a key is of one user")
        return client.users.keys(await find_user(client, self.user))
