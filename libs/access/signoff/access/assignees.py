"""Those who are to decide: as authors write them, as the log knows them, and as people are shown them.

=====================  ===========================  ==================
an author writes       the log has                  people are shown
=====================  ===========================  ==================
``ann@example.com``    ``user:<user id>``           Ann
``user:<id>``          ``user:<user id>``           Ann
``group:finance``      ``group:<group id>``         finance
``role:approver``      ``role:approver``            approver
=====================  ===========================  ==================
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from typing import Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Struct

from signoff.access.directory.fold import Directory, Workspace
from signoff.access.directory.live import LiveDirectory
from signoff.access.errors import UnknownAssigneeError
from signoff.access.permissions import ROLES, expanded
from signoff.access.signing_in.people import People

MAX_MEMBERS: Final = 200
"""To so many people some keys come at most."""

ERASED: Final = "A former user"
"""The name of a person of whom nothing is kept any more."""

REMOVED: Final = "A former group"
"""The name of a group that is no more."""

KEEP_FOR: Final = 10.0
"""Seconds for which a person's name may be an earlier one."""

_KEEP: Final = 10_000
_AT_ONCE: Final = 20
_FRESH: Final = 0.05
"""Seconds for which a name that nobody has is believed to be nobody's."""

Kind: TypeAlias = Literal["user", "group", "role"]

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Named(Struct, frozen=True, kw_only=True):
    """One who may decide, to be shown.

    Attributes:
        kind: a user, a group, or all with a role.
        id: of the user or the group, or the role.
        name: a user's name, or their address where they have none; the group's; the role.
    """

    kind: Kind
    id: str
    name: str


class _Known(Struct, frozen=True):
    """What is shown of a person, and where they are reached; both ``None`` for one who was erased."""

    name: str | None
    email: str | None
    until: float


class Assignees:
    """Finds those who are to decide.

    Args:
        directory: who is in which workspace.
        people: their names and addresses.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self, directory: LiveDirectory, people: People, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._directory = directory
        self._people = people
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def keys_of(self, workspace_id: UUID, names: Collection[str]) -> dict[str, str]:
        """The keys of those whom an author names, by the names as they were written.

        Args:
            workspace_id: of the workflow; who is no member of it, or disabled, is nobody.
            names: ``ann@example.com``, ``user:<id or address>``, ``group:<id or name>``, ``role:<role>``.

        Raises:
            UnknownAssigneeError: tells all that are nobody here.
            StoreUnavailableError: it cannot be said now.
        """
        found = await self._looked_up(workspace_id, names)
        if None in found.values():
            await self._directory.look_unless_fresh(_FRESH)  # they may have been added a moment ago
            found = await self._looked_up(workspace_id, names)
        keys = {name: key for name, key in found.items() if key is not None}
        if len(keys) < len(found):
            raise UnknownAssigneeError({name: _reason(name) for name in found if name not in keys})
        return keys

    async def named(self, workspace_id: UUID, keys: Collection[str]) -> dict[str, Named]:
        """How those with some keys are shown; texts that are no keys are left out.

        Raises:
            StoreUnavailableError: it cannot be said now.
        """
        parts = {key: (kind, id_) for key in keys for kind, id_ in (_split(key),) if kind is not None}
        known = await self._people_of(id_ for kind, id_ in parts.values() if kind == "user")
        workspace = self._directory.state.workspaces.get(str(workspace_id))
        return {
            key: Named(kind=kind, id=id_, name=_name(kind, id_, known, workspace))
            for key, (kind, id_) in parts.items()
        }

    def members_of(self, workspace_id: UUID, keys: Collection[str]) -> list[str]:
        """The ids of the users whom some keys come to now, :data:`MAX_MEMBERS` at most.

        They are members of the workspace and not disabled, in the order of the keys; who stands in for one
        that is away comes after them.

        Raises:
            StoreUnavailableError: it cannot be said now.
        """
        state = self._directory.state
        workspace = state.workspaces.get(str(workspace_id))
        if workspace is None or workspace.closed:
            return []
        meant = chain.from_iterable(_meant(workspace, key) for key in keys)
        active = (each for each in meant if _is_active(state, workspace, each))
        told = chain.from_iterable(self._with_delegate(state, workspace, each) for each in active)
        return list(islice(dict.fromkeys(told), MAX_MEMBERS))

    async def addresses(self, workspace_id: UUID, user_ids: Collection[str]) -> dict[str, str]:
        """The e-mail addresses of users, of those who have one and are active members of the workspace.

        Raises:
            StoreUnavailableError: it cannot be said now.
        """
        state = self._directory.state
        workspace = state.workspaces.get(str(workspace_id))
        if workspace is None or workspace.closed:
            return {}
        known = await self._people_of([each for each in user_ids if _is_active(state, workspace, each)])
        return {each: person.email for each, person in known.items() if person.email is not None}

    async def _looked_up(self, workspace_id: UUID, names: Collection[str]) -> dict[str, str | None]:
        return {name: await self._key_of(workspace_id, name) for name in names}

    async def _key_of(self, workspace_id: UUID, name: str) -> str | None:
        kind, id_ = _written(name)
        if kind == "user" and "@" in id_:
            id_ = await self._people.by_email(id_) or ""
        state = self._directory.state
        workspace = state.workspaces.get(str(workspace_id))
        if workspace is None or workspace.closed:
            return None
        match kind:
            case "user":
                return f"user:{id_}" if _is_active(state, workspace, id_) else None
            case "group":
                group_id = _group_id(workspace, id_)
                return None if group_id is None else f"group:{group_id}"
            case "role":
                return f"role:{id_}" if id_ in ROLES else None
            case None:
                return None

    def _with_delegate(self, state: Directory, workspace: Workspace, user_id: str) -> Iterator[str]:
        yield user_id
        absence = workspace.absences.by_user.get(user_id)
        if (
            absence is not None
            and absence.covers(self._clock())
            and _is_active(state, workspace, absence.delegate_id)
        ):
            yield absence.delegate_id

    async def _people_of(self, user_ids: Iterable[str]) -> dict[str, _Known]:
        """What is kept of people: a moment ago, or now."""
        now = self._clock()
        found = {each: self._known.get(each) for each in user_ids}
        missing = iter([each for each, known in found.items() if known is None or known.until <= now])
        while some := list(islice(missing, _AT_ONCE)):
            found |= dict(zip(some, await asyncio.gather(*map(self._read, some)), strict=True))
        return {each: known for each, known in found.items() if known is not None}

    async def _read(self, user_id: str) -> _Known:
        person = await self._people.get(user_id)
        until = self._clock() + KEEP_FOR
        known = _Known(None, None, until) if person is None else _Known(person.name, person.email, until)
        if len(self._known) >= _KEEP:
            self._known.clear()
        self._known[user_id] = known
        return known


def _split(key: str) -> tuple[Kind | None, str]:
    """The two parts of a key; ``None`` and nothing of a text that is none."""
    for kind in _KINDS:
        if key.startswith(f"{kind}:"):
            return kind, key.removeprefix(f"{kind}:")
    return None, ""


def _written(name: str) -> tuple[Kind | None, str]:
    """The same of what an author writes: an address alone is a user's."""
    kind, id_ = _split(name)
    return ("user", name) if kind is None and "@" in name else (kind, id_)


def _reason(name: str) -> str:
    match _written(name)[0]:
        case "user":
            return "no active member"
        case "group":
            return "no such group"
        case "role":
            return f"the roles are {', '.join(ROLES)}"
        case None:
            return "write an e-mail address, user:<id>, group:<name> or role:<role>"


def _is_active(state: Directory, workspace: Workspace, user_id: str) -> bool:
    return user_id in workspace.members and not state.users[user_id].disabled


def _group_id(workspace: Workspace, text: str) -> str | None:
    """A group's id, given itself or the group's name."""
    if text in workspace.groups:
        return text
    return next((group_id for group_id, group in workspace.groups.items() if group.name == text), None)


def _name(kind: Kind, id_: str, known: dict[str, _Known], workspace: Workspace | None) -> str:
    match kind:
        case "user":
            return known[id_].name or known[id_].email or ERASED
        case "group":
            group = None if workspace is None else workspace.groups.get(id_)
            return REMOVED if group is None else group.name
        case "role":
            return id_


def _meant(workspace: Workspace, key: str) -> Iterable[str]:
    match _split(key):
        case ("user", user_id):
            return [user_id]
        case ("group", group_id):
            group = workspace.groups.get(group_id)
            return () if group is None else group.user_ids
        case ("role", role):
            return _with_role(workspace, role)
        case _:
            return ()


def _with_role(workspace: Workspace, wanted: str) -> Iterator[str]:
    """The members with a role, by themselves or by their groups; looks at each of both once."""
    enough = {role for role in ROLES if wanted in expanded([role])}
    by_group = {
        user_id
        for group in workspace.groups.values()
        if not enough.isdisjoint(group.roles)
        for user_id in group.user_ids
    }
    return (
        user_id
        for user_id, roles in workspace.members.items()
        if user_id in by_group or not enough.isdisjoint(roles)
    )
