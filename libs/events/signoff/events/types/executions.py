"""What happens to an execution as a whole: its runs, its variables, its timers."""

from typing import ClassVar

from msgspec import Struct

from signoff.events.types.envelopes import EventData
from signoff.events.types.values import Actor, Edit, Json, Made, Mode, Parent, PauseKind, Source


class ExecutionStarted(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An execution began, of one immutable version of a workflow."""

    TYPE: ClassVar[str] = "execution:started"
    workspace_id: str
    workflow_version: int
    definition_digest: str
    trigger: str
    mode: Mode
    input: Json = None
    actor: Actor
    request_digest: str | None = None
    parent: Parent | None = None
    call_chain: list[str] = []
    """The workflows that called one another up to it, the outermost first, over HTTP or as children."""
    source: Source | None = None
    trigger_block_id: str | None = None
    """The start block, where it is not the one that a call starts with."""
    start_block_id: str | None = None
    """Where a run from a block begins; what lies before it is the source's."""
    timeout_at: str | None = None
    """When the first run is out of time, if nothing pauses it. Each later run has as long again …"""
    time_limit: float | None = None
    """… or so many seconds, where the first had only what was left to its caller."""
    stop_after_block_id: str | None = None
    start_time: str


class ExecutionSeeded(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A run from a block took the outputs of the blocks before it, and the variables, from its source."""

    TYPE: ClassVar[str] = "execution:seeded"
    outputs: dict[str, Json]
    variables: dict[str, Json] = {}


class PausePointRef(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One open pause point, as ``execution:paused`` lists it."""

    context_id: str
    block_id: str
    pause_kind: PauseKind


class ExecutionPaused(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A run ended with pause points open: nothing is left to run until one is resumed."""

    TYPE: ClassVar[str] = "execution:paused"
    output: Json = None
    pause_points: list[PausePointRef] = []
    duration: float
    start_time: str
    end_time: str


class ExecutionResumed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A decision was taken up: a new run began at its pause point.

    ``retry_of``: the entry of the decision whose run failed, where an operator tries its point again.
    """

    TYPE: ClassVar[str] = "execution:resumed"
    resume_execution_id: str
    context_id: str
    resume_entry_id: str
    mode: Mode
    input: Json = None
    submission: Json = None
    actor: Actor
    made: Made | None = None
    retry_of: str | None = None
    request_digest: str | None = None


class ExecutionCompleted(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The execution ended well. ``response_block_id``: the ``response`` block that fixed the output."""

    TYPE: ClassVar[str] = "execution:completed"
    success: bool
    output: Json = None
    response_block_id: str | None = None
    duration: float
    start_time: str
    end_time: str


class ExecutionError(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A run failed; with ``final`` the execution has ended."""

    TYPE: ClassVar[str] = "execution:error"
    error: str
    block_id: str | None = None
    code: str
    output: Json = None
    duration: float
    start_time: str
    end_time: str
    final: bool


class ExecutionCancelled(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Somebody stopped the execution."""

    TYPE: ClassVar[str] = "execution:cancelled"
    reason: str
    actor: Actor
    output: Json = None
    duration: float
    start_time: str
    end_time: str


class ExecutionReopened(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An operator tries a failed execution again: from what failed, and a new run began.

    With ``context_id`` from a pause point whose run failed: its run begins with the decision that follows.
    """

    TYPE: ClassVar[str] = "execution:reopened"
    resume_execution_id: str
    mode: Mode
    actor: Actor
    reason: str
    context_id: str | None = None
    request_digest: str | None = None


class ExecutionForked(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """From here on an execution goes its own way: what stands before it in its log is its source's.

    What was at work, or waited for a child, begins again; what waited for a moment waits on for as long as
    was left at ``as_of``. ``edited``: what is other than in the source. ``outputs`` and ``variables``: with
    another ``workflowVersion``, what the fork begins with; with another ``input``, that of the start block.
    ``resume_execution_id``: of the run that does it, where none was under way.
    """

    TYPE: ClassVar[str] = "execution:forked"
    source: Source
    as_of: str
    actor: Actor
    reason: str
    edited: list[Edit] = []
    mode: Mode
    resume_execution_id: str | None = None
    outputs: dict[str, Json] = {}
    variables: dict[str, Json] = {}
    request_digest: str | None = None


class VariablesSet(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Workflow variables were assigned."""

    TYPE: ClassVar[str] = "variables:set"
    values: dict[str, Json]


class TimerSet(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Something will happen at ``due_at``, whoever is alive then."""

    TYPE: ClassVar[str] = "timer:set"
    timer_id: str
    kind: str
    due_at: str
    block_id: str | None = None


class TimerFired(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The moment of a timer had come."""

    TYPE: ClassVar[str] = "timer:fired"
    timer_id: str
    kind: str
    due_at: str
