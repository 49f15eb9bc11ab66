"""What deciding needs to know of an execution: the fold of its log, and nothing else.

One owner holds a state and :mod:`evolve` updates it in place. It is plain data, so that a snapshot
is its JSON. Times are seconds since the epoch, UTC.
"""

from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from signoff.events.types import Actor, Json, Mode, PauseKind

FORMAT: Final = 1
"""The version of this shape; a snapshot of another one is ignored."""

Status = Literal["running", "paused", "completed", "failed", "cancelled"]
PauseStatus = Literal["paused", "partially_resumed", "fully_resumed", "cancelled"]
TERMINAL: Final = frozenset({"completed", "failed", "cancelled"})


class Failure(Struct, frozen=True):
    """Why a run failed: the first error counts."""

    error: str
    code: str
    block_id: str | None = None


class InFlight(Struct, kw_only=True):
    """A block that started and has not ended.

    ``rests``: it does not run, but waits until its moment in ``State.timers``: to end, or to be tried again.
    """

    block_id: str
    run_id: str
    attempt: int
    event_id: int
    order: int
    started_at: str
    rests: Literal["wait", "retry"] | None = None


class Run(Struct, kw_only=True):
    """One stretch from a start or a resume to a pause or an end.

    ``busy`` blocks run, ``waits`` are durable waits, ``retries`` are to be tried again. ``deadline``: when
    its time limit is over; ``idle_since``: since when it only waits, where that time does not count.
    """

    run_id: str
    mode: Mode
    started_at: float
    started_event: int
    context_id: str | None = None
    entry_id: str | None = None
    status: Status = "running"
    busy: int = 0
    waits: int = 0
    retries: int = 0
    deadline: float | None = None
    idle_since: float | None = None
    halted: bool = False
    failure: Failure | None = None
    ended_event: int | None = None
    ended_at: float | None = None


class ResumeEntry(Struct, kw_only=True):
    """A decision taken on a point, from its recording to the end of its run."""

    entry_id: str
    run_id: str
    context_id: str
    mode: Mode
    input: Json
    submission: Json
    actor: Actor
    event_id: int
    queued_at: float
    status: Literal["pending", "claimed", "completed", "failed"] = "pending"
    claimed_at: float | None = None
    completed_at: float | None = None
    failure_reason: str | None = None


class PausePoint(Struct, kw_only=True):
    """A place where the execution waits, or waited.

    ``order`` and ``attempt`` are its block's; ``due_at`` is when a point of kind ``time`` ends.
    """

    context_id: str
    block_id: str
    kind: PauseKind
    run_id: str
    order: int
    attempt: int
    response: Json
    content_digest: str | None
    event_id: int
    opened_at: float
    status: Literal["paused", "queued", "resuming", "resumed", "failed", "closed"] = "paused"
    due_at: float | None = None
    entry_id: str | None = None
    closed_at: float | None = None


class Taken(Struct, frozen=True):
    """A command from outside that the log holds: what its repetition is answered with."""

    event_id: int
    request_digest: str | None = None


class State(Struct, kw_only=True):
    """An execution as of ``version``, its last event.

    ``timers``: what happens by itself, and when, by block: a wait ends, a try starts, a point resumes.
    """

    execution_id: str = ""
    log_id: str = ""
    workspace_id: str = ""
    workflow_id: str = ""
    workflow_version: int = 0
    definition_digest: str = ""
    trigger: str = ""
    mode: Mode = "sync"
    actor: Actor | None = None
    input: Json = None
    time_limit: float | None = None
    stop_after_block_id: str | None = None
    request_digest: str | None = None

    version: int = 0
    time: float = 0.0
    status: Status = "running"
    started_at: float = 0.0
    ended_at: float | None = None
    paused_at: float | None = None

    runs: dict[str, Run] = {}
    active: list[str] = []
    in_flight: dict[str, InFlight] = {}
    timers: dict[str, float] = {}
    outputs: dict[str, Json] = {}
    errors: dict[str, str] = {}
    open_edges: dict[str, int] = {}
    reached: set[str] = set()
    order: int = 0
    variables: dict[str, Json] = {}

    points: dict[str, PausePoint] = {}
    entries: dict[str, ResumeEntry] = {}
    queue: list[str] = []
    commands: dict[str, Taken] = {}

    output: Json = None
    response_block_id: str | None = None
    failure: Failure | None = None

    def active_runs(self) -> Iterator[Run]:
        """Runs that have not ended."""
        return (self.runs[run_id] for run_id in self.active)

    def open_points(self) -> Iterator[PausePoint]:
        """Points that wait for a decision, or whose decision waits for its turn."""
        return (point for point in self.points.values() if point.status in ("paused", "queued"))

    def held(self) -> bool:
        """Whether a run is at work, so that decisions queue; one that only waits does not hold them."""
        return any(run.busy for run in self.active_runs())

    def run_of(self, run_id: str | None) -> Run:
        """A run by the id in an envelope, where the first run's is left out."""
        return self.runs[run_id or self.execution_id]

    def pause_status(self) -> PauseStatus | None:
        """How far the execution's points are decided; ``None`` when it never paused."""
        if not self.points:
            return None
        if any(self.open_points()):
            return "partially_resumed" if any(p.entry_id for p in self.points.values()) else "paused"
        undecided = any(point.entry_id is None for point in self.points.values())
        return "cancelled" if undecided or self.status == "cancelled" else "fully_resumed"

    def next_due(self) -> float | None:
        """The earliest moment at which something happens by itself, ``None`` if nothing will."""
        due = min(self.timers.values(), default=None)
        for run_id in self.active:
            run = self.runs[run_id]
            if run.deadline is not None and run.idle_since is None and (due is None or run.deadline < due):
                due = run.deadline
        return due

    def parked(self) -> bool:
        """Nothing runs here and now: the state may leave memory until somebody asks or a timer is due."""
        return not self.held()
