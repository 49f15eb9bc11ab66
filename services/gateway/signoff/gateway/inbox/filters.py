"""Which open pause points a caller means: a filter, read into a search; and the cursors of its pages."""

import math
import time
from typing import Annotated, Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Meta, Struct

from signoff.engine.state import PausePoint
from signoff.events.store.inbox import PRIORITIES, InboxOrder, InboxPlace, InboxSearch
from signoff.events.times import from_iso
from signoff.events.types import Priority
from signoff.gateway.errors import bad_field
from signoff.gateway.executions.filters import Text, Texts
from signoff.gateway.http.moments import Moment, read_moment
from signoff.gateway.http.queries import BY_COMMAS
from signoff.gateway.v2.cursors import bad_cursor, read_cursor, write_cursor

Scope: TypeAlias = Literal["open", "mine", "groups", "all"]
"""What somebody looks for: what they may decide, what is theirs, what is their groups', everything."""

Claimed: TypeAlias = Literal["me", "nobody"]
"""Whose the points are that are left: claimed by the caller, or by nobody."""

InboxSort: TypeAlias = Literal["opened", "-opened", "due", "-due", "priority", "-priority"]
"""What points are sorted by; with ``-`` the highest first."""

_LARGEST: Final = 1e11
"""Seconds; a key beyond it is none that a point has."""

_HIGHEST_FIRST: Final = "-priority"


class InboxFilter(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which open pause points are wanted; every member must hold, and what is left out does not matter.

    Attributes:
        scope: `open`: what the caller may decide now. `mine`: what is assigned or delegated to them, or
            claimed by them. `groups`: what is assigned to a group or a role of theirs or to nobody, and
            claimed by nobody. `all`: every open point of the workspace.
        workflow_id: Of one of these workflows.
        priority: Of one of these priorities.
        overdue: Only those whose deadline has passed: its last step was due before now.
        due_before: Due before this moment, ISO 8601; without an offset it is UTC.
        opened_after: Opened at this moment or later.
        opened_before: Opened before this moment.
        text: Words that their title and what they show have, each at least its beginning.
        returned: Whether changes are wanted before anybody decides.
        claimed: `me`: claimed by the caller. `nobody`: claimed by nobody.
    """

    scope: Scope = "open"
    workflow_id: Texts = []
    priority: Annotated[list[Priority], BY_COMMAS] = []
    overdue: bool = False
    due_before: Moment | None = None
    opened_after: Moment | None = None
    opened_before: Moment | None = None
    text: Text | None = None
    returned: bool | None = None
    claimed: Claimed | None = None


class InboxQuery(InboxFilter, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which open pause points are wanted, in which order, and how many at once.

    Attributes:
        sort: What they are sorted by; with `-` the highest or latest first. Points of one priority come in
            the order in which they were opened.
        limit: How many in a page.
        cursor: The `nextCursor` of the page before, with the same filter and sort.
        counts: Whether to count what the filter finds.
    """

    sort: InboxSort = _HIGHEST_FIRST
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=1000)] | None = None
    counts: bool = False


class _Cursor(Struct, frozen=True, array_like=True):
    sort: str
    key: float | None
    opened_at: float
    log_id: UUID
    context_id: str


def read_filter(given: InboxFilter, workspace_id: UUID, sort: InboxSort = _HIGHEST_FIRST) -> InboxSearch:
    """The search that a filter asks for, but for its scope.

    Args:
        given: what the caller sent.
        workspace_id: the caller's.
        sort: the order.

    Raises:
        ApiError: 400 names the member.
    """
    now = time.time()
    due_before = read_moment("dueBefore", given.due_before)
    if given.overdue:
        due_before = now if due_before is None else min(now, due_before)
    order: InboxOrder = _ORDERS[sort.removeprefix("-")]
    return InboxSearch(
        workspace_ids=(workspace_id,),
        workflow_ids=tuple(given.workflow_id),
        priorities=tuple(PRIORITIES.index(each) for each in given.priority),
        opened_after=read_moment("openedAfter", given.opened_after),
        opened_before=read_moment("openedBefore", given.opened_before),
        due_before=due_before,
        returned=given.returned,
        text=given.text,
        order=order,
        descending=sort.startswith("-") != (order == "priority"),  # its order begins with the highest
        now=now,
    )


def write_place(sort: InboxSort, place: InboxPlace) -> str:
    """A place among points as callers hand it back."""
    return write_cursor(_Cursor(sort, place.key, place.opened_at, place.log_id, place.context_id))


def behind(sort: InboxSort, log_id: UUID, point: PausePoint) -> str:
    """The cursor of what comes after a point, which need not be listed any more."""
    keys: dict[InboxOrder, float | None] = {
        "opened": point.opened_at,
        "due": from_iso(point.deadlines[-1].at) if point.deadlines else None,
        "priority": PRIORITIES.index(point.priority),
    }
    key = keys[_ORDERS[sort.removeprefix("-")]]
    return write_place(sort, InboxPlace(key, point.opened_at, log_id, point.context_id))


def read_place(text: str | None, sort: InboxSort) -> InboxPlace | None:
    """The place that a cursor holds, of this order.

    Raises:
        ApiError: 400, it is no cursor, or one of another order.
    """
    if text is None:
        return None
    cursor = read_cursor(text, _Cursor)
    if cursor.sort != sort:
        raise bad_field(
            "cursor", f"was given for sort={cursor.sort[:20]}: ask with that, or without a cursor"
        )
    by_priority = _ORDERS[sort.removeprefix("-")] == "priority"
    key = cursor.key
    if not _is_moment(cursor.opened_at) or (key is not None and not _is_moment(key)):
        raise bad_cursor()
    if by_priority and key not in range(len(PRIORITIES)):
        raise bad_cursor()
    return InboxPlace(key, cursor.opened_at, cursor.log_id, cursor.context_id)


def _is_moment(key: float) -> bool:
    return math.isfinite(key) and abs(key) <= _LARGEST


_ORDERS: Final[dict[str, InboxOrder]] = {each: each for each in get_args(InboxOrder)}
