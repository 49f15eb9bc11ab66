"""The log in memory: for tests and simulations. It keeps every promise but the durable one."""

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from itertools import islice
from uuid import UUID

from signoff.events.errors import StoreUnavailableError, VersionConflictError
from signoff.events.store.base import (
    Append,
    DeadCommand,
    ExecutionRow,
    FeedRow,
    Head,
    Lease,
    LeaseRow,
    PointGone,
    PointRow,
    Recorded,
    Row,
    RunRow,
    Snapshot,
    TrackingRow,
    WorkflowRow,
)
from signoff.events.store.group import expected_heads, refusals
from signoff.events.store.hints import Releases
from signoff.events.store.inbox import InboxCounts, InboxPlace, InboxSearch
from signoff.events.store.memory_inbox import count_points, find_points
from signoff.events.store.memory_search import count, count_by_workflow, find
from signoff.events.store.paging import PAGE_BYTES, page_of
from signoff.events.store.records_memory import MemoryRecords
from signoff.events.store.rows import check_storable
from signoff.events.store.schema import check_partitions
from signoff.events.store.search import Counts, Place, Search
from signoff.events.store.subscription import Bell, follow
from signoff.events.store.upkeep_memory import MemoryTables, MemoryUpkeep
from signoff.events.topics import PARTITIONS, partition_of


class _Partition:
    """A partition's row."""

    def __init__(self) -> None:
        self.owner: str | None = None
        self.epoch = 0
        self.until = 0.0
        self.next_offset = 0
        self.relayed = 0


class MemoryStore:
    """A log that ends with its process.

    Args:
        partitions: how many; :meth:`migrate` may give another number while it is new.
        clock: seconds since the epoch, UTC, for leases and records.

    Attributes:
        records: what is beside the log.
        upkeep: for operators' tools.
    """

    def __init__(self, *, partitions: int = PARTITIONS, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._partitions = {number: _Partition() for number in range(partitions)}
        self._migrated = False
        self._closed = False
        self._log: list[Recorded] = []
        self._logs: dict[UUID, list[Recorded]] = {}
        self._executions: dict[UUID, ExecutionRow] = {}
        self._runs: dict[UUID, UUID] = {}
        self._workflows: dict[tuple[UUID, str], WorkflowRow] = {}
        self._points: dict[tuple[UUID, str], PointRow] = {}
        self._dead: dict[tuple[int, int], DeadCommand] = {}
        self._tracking: dict[str, int] = {}
        self._snapshots: dict[UUID, Snapshot] = {}
        self._waypoints: dict[UUID, dict[int, Snapshot]] = {}
        self._executors: dict[str, float] = {}
        self._bell = Bell()
        self._releases = Releases()
        self.records = MemoryRecords(clock, self._check_open)
        tables = MemoryTables(
            logs=self._logs, executions=self._executions, runs=self._runs, points=self._points,
            dead=self._dead, snapshots=self._snapshots, waypoints=self._waypoints,
        )  # fmt: skip
        self.upkeep = MemoryUpkeep(tables, put=self._put, take=self._take, clock=clock)

    # The log ----------------------------------------------------------------------------------------

    async def append(self, append: Append) -> int:
        """Write events, projections and offset at once, or nothing (see :class:`~.base.EventStore`)."""
        self._check_open()
        self._check_append(append)
        for event in append.events:
            recorded = Recorded(event.log_id, event.version, event.topic, event.state, len(self._log) + 1)
            self._log.append(recorded)
            self._logs.setdefault(event.log_id, []).append(recorded)
        for row in append.rows:
            self._put(row)
        if append.next_offset is not None:
            self._partitions[append.partition].next_offset = append.next_offset
        self._bell.ring()
        return len(self._log) if append.events else 0

    def _check_append(self, append: Append) -> None:
        check_storable(append)
        partition = self._partitions.get(append.partition)
        held = partition is not None and partition.epoch == append.epoch
        heads = {log_id: self._head(log_id, head) for log_id, head in expected_heads([append]).items()}
        for error in refusals(
            [append], lost=() if held else {(append.partition, append.epoch)}, heads=heads
        ).values():
            raise error
        for row in append.rows:
            if isinstance(row, TrackingRow) and row.position <= self._tracking.get(row.name, -1):
                raise VersionConflictError(f"position {row.position} of {row.name} was recorded before")

    def _head(self, log_id: UUID, expected: int) -> int:
        events = self._logs.get(log_id)
        return events[-1].version if events else min(expected, 0)

    def _put(self, row: Row) -> None:
        match row:
            case ExecutionRow():
                self._executions[row.log_id] = row
            case RunRow():
                self._runs[row.run_id] = row.log_id
            case WorkflowRow():
                self._workflows[row.workspace_id, row.workflow_id] = row
            case PointRow():
                self._points[row.log_id, row.context_id] = row
            case PointGone():
                self._points.pop((row.log_id, row.context_id), None)
            case DeadCommand():
                self._dead[row.partition, row.offset] = row
            case TrackingRow():
                self._tracking[row.name] = row.position

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
        self._check_open()
        events = (event for event in self._logs.get(log_id, ()) if event.version > after)
        wanted = (event for event in events if topic in {None, event.topic})
        return list(page_of(wanted, limit=limit, size=size))

    async def read_many(self, after: Mapping[UUID, int], *, limit: int) -> dict[UUID, list[Recorded]]:
        """The same for many logs."""
        logs = {
            log_id: await self.read(log_id, after=version, limit=limit) for log_id, version in after.items()
        }
        return {log_id: events for log_id, events in logs.items() if events}

    async def heads(self, log_ids: Collection[UUID]) -> dict[UUID, int]:
        """The last version of each log."""
        self._check_open()
        return {log_id: self._logs[log_id][-1].version for log_id in log_ids if log_id in self._logs}

    async def changed_heads(self, *, after: int, upto: int) -> list[Head]:
        """The last event of each log within some positions, in the order of the logs' ids."""
        self._check_open()
        last = {event.log_id: event for event in self._log[after:upto]}
        return [
            Head(log_id, event.version, hashlib.sha256(event.state).digest())
            for log_id, event in sorted(last.items())
        ]

    async def read_all(
        self, *, after: int, limit: int, partitions: Collection[int] | None = None, size: int | None = None
    ) -> list[Recorded]:
        """Events of all logs (or of some partitions') with a position above ``after``, by position."""
        self._check_open()
        count = len(self._partitions)
        wanted = (
            event
            for event in islice(self._log, after, None)
            if partitions is None or partition_of(event.log_id, count) in partitions
        )
        return list(page_of(wanted, limit=limit, size=size))

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
        self._check_open()
        rows: dict[UUID, ExecutionRow | WorkflowRow] = dict(self._executions)
        rows |= {row.log_id: row for row in self._workflows.values()}
        wanted = {
            log_id: row.workspace_id
            for log_id, row in rows.items()
            if row.workspace_id in workspace_ids and (not workflow_ids or row.workflow_id in workflow_ids)
        }
        found = (
            event
            for event in self._log[after:upto]
            if event.log_id in wanted
            and (not topics or event.topic in topics)
            and (not log_ids or event.log_id in log_ids or event.topic in also)
        )
        return [FeedRow(each, wanted[each.log_id]) for each in page_of(found, limit=limit, size=size)]

    async def workspaces_of(self, log_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The workspaces of executions' and workflows' logs; other logs are left out."""
        self._check_open()
        executions = (self._executions.get(log_id) for log_id in log_ids)
        workflows = (row for row in self._workflows.values() if row.log_id in log_ids)
        return {row.log_id: row.workspace_id for row in [*executions, *workflows] if row is not None}

    async def last_position(self) -> int:
        """The highest position, 0 for an empty log."""
        self._check_open()
        return len(self._log)

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
        self._check_open()
        now = self._clock()
        self._executors[owner] = now + ttl
        self._executors = {name: until for name, until in self._executors.items() if until > now}
        return len(self._executors)

    async def acquire(self, owner: str, *, most: int, ttl: float) -> list[Lease]:
        """Take up to ``most`` partitions that nobody holds, each with a raised epoch."""
        self._check_open()
        now = self._clock()
        free = [number for number, row in self._partitions.items() if row.owner is None or row.until <= now]
        return [self._take(number, owner, now + ttl) for number in free[:most]]

    def _take(self, number: int, owner: str, until: float) -> Lease:
        row = self._partitions[number]
        row.owner, row.until, row.epoch = owner, until, row.epoch + 1
        return Lease(
            partition=number, owner=owner, epoch=row.epoch, next_offset=row.next_offset, relayed=row.relayed
        )

    def _held(self, leases: Mapping[int, int], owner: str) -> Iterator[tuple[int, _Partition]]:
        self._check_open()
        for number, epoch in leases.items():
            row = self._partitions.get(number)
            if row is not None and (row.owner, row.epoch) == (owner, epoch):
                yield number, row

    async def renew(self, leases: Mapping[int, int], *, owner: str, ttl: float) -> frozenset[int]:
        """Hold leases (partition → epoch) for ``ttl`` seconds from now; gives those still held."""
        held = dict(self._held(leases, owner))
        for row in held.values():
            row.until = self._clock() + ttl
        return frozenset(held)

    async def release(self, leases: Mapping[int, int], *, owner: str) -> None:
        """Free leases at once; those held by others are left alone."""
        for _, row in self._held(leases, owner):
            row.owner, row.until = None, 0.0
        self._releases.ring()

    async def released(self, heard: int, *, limit: float) -> int:
        """Wait until leases were released that the caller has not heard of, at most ``limit`` seconds."""
        return await self._releases.wait(heard, limit=limit)

    async def leases(self) -> list[LeaseRow]:
        """Every partition, in order."""
        self._check_open()
        now = self._clock()
        return [
            LeaseRow(
                partition=number,
                owner=row.owner,
                epoch=row.epoch,
                seconds_left=max(row.until - now, 0.0),
                next_offset=row.next_offset,
                relayed=row.relayed,
            )
            for number, row in self._partitions.items()
        ]

    async def relayed(self, positions: Mapping[int, tuple[int, int]]) -> None:
        """Record how far events are on the topic: partition → (epoch, position)."""
        self._check_open()
        for number, (epoch, position) in positions.items():
            row = self._partitions.get(number)
            if row is not None and row.epoch == epoch:
                row.relayed = max(row.relayed, position)

    # Projections ------------------------------------------------------------------------------------

    async def workflow(self, workspace_id: UUID, workflow_id: str) -> WorkflowRow | None:
        """The active version of a workflow, deployed or not."""
        self._check_open()
        return self._workflows.get((workspace_id, workflow_id))

    async def workflows(self, workspace_id: UUID, *, after: str = "", limit: int = 100) -> list[WorkflowRow]:
        """Workflows by id, from the one after ``after``."""
        self._check_open()
        found = [
            row
            for row in self._workflows.values()
            if row.workspace_id == workspace_id and row.workflow_id > after
        ]
        return sorted(found, key=lambda row: row.workflow_id)[:limit]

    async def workflows_named(self, workflow_id: str, workspace_ids: Collection[UUID]) -> list[WorkflowRow]:
        """The workflows of this name in some workspaces, in no order."""
        self._check_open()
        found = (self._workflows.get((each, workflow_id)) for each in workspace_ids)
        return [row for row in found if row is not None]

    async def execution(self, log_id: UUID) -> ExecutionRow | None:
        """One execution by its log."""
        self._check_open()
        return self._executions.get(log_id)

    async def locate(self, ids: Collection[UUID]) -> ExecutionRow | None:
        """The execution whose log, or one of whose runs, has one of these ids."""
        self._check_open()
        found = (self._executions.get(self._runs.get(known, known)) for known in ids)
        return next((row for row in found if row is not None), None)

    async def executions(
        self, search: Search, *, after: Place | None = None, limit: int = 100
    ) -> list[ExecutionRow]:
        """The executions that a search finds, in its order, from the one after a place in it."""
        self._check_open()
        return find(self._executions.values(), search, after=after, limit=limit)

    async def count_executions(self, search: Search) -> Counts:
        """How many executions a search finds, by status."""
        self._check_open()
        return count(self._executions.values(), search)

    async def count_by_workflow(self, search: Search) -> dict[str, dict[str, int]] | None:
        """How many executions a search finds, by workflow and status."""
        self._check_open()
        return count_by_workflow(self._executions.values(), search)

    async def inbox(
        self, search: InboxSearch, *, after: InboxPlace | None = None, limit: int = 50
    ) -> list[PointRow]:
        """The open pause points that a search finds, in its order, from the one after a place in it."""
        self._check_open()
        return find_points(self._points.values(), search, after=after, limit=limit)

    async def count_inbox(self, search: InboxSearch) -> InboxCounts:
        """How many points a search finds, by priority."""
        self._check_open()
        return count_points(self._points.values(), search)

    async def point(self, log_id: UUID, context_id: str) -> PointRow | None:
        """One open pause point of kind human."""
        self._check_open()
        return self._points.get((log_id, context_id))

    async def at_work(self, workspace_id: UUID, *, most: int) -> int:
        """How many executions of a workspace have something at work, counted up to ``most``."""
        self._check_open()
        rows = self._executions.values()
        return min(most, sum(row.workspace_id == workspace_id and not row.parked for row in rows))

    async def unparked(self, partition: int) -> list[UUID]:
        """The logs of a partition with something in flight."""
        self._check_open()
        return sorted(
            row.log_id for row in self._executions.values() if row.partition == partition and not row.parked
        )

    async def due(
        self, partitions: Collection[int], *, before: float, limit: int
    ) -> list[tuple[UUID, float]]:
        """Logs (also of workflows) whose ``due_at`` is not after ``before``, earliest first, with it."""
        self._check_open()
        executions = (row for row in self._executions.values() if row.partition in partitions)
        found = [(row.log_id, row.due_at) for row in executions]
        found += [(row.log_id, row.due_at) for row in self._workflows_in(partitions)]
        due = [(log_id, due_at) for log_id, due_at in found if due_at is not None and due_at <= before]
        return sorted(due, key=lambda pair: (pair[1], pair[0]))[:limit]

    def _workflows_in(self, partitions: Collection[int]) -> Iterator[WorkflowRow]:
        count = len(self._partitions)
        return (row for row in self._workflows.values() if partition_of(row.log_id, count) in partitions)

    async def broken(self, *, limit: int = 100) -> list[ExecutionRow]:
        """Executions that could not be folded."""
        self._check_open()
        found = [row for row in self._executions.values() if row.broken is not None]
        return sorted(found, key=lambda row: row.updated_at, reverse=True)[:limit]

    async def dead_commands(self, *, limit: int = 100) -> list[DeadCommand]:
        """Commands that could not be decided, newest first."""
        self._check_open()
        return sorted(self._dead.values(), key=lambda row: (-row.died_at, row.partition, -row.offset))[:limit]

    # Snapshots and tracking -------------------------------------------------------------------------

    async def snapshot(self, log_id: UUID) -> Snapshot | None:
        """The newest snapshot of a log."""
        self._check_open()
        return self._snapshots.get(log_id)

    async def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of an older one."""
        self._check_open()
        kept = self._snapshots.get(snapshot.log_id)
        if kept is None or kept.version <= snapshot.version:
            self._snapshots[snapshot.log_id] = snapshot

    async def waypoint(self, log_id: UUID, *, upto: int) -> Snapshot | None:
        """The last waypoint of a log whose version is not above ``upto``."""
        self._check_open()
        versions = [each for each in self._waypoints.get(log_id, {}) if each <= upto]
        return self._waypoints[log_id][max(versions)] if versions else None

    async def keep_waypoint(self, waypoint: Snapshot) -> None:
        """Keep a folded state of a log beside those of other versions."""
        self._check_open()
        self._waypoints.setdefault(waypoint.log_id, {})[waypoint.version] = waypoint

    async def track(self, name: str, position: int) -> None:
        """Record how far a reader has come; never moves back."""
        self._check_open()
        self._tracking[name] = max(position, self._tracking.get(name, position))

    async def tracked(self, name: str) -> int:
        """How far a reader has come; 0 for one unknown."""
        self._check_open()
        return self._tracking.get(name, 0)

    # Life -------------------------------------------------------------------------------------------

    async def migrate(self, *, partitions: int) -> list[str]:
        """Settle the number of partitions; there is no schema to bring up to date."""
        self._check_open()
        if self._migrated:
            check_partitions(len(self._partitions), partitions)
        else:
            self._partitions = {number: _Partition() for number in range(partitions)}
            self._migrated = True
        return []

    async def check(self, *, partitions: int) -> None:
        """Make sure that the number of partitions is this one."""
        self._check_open()
        check_partitions(len(self._partitions), partitions)

    async def now(self) -> float:
        """The time of day, in seconds since the epoch, UTC."""
        self._check_open()
        return self._clock()

    async def ping(self) -> None:
        """Answer, unless closed."""
        self._check_open()

    async def close(self) -> None:
        """Answer no more."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the store is closed")
