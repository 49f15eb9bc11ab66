"""The log in an SQLite file: the store of the embedded server, one process with nothing to install."""

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from signoff.events.store.base import (
    Append,
    DeadCommand,
    ExecutionRow,
    FeedRow,
    Head,
    Lease,
    LeaseRow,
    PointRow,
    Recorded,
    Snapshot,
    WorkflowRow,
)
from signoff.events.store.batcher import Batcher
from signoff.events.store.hints import Releases
from signoff.events.store.inbox import InboxCounts, InboxPlace, InboxSearch
from signoff.events.store.paging import PAGE_BYTES, bytes_of
from signoff.events.store.records_sqlite import SqliteRecords
from signoff.events.store.rows import KINDS, RowType, escape
from signoff.events.store.schema import check_partitions, check_steps
from signoff.events.store.search import Counts, Place, Search, counts
from signoff.events.store.sql import migrations, queries
from signoff.events.store.sqlite_connection import Connections, FileLock, connect, connect_to_read
from signoff.events.store.sqlite_inbox import SqliteInbox
from signoff.events.store.sqlite_rows import decoded, reading_rows
from signoff.events.store.sqlite_schema import applied, migrate
from signoff.events.store.sqlite_search import SqliteSearch
from signoff.events.store.sqlite_writer import SqliteWriter, as_json, microseconds, seconds
from signoff.events.store.subscription import Bell, follow
from signoff.events.store.upkeep_sqlite import SqliteUpkeep

_WINDOW: Final = 50_000
"""Positions that one statement looks through for the events of some partitions."""

_any: Final = msgspec.json.Decoder()
_leases: Final = msgspec.json.Decoder(list[Lease])
_events: Final = msgspec.json.Decoder(list[tuple[UUID, int, str, str, int]])


class SqliteStore:
    """A log in an SQLite file, written by one process. Make one with :meth:`open`.

    Attributes:
        records: what is beside the log.
        upkeep: for operators' tools.
    """

    def __init__(
        self,
        path: Path,
        named: Mapping[str, str],
        lock: FileLock,
        clock: Callable[[], float],
        *,
        opening: Callable[[Path], sqlite3.Connection] = connect,
    ) -> None:
        self._queries = named
        self._lock = lock
        self._clock = clock
        self._writing = Connections(path, count=1, name="log writer", opening=opening)
        self._reading = Connections(path, count=2, name="log reader", opening=opening)
        self._inbox = SqliteInbox(self._reading, named)
        self._search = SqliteSearch(self._reading, named)
        writer = SqliteWriter(self._writing, named)
        self._batcher = Batcher(writer.write)
        self._bell = Bell()
        self._releases = Releases()
        self.records = SqliteRecords(self._writing, self._reading, named, clock)
        self.upkeep = SqliteUpkeep(writer, self._writing, self._reading, named, clock)

    @classmethod
    async def open(cls, path: str | Path, *, clock: Callable[[], float] = time.time) -> "SqliteStore":
        """Open a file for writing, and make it if need be.

        Args:
            path: the file; beside it lie its ``-wal``, ``-shm`` and ``.lock``.
            clock: seconds since the epoch, UTC, for leases and records.

        Raises:
            StoreUnavailableError: another process has it open.
            SchemaError: SQLite or the file system cannot keep what a commit promises.
        """
        path = Path(path)
        lock = FileLock(path)
        await asyncio.to_thread(lock.acquire)
        await asyncio.to_thread(path.touch, mode=0o600)
        return await _answering(cls(path, await asyncio.to_thread(queries, "sqlite"), lock, clock))

    @classmethod
    async def open_to_read(cls, path: str | Path) -> "SqliteStore":
        """Open a file that nobody writes to, and leave every byte of its folder as it is.

        Args:
            path: the file; what lies in its ``-wal`` is read, too.

        Raises:
            StoreUnavailableError: there is no such file, or another process writes to it.
        """
        path = Path(path)
        lock = FileLock(path)
        await asyncio.to_thread(lock.share)
        named = await asyncio.to_thread(queries, "sqlite")
        return await _answering(cls(path, named, lock, time.time, opening=connect_to_read))

    # The log ----------------------------------------------------------------------------------------

    async def append(self, append: Append) -> int:
        """Write events, projections and offset in one transaction (see :class:`~.base.EventStore`)."""
        position = await self._batcher.append(append)
        self._bell.ring()
        return position

    async def read(
        self,
        log_id: UUID,
        *,
        after: int = 0,
        limit: int | None = None,
        topic: str | None = None,
        size: int | None = None,
    ) -> list[Recorded]:
        """The events of one log with a version above ``after``, in order; of one ``topic``, or all."""
        return await self._recorded("read", log_id.hex, after, -1 if limit is None else limit, topic, size)

    async def read_many(self, after: Mapping[UUID, int], *, limit: int) -> dict[UUID, list[Recorded]]:
        """The same for many logs in one query."""
        wanted = as_json([(log_id.hex, version) for log_id, version in after.items()])
        logs: dict[UUID, list[Recorded]] = {}
        for event in await self._recorded("read_many", wanted, limit):
            logs.setdefault(event.log_id, []).append(event)
        return logs

    async def heads(self, log_ids: Collection[UUID]) -> dict[UUID, int]:
        """The last version of each log, in one query."""
        heads = await self._read("heads", as_json([log_id.hex for log_id in log_ids]))
        return {UUID(log_id): head for log_id, head in heads}

    async def changed_heads(self, *, after: int, upto: int) -> list[Head]:
        """The last event of each log within some positions, in the order of the logs' ids."""

        def work(connection: sqlite3.Connection) -> list[Head]:
            rows = connection.execute(self._queries["changed_heads"], (after, upto))
            return [
                Head(UUID(log_id), version, hashlib.sha256(state or b"").digest())
                for log_id, version, state in rows
            ]

        return await self._reading.run(work)

    async def read_all(
        self, *, after: int, limit: int, partitions: Collection[int] | None = None, size: int | None = None
    ) -> list[Recorded]:
        """Events of all logs (or of some partitions') with a position above ``after``, by position."""
        if partitions is None:
            return await self._recorded("read_all", after, limit, size)
        found: list[Recorded] = []
        last = await self.last_position()
        while after < last and len(found) < limit and (size is None or size > 0):
            until = after + _WINDOW
            wanted = limit - len(found)
            page = await self._recorded(
                "read_partitions", after, until, as_json(list(partitions)), wanted, size
            )
            found += page
            size = None if size is None else size - bytes_of(page)
            after = until
        return found

    async def read_feed(
        self,
        workspace_ids: Collection[UUID],
        *,
        after: int,
        upto: int,
        limit: int,
        size: int | None = None,
        topics: Collection[str] = (),
        workflow_ids: Collection[str] = (),
        log_ids: Collection[UUID] = (),
        also: Collection[str] = (),
    ) -> list[FeedRow]:
        """Events of the executions and workflows of some workspaces, by position."""
        rows = await self._read(
            "read_feed", as_json([each.hex for each in workspace_ids]), after, upto, limit,
            as_json(list(topics)), as_json([escape(each) for each in workflow_ids]),
            as_json([each.hex for each in log_ids]), size, as_json(list(also)),
        )  # fmt: skip
        return [
            FeedRow(_event(UUID(log_id), *event), UUID(workspace_id)) for log_id, *event, workspace_id in rows
        ]

    async def workspaces_of(self, log_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The workspaces of executions' and workflows' logs, in one query; other logs are left out."""
        rows = await self._read("workspaces_of", as_json([each.hex for each in log_ids]))
        return {UUID(log_id): UUID(workspace_id) for log_id, workspace_id in rows}

    async def last_position(self) -> int:
        """The highest position, 0 for an empty log."""
        return int(await self._read("last_position"))

    def subscribe(self, *, after: int, limit: int = 500) -> AsyncIterator[list[Recorded]]:
        """All events above a position and then each new one, in batches, for ever."""
        return follow(
            lambda after, limit: self.read_all(after=after, limit=limit, size=PAGE_BYTES),
            self._bell,
            after=after,
            limit=limit,
        )

    # Leases -----------------------------------------------------------------------------------------

    async def announce(self, owner: str, *, ttl: float) -> int:
        """Say that an executor is alive for ``ttl`` seconds more (0: it leaves); gives how many are."""
        now = self._clock()

        def work(connection: sqlite3.Connection) -> int:
            connection.execute(self._queries["announce"], (owner, microseconds(now + ttl)))
            connection.execute(self._queries["forget_executors"], (microseconds(now),))
            return int(connection.execute(self._queries["count_executors"]).fetchone()[0])

        return await self._writing.run(work)

    async def acquire(self, owner: str, *, most: int, ttl: float) -> list[Lease]:
        """Take up to ``most`` partitions that nobody holds, each with a raised epoch."""
        now = self._clock()

        def work(connection: sqlite3.Connection) -> str:
            (free,) = connection.execute(
                self._queries["free_partitions"], (microseconds(now), most)
            ).fetchone()
            connection.execute(self._queries["acquire"], (owner, microseconds(now + ttl), free))
            return str(connection.execute(self._queries["acquired"], (free,)).fetchone()[0])

        return _leases.decode(await self._writing.run(work))

    async def renew(self, leases: Mapping[int, int], *, owner: str, ttl: float) -> frozenset[int]:
        """Hold leases (partition → epoch) for ``ttl`` seconds from now; gives those still held."""
        until = microseconds(self._clock() + ttl)
        wanted = as_json(list(leases.items()))

        def work(connection: sqlite3.Connection) -> str:
            connection.execute(self._queries["renew"], (until, wanted, owner))
            return str(connection.execute(self._queries["held"], (wanted, owner)).fetchone()[0])

        return frozenset(_any.decode(await self._writing.run(work)))

    async def release(self, leases: Mapping[int, int], *, owner: str) -> None:
        """Free leases at once; those held by others are left alone."""
        await self._write("release", as_json(list(leases.items())), owner)
        self._releases.ring()

    async def released(self, heard: int, *, limit: float) -> int:
        """Wait until leases were released that the caller has not heard of, at most ``limit`` seconds."""
        return await self._releases.wait(heard, limit=limit)

    async def leases(self) -> list[LeaseRow]:
        """Every partition, in order."""
        now = self._clock()
        return [
            LeaseRow(
                partition=partition,
                owner=owner,
                epoch=epoch,
                seconds_left=max(seconds(until) - now, 0.0),
                next_offset=next_offset,
                relayed=relayed,
            )
            for partition, owner, epoch, until, next_offset, relayed in await self._read("leases")
        ]

    async def relayed(self, positions: Mapping[int, tuple[int, int]]) -> None:
        """Record how far events are on the topic: partition → (epoch, position)."""
        rows = [(partition, epoch, position) for partition, (epoch, position) in positions.items()]
        await self._write("relayed", as_json(rows))

    # Projections ------------------------------------------------------------------------------------

    async def workflow(self, workspace_id: UUID, workflow_id: str) -> WorkflowRow | None:
        """The active version of a workflow, deployed or not."""
        return _one(await self._rows(WorkflowRow, "workflow", workspace_id.hex, escape(workflow_id)))

    async def workflows(self, workspace_id: UUID, *, after: str = "", limit: int = 100) -> list[WorkflowRow]:
        """Workflows by id, from the one after ``after``."""
        return await self._rows(WorkflowRow, "workflows", workspace_id.hex, escape(after), limit)

    async def workflows_named(self, workflow_id: str, workspace_ids: Collection[UUID]) -> list[WorkflowRow]:
        """The workflows of this name in some workspaces, in no order."""
        names = as_json([each.hex for each in workspace_ids])
        return await self._rows(WorkflowRow, "workflows_named", names, escape(workflow_id))

    async def execution(self, log_id: UUID) -> ExecutionRow | None:
        """One execution by its log."""
        return _one(await self._rows(ExecutionRow, "execution", log_id.hex))

    async def locate(self, ids: Collection[UUID]) -> ExecutionRow | None:
        """The execution whose log, or one of whose runs, has one of these ids."""
        return _one(await self._rows(ExecutionRow, "locate", as_json([known.hex for known in ids])))

    async def executions(
        self, search: Search, *, after: Place | None = None, limit: int = 100
    ) -> list[ExecutionRow]:
        """The executions that a search finds, in its order, from the one after a place in it."""
        with reading_rows("executions"):
            rows = await self._search.page(search, after=after, limit=limit)
        return decoded(ExecutionRow, rows)

    async def count_executions(self, search: Search) -> Counts:
        """How many executions a search finds, by status."""
        return counts(await self._search.count(search))

    async def count_by_workflow(self, search: Search) -> dict[str, dict[str, int]] | None:
        """How many executions a search finds, by workflow and status."""
        return await self._search.count_by_workflow(search)

    async def inbox(
        self, search: InboxSearch, *, after: InboxPlace | None = None, limit: int = 50
    ) -> list[PointRow]:
        """The open pause points that a search finds, in its order, from the one after a place in it."""
        rows = await self._inbox.page(search, after=after, limit=limit)
        return decoded(PointRow, rows)

    async def count_inbox(self, search: InboxSearch) -> InboxCounts:
        """How many points a search finds, by priority."""
        return await self._inbox.count(search)

    async def point(self, log_id: UUID, context_id: str) -> PointRow | None:
        """One open pause point of kind human."""
        return _one(await self._rows(PointRow, "point", log_id.hex, escape(context_id)))

    async def at_work(self, workspace_id: UUID, *, most: int) -> int:
        """How many executions of a workspace have something at work, counted up to ``most``."""
        return int(await self._read("at_work", workspace_id.hex, most))

    async def unparked(self, partition: int) -> list[UUID]:
        """The logs of a partition with something in flight."""
        return [UUID(log_id) for log_id in await self._read("unparked", partition)]

    async def due(
        self, partitions: Collection[int], *, before: float, limit: int
    ) -> list[tuple[UUID, float]]:
        """Logs (also of workflows) whose ``due_at`` is not after ``before``, earliest first, with it."""
        rows = await self._read("due", as_json(list(partitions)), microseconds(before), limit)
        return [(UUID(log_id), seconds(due_at)) for log_id, due_at in rows]

    async def broken(self, *, limit: int = 100) -> list[ExecutionRow]:
        """Executions that could not be folded."""
        return await self._rows(ExecutionRow, "broken", limit)

    async def dead_commands(self, *, limit: int = 100) -> list[DeadCommand]:
        """Commands that could not be decided, newest first."""
        return await self._rows(DeadCommand, "dead_commands", limit)

    # Snapshots and tracking -------------------------------------------------------------------------

    async def snapshot(self, log_id: UUID) -> Snapshot | None:
        """The newest snapshot of a log."""
        return await self._snapshot("snapshot", log_id)

    async def _snapshot(self, query: str, log_id: UUID, *arguments: int) -> Snapshot | None:
        def work(connection: sqlite3.Connection) -> tuple[int, int, bytes] | None:
            found: tuple[int, int, bytes] | None = connection.execute(
                self._queries[query], (log_id.hex, *arguments)
            ).fetchone()
            return found

        row = await self._reading.run(work)
        return Snapshot(log_id=log_id, version=row[0], format=row[1], state=row[2]) if row else None

    async def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of an older one."""
        await self._write(
            "keep_snapshot", snapshot.log_id.hex, snapshot.version, snapshot.format, snapshot.state
        )

    async def waypoint(self, log_id: UUID, *, upto: int) -> Snapshot | None:
        """The last waypoint of a log whose version is not above ``upto``."""
        return await self._snapshot("waypoint", log_id, upto)

    async def keep_waypoint(self, waypoint: Snapshot) -> None:
        """Keep a folded state of a log beside those of other versions."""
        await self._write(
            "keep_waypoint", waypoint.log_id.hex, waypoint.version, waypoint.format, waypoint.state
        )

    async def track(self, name: str, position: int) -> None:
        """Record how far a reader has come; never moves back."""
        await self._write("track", escape(name), position)

    async def tracked(self, name: str) -> int:
        """How far a reader has come; 0 for one unknown."""
        return int(await self._read("tracked", escape(name)))

    # Life -------------------------------------------------------------------------------------------

    async def migrate(self, *, partitions: int) -> list[str]:
        """Bring the schema up to date, and give words to executions; gives the migrations applied."""
        steps = await asyncio.to_thread(migrations, "sqlite")
        done = await self._writing.run(
            lambda connection: migrate(connection, steps, self._queries, partitions=partitions)
        )
        await self.upkeep.give_words()
        return done

    async def check(self, *, partitions: int) -> None:
        """Make sure that the schema is this version's, and the number of partitions this one."""
        steps = await asyncio.to_thread(migrations, "sqlite")
        check_steps(await self._reading.run(lambda connection: applied(connection, self._queries)), steps)
        check_partitions(await self._read("partitions"), partitions)

    async def now(self) -> float:
        """The time of day, in seconds since the epoch, UTC: SQLite has no clock but this process's."""
        return self._clock()

    async def ping(self) -> None:
        """Ask the database for an answer, for readiness."""
        await self._read("ping")

    async def close(self) -> None:
        """Finish the appends under way and let go of the file."""
        await self._batcher.close()
        await self._reading.close()
        await self._writing.close()
        await asyncio.to_thread(self._lock.release)

    async def _write(self, name: str, *arguments: object) -> None:
        await self._writing.run(
            lambda connection: connection.execute(self._queries[name], arguments).fetchall()
        )

    async def _read(self, name: str, *arguments: object) -> Any:
        """The one value of a query; a text is JSON."""
        value = await self._value(name, *arguments)
        return _any.decode(value) if isinstance(value, str) else value

    async def _value(self, name: str, *arguments: object) -> Any:
        return await self._reading.run(
            lambda connection: connection.execute(self._queries[name], arguments).fetchone()[0]
        )

    async def _recorded(self, name: str, *arguments: object) -> list[Recorded]:
        return [_event(*row) for row in _events.decode(await self._value(name, *arguments))]

    async def _rows(self, row: type[RowType], name: str, *arguments: object) -> list[RowType]:
        with reading_rows(KINDS[row].table):
            found = await self._read(name, *arguments)
        return decoded(row, found)


async def _answering(store: SqliteStore) -> SqliteStore:
    try:
        await store.ping()
    except BaseException:
        await store.close()
        raise
    return store


def _event(log_id: UUID, version: int, topic: str, state: str, position: int) -> Recorded:
    return Recorded(log_id, version, topic, bytes.fromhex(state), position)


def _one(rows: list[RowType]) -> RowType | None:
    return rows[0] if rows else None
