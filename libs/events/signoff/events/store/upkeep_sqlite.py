"""What operators' tools do in an SQLite log (queries_upkeep_sqlite.sql)."""

import logging
import math
import re
import sqlite3
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec

from signoff.events.errors import MisshapenRowError
from signoff.events.store.base import ExecutionRow, Lease, PointGone, PointRow, Recorded, Row
from signoff.events.store.paging import page_of
from signoff.events.store.rows import unescape
from signoff.events.store.sqlite_connection import Connections
from signoff.events.store.sqlite_rows import decoded, reading_rows
from signoff.events.store.sqlite_writer import SqliteWriter, as_json, microseconds
from signoff.events.store.upkeep import NO_LOG, Derived, Misshapen, kept_rows, rows_of
from signoff.events.store.words import WORDLESS_PAGE, execution_words

_WINDOW: Final = 50_000
"""Events that one statement looks through."""

_SHOWN: Final = 100
_ID: Final = re.compile(r"'([0-9a-f]{32})'")
_NUMBER: Final = re.compile(r"-?\d+")

_any: Final = msgspec.json.Decoder()
_leases: Final = msgspec.json.Decoder(list[Lease])
_log: Final = logging.getLogger(__name__)


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

    async def scan(self, *, after: UUID, version: int, until: UUID, limit: int, size: int) -> list[Recorded]:
        """Events by log and version."""
        return await self._events("scan", after.hex, version, until.hex, limit, size=size)

    async def history(self, *, after: int, limit: int, size: int) -> list[Recorded]:
        """Events of all logs by position."""
        return await self._events("history", after, limit, size=size)

    async def _events(self, name: str, *arguments: object, size: int) -> list[Recorded]:
        def work(connection: sqlite3.Connection) -> list[Recorded]:
            rows = connection.execute(self._queries[name], arguments)
            events = (
                Recorded(UUID(log_id), version, topic, state or b"", position)
                for log_id, version, topic, state, position in rows
            )
            return list(page_of(events, limit=None, size=size))

        return await self._reading.run(work)

    async def misshapen(self, *, limit: int) -> list[Misshapen]:
        """Rows that no event and no row of this version is like."""
        found: list[Misshapen] = []
        after = -math.inf  # no number is below that, whatever somebody wrote as a position
        while (upto := await self._read("window", after, _WINDOW)) is not None:
            rows = await self._raw("misshapen_events", after, upto, limit - len(found))
            found += [_misshapen_event(*row) for row in rows]
            after = upto
        return found + [
            Misshapen(table=table, found=f"log_id holds {kept}")
            for table, kept in await self._raw("misshapen_rows", limit)
        ]

    async def _raw(self, name: str, *arguments: object) -> list[Any]:
        return await self._reading.run(
            lambda connection: connection.execute(self._queries[name], arguments).fetchall()
        )

    async def rows(self, *, after: UUID, until: UUID, limit: int) -> list[Derived]:
        """The rows of executions and their points as they are kept, by log."""
        with reading_rows("executions"):
            found = await self._read("executions_between", after.hex, until.hex, limit)
        executions = decoded(ExecutionRow, found)
        until = executions[-1].log_id if len(executions) == limit else until
        with reading_rows("points"):
            found = await self._read("points_between", after.hex, until.hex)
        points = decoded(PointRow, found)
        return kept_rows(executions, sorted(points, key=lambda row: (row.log_id, row.context_id)))

    async def points(self, log_id: UUID) -> list[PointRow]:
        """The points of an execution that inboxes find."""
        with reading_rows("points"):
            found = await self._read("whole_points", log_id.hex)
        return sorted(decoded(PointRow, found), key=lambda row: row.context_id)

    async def words(self, log_id: UUID) -> set[str]:
        """The words that a search finds an execution by."""
        with reading_rows("executions"):
            return set(await self._read("words", log_id.hex))

    async def wordless(self) -> int:
        """How many executions have no words, or those of an earlier version of their row."""
        return int(await self._read("wordless"))

    async def give_words(self) -> None:
        """Give words to those, a page in a transaction."""
        after = (NO_LOG, NO_LOG)
        try:
            while last := await self._writing.run(partial(self._give_words, after)):
                after = last
        except MisshapenRowError as error:
            _log.warning("executions are left without words: %s: run `signoff doctor`", error)

    def _give_words(
        self, after: tuple[UUID, UUID], connection: sqlite3.Connection
    ) -> tuple[UUID, UUID] | None:
        """Give words to a page; gives the place of its last row."""
        place = (*(each.hex for each in after), WORDLESS_PAGE)
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            (page,) = connection.execute(self._queries["wordless_page"], place).fetchone()
            rows = decoded(ExecutionRow, _any.decode(page))
            words = as_json([(row.log_id.hex, execution_words(row)) for row in rows])
            for name in ("forget_words", "index_words", "give_words"):
                connection.execute(self._queries[name], (words,))
        return (rows[-1].workspace_id, rows[-1].log_id) if rows else None

    async def runs(self, run_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The logs of runs, as the projection has them."""
        with reading_rows("runs"):
            rows = await self._read("known_runs", as_json([each.hex for each in run_ids]))
            return {UUID(run_id): UUID(log_id) for run_id, log_id in rows}

    async def waypoints(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]:
        """The waypoints that are kept of logs: log and version of each, in that order."""
        rows = await self._raw("waypoints", after.hex, version, until.hex, limit)
        return [(UUID(log_id), version) for log_id, version in rows]

    async def snapshots(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]:
        """The snapshots that are kept of logs: log and version of each, in that order."""
        rows = await self._raw("snapshots", after.hex, version, until.hex, limit)
        return [(UUID(log_id), version) for log_id, version in rows]

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
                connection.execute(self._queries["remove_words"], (log_id,))
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
        """The one value of a query; a text is JSON."""

        def work(connection: sqlite3.Connection) -> Any:
            return connection.execute(self._queries[name], arguments).fetchone()[0]

        value = await self._reading.run(work)
        return _any.decode(value) if isinstance(value, str) else value


def _misshapen_event(position: int, log_id: str, version: str, state_type: str) -> Misshapen:
    """An event's row, of its columns as SQL spells them."""
    known = _ID.fullmatch(log_id)
    numbered = _NUMBER.fullmatch(version)
    wrong = [] if known else [f"originator_id holds {log_id[:_SHOWN]}"]
    wrong += [] if numbered else [f"originator_version holds {version[:_SHOWN]}"]
    wrong += ["state is a text"] if state_type == "text" else []
    return Misshapen(
        table="stored_events",
        log_id=None if known is None else UUID(known[1]),
        version=None if numbered is None else int(version),
        position=position,
        found=", ".join(wrong),
    )
