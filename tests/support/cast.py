"""The people of the cases in tests/semantics: the same, by name, for the engine and for servers.

Who is not named in a case has the server's own key, with every role, and is nobody's user.
"""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.access.errors import UnknownAssigneeError
from signoff.access.permissions import ROLES, expanded
from signoff.events.types import Actor, Maker, Role
from support.bdd import MAKER

DOMAIN: Final = "@example.org"


class Manner(Struct, frozen=True, kw_only=True):
    """How somebody decides.

    Attributes:
        by: their name; ``None``: the server's own key.
        seen: the digest of what they saw.
        child: the block whose child execution the point is in.
        link: they come by a link that is theirs.
        early: to be kept until the point opens, for so many seconds.
        again: on a point whose run failed.
    """

    by: str | None = None
    seen: str | None = None
    child: str | None = None
    link: bool = False
    early: float | None = None
    again: bool = False


PLAINLY: Final = Manner()
"""With the server's own key, at once, whatever is shown."""


class Person(Struct, frozen=True):
    """Somebody.

    Attributes:
        roles: in the workspace.
        groups: of which they are a member.
        stands_in_for: who is away, and lets them decide in their place.
    """

    roles: list[Role]
    groups: list[str] = []
    stands_in_for: str | None = None


CAST: Final[Mapping[str, Person]] = {
    "ann": Person(["approver", "read"], ["finance"]),
    "ben": Person(["approver", "read"], ["finance"]),
    "cleo": Person(["approver"], stands_in_for="dora"),
    "dora": Person(["approver"], ["board"]),
    "oscar": Person(["write"]),
}
"""By name. Two of finance, one of the board, who is away, her stand-in, and an operator."""

GROUPS: Final = sorted({group for person in CAST.values() for group in person.groups})


def address(name: str) -> str:
    """Where somebody gets mail, which is how authors name them."""
    return name + DOMAIN


def actor(name: str | None) -> Actor:
    """Who does something, as the engine is told; ``None``: the server's own key."""
    return MAKER if name is None else Actor(type="user", id=name, name=name.title())


def maker(name: str | None, *, link: bool = False) -> Maker:
    """What the gateway would know of somebody.

    Args:
        name: theirs; ``None``: the server's own key.
        link: they come by a link.
    """
    if name is None:
        return Maker(roles=sorted(ROLES))
    person = CAST[name]
    absent = person.stands_in_for
    return Maker(
        user_id=name,
        roles=sorted(expanded(person.roles)),
        group_ids=person.groups,
        stands_in_for={} if absent is None else {absent: CAST[absent].groups},
        auth_method="link" if link else "apiKey",
    )


def key_of(name: str) -> str:
    """The key of somebody whom an author names."""
    return name if ":" in name else f"user:{name.removesuffix(DOMAIN)}"


class Directory:
    """Finds the people for the engine, as ``signoff.access.assignees`` does in a server: names are ids."""

    async def keys_of(self, _: UUID, names: Collection[str]) -> dict[str, str]:
        """The keys of those whom an author names.

        Raises:
            UnknownAssigneeError: somebody is none of the people.
        """
        found = {name: key_of(name) for name in names}
        known = {
            *(f"user:{each}" for each in CAST),
            *(f"group:{each}" for each in GROUPS),
            *(f"role:{each}" for each in ROLES),
        }
        unknown = {name: "nobody has that name" for name, key in found.items() if key not in known}
        if unknown:
            raise UnknownAssigneeError(unknown)
        return found
