"""What deciding needs to know of an execution: the fold of its log, and nothing else.

One owner holds a state and :mod:`evolve` updates it in place. It is plain data, so that a snapshot
is its JSON. Times are seconds since the epoch, UTC.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, Literal

from msgspec import Struct

from signoff.events.types import (
    Actor,
    Deadline,
    Json,
    Made,
    Maker,
    Mode,
    Occasion,
    Parent,
    PauseKind,
    Priority,
    Quorum,
    Source,
    Turn,
    Verdict,
)

FORMAT: Final = 4
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

    ``turns`` are those around it, ``scope`` the key of the innermost. ``rests``: it does not run, but waits:
    for its moment in ``State.timers``, to end or to be tried again, or for its ``child``. ``evaluates``: a
    container that is asked whether it goes on after a turn. ``first_attempt``: above 1 when a reopened
    execution started it. ``streamed``: characters of its text that are in the log.
    """

    instance: str
    block_id: str
    run_id: str
    attempt: int
    event_id: int
    order: int
    started_at: str
    first_attempt: int = 1
    turns: list[Turn] = []
    scope: str = ""
    rests: Literal["wait", "retry", "child"] | None = None
    evaluates: bool = False
    streamed: int = 0
    child: "Child | None" = None


class Child(Struct, frozen=True, kw_only=True):
    """The execution that a block called."""

    execution_id: str
    workflow_id: str
    name: str


class Scope(Struct, kw_only=True):
    """Blocks that run together: the workflow's own, or those of one turn of a container.

    ``pending`` blocks are ready, at work or waiting; ``busy`` ones are at work, in scopes inside too.
    ``outputs``: of its blocks, in order of finishing, where they are a container's results.
    """

    turns: list[Turn] = []
    container: str | None = None
    index: int = 0
    pending: int = 0
    busy: int = 0
    open_edges: dict[str, int] = {}
    reached: set[str] = set()
    outputs: list[Json] = []


class Container(Struct, kw_only=True):
    """A loop or a parallel whose turns are under way.

    ``total`` is unknown where a condition decides; ``next`` is the index of the turn that begins next;
    ``live`` turns have begun and not ended, ``busy`` ones have a block at work. ``at_once``: how many of a
    parallel's branches may be busy; a loop has none.
    """

    instance: str
    block_id: str
    order: int
    attempt: int
    started_at: str
    turns: list[Turn]
    scope: str
    items: Json = None
    total: int | None = None
    at_once: int | None = None
    next: int = 0
    live: int = 0
    busy: int = 0
    results: list[list[Json]] = []


class Run(Struct, kw_only=True):
    """One stretch from a start or a resume to a pause or an end.

    ``busy`` blocks run, ``waits`` are durable waits, ``retries`` are to be tried again, ``children`` wait
    for the executions that they called. ``deadline``: when its time limit is over; ``idle_since``: since
    when it only waits, where that time does not count. ``repeats``: the block of its point had ended in an
    earlier run, which failed later.
    """

    run_id: str
    mode: Mode
    started_at: float
    started_event: int
    context_id: str | None = None
    entry_id: str | None = None
    repeats: bool = False
    status: Status = "running"
    busy: int = 0
    waits: int = 0
    retries: int = 0
    children: int = 0
    deadline: float | None = None
    idle_since: float | None = None
    halted: bool = False
    failure: Failure | None = None
    ended_event: int | None = None
    ended_at: float | None = None


class ResumeEntry(Struct, kw_only=True):
    """A decision taken on a point, from its recording to the end of its run.

    ``retry_of``: the entry whose run failed, where an operator tries its point again.
    """

    entry_id: str
    run_id: str
    context_id: str
    mode: Mode
    input: Json
    submission: Json
    actor: Actor
    made: Made | None = None
    retry_of: str | None = None
    event_id: int
    queued_at: float
    status: Literal["pending", "claimed", "completed", "failed"] = "pending"
    claimed_at: float | None = None
    completed_at: float | None = None
    failure_reason: str | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """What one of several people who decide together said. ``person`` and ``on_behalf_of`` count once."""

    event_id: int
    at: float
    actor: Actor
    person: str
    on_behalf_of: str | None = None
    submitted_by: str
    verdict: Verdict
    weight: int
    submission: Json


class Held(Struct, frozen=True, kw_only=True):
    """A decision that came before its point."""

    held_id: str
    context_id: str
    mode: Mode
    input: Json
    actor: Actor
    maker: Maker
    event_id: int
    held_at: float
    expires_at: float
    request_digest: str | None = None


class Telling(Struct, frozen=True, kw_only=True):
    """People are to be told of an event of a pause point, and nobody has recorded that they were."""

    context_id: str
    occasion: Occasion
    to: list[str] = []


class PausePoint(Struct, kw_only=True):
    """A place where the execution waits, or waited.

    ``order`` and ``attempt`` are its block's; ``due_at`` is when a point of kind ``time`` ends. The policy is
    that of ``pause:opened``, as it stands now. ``step``: of the deadline, the last that struck; ``failing``:
    it struck the block. ``barred``: who started it, if they may not decide; ``barred_too``: who started what
    it was forked from; ``claimed_by``: a person; ``delegates``: users → whom they decide for; ``away``: users
    who asked others to. ``returned``: nobody decides until the content was amended. ``decisions``: those that
    count towards a quorum. ``version``: the last event that changed what an inbox shows of it.
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
    turns: list[Turn] = []
    scope: str = ""
    child: Child | None = None
    status: Literal["paused", "queued", "resuming", "resumed", "failed", "closed"] = "paused"
    due_at: float | None = None
    entry_id: str | None = None
    closed_at: float | None = None

    version: int = 0
    title: str | None = None
    assignees: list[str] = []
    quorum: Quorum | None = None
    self_approval: bool = True
    barred: str | None = None
    barred_too: list[str] = []
    deadlines: list[Deadline] = []
    priority: Priority = "normal"
    step_up: bool = False
    step: int = 0
    failing: bool = False
    claimed_by: str | None = None
    delegates: dict[str, str | None] = {}
    away: list[str] = []
    returned: bool = False
    decisions: list[Decision] = []
    comments: int = 0
    notified: list[Json] = []


class Ready(Struct, frozen=True, kw_only=True, gc=False):
    """A block that may start in a run, and the scope that it starts in.

    ``evaluates``: a container that is asked whether it goes on, instead.
    """

    block_id: str
    scope: str
    run_id: str
    attempt: int = 1
    evaluates: bool = False


class Taken(Struct, frozen=True):
    """A command from outside that the log holds: what its repetition is answered with.

    ``run_id``: of the run that it began, beside the execution's first.
    """

    event_id: int
    request_digest: str | None = None
    run_id: str | None = None


class State(Struct, kw_only=True):
    """An execution as of ``version``, its last event.

    ``timers``: what happens by itself, and when, by instance: a wait ends, a try starts, a point resumes;
    ``moments`` is their heap, with entries that no longer hold. ``outputs`` are by block and branches.
    ``held_decisions`` wait for their point, in the order in which they came; ``telling`` is by the event
    that people are to be told of. ``ready`` blocks have not started; ``agenda`` has the containers with a
    turn to begin or an end to write, and the run that does it; ``lost`` is what a reopened execution starts
    again.
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
    parent: Parent | None = None
    source: Source | None = None
    call_chain: list[str] = []
    trigger_block_id: str | None = None
    start_block_id: str | None = None

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
    moments: list[tuple[float, str]] = []
    outputs: dict[str, Json] = {}
    scopes: dict[str, Scope] = {}
    containers: dict[str, Container] = {}
    ready: dict[str, Ready] = {}
    agenda: dict[str, str] = {}
    lost: dict[str, Ready] = {}
    order: int = 0
    variables: dict[str, Json] = {}

    points: dict[str, PausePoint] = {}
    open: dict[str, None] = {}
    entries: dict[str, ResumeEntry] = {}
    queue: list[str] = []
    commands: dict[str, Taken] = {}
    held_decisions: dict[str, Held] = {}
    telling: dict[int, Telling] = {}

    output: Json = None
    response_block_id: str | None = None
    failure: Failure | None = None

    def next_chain(self) -> list[str]:
        """The call chain of whatever this execution calls: its own, and its workflow."""
        return [*self.call_chain, self.workflow_id]

    def active_runs(self) -> Iterator[Run]:
        """Runs that have not ended."""
        return (self.runs[run_id] for run_id in self.active)

    def open_points(self) -> Iterator[PausePoint]:
        """Points that wait for a decision, or whose decision waits for its turn."""
        return (self.points[context_id] for context_id in self.open)

    def held(self) -> bool:
        """Whether a run is at work, so that decisions queue; one that only waits does not hold them."""
        return any(self.runs[run_id].busy for run_id in self.active)

    def run_of(self, run_id: str | None) -> Run:
        """A run by the id in an envelope, where the first run's is left out."""
        return self.runs[run_id or self.execution_id]

    def pause_status(self) -> PauseStatus | None:
        """How far the execution's points are decided; ``None`` when it never paused."""
        if not self.points:
            return None
        if self.open:
            return "partially_resumed" if self.entries else "paused"
        undecided = any(point.entry_id is None for point in self.points.values())
        return "cancelled" if undecided or self.status == "cancelled" else "fully_resumed"

    def set_timer(self, name: str, due: float) -> None:
        """Something happens by itself at a moment."""
        self.timers[name] = due
        heappush(self.moments, (due, name))

    def forget_timers(self) -> None:
        """Drop moments that no longer hold, so that the first one does."""
        while self.moments and self.timers.get(self.moments[0][1]) != self.moments[0][0]:
            heappop(self.moments)

    def next_timer(self) -> tuple[float, str] | None:
        """The earliest timer: its moment and its name."""
        return self.moments[0] if self.moments else None

    def next_due(self) -> float | None:
        """The earliest moment at which something happens by itself, ``None`` if nothing will."""
        timer = self.next_timer()
        due = None if timer is None else timer[0]
        for run_id in self.active:
            run = self.runs[run_id]
            if run.deadline is not None and run.idle_since is None and (due is None or run.deadline < due):
                due = run.deadline
        return due

    def parked(self) -> bool:
        """Nothing runs here and now: the state may leave memory until somebody asks or a timer is due."""
        return not self.telling and not self.held()
