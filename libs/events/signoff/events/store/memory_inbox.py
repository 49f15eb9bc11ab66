"""A search of inboxes over rows in memory."""

from collections import Counter
from collections.abc import Iterable
from operator import gt, itemgetter, lt
from uuid import UUID

from signoff.events.store.base import PointRow
from signoff.events.store.inbox import (
    COUNTED,
    NEVER,
    InboxCounts,
    InboxPlace,
    InboxSearch,
    bounds,
    inbox_counts,
    start,
)
from signoff.events.store.ordering import inbox_place
from signoff.events.store.words import words_of

Key = tuple[float | int, float, UUID, str]


def find_points(
    rows: Iterable[PointRow], search: InboxSearch, *, after: InboxPlace | None, limit: int
) -> list[PointRow]:
    """The points that a search finds, in its order, from the one after a place."""
    comes, last = lt if search.descending else gt, start(search, after)
    found = [
        (key, row)
        for row in rows
        if _fits(row, search) and comes(key := start(search, inbox_place(row, search.order)), last)
    ]
    found.sort(key=itemgetter(0), reverse=search.descending)
    return [row for _, row in found[:limit]]


def count_points(rows: Iterable[PointRow], search: InboxSearch) -> InboxCounts:
    """How many points a search finds, by priority."""
    found = [row for row in rows if _fits(row, search)]
    counted = found[:COUNTED]
    overdue = Counter(row.priority for row in counted if row.due_at is not None and row.due_at < search.now)
    by_priority = Counter(row.priority for row in counted)
    return inbox_counts(
        ((priority, count, overdue[priority]) for priority, count in by_priority.items()),
        looked_at=len(found),
    )


def _fits(row: PointRow, search: InboxSearch) -> bool:
    return (
        row.workspace_id in search.workspace_ids
        and (not search.candidates or not set(search.candidates).isdisjoint(row.candidates))
        and (search.free_for is None or row.claimed_by in {None, search.free_for})
        and (search.not_excluded is None or search.not_excluded not in row.excluded)
        and (search.claimed_by is None or row.claimed_by == search.claimed_by)
        and (not search.workflow_ids or row.workflow_id in search.workflow_ids)
        and (not search.priorities or row.priority in search.priorities)
        and _is_within(row, search)
        and (search.returned is None or row.returned == search.returned)
        and (search.text is None or _has_words(row.text, search.text))
        and (not search.log_ids or row.log_id in search.log_ids)
    )


def _is_within(row: PointRow, search: InboxSearch) -> bool:
    opened_from, opened_to, due_from, due_to = bounds(search)
    due_at = NEVER if row.due_at is None else row.due_at
    return opened_from <= row.opened_at < opened_to and due_from <= due_at < due_to


def _has_words(text: str, wanted: str) -> bool:
    words = words_of(text)
    return all(any(word.startswith(begin) for word in words) for begin in words_of(wanted))
