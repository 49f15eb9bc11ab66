"""The log in PostgreSQL: the store of one host and of a cluster."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from signoff.events.errors import SchemaError
from signoff.events.lookups import Lookups
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
from signoff.events.store.paging import PAGE_BYTES
from signoff.events.store.postgres_connection import READING, Connection, Pool, close, open_pool, translated
from signoff.events.store.postgres_inbox import LISTING, PostgresInbox
from signoff.events.store.postgres_listener import PostgresListener
from signoff.events.store.postgres_partitions import PartitionReads
from signoff.events.store.postgres_primary import Primary
from signoff.events.store.postgres_schema import migrate
from signoff.events.store.postgres_search import SEARCHING, PostgresSearch
from signoff.events.store.postgres_writer import PostgresWriter
from signoff.events.store.records_postgres import PostgresRecords
from signoff.events.store.rows import escape, from_columns
from signoff.events.store.schema import check_partitions, check_steps
from signoff.events.store.search import Counts, Place, Search, counts
from signoff.events.store.sql import migrations, queries
from signoff.events.store.subscription import Bell, follow
from signoff.events.store.upkeep_postgres import PostgresUpkeep

RowType = TypeVar("RowType", ExecutionRow, WorkflowRow, PointRow, DeadCommand)

_ACQUIRE_LIMIT: Final = 5.0


class PostgresStore:
    """A log in a PostgreSQL database. Make one with :meth:`open`.

    Attributes:
        records: what is beside the log.
        upkeep: for operators' tools.
    """

    def __init__(
        self, primary: Primary, named: Mapping[str, str], pool: Pool, searching: Pool, listing: Pool
    ) -> None:
        self._primary = primary
        self._queries = named
        self._pool = pool
        self._searching = searching
        self._search = PostgresSearch(searching, named)
        self._listing = listing
        self._pages = Lookups(self._read_many)
        self._located = Lookups(self._locate)
        self._partitions = PartitionReads(self._fetch)
        self._inbox = PostgresInbox(partial(self._fetch_over, listing), partial(self._fetch_over, searching))
        self._writer = PostgresWriter(primary.connect, named)
        self._batcher = Batcher(self._writer.write, begin=self._writer.begin)
        self._bell = Bell()
        self._releases = Releases()
        self._listener = PostgresListener(primary.connect, self._bell.ring, self._releases.ring)
        self.records = PostgresRecords(self._fetch)
        self.upkeep = PostgresUpkeep(self._fetch, self._locked, named)

    @classmethod
    async def open(cls, url: str, *, readers: int = 4, searchers: int = 2) -> "PostgresStore":
        """Make a store. It connects when it is first used, so the database may be away by now.

        Args:
            url: ``postgresql://user:password@host:port/database?options``, as libpq has it; with several
                hosts, parted by commas, the one that takes writes is used.
            readers: connections for reads; one for appends and one for hints come on top.
            searchers: connections for searches, made when there is one; as many for inboxes.
        """
        named = await asyncio.to_thread(queries, "postgres")
        primary = Primary(url, named)
        with translated():
            pool = await open_pool(primary.connect, size=readers, settings=READING)
            searching = await open_pool(primary.connect, size=searchers, settings=SEARCHING)
            listing = await open_pool(primary.connect, size=searchers, settings=LISTING)
        return cls(primary, named, pool, searching, listing)

    # The log ----------------------------------------------------------------------------------------

    async def append(self, append: Append) -> int:
        """Write events, projections and offset in one transaction (see :class:`~.base.EventStore`)."""
        return await self._batcher.append(append)

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
        return _recorded(await self._fetch("read", log_id, after, limit, topic, size))

    async def read_many(self, after: Mapping[UUID, int], *, limit: int) -> dict[UUID, list[Recorded]]:
        """The same for many logs in one query, which others share who ask at the same time."""
        pages = await self._pages.find([(log_id, version, limit) for log_id, version in after.items()])
        return {log_id: page for log_id, page in zip(after, pages, strict=True) if page}

    async def _read_many(self, wanted: Sequence[tuple[UUID, int, int]]) -> list[list[Recorded]]:
        pages: list[list[Recorded]] = [[] for _ in wanted]
        for place, *event in await self._fetch("read_many", *map(list, zip(*wanted, strict=True))):
            pages[place - 1].append(Recorded(*event))
        return pages

    async def heads(self, log_ids: Collection[UUID]) -> dict[UUID, int]:
        """The last version of each log, in one query."""
        return dict(await self._fetch("heads", list(log_ids)))

    async def changed_heads(self, *, after: int, upto: int) -> list[Head]:
        """The last event of each log within some positions, in the order of the logs' ids."""
        return [Head(*row) for row in await self._fetch("changed_heads", after, upto)]

    async def read_all(
        self, *, after: int, limit: int, partitions: Collection[int] | None = None, size: int | None = None
    ) -> list[Recorded]:
        """Events of all logs (or of some partitions') with a position above ``after``, by position."""
        if partitions is None:
            return _recorded(await self._fetch("read_all", after, limit, size))
        upto = await self.last_position()
        return await self._partitions.read(partitions, after=after, upto=upto, limit=limit, size=size)

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
        rows = await self._fetch(
            "read_feed", list(workspace_ids), after, upto, limit, list(topics),
            [escape(each) for each in workflow_ids], list(log_ids), size, list(also),
        )  # fmt: skip
        return [FeedRow(Recorded(*event), workspace_id) for *event, workspace_id in rows]

    async def workspaces_of(self, log_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The workspaces of executions' and workflows' logs, in one query; other logs are left out."""
        return dict(await self._fetch("workspaces_of", list(log_ids)))

    async def last_position(self) -> int:
        """The highest position, 0 for an empty log."""
        return int((await self._fetch("last_position"))[0][0])

    def subscribe(self, *, after: int, limit: int = 500) -> AsyncIterator[list[Recorded]]:
        """All events above a position and then each new one, in batches, for ever."""
        self._listener.start()
        return follow(
            lambda after, limit: self.read_all(after=after, limit=limit, size=PAGE_BYTES),
            self._bell,
            after=after,
            limit=limit,
        )

    # Leases -----------------------------------------------------------------------------------------

    async def announce(self, owner: str, *, ttl: float) -> int:
        """Say that an executor is alive for ``ttl`` seconds more (0: it leaves); gives how many are."""
        return int((await self._fetch("announce", owner, ttl))[0][0])

    async def acquire(self, owner: str, *, most: int, ttl: float) -> list[Lease]:
        """Take up to ``most`` partitions that nobody holds, each with a raised epoch."""
        async with self._locked() as connection:
            rows = await connection.fetch(self._queries["acquire"], owner, most, ttl)
        return sorted((Lease(**row) for row in rows), key=lambda lease: lease.partition)

    async def renew(self, leases: Mapping[int, int], *, owner: str, ttl: float) -> frozenset[int]:
        """Hold leases (partition → epoch) for ``ttl`` seconds from now; gives those still held."""
        rows = await self._fetch("renew", list(leases), list(leases.values()), owner, ttl)
        return frozenset(row[0] for row in rows)

    async def release(self, leases: Mapping[int, int], *, owner: str) -> None:
        """Free leases at once; those held by others are left alone."""
        await self._fetch("release", list(leases), list(leases.values()), owner)

    async def released(self, heard: int, *, limit: float) -> int:
        """Wait until leases were released that the caller has not heard of, at most ``limit`` seconds."""
        self._listener.start()
        return await self._releases.wait(heard, limit=limit)

    async def leases(self) -> list[LeaseRow]:
        """Every partition, in order."""
        return [LeaseRow(**row) for row in await self._fetch("leases")]

    async def relayed(self, positions: Mapping[int, tuple[int, int]]) -> None:
        """Record how far events are on the topic: partition → (epoch, position)."""
        epochs = [epoch for epoch, _ in positions.values()]
        await self._fetch(
            "relayed", list(positions), epochs, [position for _, position in positions.values()]
        )

    # Projections ------------------------------------------------------------------------------------

    async def workflow(self, workspace_id: UUID, workflow_id: str) -> WorkflowRow | None:
        """The active version of a workflow, deployed or not."""
        return _one(await self._rows(WorkflowRow, "workflow", workspace_id, escape(workflow_id)))

    async def workflows(self, workspace_id: UUID, *, after: str = "", limit: int = 100) -> list[WorkflowRow]:
        """Workflows by id, from the one after ``after``."""
        return await self._rows(WorkflowRow, "workflows", workspace_id, escape(after), limit)

    async def workflows_named(self, workflow_id: str, workspace_ids: Collection[UUID]) -> list[WorkflowRow]:
        """The workflows of this name in some workspaces, in no order."""
        return await self._rows(WorkflowRow, "workflows_named", list(workspace_ids), escape(workflow_id))

    async def execution(self, log_id: UUID) -> ExecutionRow | None:
        """One execution by its log."""
        return _one(await self._rows(ExecutionRow, "execution", log_id))

    async def locate(self, ids: Collection[UUID]) -> ExecutionRow | None:
        """The execution whose log, or one of whose runs, has one of these ids."""
        (found,) = await self._located.find([ids])
        return found

    async def _locate(self, wanted: Sequence[Collection[UUID]]) -> list[ExecutionRow | None]:
        found: list[ExecutionRow | None] = [None] * len(wanted)
        callers = [caller for caller, ids in enumerate(wanted) for _ in ids]
        for caller, *row in await self._fetch("locate", callers, [each for ids in wanted for each in ids]):
            found[caller] = from_columns(ExecutionRow, row)
        return found

    async def executions(
        self, search: Search, *, after: Place | None = None, limit: int = 100
    ) -> list[ExecutionRow]:
        """The executions that a search finds, in its order, from the one after a place in it."""
        rows = await self._search.page(search, after=after, limit=limit)
        return [from_columns(ExecutionRow, values) for values in rows]

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
        return await self._inbox.page(search, after=after, limit=limit)

    async def count_inbox(self, search: InboxSearch) -> InboxCounts:
        """How many points a search finds, by priority."""
        return await self._inbox.count(search)

    async def point(self, log_id: UUID, context_id: str) -> PointRow | None:
        """One open pause point of kind human."""
        return _one(await self._rows(PointRow, "point", log_id, escape(context_id)))

    async def at_work(self, workspace_id: UUID, *, most: int) -> int:
        """How many executions of a workspace have something at work, counted up to ``most``."""
        return int((await self._fetch("at_work", workspace_id, most))[0][0])

    async def unparked(self, partition: int) -> list[UUID]:
        """The logs of a partition with something in flight."""
        return [row[0] for row in await self._fetch("unparked", partition)]

    async def due(
        self, partitions: Collection[int], *, before: float, limit: int
    ) -> list[tuple[UUID, float]]:
        """Logs (also of workflows) whose ``due_at`` is not after ``before``, earliest first, with it."""
        return [
            (log_id, due_at) for log_id, due_at in await self._fetch("due", list(partitions), before, limit)
        ]

    async def broken(self, *, limit: int = 100) -> list[ExecutionRow]:
        """Executions that could not be folded."""
        return await self._rows(ExecutionRow, "broken", limit)

    async def dead_commands(self, *, limit: int = 100) -> list[DeadCommand]:
        """Commands that could not be decided, newest first."""
        return await self._rows(DeadCommand, "dead_commands", limit)

    # Snapshots and tracking -------------------------------------------------------------------------

    async def snapshot(self, log_id: UUID) -> Snapshot | None:
        """The newest snapshot of a log."""
        rows = await self._fetch("snapshot", log_id)
        return Snapshot(**rows[0]) if rows else None

    async def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of an older one."""
        await self._fetch("keep_snapshot", snapshot.log_id, snapshot.version, snapshot.format, snapshot.state)

    async def waypoint(self, log_id: UUID, *, upto: int) -> Snapshot | None:
        """The last waypoint of a log whose version is not above ``upto``."""
        rows = await self._fetch("waypoint", log_id, upto)
        return Snapshot(**rows[0]) if rows else None

    async def keep_waypoint(self, waypoint: Snapshot) -> None:
        """Keep a folded state of a log beside those of other versions."""
        await self._fetch("keep_waypoint", waypoint.log_id, waypoint.version, waypoint.format, waypoint.state)

    async def track(self, name: str, position: int) -> None:
        """Record how far a reader has come; never moves back."""
        await self._fetch("track", escape(name), position)

    async def tracked(self, name: str) -> int:
        """How far a reader has come; 0 for one unknown."""
        rows = await self._fetch("tracked", escape(name))
        return int(rows[0][0]) if rows else 0

    # Life -------------------------------------------------------------------------------------------

    async def migrate(self, *, partitions: int) -> list[str]:
        """Bring the schema up to date, and give words to executions; gives the migrations applied."""
        steps = await asyncio.to_thread(migrations, "postgres")
        done = await migrate(self._primary.connect, steps, self._queries, partitions=partitions)
        await self.upkeep.give_words()
        return done

    async def check(self, *, partitions: int) -> None:
        """Make sure that the schema is this version's, and the number of partitions this one."""
        if not (await self._fetch("has_migrations"))[0][0]:
            raise SchemaError("the database is empty: run `signoff migrate`")
        check_steps(
            [row[0] for row in await self._fetch("migrations")],
            await asyncio.to_thread(migrations, "postgres"),
        )
        recorded = await self._fetch("partitions")
        check_partitions(recorded[0][0] if recorded else None, partitions)

    async def now(self) -> float:
        """The time of day by the database's clock, in seconds since the epoch, UTC."""
        return float((await self._fetch("now"))[0][0])

    async def ping(self) -> None:
        """Ask the database for an answer, for readiness."""
        await self._fetch("ping")

    async def close(self) -> None:
        """Finish the appends under way and let go of every connection."""
        await self._listener.close()
        await self._batcher.close()
        await self._writer.close()
        await close(self._listing)
        await close(self._searching)
        await close(self._pool)
        await self._primary.close()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[Connection]:
        """A transaction that holds the writers' lock; an error rolls it back."""
        with translated():
            async with self._pool.acquire(timeout=_ACQUIRE_LIMIT) as connection:
                try:
                    await connection.execute(self._queries["begin_locked"])
                    yield connection
                    await connection.execute(self._queries["commit"])
                except BaseException:
                    connection.terminate()  # rolls back, whatever happened
                    raise

    async def _fetch(self, name: str, *arguments: object) -> Sequence[Any]:
        return await self._fetch_over(self._pool, name, *arguments)

    async def _fetch_over(self, pool: Pool, name: str, *arguments: object) -> Sequence[Any]:
        with translated():
            async with pool.acquire(timeout=_ACQUIRE_LIMIT) as connection:
                rows: list[Any] = await connection.fetch(self._queries[name], *arguments)
        return rows

    async def _rows(self, row: type[RowType], name: str, *arguments: object) -> list[RowType]:
        return [from_columns(row, values) for values in await self._fetch(name, *arguments)]


def _recorded(rows: Sequence[Any]) -> list[Recorded]:
    return [Recorded(*row) for row in rows]


def _one(rows: list[RowType]) -> RowType | None:
    return rows[0] if rows else None
