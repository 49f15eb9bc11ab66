"""The names of those in a workspace, as far as the caller may see them."""

from collections.abc import AsyncGenerator, Callable
from typing import Final, TypeVar

from msgspec import Struct

from signoff.audit.life.names import Names
from signoff.cli.terminal.listing import first
from signoff.client import AsyncClient, PermissionDeniedError

_MOST: Final = 5_000
"""Members, groups and keys that are asked for; beyond them ids have to do."""


T = TypeVar("T", bound=Struct)


async def names_in(client: AsyncClient, workspace_id: str) -> Names:
    """The names, or else the addresses, of a workspace's members, and those of its groups and its keys.

    Raises:
        ClientError: the server does not answer.
    """
    users = await _seen(
        client.workspaces.members(workspace_id), lambda each: (f"user:{each.id}", each.name or each.email)
    )
    groups = await _seen(client.groups.list(), lambda each: (f"group:{each.id}", each.name))
    keys = await _seen(client.keys.list(), lambda each: (f"apiKey:{each.id}", each.name))
    return Names({**users, **groups, **keys})


async def _seen(
    found: AsyncGenerator[T, None], entry: Callable[[T], tuple[str, str | None]]
) -> dict[str, str]:
    """The names of what is found, by their keys; none for who may not see any of it, and reads ids."""
    try:
        entries = [entry(each) async for each in first(found, _MOST)]
    except PermissionDeniedError:
        return {}
    return {key: name for key, name in entries if name}
