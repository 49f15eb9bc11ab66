"""Searches in SQLite: of executions with some words only those are read, where they are few."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any, Final
from uuid import UUID

import msgspec

from signoff.events.store.base import ExecutionRow
from signoff.events.store.rows import escape, unescape
from signoff.events.store.search import COUNTED, Place, Search, counts_by_workflow, fold_case
from signoff.events.store.sqlite_connection import Connections
from signoff.events.store.sqlite_rows import decoded
from signoff.events.store.sqlite_writer import as_json, microseconds
from signoff.events.store.upkeep import NO_LOG
from signoff.events.store.words import (
    WORDLESS_PAGE,
    has_words,
    wanted_logs,
    wanted_words,
    words_of,
    words_of_attributes,
)

FEW: Final = COUNTED // 2
"""Executions with what is looked for, up to which all are sorted; where there are more, the order is read.

Those with its words and those whose ids begin with it are looked for apart: together a count takes them.
"""

_logs: Final = msgspec.json.Decoder(list[str])
_any: Final = msgspec.json.Decoder()


class SqliteSearch:
    """Finds executions.

    Args:
        connections: those that read.
        queries: the named queries.
    """

    def __init__(self, connections: Connections, queries: Mapping[str, str]) -> None:
        self._connections = connections
        self._queries = queries

    async def page(self, search: Search, *, after: Place | None, limit: int) -> list[list[Any]]:
        """The executions that a search finds, in its order, from the one after a place: their columns."""
        place, order = (*_place(after), limit), (search.order, search.descending)

        def work(connection: sqlite3.Connection) -> str:
            wordless = self._wordless(connection, search)
            few = self._few(connection, search, wordless)
            page = (*_filter(search), *_text(search, wordless), *place)
            if few is not None:
                return self._value(connection, "executions_among", *page, *order, few)
            if _is_newest_first(search):
                return self._value(connection, "executions_newest", *page)
            return self._value(connection, "executions", *page, *order)

        return list(_any.decode(await self._connections.run(partial(_at_one_moment, work))))

    async def count(self, search: Search) -> list[tuple[str, int]]:
        """How many executions a search finds, by status; beyond the limit of counts the newest."""

        def work(connection: sqlite3.Connection) -> str:
            wordless = self._wordless(connection, search)
            few = self._few(connection, search, wordless)
            found = (*_filter(search), *_text(search, wordless))
            if few is None:
                return self._value(connection, "count_executions", *found, COUNTED + 1)
            return self._value(connection, "count_executions_among", *found, few)

        return list(_any.decode(await self._connections.run(partial(_at_one_moment, work))))

    async def count_by_workflow(self, search: Search) -> dict[str, dict[str, int]] | None:
        """How many executions a search finds, by workflow and status; ``None`` beyond the limit of counts."""

        def work(connection: sqlite3.Connection) -> str:
            found = (*_filter(search), *_text(search, self._wordless(connection, search)))
            return self._value(connection, "count_by_workflow", *found, COUNTED + 1)

        found = _any.decode(await self._connections.run(partial(_at_one_moment, work)))
        return counts_by_workflow((unescape(workflow_id), *rest) for workflow_id, *rest in found)

    def _wordless(self, connection: sqlite3.Connection, search: Search) -> list[str]:
        """The logs without words of their own that have the words looked for."""
        wanted = words_of(search.text or "")
        found: list[str] = []
        after: UUID | None = NO_LOG if wanted else None
        while after is not None:
            place = (after.hex, as_json(wanted), WORDLESS_PAGE)
            page = self._value(connection, "wordless_executions", *_filter(search), *place)
            rows = decoded(ExecutionRow, _any.decode(page))
            found += [row.log_id.hex for row in rows if has_words(row, search)]
            after = rows[-1].log_id if len(rows) == WORDLESS_PAGE else None
        return found

    def _few(self, connection: sqlite3.Connection, search: Search, wordless: list[str]) -> str | None:
        """The logs among which all are that have the text or attributes, or are the forks, if few."""
        if search.forked_from is not None:
            source = (search.workspace_id.hex, escape(search.forked_from))
            forks = self._logs(connection, "few_forks", *source)
            if len(forks) <= FEW:
                return as_json(forks)
        if search.text is None:
            return self._few_with_attributes(connection, search)
        wanted = wanted_words(search)
        named = [self._with_words(connection, wanted)] if wanted else []
        bounds = wanted_logs(search)
        if bounds is not None:
            logs = self._logs(connection, "few_executions_between", *(each.hex for each in bounds))
            named.append(logs if len(logs) <= FEW else None)
        found = [logs for logs in named if logs is not None]
        return as_json(list(chain(wordless, *found))) if len(found) == len(named) else None

    def _few_with_attributes(self, connection: sqlite3.Connection, search: Search) -> str | None:
        wanted = words_of_attributes(search)
        if not wanted:
            return None
        wordless = self._logs(connection, "few_wordless_executions", search.workspace_id.hex)
        for alternatives in wanted if len(wordless) <= FEW else ():
            found = [self._with_words(connection, words) for words in alternatives]
            few = [logs for logs in found if logs is not None]
            if len(few) == len(found) and sum(map(len, few)) <= FEW:
                return as_json(list(chain(wordless, *few)))
        return None

    def _with_words(self, connection: sqlite3.Connection, words: list[str]) -> list[str] | None:
        """The logs with one of some words, if those are few: all that have every word are among them."""
        found = (self._logs(connection, "few_executions_with_word", word) for word in words)
        return next((logs for logs in found if len(logs) <= FEW), None)

    def _logs(self, connection: sqlite3.Connection, name: str, *arguments: object) -> list[str]:
        return _logs.decode(self._value(connection, name, FEW + 1, *arguments))

    def _value(self, connection: sqlite3.Connection, name: str, *arguments: object) -> str:
        return str(connection.execute(self._queries[name], arguments).fetchone()[0])


def _filter(search: Search) -> tuple[object, ...]:
    """The arguments ?1 to ?13 that ``filtered_executions`` takes (queries_sqlite.sql)."""
    return (
        search.workspace_id.hex,
        _listed(search.workflow_ids),
        _listed(search.statuses),
        _listed(search.pause_statuses),
        _listed(search.triggers),
        search.actor_type,
        None if search.actor_id is None else escape(search.actor_id),
        _moment(search.started_after),
        _moment(search.started_before),
        None if search.error is None else escape(fold_case(search.error)),
        as_json({
            escape(name): [escape(value) if isinstance(value, str) else value for value in values]
            for name, values in search.attributes.items()
        }),
        as_json({escape(name): [bounds.least, bounds.most] for name, bounds in search.ranges.items()}),
        None if search.forked_from is None else escape(search.forked_from),
    )  # fmt: skip


def _text(search: Search, wordless: list[str]) -> tuple[object, ...]:
    """The arguments ?14 to ?17 of ``fitting_executions``."""
    words = None if search.text is None else as_json(wanted_words(search))
    logs = wanted_logs(search)
    return (words, *((None, None) if logs is None else (each.hex for each in logs)), as_json(wordless))


def _place(after: Place | None) -> tuple[object, ...]:
    """The arguments ?18 and ?19 of a page."""
    return (None, None) if after is None else (microseconds(after.key), after.log_id.hex)


def _at_one_moment(work: Callable[[sqlite3.Connection], str], connection: sqlite3.Connection) -> str:
    """Do some reading while nothing changes: between two looks an execution may get words, or lose them."""
    with connection:
        connection.execute("BEGIN")
        return work(connection)


def _is_newest_first(search: Search) -> bool:
    """Whether the order is that of an index. SQLite plans a query before it knows its arguments."""
    return search.order == "started" and search.descending


def _listed(texts: Iterable[str]) -> str:
    return as_json([escape(text) for text in texts])


def _moment(seconds: float | None) -> int | None:
    return None if seconds is None else microseconds(seconds)
