"""Inboxes in SQLite (queries_inbox_sqlite.sql)."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec

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
from signoff.events.store.rows import escape
from signoff.events.store.sqlite_connection import Connections
from signoff.events.store.sqlite_writer import as_json, microseconds, plain
from signoff.events.store.words import words_of

_LIMIT: Final = 5.0
"""Seconds after which a statement is given up."""

_STEPS: Final = 100_000
"""Instructions of SQLite's machine, about a millisecond, after which the clock is looked at."""

_PAGES: Final[Mapping[tuple[InboxOrder, bool], str]] = {
    ("opened", False): "inbox_opened",
    ("opened", True): "inbox_opened_descending",
    ("due", False): "inbox_due",
    ("due", True): "inbox_due_descending",
    ("priority", False): "inbox_priority",
    ("priority", True): "inbox_priority_descending",
}
"""The query of each order, and of whether it is read from its end."""

_FEW: Final[Mapping[InboxOrder, str]] = {
    "opened": "few_opened",
    "due": "few_due",
    "priority": "few_of_priority",
}
"""The query of each order that finds what lies between bounds."""

_ids: Final = msgspec.json.Decoder(list[int])
_rows: Final = msgspec.json.Decoder(list[list[Any]])
_counts: Final = msgspec.json.Decoder(list[tuple[int | None, int, int]])


class SqliteInbox:
    """Reads open pause points.

    Args:
        connections: those that read.
        queries: the named queries.
    """

    def __init__(self, connections: Connections, queries: Mapping[str, str]) -> None:
        self._connections = connections
        self._queries = queries

    async def page(self, search: InboxSearch, *, after: InboxPlace | None, limit: int) -> list[list[Any]]:
        """The points that a search finds, in its order, from the one after a place: their columns."""
        name = _PAGES[search.order, search.descending]
        return _rows.decode(await self._read(name, search, (limit, *_place(search, after))))

    async def count(self, search: InboxSearch) -> InboxCounts:
        """How many points a search finds, by priority."""
        further = (COUNTED + 1, microseconds(search.now))
        rows = _counts.decode(await self._read("count_inbox", search, further))
        looked_at = next(count for priority, count, _ in rows if priority is None)
        found = ((priority, count, overdue) for priority, count, overdue in rows if priority is not None)
        return inbox_counts(found, looked_at=looked_at)

    async def _read(self, name: str, search: InboxSearch, further: tuple[object, ...]) -> str:
        """Run a query over what is to be looked through: lists by their names, or few points by their ids."""
        arguments = (*_within(search), *_fitting(search), *further)

        def work(connection: sqlite3.Connection) -> str:
            with _limited(connection):
                few = self._few(connection, search)
                sources = (as_json(keys_for(search)), "[]") if few is None else ("[]", few)
                return str(connection.execute(self._queries[name], (*sources, *arguments)).fetchone()[0])

        return await self._connections.run(work)

    def _few(self, connection: sqlite3.Connection, search: InboxSearch) -> str | None:
        """The ids of the points to which some condition leaves few, if there is one."""
        for name, most, *arguments in _conditions(search):
            (found,) = connection.execute(self._queries[name], (most + 1, *arguments)).fetchone()
            if len(_ids.decode(found)) <= most:
                return str(found)
        return None


@contextmanager
def _limited(connection: sqlite3.Connection) -> Iterator[None]:
    """Give up what takes longer than `_LIMIT`: sqlite3 raises that it was interrupted."""
    end = time.monotonic() + _LIMIT
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def _conditions(search: InboxSearch) -> Iterator[tuple[str, int, *tuple[object, ...]]]:
    """What may leave few points: a query, how many are few, and its further arguments."""
    if search.log_ids:
        yield "few_of_executions", FEW, as_json([each.hex for each in search.log_ids])
    for word in words_of(search.text or ""):
        yield "few_with_word", FEW, word
    opened_from, opened_to, due_from, due_to = map(microseconds, bounds(search))
    between = {"opened": (opened_from, opened_to), "due": (due_from, due_to), "priority": ranks(search)}
    for order in bounded_elsewhere(search):
        yield _FEW[order], few_in(order), as_json(keys_for(search)), *between[order]


def _within(search: InboxSearch) -> tuple[object, ...]:
    """The arguments ?3 to ?9 that ``within`` takes."""
    priorities = as_json([-each for each in search.priorities])
    return (*map(microseconds, bounds(search)), *ranks(search), priorities)


def _fitting(search: InboxSearch) -> tuple[object, ...]:
    """The arguments ?10 to ?18 that ``fitting`` takes."""
    return (
        as_json([each.hex for each in search.workspace_ids]),
        _escaped(search.candidates),
        _escaped(search.workflow_ids),
        _user(search.free_for),
        _user(search.not_excluded),
        _user(search.claimed_by),
        search.returned,
        as_json(words_of(search.text or "")),
        as_json([each.hex for each in search.log_ids]),
    )


def _place(search: InboxSearch, after: InboxPlace | None) -> tuple[object, ...]:
    """The arguments ?20 to ?23 of a page; the order of opening takes three."""
    key, opened_at, log_id, context_id = start(search, after)
    place = (plain(opened_at), plain(log_id), escape(context_id))
    return place if search.order == "opened" else (*place, plain(key))


def _escaped(texts: Iterable[str]) -> str:
    return as_json([escape(text) for text in texts])


def _user(user_id: str | None) -> str | None:
    return None if user_id is None else escape(user_id)
