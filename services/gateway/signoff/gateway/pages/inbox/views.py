"""Which inbox a page shows: its filter as the address has it, and the addresses of other ones."""

import time
from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from aiohttp import web
from msgspec import UNSET, Meta, UnsetType, to_builtins
from msgspec.structs import replace

from signoff.events.times import iso
from signoff.events.types import Json
from signoff.gateway.http.queries import filled_in, read_parameters
from signoff.gateway.inbox.filters import InboxQuery, Scope

PATH: Final = "/inbox"

SCOPES: Final[Mapping[Scope, str]] = {
    "open": "To decide",
    "mine": "Mine",
    "groups": "My groups",
    "all": "Everybody's",
}
"""The tabs, with what they are called."""

SORTS: Final = (
    ("-priority", "Most urgent first"),
    ("due", "Due first"),
    ("opened", "Oldest first"),
    ("-opened", "Newest first"),
)

_DAY: Final = 86400.0
_WITHIN: Final[Mapping[str, float]] = {"day": _DAY, "week": 7 * _DAY}


class InboxPageQuery(InboxQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=False):
    """Which inbox a page shows. What is left out does not matter.

    Attributes:
        limit: how many in a page: fewer than the API gives, so that it is light.
        due: those whose deadline is over, or is within the next 24 hours or seven days.
    """

    limit: Annotated[int, Meta(ge=1, le=100)] = 30
    due: Literal["overdue", "day", "week"] | UnsetType = UNSET


def read_view(request: web.Request) -> InboxPageQuery:
    """The filter of a page's address; a form sends its empty fields, too.

    Raises:
        ApiError: 400 names the parameter.
    """
    return read_parameters(filled_in(request.query), InboxPageQuery)


def as_query(view: InboxPageQuery) -> InboxQuery:
    """The filter as the API takes it."""
    if view.due is UNSET:
        return view
    if view.due == "overdue":
        return replace(view, overdue=True)
    return replace(view, due_before=iso(time.time() + _WITHIN[view.due]))


def address(view: InboxPageQuery, **changes: Json) -> str:
    """Where a view is; its first page, unless a cursor is among the changes.

    Args:
        view: that is there now.
        changes: of its fields, by their names in Python.
    """
    given: dict[str, Json] = to_builtins(replace(view, **{"cursor": None, **changes}))
    parts = {name: each for name, each in given.items() if each != _DEFAULTS.get(name)}
    query = urlencode(
        {name: ",".join(each) if isinstance(each, list) else each for name, each in parts.items()}
    )
    return f"{PATH}?{query}" if query else PATH


def is_filtered(view: InboxPageQuery) -> bool:
    """Whether anything is left out, beside what the scope leaves out."""
    return address(replace(view, scope="open", sort=_FIRST.sort, limit=_FIRST.limit)) != PATH


def filters_of(view: InboxPageQuery) -> int:
    """How many of the filters beside the words looked for are set."""
    given = (view.workflow_id, view.priority, view.due, view.claimed, view.returned)
    return sum(each not in ([], None, UNSET) for each in given)


_FIRST: Final = InboxPageQuery()
_DEFAULTS: Final[dict[str, Json]] = to_builtins(_FIRST)
