"""Whom inboxes tell of: those who may decide, by their keys, and those who did something."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from signoff.access.assignees import Assignees, Kind, Named
from signoff.access.callers import Principal
from signoff.access.directory.fold import Key
from signoff.access.errors import UnknownAssigneeError
from signoff.access.gate import BOOTSTRAP
from signoff.access.permissions import allows
from signoff.engine.points.standing import person_of
from signoff.events.types import Actor
from signoff.gateway.errors import bad_field
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.people.identity import IDENTITY

ASSIGNEES: Final = web.AppKey("assignees", Assignees)

BOOTSTRAP_NAME: Final = "bootstrap key"
"""What people read in place of that key's id."""


class Party(Struct, frozen=True, kw_only=True):
    """One who may decide: a user, a group, or all with a role. The id of a role is its name."""

    kind: Kind
    id: str
    name: str


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who did something: a user by their id, another caller as `apiKey:<id>`."""

    id: str
    name: str


def open_inbox(app: web.Application) -> None:
    """Let inboxes name people.

    Args:
        app: has its `Gateway` and its `Identity` already.
    """
    app[ASSIGNEES] = Assignees(app[GATEWAY].directory, app[IDENTITY].people)


class Names:
    """What some people, groups and keys are called.

    Args:
        named: users, groups and roles by their keys.
        keys: API keys by their ids.
    """

    def __init__(self, named: Mapping[str, Named], keys: Mapping[str, Key]) -> None:
        self._named = named
        self._keys = keys

    def parties(self, keys: Iterable[str]) -> list[Party]:
        """Those with some keys, in their order; what is no key is left out."""
        found = (self._named[key] for key in keys if key in self._named)
        return [Party(kind=each.kind, id=each.id, name=each.name) for each in found]

    def person(self, person: str) -> Person:
        """Who is named as `signoff.engine.points.standing.person_of` does it."""
        user = self._named.get(f"user:{person}")
        if user is not None:
            return Person(id=person, name=user.name)
        kind, _, key_id = person.partition(":")
        key = self._keys.get(key_id) if kind == "apiKey" else None
        if key is not None:
            return Person(id=person, name=key.name)
        is_bootstrap = (kind, key_id) == (BOOTSTRAP.type, BOOTSTRAP.id)
        return Person(id=person, name=BOOTSTRAP_NAME if is_bootstrap else key_id)

    def actor(self, actor: Actor) -> Person:
        """Who is behind an actor."""
        return self.person(person_of(actor))


async def names_of(
    app: web.Application, workspace_id: UUID, *, keys: Iterable[str] = (), people: Iterable[str] = ()
) -> Names:
    """The names of some of a workspace's, looked up together.

    Args:
        app: knows them.
        workspace_id: where.
        keys: of those who may decide: ``user:<id>``, ``group:<id>``, ``role:<role>``.
        people: as `signoff.engine.points.standing.person_of` names them.

    Raises:
        StoreUnavailableError: it cannot be said now.
    """
    users = (f"user:{person}" for person in people if ":" not in person)
    named = await app[ASSIGNEES].named(workspace_id, {*keys, *users})
    return Names(named, app[GATEWAY].directory.state.keys)


async def decider(request: web.Request, caller: Principal, name: str) -> str:
    """The id of a user who may decide in the workspace.

    Raises:
        ApiError: 400, nobody is called so there, or they may not.
    """
    named = name if name.startswith("user:") else f"user:{name}"
    try:
        keys = await request.app[ASSIGNEES].keys_of(caller.workspace_id, [named])
    except UnknownAssigneeError as error:
        raise bad_field(
            "to", "must be an active member of this workspace: an address or a user's id"
        ) from error
    user_id = keys[named].removeprefix("user:")
    workspace = request.app[GATEWAY].directory.state.workspaces[str(caller.workspace_id)]
    if not allows(workspace.roles_of(user_id), "pauses:decide"):
        raise bad_field(
            "to", "must be somebody who may decide in this workspace; give them the role approver"
        )
    return user_id
