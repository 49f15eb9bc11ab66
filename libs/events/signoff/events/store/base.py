"""The port of the log: what a store of events must do. What passes it is imported from here, too.

Three adapters keep it: :mod:`postgres`, :mod:`sqlite` and :mod:`memory`; one conformance suite
holds them to it (``tests/conformance``). Times are seconds since the epoch, UTC. A *position* is
the place of an event in the whole log (``notification_id``): it only grows, and an event that
becomes visible has a higher one than any seen before.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Protocol
from uuid import UUID

from signoff.events.records import Records
from signoff.events.store.entries import Append, FeedRow, Head, Lease, LeaseRow, NewEvent, Recorded, Snapshot
from signoff.events.store.inbox import InboxCounts, InboxPlace, InboxSearch
from signoff.events.store.projections import (
    DeadCommand,
    ExecutionRow,
    ExecutionStatus,
    PauseListStatus,
    PointGone,
    PointRow,
    Row,
    RunRow,
    TrackingRow,
    WorkflowRow,
)
from signoff.events.store.search import Counts, Place, Search
from signoff.events.store.upkeep import Upkeep

__all__ = [
    "Append",
    "DeadCommand",
    "EventStore",
    "ExecutionRow",
    "ExecutionStatus",
    "FeedRow",
    "Head",
    "Lease",
    "LeaseRow",
    "NewEvent",
    "PauseListStatus",
    "PointGone",
    "PointRow",
    "Recorded",
    "Row",
    "RunRow",
    "Snapshot",
    "TrackingRow",
    "WorkflowRow",
]


class EventStore(Protocol):
    """The log with its projections, leases and positions. Safe for concurrent use in one event loop.

    Every method raises :class:`~signoff.events.errors.StoreUnavailableError` when the database is
    away, within a bounded time; none hangs.
    """

    # The log ----------------------------------------------------------------------------------------

    async def append(self, append: Append) -> int:
        """Write events, projections and offset in one transaction, shared with other appends.

        Returns:
            A position: every event of this append has one not above it.

        Raises:
            LeaseLostError: the partition's epoch is another one; nothing of this append was written.
            VersionConflictError: a version exists already, or one is left out.
            AppendUnknownError: the outcome of the commit is unknown.
        """
        ...

    async def read(
        self,
        log_id: UUID,
        *,
        after: int = 0,
        limit: int | None = None,
        topic: str | None = None,
        size: int | None = None,
    ) -> list[Recorded]:
        """The events of one log with a version above ``after``, in order; of one ``topic``, or all.

        Args:
            log_id: names the log.
            after: a version.
            limit: at most so many events.
            topic: of the events, ``None`` for all.
            size: bytes of states; once the page has them it ends, so it exceeds them by one event at most.
        """
        ...

    async def read_many(self, after: Mapping[UUID, int], *, limit: int) -> dict[UUID, list[Recorded]]:
        """The same for many logs in one query: at most ``limit`` events of each; empty ones are left out."""
        ...

    async def heads(self, log_ids: Collection[UUID]) -> dict[UUID, int]:
        """The last version of each log, in one query; logs that do not exist are left out."""
        ...

    async def changed_heads(self, *, after: int, upto: int) -> list[Head]:
        """The last event of each log that has one with a position above ``after`` and not above ``upto``.

        In the order of the logs' ids. There are at most as many as positions, so the caller bounds them.
        """
        ...

    async def read_all(
        self, *, after: int, limit: int, partitions: Collection[int] | None = None, size: int | None = None
    ) -> list[Recorded]:
        """Events of all logs (or of some partitions') with a position above ``after``, by position.

        The page ends with ``limit`` events, or once it has ``size`` bytes of states.
        """
        ...

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
        """Events of the executions and workflows of some workspaces, by position.

        Args:
            workspace_ids: whose.
            after: positions above this one …
            upto: … and not above this one: however few events fit, one call looks through no more.
            limit: at most so many events.
            size: bytes of states; once the page has them it ends.
            topics: only these; empty: all.
            workflow_ids: only of these workflows; empty: all.
            log_ids: only of these logs; empty: all.
            also: topics whose events are read whichever log they are of.
        """
        ...

    async def workspaces_of(self, log_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The workspaces of executions' and workflows' logs, in one query; other logs are left out."""
        ...

    async def last_position(self) -> int:
        """The highest position, 0 for an empty log."""
        ...

    def subscribe(self, *, after: int, limit: int = 500) -> AsyncIterator[list[Recorded]]:
        """All events above a position and then each new one, in batches of at most ``limit``, for ever.

        A hint of the database wakes it; without one it reads again each second. Survives lost
        connections. End it by closing the iterator.
        """
        ...

    # Leases -----------------------------------------------------------------------------------------

    async def announce(self, owner: str, *, ttl: float) -> int:
        """Say that an executor is alive for ``ttl`` seconds more (0: it leaves); gives how many are."""
        ...

    async def acquire(self, owner: str, *, most: int, ttl: float) -> list[Lease]:
        """Take up to ``most`` partitions that nobody holds, each with a raised epoch, for ``ttl`` seconds."""
        ...

    async def renew(self, leases: Mapping[int, int], *, owner: str, ttl: float) -> frozenset[int]:
        """Hold leases (partition → epoch) for ``ttl`` seconds from now; gives those still held."""
        ...

    async def release(self, leases: Mapping[int, int], *, owner: str) -> None:
        """Free leases at once; those held by others are left alone."""
        ...

    async def released(self, heard: int, *, limit: float) -> int:
        """Wait until leases were released that the caller has not heard of, at most ``limit`` seconds.

        Only a hint, so that they are taken at once: it may come too often, or not at all.

        Args:
            heard: what the last call gave; 0 at first.
            limit: seconds.
        """
        ...

    async def leases(self) -> list[LeaseRow]:
        """Every partition, in order."""
        ...

    async def relayed(self, positions: Mapping[int, tuple[int, int]]) -> None:
        """Record how far events are on the topic: partition → (epoch, position). Stale epochs are ignored."""
        ...

    # Projections ------------------------------------------------------------------------------------

    async def workflow(self, workspace_id: UUID, workflow_id: str) -> WorkflowRow | None:
        """The active version of a workflow, deployed or not."""
        ...

    async def workflows(self, workspace_id: UUID, *, after: str = "", limit: int = 100) -> list[WorkflowRow]:
        """Workflows by id, from the one after ``after``."""
        ...

    async def workflows_named(self, workflow_id: str, workspace_ids: Collection[UUID]) -> list[WorkflowRow]:
        """The workflows of this name in some workspaces, in no order."""
        ...

    async def execution(self, log_id: UUID) -> ExecutionRow | None:
        """One execution by its log."""
        ...

    async def locate(self, ids: Collection[UUID]) -> ExecutionRow | None:
        """The execution whose log, or one of whose runs, has one of these ids; the first counts."""
        ...

    async def executions(
        self, search: Search, *, after: Place | None = None, limit: int = 100
    ) -> list[ExecutionRow]:
        """The executions that a search finds, in its order, from the one after a place in it."""
        ...

    async def count_executions(self, search: Search) -> Counts:
        """How many executions a search finds, by status; at most `~.search.COUNTED` are looked at."""
        ...

    async def count_by_workflow(self, search: Search) -> dict[str, dict[str, int]] | None:
        """How many executions a search finds, by workflow and status; ``None``: more than that."""
        ...

    async def inbox(
        self, search: InboxSearch, *, after: InboxPlace | None = None, limit: int = 50
    ) -> list[PointRow]:
        """The open pause points that a search finds, in its order, from the one after a place in it."""
        ...

    async def count_inbox(self, search: InboxSearch) -> InboxCounts:
        """How many points a search finds; at most `~.inbox.COUNTED` are looked at."""
        ...

    async def point(self, log_id: UUID, context_id: str) -> PointRow | None:
        """One open pause point of kind human."""
        ...

    async def at_work(self, workspace_id: UUID, *, most: int) -> int:
        """How many executions of a workspace have something at work, counted up to ``most``."""
        ...

    async def unparked(self, partition: int) -> list[UUID]:
        """The logs of a partition with something in flight: what a new owner must load."""
        ...

    async def due(
        self, partitions: Collection[int], *, before: float, limit: int
    ) -> list[tuple[UUID, float]]:
        """Logs (also of workflows) whose ``due_at`` is not after ``before``, earliest first, with it."""
        ...

    async def broken(self, *, limit: int = 100) -> list[ExecutionRow]:
        """Executions that could not be folded."""
        ...

    async def dead_commands(self, *, limit: int = 100) -> list[DeadCommand]:
        """Commands that could not be decided, newest first."""
        ...

    # Snapshots and tracking -------------------------------------------------------------------------

    async def snapshot(self, log_id: UUID) -> Snapshot | None:
        """The newest snapshot of a log."""
        ...

    async def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of an older one; an older one than the kept is ignored."""
        ...

    async def waypoint(self, log_id: UUID, *, upto: int) -> Snapshot | None:
        """The last waypoint of a log whose version is not above ``upto``."""
        ...

    async def keep_waypoint(self, waypoint: Snapshot) -> None:
        """Keep a folded state of a log beside those of other versions; one of the same version goes."""
        ...

    async def track(self, name: str, position: int) -> None:
        """Record how far a reader has come (the library's tracking table); never moves back."""
        ...

    async def tracked(self, name: str) -> int:
        """How far a reader has come; 0 for one unknown."""
        ...

    # Beside the log ---------------------------------------------------------------------------------

    @property
    def records(self) -> Records:
        """What must be erasable, secret or forgotten, and so is not for the log."""
        ...

    @property
    def upkeep(self) -> Upkeep:
        """What operators' tools need beyond this."""
        ...

    # Life -------------------------------------------------------------------------------------------

    async def migrate(self, *, partitions: int) -> list[str]:
        """Bring the schema up to date; gives the names of the migrations applied.

        Executions that older versions wrote get their words (:meth:`~.upkeep.Upkeep.give_words`).

        Raises:
            SchemaError: the database belongs to a cluster with another number of partitions.
        """
        ...

    async def check(self, *, partitions: int) -> None:
        """Make sure that the schema is this version's, and the number of partitions this one.

        Raises:
            SchemaError: says what to run.
        """
        ...

    async def now(self) -> float:
        """The time of day by the database's clock, in seconds since the epoch, UTC."""
        ...

    async def ping(self) -> None:
        """Ask the database for an answer, for readiness."""
        ...

    async def close(self) -> None:
        """Finish the appends under way and let go of every connection."""
        ...
