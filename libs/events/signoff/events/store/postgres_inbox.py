"""Inboxes in PostgreSQL (queries_inbox.sql)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from signoff.events.store.base import PointRow
from signoff.events.store.inbox import (
    COUNTED,
    FEW,
    InboxCounts,
    InboxOrder,
    InboxPlace,
    InboxSearch,
    bounded_elsewhere,
    bounds,
    few_in,
    inbox_counts,
    keys_for,
    ranks,
    start,
)
from signoff.events.store.postgres_search import prefixes
from signoff.events.store.rows import escape, from_columns
from signoff.events.store.words import words_of

LISTING: Final = {
    # Bounds are known when the plan is made: it is made each time, and begins with the shortest index range.
    "plan_cache_mode": "force_custom_plan",
    # A list is read in the order of an index and only as far as the page goes. Estimates know no list's
    # length: taking it for a short one, a plan would read and sort all of it.
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_sort": "off",
    "statement_timeout": "5s",
}
"""Settings of the connections that read inboxes. Each statement ends after five seconds."""

_PAGES: Final[Mapping[tuple[InboxOrder, bool], str]] = {
    ("opened", False): "inbox_opened",
    ("opened", True): "inbox_opened_descending",
    ("due", False): "inbox_due",
    ("due", True): "inbox_due_descending",
    ("priority", False): "inbox_priority",
    ("priority", True): "inbox_priority_descending",
}
"""The query of each order, and of whether it is read from its end."""


class Fetch(Protocol):
    """Runs a named query."""

    async def __call__(self, name: str, *arguments: object) -> Sequence[Any]:
        """The rows that it gives."""
        ...


class PostgresInbox:
    """Reads open pause points.

    Args:
        listing: over connections with the settings `LISTING`.
        searching: over connections that read by any index.
    """

    def __init__(self, listing: Fetch, searching: Fetch) -> None:
        self._listing = listing
        self._searching = searching

    async def page(self, search: InboxSearch, *, after: InboxPlace | None, limit: int) -> list[PointRow]:
        """The points that a search finds, in its order, from the one after a place in it."""
        few = await self._few_with_words(search)
        if few is None:
            few = await self._few_between(search)
        rows = await self._listing(
            _PAGES[search.order, search.descending],
            *_sources(search, few),
            *_within(search),
            *_fitting(search),
            limit,
            *_place(search, after),
        )
        return [from_columns(PointRow, values) for values in rows]

    async def count(self, search: InboxSearch) -> InboxCounts:
        """How many points a search finds, by priority."""
        rows = await self._listing(
            "count_inbox",
            *_sources(search, await self._few_with_words(search)),
            *_within(search),
            *_fitting(search),
            COUNTED + 1,
            search.now,
        )
        looked_at = next(count for priority, count, _ in rows if priority is None)
        found = ((priority, count, overdue) for priority, count, overdue in rows if priority is not None)
        return inbox_counts(found, looked_at=looked_at)

    async def _few_with_words(self, search: InboxSearch) -> list[int] | None:
        """The points with the words looked for, or of the executions, if they are few."""
        words = _words(search)
        if words is None and not search.log_ids:
            return None
        rows = await self._searching(
            "few_points", list(search.workspace_ids), words, list(search.log_ids), FEW + 1
        )
        return rows[0][0] if len(rows[0][0]) <= FEW else None

    async def _few_between(self, search: InboxSearch) -> list[int] | None:
        """The points between bounds that are not in the search's order, if they are few."""
        orders = bounded_elsewhere(search)
        if not orders:
            return None
        most = max(few_in(order) for order in orders)
        rows = await self._listing("few_listed", keys_for(search), most + 1, *_within(search))
        return rows[0][0] if len(rows[0][0]) <= most else None


def _sources(search: InboxSearch, few: list[int] | None) -> tuple[list[int], list[int]]:
    """What to look through: lists by their names, or a few points by their ids."""
    return (keys_for(search), []) if few is None else ([], few)


def _within(search: InboxSearch) -> tuple[object, ...]:
    """The arguments $3 to $9 that ``within`` takes."""
    return (*bounds(search), *ranks(search), [-each for each in search.priorities])


def _fitting(search: InboxSearch) -> tuple[object, ...]:
    """The arguments $10 to $18 that ``fitting`` takes."""
    return (
        list(search.workspace_ids),
        _escaped(search.candidates),
        _escaped(search.workflow_ids),
        _user(search.free_for),
        _user(search.not_excluded),
        _user(search.claimed_by),
        search.returned,
        _words(search),
        list(search.log_ids),
    )


def _place(search: InboxSearch, after: InboxPlace | None) -> tuple[object, ...]:
    """The arguments $20 to $23 of a page; the order of opening takes three."""
    key, opened_at, log_id, context_id = start(search, after)
    place: tuple[float | UUID | str, ...] = (opened_at, log_id, escape(context_id))
    return place if search.order == "opened" else (*place, key)


def _words(search: InboxSearch) -> str | None:
    """The words looked for as a tsquery, ``None`` without any."""
    return prefixes(words_of(search.text or "")) or None


def array_literal(items: Sequence[str | int]) -> str:
    """A list as PostgreSQL writes an array: ``unnest`` of arrays would run them together."""
    return (
        "{" + ",".join(f'"{_quoted(item)}"' if isinstance(item, str) else str(item) for item in items) + "}"
    )


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _escaped(texts: Iterable[str]) -> list[str]:
    return [escape(text) for text in texts]


def _user(user_id: str | None) -> str | None:
    return None if user_id is None else escape(user_id)
