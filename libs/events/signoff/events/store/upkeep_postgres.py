"""What operators' tools do in a PostgreSQL log (queries_upkeep.sql)."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias
from uuid import UUID

from signoff.events.errors import MisshapenRowError
from signoff.events.store.base import Append, ExecutionRow, Lease, PointRow, Recorded
from signoff.events.store.postgres_connection import Connection
from signoff.events.store.postgres_writer import storable
from signoff.events.store.rows import by_table, from_columns
from signoff.events.store.upkeep import NO_LOG, Derived, Misshapen, kept_rows, rows_of
from signoff.events.store.words import WORDLESS_PAGE, execution_words

Fetch: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]
Locked: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]

_log: Final = logging.getLogger(__name__)


class PostgresUpkeep:
    """An :class:`~.upkeep.Upkeep` of a PostgreSQL log.

    Args:
        fetch: runs a named query.
        locked: a transaction that holds the writers' lock.
        queries: the named queries.
    """

    def __init__(self, fetch: Fetch, locked: Locked, queries: Mapping[str, str]) -> None:
        self._fetch = fetch
        self._locked = locked
        self._queries = queries

    async def now(self) -> float:
        """The time by the database's clock."""
        return float((await self._fetch("now"))[0][0])

    async def logs(self, *, after: UUID = NO_LOG, limit: int) -> list[UUID]:
        """The ids of logs that have events, or rows of an execution or a point, in order."""
        return [row[0] for row in await self._fetch("logs", after, limit)]

    async def scan(self, *, after: UUID, version: int, until: UUID, limit: int, size: int) -> list[Recorded]:
        """Events by log and version."""
        return [Recorded(*row) for row in await self._fetch("scan", after, version, until, limit, size)]

    async def history(self, *, after: int, limit: int, size: int) -> list[Recorded]:
        """Events of all logs by position."""
        return [Recorded(*row) for row in await self._fetch("history", after, limit, size)]

    async def misshapen(self, *, limit: int) -> list[Misshapen]:  # noqa: ARG002
        """None: a column of PostgreSQL has its type, and a state of NULL is read as one without bytes."""
        return []

    async def rows(self, *, after: UUID, until: UUID, limit: int) -> list[Derived]:
        """The rows of executions and their points as they are kept, by log."""
        found = await self._fetch("executions_between", after, until, limit)
        executions = [from_columns(ExecutionRow, row) for row in found]
        until = executions[-1].log_id if len(executions) == limit else until
        points = await self._fetch("points_between", after, until)
        return kept_rows(executions, [from_columns(PointRow, row) for row in points])

    async def points(self, log_id: UUID) -> list[PointRow]:
        """The points of an execution that inboxes find."""
        return [from_columns(PointRow, row) for row in await self._fetch("whole_points", log_id)]

    async def words(self, log_id: UUID) -> set[str]:
        """The words that a search finds an execution by."""
        return {row[0] for row in await self._fetch("words", log_id)}

    async def wordless(self) -> int:
        """How many executions have no words, or those of an earlier version of their row."""
        return int((await self._fetch("wordless"))[0][0])

    async def give_words(self) -> None:
        """Give words to those, a page in a transaction, which holds the writers' lock: no row changes."""
        after = (NO_LOG, NO_LOG)
        try:
            while last := await self._give_words(after):
                after = last
        except MisshapenRowError as error:
            _log.warning("executions are left without words: %s: run `signoff doctor`", error)

    async def _give_words(self, after: tuple[UUID, UUID]) -> tuple[UUID, UUID] | None:
        """Give words to a page; gives the place of its last row."""
        async with self._locked() as connection:
            page = await connection.fetch(self._queries["wordless_page"], *after, WORDLESS_PAGE)
            rows = [from_columns(ExecutionRow, values) for values in page]
            words = storable([execution_words(row) for row in rows])
            await connection.execute(self._queries["give_words"], [row.log_id for row in rows], words)
        return (rows[-1].workspace_id, rows[-1].log_id) if rows else None

    async def runs(self, run_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The logs of runs, as the projection has them."""
        return dict(await self._fetch("known_runs", list(run_ids)))

    async def waypoints(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]:
        """The waypoints that are kept of logs: log and version of each, in that order."""
        return [tuple(row) for row in await self._fetch("waypoints", after, version, until, limit)]

    async def snapshots(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]:
        """The snapshots that are kept of logs: log and version of each, in that order."""
        return [tuple(row) for row in await self._fetch("snapshots", after, version, until, limit)]

    async def put_derived(self, derived: Derived) -> bool:
        """Put the rows of a log in place of those that are there, if it still has that version."""
        async with self._locked() as connection:
            if await connection.fetchval(self._queries["head"], derived.log_id) != derived.version:
                return False
            await self._remove(connection, derived)
            append = Append(partition=0, epoch=0, rows=rows_of(derived))
            for table, rows in by_table([append]).items():
                columns = [storable(column) for column in zip(*rows, strict=True)]
                await connection.fetch(self._queries[f"put_{table}"], *columns)
        return True

    async def _remove(self, connection: Connection, derived: Derived) -> None:
        contexts = [row[0] for row in await connection.fetch(self._queries["contexts"], derived.log_id)]
        logs = [derived.log_id] * len(contexts)
        await connection.execute(self._queries["put_gone_points"], logs, contexts)
        await connection.execute(self._queries["remove_execution"], derived.log_id)
        await connection.execute(self._queries["remove_runs"], [run.run_id for run in derived.runs])

    async def seize(self, partitions: Collection[int], *, owner: str, ttl: float) -> list[Lease]:
        """Take partitions, whoever holds them, each with a raised epoch."""
        async with self._locked() as connection:
            rows = await connection.fetch(self._queries["seize"], owner, list(partitions), ttl)
        return sorted((Lease(**row) for row in rows), key=lambda lease: lease.partition)

    async def settle_dead(self, partition: int, offset: int, *, settled: str, by: str) -> bool:
        """Note what became of a dead command: it counts no longer."""
        return bool(await self._fetch("settle_dead", partition, offset, settled, by))
