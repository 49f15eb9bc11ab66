"""What is looked for among open pause points, whichever database holds them."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import product
from typing import Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Struct

from signoff.events.types import Priority

COUNTED: Final = 5_000
"""Points that one count looks at: beyond it every number is a least."""

FEW: Final = 4_000
"""Points with what is looked for, up to which all are sorted; where there are more, lists are read."""

FEW_BETWEEN: Final = 12_000
"""The same between two moments: these are often far from where another order begins."""

NEVER: Final = 253_402_300_800.0
"""When a point without a deadline is due, to databases: the year 10000."""

ANYBODY: Final = "anybody"
"""Among candidates, where no policy says who may decide: whoever may decide in the workspace."""

PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""Priorities by their number in rows: the lowest first."""

InboxOrder: TypeAlias = Literal["opened", "due", "priority"]
"""What points are sorted by: see :class:`InboxSearch`."""


class InboxSearch(Struct, frozen=True, kw_only=True):
    """Which open points are wanted, and in which order. What is left out does not matter.

    Times are seconds since the epoch, UTC.

    Attributes:
        workspace_ids: whose they are, at least one.
        candidates: for one of these, as `~.base.PointRow.candidates` names them; empty: for anybody.
        free_for: claimed by nobody, or by this user.
        not_excluded: this user is not among those who may not decide.
        claimed_by: claimed by this user.
        workflow_ids: of one of these workflows.
        priorities: of one of these priorities.
        opened_after: not opened before this moment.
        opened_before: opened before this moment.
        due_after: not due before this moment; without a deadline they are never due.
        due_before: due before this moment.
        returned: whether changes are wanted first.
        text: every word of it begins a word of the point's text (see :func:`~.words.words_of`).
        log_ids: of one of these executions.
        order: ``opened``: the oldest first; ``due``: the earliest first, those without a deadline last;
            ``priority``: the highest first, of these the oldest.
        descending: the same order from its end.
        now: what is due before this moment counts as overdue.
    """

    workspace_ids: tuple[UUID, ...]
    candidates: tuple[str, ...] = ()
    free_for: str | None = None
    not_excluded: str | None = None
    claimed_by: str | None = None
    workflow_ids: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    opened_after: float | None = None
    opened_before: float | None = None
    due_after: float | None = None
    due_before: float | None = None
    returned: bool | None = None
    text: str | None = None
    log_ids: tuple[UUID, ...] = ()
    order: InboxOrder = "opened"
    descending: bool = False
    now: float = 0.0


class InboxPlace(Struct, frozen=True):
    """A place in the order of a search: that of a point (see :func:`~.ordering.inbox_place`).

    Attributes:
        key: what it is sorted by: seconds, or its priority; ``None``: it has no deadline.
        opened_at: when it was opened.
        log_id: its execution's log.
        context_id: its own id within the execution.
    """

    key: float | None
    opened_at: float
    log_id: UUID
    context_id: str


class InboxCounts(Struct, frozen=True, kw_only=True):
    """How many points a search finds.

    Attributes:
        by_priority: how many of each priority; those of which there are none are left out.
        overdue: how many were due before the search's ``now``.
        exact: false: `COUNTED` were looked at and there are more, so that each number is a least.
    """

    by_priority: dict[int, int]
    overdue: int
    exact: bool

    @property
    def total(self) -> int:
        """How many of all priorities."""
        return sum(self.by_priority.values())


def inbox_counts(found: Iterable[tuple[int, int, int]], *, looked_at: int) -> InboxCounts:
    """What a database counted: by priority, how many and how many of them overdue."""
    rows = list(found)
    return InboxCounts(
        by_priority={priority: count for priority, count, _ in rows},
        overdue=sum(overdue for _, _, overdue in rows),
        exact=looked_at <= COUNTED,
    )


def keys_of(
    *,
    workspace_id: UUID,
    workflow_id: str,
    candidates: Iterable[str],
    claimed_by: str | None,
    returned: bool,
) -> list[int]:
    """The lists that a point is in: of its workspace, of each candidate, of who claimed it.

    Each is there twice: of all workflows, and of the point's own; and as often again of those returned alone.
    So whatever :func:`keys_for` asks for is a list that is read in its order from where the page begins,
    however many points there are.
    """
    names = [_ALL, *(_of_candidate(each) for each in dict.fromkeys(candidates))]
    if claimed_by is not None:
        names.append(_of_claimant(claimed_by))
    states = ("", _RETURNED) if returned else ("",)
    return list(_keys([workspace_id.hex], names, ("", f"={workflow_id}"), states))


def keys_for(search: InboxSearch) -> list[int]:
    """The lists that together hold whatever a search finds, the shortest that there are."""
    names: Sequence[str] = (_ALL,)
    if search.claimed_by is not None:
        names = (_of_claimant(search.claimed_by),)
    elif search.candidates:
        names = [_of_candidate(each) for each in dict.fromkeys(search.candidates)]
    workflows = [f"={each}" for each in dict.fromkeys(search.workflow_ids)] or [""]
    workspaces = [each.hex for each in dict.fromkeys(search.workspace_ids)]
    return list(_keys(workspaces, names, workflows, (_RETURNED if search.returned else "",)))


def few_in(order: InboxOrder) -> int:
    """How many points between bounds in an order are few."""
    return FEW if order == "priority" else FEW_BETWEEN


def bounds(search: InboxSearch) -> tuple[float, float, float, float]:
    """From when, and before when, points may be opened, and may be due; open ends are beyond all times."""
    due_end = search.due_before
    if due_end is None:
        due_end = _LAST if search.due_after is None else NEVER
    return (
        _FIRST if search.opened_after is None else search.opened_after,
        _LAST if search.opened_before is None else search.opened_before,
        _FIRST if search.due_after is None else search.due_after,
        min(due_end, _LAST),
    )


def ranks(search: InboxSearch) -> tuple[int, int]:
    """The least and the most that a priority may be below zero: the highest priority is the least."""
    wanted = search.priorities
    return (-max(wanted), -min(wanted)) if wanted else (-_LAST_RANK, _LAST_RANK)


def bounded_elsewhere(search: InboxSearch) -> list[InboxOrder]:
    """The orders in which a search has bounds, but for its own, whose index begins and ends with them."""
    bounded: dict[InboxOrder, bool] = {
        "opened": search.opened_after is not None or search.opened_before is not None,
        "due": search.due_after is not None or search.due_before is not None,
        "priority": bool(search.priorities),
    }
    return [order for order, has in bounded.items() if has and order != search.order]


def start(search: InboxSearch, after: InboxPlace | None) -> tuple[float | int, float, UUID, str]:
    """Where a page begins, in columns that grow: what they are sorted by, opening, log and context."""
    if after is not None:
        return _key_of(after, search.order), after.opened_at, after.log_id, after.context_id
    opened_from, opened_to, due_from, due_to = bounds(search)
    keys = {"opened": (opened_from, opened_to), "due": (due_from, due_to), "priority": ranks(search)}
    first, last = keys[search.order]
    if search.descending:
        return last, opened_to, _LAST_ID, ""
    return first, opened_from, _FIRST_ID, ""


def _key_of(place: InboxPlace, order: InboxOrder) -> float | int:
    if place.key is None:
        return NEVER
    return -int(place.key) if order == "priority" else place.key


_LAST: Final = NEVER + 1
_FIRST: Final = -62_135_596_800.0
_LAST_RANK: Final = 1_000
_FIRST_ID: Final = UUID(int=0)
_LAST_ID: Final = UUID(int=2**128 - 1)
_ALL: Final = "all"
_RETURNED: Final = "returned"


def _of_candidate(candidate: str) -> str:
    return f"for {candidate}"


def _of_claimant(user_id: str) -> str:
    return f"claimed by {user_id}"


def _keys(*parts: Sequence[str]) -> Iterator[int]:
    """Names of lists in eight bytes each. Should two share one, the points' own columns tell them apart."""
    for each in product(*parts):
        digest = blake2b("\n".join(each).encode(), digest_size=8).digest()
        yield int.from_bytes(digest, "big", signed=True)
