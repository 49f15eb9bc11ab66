"""Pause points, and what becomes of decisions."""

from typing import Literal, TypeAlias

from msgspec import Struct

from signoff.client.errors import Json

ResumeStatus: TypeAlias = Literal["queued", "started", "completed", "failed", "paused", "cancelled"]

PauseStatus: TypeAlias = Literal["paused", "partially_resumed", "fully_resumed", "cancelled"]


class ResumeLinks(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a point is resumed: ``api_url`` by programs, ``ui_url`` by people. Paths or URLs."""

    api_url: str
    ui_url: str


class PausePoint(Struct, frozen=True, kw_only=True, rename="camel"):
    """One place where an execution waits, or waited.

    Attributes:
        context_id: names it within its execution.
        block_id: the block that waits.
        pause_kind: who it waits for.
        resume_status: ``paused`` is open.
        resume_links: where it is decided.
        response: what its maker is shown, the form among it.
        registered_at: when it began to wait.
        content_digest: of what is shown, where the point was asked for alone: decide on it, and a
            change in between is refused.
    """

    context_id: str
    block_id: str
    pause_kind: Literal["human", "time", "child"]
    resume_status: Literal["paused", "queued", "resuming", "resumed", "failed"]
    resume_links: ResumeLinks
    response: Json = None
    registered_at: str | None = None
    content_digest: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody may decide it now."""
        return self.pause_kind == "human" and self.resume_status == "paused"


class PausedExecution(Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution that paused, with all its points, open or not."""

    execution_id: str
    workflow_id: str
    status: PauseStatus
    pause_points: list[PausePoint]
    total_pause_count: int = 0
    resumed_count: int = 0
    paused_at: str | None = None
    updated_at: str | None = None
    expires_at: str | None = None


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
