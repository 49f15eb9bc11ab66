"""Executions: started, answered, looked at, searched, changed in bulk; and their events."""

from typing import Literal, TypeAlias

from msgspec import Struct

from signoff.client.answers.pauses import PauseStatus
from signoff.client.errors import Json

ExecutionStatus: TypeAlias = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]

Trigger: TypeAlias = str
"""What started an execution: ``api``, ``manual``, ``schedule``, ``webhook``, ``chat``, ``mcp``, …"""


class Accepted(Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution, or a resumed run of it, that goes on by itself. ``job_id`` is the run's id."""

    execution_id: str
    job_id: str
    status_url: str


class Retried(Struct, frozen=True, kw_only=True, rename="camel"):
    """A failed execution that is tried again, in a run that goes on by itself."""

    execution_id: str
    run_id: str
    status_url: str


class FromBlock(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a run begins in the middle of a workflow.

    Attributes:
        start_block_id: the block to begin with.
        execution_id: the execution that what lies before it is taken from; the newest one by default.
    """

    start_block_id: str
    execution_id: str = "latest"


class Answer(Struct, frozen=True, kw_only=True):
    """What a synchronous run gave: the HTTP status and the body.

    The body is the envelope ``{"success", "executionId", "output", …}``, unless a ``response``
    block of the workflow made the answer its own. A failed run is an answer too (500, or 408
    when its time was over).
    """

    http_status: int
    body: Json
    execution_id: str | None = None

    @property
    def is_envelope(self) -> bool:
        """Whether the body is Signoff's, and not that of a ``response`` block."""
        return isinstance(self.body, dict) and "success" in self.body and "executionId" in self.body

    @property
    def success(self) -> bool:
        """Whether the run ended well, or paused; for a ``response`` block, whether its status says so."""
        return bool(self.body["success"]) if self.is_envelope else self.http_status < 400

    @property
    def output(self) -> Json:
        """The run's output: the body itself where a ``response`` block made it."""
        return self.body.get("output") if self.is_envelope else self.body

    @property
    def error(self) -> str | None:
        """Why the run failed."""
        return self.body.get("error") if self.is_envelope else None


class Cancelled(Struct, frozen=True, kw_only=True, rename="camel"):
    """A cancellation. ``reason``: ``recorded``, or ``already_cancelled``."""

    execution_id: str
    reason: str


class PausedBrief(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a paused execution waits for: the first of its open points."""

    context_id: str
    paused_at: str
    pause_kind: Literal["human", "time", "child"]
    resume_at: str | None = None
    blocked_on_block_id: str | None = None
    pause_point_count: int = 1
    resumed_count: int = 0


class ExecutionView(Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution as it is now; durations are milliseconds.

    ``final_output`` and ``block_outputs`` stand only where they were asked for.
    """

    execution_id: str
    workflow_id: str
    status: ExecutionStatus
    trigger: Trigger | None = None
    started_at: str | None = None
    ended_at: str | None = None
    total_duration_ms: float | None = None
    paused: PausedBrief | None = None
    error: str | None = None
    final_output: Json = None
    block_outputs: dict[str, Json] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it is over for good, unless somebody retries it."""
        return self.status in ("completed", "failed", "cancelled")


class Actor(Struct, frozen=True, kw_only=True):
    """Who did something: a user, an API key, a link's holder or the system itself."""

    type: str
    id: str
    name: str | None = None


class FoundExecution(Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution as a search finds it.

    ``attributes``: what its workflow lets it be found by. ``forked_from``: the execution that it is a fork
    of.
    """

    execution_id: str
    workflow_id: str
    status: ExecutionStatus
    workflow_version: int | None = None
    trigger: Trigger | None = None
    actor: Actor | None = None
    started_at: str | None = None
    updated_at: str | None = None
    ended_at: str | None = None
    duration_ms: float | None = None
    pause_status: PauseStatus | None = None
    error: str | None = None
    error_code: str | None = None
    attributes: dict[str, Json] = {}
    forked_from: str | None = None


class BulkResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one execution of a bulk operation.

    Attributes:
        execution_id: which.
        result: ``cancelled``, ``already_cancelled``, ``retried``, ``refused``, or ``matched`` in a dry run.
        run_id: the run that a retry began.
        error: why it was refused.
    """

    execution_id: str
    result: str
    run_id: str | None = None
    error: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether nothing was done to it."""
        return self.result == "refused"


class StreamEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """One event of an execution or of a workflow.

    Attributes:
        type: such as ``block:completed``; `docs/events.md` tells of each.
        event_id: its place in its log: 1, 2, 3 …
        timestamp: when it was recorded.
        data: what happened, by the type.
        raw: its bytes, the same as in the log and on the topic.
        cursor: what a stream goes on after: keep it to resume a feed.
    """

    type: str
    event_id: int
    timestamp: str
    workflow_id: str
    execution_id: str | None = None
    run_id: str | None = None
    attempt: int | None = None
    workspace_id: str | None = None
    data: dict[str, Json] = {}
    raw: bytes = b""
    cursor: str = ""


class Counts(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many executions there are, by status; ``exact``: not cut off where there are very many."""

    total: int
    by_status: dict[ExecutionStatus, int]
    exact: bool = True
