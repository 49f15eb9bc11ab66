"""What the API answers, as far as programs act on it. Unknown fields are ignored."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from signoff.client.errors import Detail

Json: TypeAlias = Any
"""A value as JSON knows it. Its shape is the workflow author's, not ours."""

ExecutionStatus: TypeAlias = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]

ResumeStatus: TypeAlias = Literal["queued", "started", "completed", "failed", "paused", "cancelled"]


class Deployed(Struct, frozen=True, kw_only=True, rename="camel"):
    """The version of a workflow that takes executions. ``warnings``: allowed, but probably not meant."""

    workflow_id: str
    version: int
    digest: str
    deployed_at: str
    warnings: list[Detail] = []


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
    """What a synchronous call gave: the HTTP status and the body.

    The body is the envelope ``{"success", "executionId", "output", …}``, unless a ``response``
    block of the workflow made the answer its own. A failed run is an answer too (500, or 408
    when its time was over).
    """

    http_status: int
    body: Json
    execution_id: str | None = None


class Resumed(Struct, frozen=True, kw_only=True):
    """What became of a decision.

    Attributes:
        run_id: the run that it began, or will begin; its events can be followed at once.
        status: ``queued`` behind another run, ``started``, or how the run ended where the call
            waited for its end.
        output: the run's output, where it ended.
        error: why the run failed.
        queue_position: from 1, where it is queued.
    """

    run_id: str
    status: ResumeStatus
    output: Json = None
    error: str | None = None
    queue_position: int | None = None


class Cancelled(Struct, frozen=True, kw_only=True, rename="camel"):
    """A cancellation. ``reason``: ``recorded``, or ``already_cancelled``."""

    execution_id: str
    reason: str


class ExecutionView(Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution as it is now. Times are ISO 8601, UTC; durations milliseconds."""

    execution_id: str
    workflow_id: str
    status: ExecutionStatus
    started_at: str | None = None
    ended_at: str | None = None
    total_duration_ms: float | None = None
    error: str | None = None
    final_output: Json = None


class ResumeLinks(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a point is resumed: ``api_url`` by programs, ``ui_url`` by people. Paths or URLs."""

    api_url: str
    ui_url: str


class PausePoint(Struct, frozen=True, kw_only=True, rename="camel"):
    """One place where an execution waits, or waited. ``response`` is what its maker is shown."""

    context_id: str
    block_id: str
    pause_kind: Literal["human", "time", "child"]
    resume_status: Literal["paused", "queued", "resuming", "resumed", "failed"]
    resume_links: ResumeLinks
    response: Json = None

    @property
    def is_open(self) -> bool:
        """Whether somebody may decide it now."""
        return self.pause_kind == "human" and self.resume_status == "paused"


class PausedExecution(Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution that paused, with all its points, open or not."""

    execution_id: str
    workflow_id: str
    status: Literal["paused", "partially_resumed", "fully_resumed", "cancelled"]
    pause_points: list[PausePoint]


class StreamEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """One event of an execution. ``raw``: its bytes, the same as in the log and on the topic."""

    type: str
    event_id: int
    timestamp: str
    workflow_id: str
    execution_id: str | None = None
    run_id: str | None = None
    attempt: int | None = None
    data: dict[str, Json] = {}
    raw: bytes = b""
