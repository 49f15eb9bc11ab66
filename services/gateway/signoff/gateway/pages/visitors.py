"""Who looks at a page, and in which workspace they stay."""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Caller, Principal
from signoff.access.permissions import TABLE, Operation
from signoff.gateway.accesses.witness import CALLER, PRINCIPAL
from signoff.gateway.admission import PREFERRED
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.people.identity import IDENTITY

LIVE_HEADER: Final = "Signoff-Live"
"""Set by assets/live.js, which reads a page again: a message for the next page is left for it."""


_MOST_CHOICES: Final = 50
"""Workspaces in the menu of the header; the settings have all."""


class Place(Struct, frozen=True):
    """A link of the navigation, for those who may do its operation."""

    name: str
    path: str
    operation: Operation


NAVIGATION: Final = (
    Place("Inbox", "/inbox", "inbox:read"),
    Place("Executions", "/executions", "executions:read"),
    Place("Workflows", "/workflows", "workflows:read"),
    Place("Settings", "/settings", "workspace:read"),
)


class WorkspaceChoice(Struct, frozen=True):
    """A workspace that the visitor may choose."""

    id: str
    name: str


class Visitor(Struct, frozen=True, kw_only=True):
    """Who looks at a page.

    Attributes:
        id: names them, so that a page notices that somebody else signed in.
        name: as they are shown.
        by_link: they came by a decision link, which opens one page alone.
        workspace: where they are; ``None`` for who is in none.
        workspaces: where they may be, the first of them by name.
        more_workspaces: how many others there are.
        is_elsewhere: addresses without a workspace lead to another one.
        places: the links of the navigation that are for them.
        may: what they may do there.
    """

    id: str
    name: str
    by_link: bool
    workspace: WorkspaceChoice | None
    workspaces: list[WorkspaceChoice]
    more_workspaces: int
    is_elsewhere: bool
    places: list[Place]
    may: frozenset[Operation]


async def visitor_of(request: web.Request) -> Visitor | None:
    """Who looks at a page, once the admission knows; ``None`` for nobody.

    Raises:
        StoreUnavailableError: their name cannot be read now.
    """
    caller, principal = request.get(CALLER), request.get(PRINCIPAL)
    if caller is None or principal is None:
        return None
    # A page that is read again keeps its header as it is, and who came by a link has none.
    has_choice = LIVE_HEADER not in request.headers and principal.link_id is None
    here = _workspace(request, principal.workspace_id) if caller.grants else None
    choices = _choices(request, caller, here) if has_choice else []
    return Visitor(
        id=f"{principal.actor.type}/{principal.actor.id}",
        name=await _name_of(request, principal.user_id, principal.actor.id),
        by_link=principal.link_id is not None,
        workspace=here,
        workspaces=choices,
        more_workspaces=len(caller.grants) - len(choices) if has_choice else 0,
        is_elsewhere=_is_elsewhere(request, caller, principal),
        places=[each for each in NAVIGATION if principal.may(each.operation)],
        may=frozenset(each for each in TABLE if principal.may(each)),
    )


def _workspace(request: web.Request, workspace_id: UUID) -> WorkspaceChoice:
    found = request.app[GATEWAY].directory.state.workspaces.get(str(workspace_id))
    return WorkspaceChoice(str(workspace_id), "" if found is None else found.name)


def _choices(request: web.Request, caller: Caller, here: WorkspaceChoice | None) -> list[WorkspaceChoice]:
    """The first workspaces by name, and the one that the visitor is in."""
    every = (_workspace(request, each) for each in caller.grants)
    first = heapq.nsmallest(_MOST_CHOICES, every, key=lambda each: (each.name.casefold(), each.id))
    return first if here is None or here in first else [here, *first[:-1]]


def _is_elsewhere(request: web.Request, caller: Caller, principal: Principal) -> bool:
    preferred = request.get(PREFERRED)
    usual = next((each for each in caller.grants if str(each) == preferred), next(iter(caller.grants), None))
    return usual is not None and usual != principal.workspace_id


async def _name_of(request: web.Request, user_id: str | None, actor_id: str) -> str:
    if user_id is not None:
        person = await request.app[IDENTITY].people.get(user_id)
        return user_id if person is None else person.name
    key = request.app[GATEWAY].directory.state.keys.get(actor_id)
    return f"{actor_id} key" if key is None else key.name


_VISITOR: ContextVar[Visitor | None] = ContextVar("visitor", default=None)


@contextmanager
def shown_to(visitor: Visitor | None) -> Iterator[None]:
    """What is rendered within the block is for a visitor: its addresses stay in their workspace."""
    token = _VISITOR.set(visitor)
    try:
        yield
    finally:
        _VISITOR.reset(token)


def act(path: str) -> str:
    """Where a form is sent: it means the workspace in which it was shown, whatever was chosen since."""
    visitor = _VISITOR.get()
    here = None if visitor is None else visitor.workspace
    return path if here is None else _within(path, here.id)


def lead(path: str) -> str:
    """Where a link leads: to the workspace that it is shown in, where that is not the usual one.

    The API knows nothing of the workspace that was chosen last: to it, a link names the workspace always.
    """
    return act(path) if elsewhere() or path.startswith("/api/") else path


def elsewhere() -> str | None:
    """The workspace that an address has to name; ``None`` where it is the usual one."""
    visitor = _VISITOR.get()
    if visitor is None or visitor.workspace is None or not visitor.is_elsewhere:
        return None
    return visitor.workspace.id


def there(request: web.Request, path: str) -> str:
    """Where a form's sender goes on: in the workspace that the form named, if that is not the usual one."""
    caller, principal = request.get(CALLER), request.get(PRINCIPAL)
    if caller is None or principal is None or "workspaceId" not in request.query:
        return path
    return _within(path, str(principal.workspace_id)) if _is_elsewhere(request, caller, principal) else path


def _within(path: str, workspace_id: str) -> str:
    address, mark, fragment = path.partition("#")
    if "workspaceId=" in address:
        return path
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode({'workspaceId': workspace_id})}{mark}{fragment}"
