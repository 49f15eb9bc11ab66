"""What operators' tools do in an SQLite log (queries_upkeep_sqlite.sql)."""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from signoff.events.store.base import Lease, PointGone, PointRow, Row
from signoff.events.store.rows import unescape
from signoff.events.store.sqlite_connection import Connections
from signoff.events.store.sqlite_rows import decoded
from signoff.events.store.sqlite_writer import SqliteWriter, as_json, microseconds
from signoff.events.store.upkeep import NO_LOG, Derived, rows_of

_any: Final = msgspec.json.Decoder()
_leases: Final = msgspec.json.Decoder(list[Lease])


class SqliteUpkeep:
    """An :class:`~.upkeep.Upkeep` of an SQLite log.

    Args:
        writer: writes rows.
        writing: the connection that writes.
        reading: those that read.
        queries: the named queries.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        writer: SqliteWriter,
        writing: Connections,
        reading: Connections,
        queries: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._writing = writing
        self._reading = reading
        self._queries = queries
        self._clock = clock

    async def now(self) -> float:
        """The time by this process's clock, which is the one that leases run by."""
        return self._clock()

    async def logs(self, *, after: UUID = NO_LOG, limit: int) -> list[UUID]:
        """The ids of logs that have events, or rows of an execution or a point, in order."""
        return [UUID(log_id) for log_id in await self._read("logs", after.hex, limit)]

    async def points(self, log_id: UUID) -> list[PointRow]:
        """The points of an execution that inboxes find."""
        found = decoded(PointRow, await self._read("whole_points", log_id.hex))
        return sorted(found, key=lambda row: row.context_id)

    async def runs(self, run_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The logs of runs, as the projection has them."""
        rows = await self._read("known_runs", as_json([each.hex for each in run_ids]))
        return {UUID(run_id): UUID(log_id) for run_id, log_id in rows}

    async def put_derived(self, derived: Derived) -> bool:
        """Put the rows of a log in place of those that are there, if it still has that version."""
        log_id = derived.log_id.hex
        runs = as_json([run.run_id.hex for run in derived.runs])

        def work(connection: sqlite3.Connection) -> bool:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                if connection.execute(self._queries["head"], (log_id,)).fetchone() != (derived.version,):
                    return False
                self._writer.put_rows(connection, self._gone(connection, derived.log_id))
                connection.execute(self._queries["remove_execution"], (log_id,))
                connection.execute(self._queries["remove_runs"], (runs,))
                self._writer.put_rows(connection, rows_of(derived))
            return True

        return await self._writing.run(work)

    def _gone(self, connection: sqlite3.Connection, log_id: UUID) -> list[Row]:
        (contexts,) = connection.execute(self._queries["contexts"], (log_id.hex,)).fetchone()
        return [PointGone(log_id=log_id, context_id=unescape(each)) for each in _any.decode(contexts)]

    async def seize(self, partitions: Collection[int], *, owner: str, ttl: float) -> list[Lease]:
        """Take partitions, whoever holds them, each with a raised epoch."""
        until, wanted = microseconds(self._clock() + ttl), as_json(sorted(partitions))

        def work(connection: sqlite3.Connection) -> str:
            connection.execute(self._queries["acquire"], (owner, until, wanted))
            return str(connection.execute(self._queries["acquired"], (wanted,)).fetchone()[0])

        return _leases.decode(await self._writing.run(work))

    async def settle_dead(self, partition: int, offset: int, *, settled: str, by: str) -> bool:
        """Note what became of a dead command: it counts no longer."""
        arguments = (microseconds(self._clock()), settled, by, partition, offset)

        def work(connection: sqlite3.Connection) -> bool:
            return bool(connection.execute(self._queries["settle_dead"], arguments).fetchall())

        return await self._writing.run(work)

    async def _read(self, name: str, *arguments: object) -> Any:
        def work(connection: sqlite3.Connection) -> str:
            return str(connection.execute(self._queries[name], arguments).fetchone()[0])

        return _any.decode(await self._reading.run(work))
