"""The port of the log: what a store of events must do, and the records that pass it.

Three adapters keep it: :mod:`postgres`, :mod:`sqlite` and :mod:`memory`; one conformance suite
holds them to it (``tests/conformance``). Times are seconds since the epoch, UTC. A *position* is
the place of an event in the whole log (``notification_id``): it only grows, and an event that
becomes visible has a higher one than any seen before.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from signoff.events.records import Records
from signoff.events.store.inbox import InboxCounts, InboxPlace, InboxSearch
from signoff.events.store.search import Attribute, Counts, Place, Search

if TYPE_CHECKING:  # it is made of the rows below
    from signoff.events.store.upkeep import Upkeep

ExecutionStatus = Literal["running", "paused", "completed", "failed", "cancelled"]
PauseListStatus = Literal["paused", "partially_resumed", "fully_resumed", "cancelled"]


class NewEvent(Struct, frozen=True):
    """One event to append. ``version`` is its ``eventId``: 1, 2, 3 … in its log."""

    log_id: UUID
    version: int
    topic: str
    state: bytes


class Recorded(Struct, frozen=True):
    """One event as the log holds it. ``position`` is its place in the whole log."""

    log_id: UUID
    version: int
    topic: str
    state: bytes
    position: int


class FeedRow(Struct, frozen=True):
    """One event of an execution's or a workflow's log, and the workspace that it belongs to."""

    event: Recorded
    workspace_id: UUID


class ExecutionRow(Struct, frozen=True, kw_only=True):
    """The projection of one execution, written when it starts, pauses, resumes, ends or sets a timer.

    ``execution_id`` is what the client chose, or ``None`` where it is the log's UUID. ``version``
    is the last ``eventId`` that the row knows of. ``parked``: nothing of it is in flight, so a new
    owner need not load it. ``due_at``: the earliest moment at which it must be loaded again.
    ``pause_status`` is ``None`` for one that never paused. ``broken``: why it cannot be folded.
    ``actor_type`` and ``actor_id``: who started it. ``error``: the beginning of why it failed.
    ``attributes``: what the workflow lets it be found by. Rows of earlier versions have none of these.
    """

    log_id: UUID
    partition: int
    workspace_id: UUID
    workflow_id: str
    workflow_version: int
    execution_id: str | None = None
    status: ExecutionStatus
    pause_status: PauseListStatus | None = None
    trigger: str
    mode: str
    version: int
    parked: bool
    started_at: float
    updated_at: float
    ended_at: float | None = None
    due_at: float | None = None
    broken: str | None = None
    actor_type: str | None = None
    actor_id: str | None = None
    error: str | None = None
    error_code: str | None = None
    attributes: dict[str, Attribute] = {}


class RunRow(Struct, frozen=True, kw_only=True):
    """Which execution a resumed run belongs to (a first run has its execution's id)."""

    run_id: UUID
    log_id: UUID


class WorkflowRow(Struct, frozen=True, kw_only=True):
    """The active version of a workflow. ``log_id`` names the log of its deployments.

    ``due_at``: the earliest moment at which a schedule of it is due.
    """

    log_id: UUID
    workspace_id: UUID
    workflow_id: str
    name: str
    version: int
    digest: str
    is_deployed: bool
    deployed_at: float
    due_at: float | None = None


class PointRow(Struct, frozen=True, kw_only=True):
    """An open pause point of kind human, as inboxes find it, until its :class:`PointGone`.

    ``text``: the words that it is found by (at most 2,000 characters), prepared by whoever writes the row.
    ``priority``: 0 is low, 3 is urgent. ``due_at``: when the last step of its deadline strikes.
    ``candidates``: who may decide: ``user:…``, ``group:…``, ``role:…`` or ``anybody``. ``claimed_by``: the id
    of a user, or ``apiKey:<id>``. ``excluded``: users who may not decide, or not again. ``returned``: changes
    are wanted first. ``version`` is the ``eventId`` of its last change.
    """

    log_id: UUID
    context_id: str
    workspace_id: UUID
    workflow_id: str
    execution_id: str | None = None
    block_id: str
    title: str
    text: str
    priority: int
    opened_at: float
    due_at: float | None = None
    candidates: list[str]
    claimed_by: str | None = None
    excluded: list[str] = []
    returned: bool = False
    approvals: int = 0
    required: int = 1
    content_digest: str | None = None
    version: int


class PointGone(Struct, frozen=True, kw_only=True):
    """A pause point is open no longer: its :class:`PointRow`, if there is one, goes."""

    log_id: UUID
    context_id: str


class DeadCommand(Struct, frozen=True, kw_only=True):
    """A command that could not be decided, kept with its bytes for ``signoff doctor``."""

    partition: int
    offset: int
    command_id: str
    log_id: UUID | None
    reason: str
    command: bytes
    died_at: float


class Snapshot(Struct, frozen=True, kw_only=True):
    """A folded state, so that loading is bounded. ``format`` is the state's own version."""

    log_id: UUID
    version: int
    format: int
    state: bytes


class TrackingRow(Struct, frozen=True, kw_only=True):
    """How far a reader has come, recorded with what it derived: each position once.

    An append whose position is not above the recorded one fails with ``VersionConflictError``.
    """

    name: str
    position: int


Row = ExecutionRow | RunRow | WorkflowRow | PointRow | PointGone | DeadCommand | TrackingRow


class Append(Struct, kw_only=True):
    """What one partition's owner writes at once: all of it, or nothing.

    ``next_offset``: where the partition's commands go on, ``None`` to leave it.
    """

    partition: int
    epoch: int
    next_offset: int | None = None
    events: list[NewEvent] = []
    rows: list[Row] = []


class Lease(Struct, frozen=True, kw_only=True):
    """The right to write one partition, fenced by ``epoch``.

    ``next_offset`` and ``relayed`` are where the owner goes on: with the commands, and with
    publishing (a position of the log).
    """

    partition: int
    owner: str
    epoch: int
    next_offset: int
    relayed: int


class LeaseRow(Struct, frozen=True, kw_only=True):
    """A partition's row as anybody may read it; ``seconds_left`` ≤ 0 when it is free."""

    partition: int
    owner: str | None
    epoch: int
    seconds_left: float
    next_offset: int
    relayed: int


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
    def upkeep(self) -> "Upkeep":
        """What operators' tools need beyond this."""
        ...

    # Life -------------------------------------------------------------------------------------------

    async def migrate(self, *, partitions: int) -> list[str]:
        """Bring the schema up to date; gives the names of the migrations applied.

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
