"""Searches in PostgreSQL."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from signoff.events.store.base import ExecutionRow
from signoff.events.store.postgres_connection import COMMAND_LIMIT, Connection, Pool, translated
from signoff.events.store.rows import encode_attributes, escape, from_columns, unescape
from signoff.events.store.search import COUNTED, Place, Search, alternatives, counts_by_workflow, fold_case
from signoff.events.store.upkeep import NO_LOG
from signoff.events.store.words import WORDLESS_PAGE, has_words, wanted_logs, wanted_words, words_of

_ACQUIRE_LIMIT: Final = 5.0

SEARCHING: Final = {
    # What a search leaves out, and its order, are known when its plan is made: it is made each time.
    "plan_cache_mode": "force_custom_plan",
}
"""Settings of the connections that search."""


class PostgresSearch:
    """Finds executions.

    Args:
        pool: connections with the settings :data:`SEARCHING`.
        queries: the named queries.
    """

    def __init__(self, pool: Pool, queries: Mapping[str, str]) -> None:
        self._pool = pool
        self._queries = queries

    async def page(self, search: Search, *, after: Place | None, limit: int) -> Sequence[Any]:
        """The executions that a search finds, in its order, from the one after a place: their columns."""
        place = (None, None) if after is None else (after.key, after.log_id)
        return await self._found("executions", search, search.order, search.descending, *place, limit)

    async def count(self, search: Search) -> Sequence[Any]:
        """How many executions a search finds, by status; beyond the limit of counts the newest."""
        return await self._found("count_executions", search, COUNTED + 1)

    async def count_by_workflow(self, search: Search) -> dict[str, dict[str, int]] | None:
        """How many executions a search finds, by workflow and status; ``None`` beyond the limit of counts."""
        found = await self._found("count_by_workflow", search, COUNTED + 1)
        return counts_by_workflow((unescape(workflow_id), *rest) for workflow_id, *rest in found)

    async def _found(self, name: str, search: Search, *arguments: object) -> Sequence[Any]:
        with translated():
            async with (
                asyncio.timeout(COMMAND_LIMIT),
                self._pool.acquire(timeout=_ACQUIRE_LIMIT) as connection,
            ):
                if search.text is None:
                    return await self._fetch(
                        connection, name, *_filter(search), *_text(search, []), *arguments
                    )
                try:
                    # One look at all of it: meanwhile an execution may get words, or lose them.
                    await connection.execute(self._queries["begin_reading"])
                    logs = await self._wordless(connection, search)
                    found = await self._fetch(
                        connection, name, *_filter(search), *_text(search, logs), *arguments
                    )
                    await connection.execute(self._queries["commit"])
                except BaseException:
                    connection.terminate()  # rolls back, whatever happened
                    raise
        return found

    async def _wordless(self, connection: Connection, search: Search) -> list[UUID]:
        """The executions without words of their own that have the words looked for."""
        wanted = words_of(search.text or "")
        found: list[UUID] = []
        after: UUID | None = NO_LOG if wanted else None
        while after is not None:
            page = await self._fetch(
                connection, "wordless_executions", *_filter(search), after, wanted, WORDLESS_PAGE
            )
            rows = [from_columns(ExecutionRow, values) for values in page]
            found += [row.log_id for row in rows if has_words(row, search)]
            after = rows[-1].log_id if len(rows) == WORDLESS_PAGE else None
        return found

    async def _fetch(self, connection: Connection, name: str, *arguments: object) -> Sequence[Any]:
        rows: list[Any] = await connection.fetch(self._queries[name], *arguments)
        return rows


def _filter(search: Search) -> tuple[object, ...]:
    """The arguments $1 to $15 that ``filtered_executions`` takes (queries.sql)."""
    return (
        search.workspace_id,
        [escape(each) for each in search.workflow_ids],
        list(search.statuses),
        list(search.pause_statuses),
        [escape(each) for each in search.triggers],
        search.actor_type,
        _escaped(search.actor_id),
        search.started_after,
        search.started_before,
        _part(search.error),
        [_within(search, encode_attributes(each)) for each in alternatives(search.attributes)],
        [escape(name) for name in search.ranges],
        [bounds.least for bounds in search.ranges.values()],
        [bounds.most for bounds in search.ranges.values()],
        _escaped(search.forked_from),
    )


def _text(search: Search, wordless: list[UUID]) -> tuple[object, ...]:
    """The arguments $16 to $19 of ``found_executions``: a text without any word finds by its words none."""
    words = None if search.text is None else prefixes(wanted_words(search))
    return (words, *(wanted_logs(search) or (None, None)), wordless)


def _within(search: Search, attributes: str) -> str:
    """Attributes as the column has them: under their workspace."""
    return msgspec.json.encode({str(search.workspace_id): msgspec.Raw(attributes.encode())}).decode()


def _escaped(text: str | None) -> str | None:
    return None if text is None else escape(text)


def _part(text: str | None) -> str | None:
    return None if text is None else escape(fold_case(text))


def prefixes(words: Iterable[str]) -> str:
    """What all words must begin, as a tsquery. Letters and digits need no escape."""
    return " & ".join(f"'{word}':*" for word in words)
