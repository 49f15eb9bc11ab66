"""What operators' tools do in a PostgreSQL log (queries_upkeep.sql)."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias
from uuid import UUID

from signoff.events.store.base import Append, Lease, PointRow
from signoff.events.store.postgres_connection import Connection
from signoff.events.store.postgres_writer import storable
from signoff.events.store.rows import by_table, from_columns
from signoff.events.store.upkeep import NO_LOG, Derived, rows_of

Fetch: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]
Locked: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]


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

    async def points(self, log_id: UUID) -> list[PointRow]:
        """The points of an execution that inboxes find."""
        return [from_columns(PointRow, row) for row in await self._fetch("whole_points", log_id)]

    async def runs(self, run_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The logs of runs, as the projection has them."""
        return dict(await self._fetch("known_runs", list(run_ids)))

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
