"""The people of the examples: accounts that cannot sign in, whose keys are files beside the server's own."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from signoff.cli.exits import CommandError, Exit
from signoff.client import AsyncClient, ConflictError, RefusedError
from signoff.client.answers.workspaces import Role

WORKSPACE: Final = "00000000-0000-0000-0000-000000000000"
KEYS: Final = "keys"
"""The folder of their keys, in the data folder."""


class ExamplePerson(Struct, frozen=True):
    """Somebody who decides in examples.

    Attributes:
        name: of the account, and of the file with its key.
        groups: of which they are a member.
    """

    name: str
    groups: tuple[str, ...]


PEOPLE: Final = (
    ExamplePerson("ann", ("refunds", "release")),
    ExamplePerson("ben", ("refunds", "release")),
    ExamplePerson("cleo", ("release", "security")),
)

_ROLES: Final[tuple[Role, ...]] = ("approver",)


async def add_people(folder: Path, client: AsyncClient) -> None:
    """Make the people whose keys are not there, and their groups: a restart makes nobody anew.

    Args:
        folder: the data folder, which keeps the keys.
        client: with an administrator's key.

    Raises:
        CommandError: the server refused, or a key cannot be kept.
    """
    keys = folder / KEYS
    if await asyncio.to_thread(_are_kept, keys):
        return
    try:
        ids = {each.name: await _add(client, each) for each in PEOPLE}
        await _add_groups(client, ids)
        for name, user_id in ids.items():
            key = await client.users.keys(user_id).create("examples")
            await asyncio.to_thread(_keep, keys / name, key.key)
    except RefusedError as error:
        raise CommandError(
            f"the people of the examples cannot be made: {error.message}", code=Exit.REFUSED
        ) from error
    except OSError as error:
        raise CommandError(f"the keys of the examples' people cannot be kept in {keys}: {error}") from error


def _are_kept(keys: Path) -> bool:
    return all((keys / each.name).is_file() for each in PEOPLE)


async def _add(client: AsyncClient, person: ExamplePerson) -> str:
    """Make one, or find who was made before; gives their id."""
    user = await client.users.create(
        f"{person.name.title()} (example)", service=True, idempotency_key=f"example-person-{person.name}"
    )
    await client.workspaces.set_member(WORKSPACE, user.id, _ROLES)
    return user.id


async def _add_groups(client: AsyncClient, ids: Mapping[str, str]) -> None:
    for group in dict.fromkeys(group for person in PEOPLE for group in person.groups):
        members = [ids[person.name] for person in PEOPLE if group in person.groups]
        with contextlib.suppress(ConflictError):  # a group of that name is there: it is somebody's own
            await client.groups.create(group, user_ids=members)


def _keep(path: Path, key: str) -> None:
    """Write a key to a file that its owner alone may read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{key}\n")
