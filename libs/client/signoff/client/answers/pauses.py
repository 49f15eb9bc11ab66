"""Pause points, and what becomes of decisions."""

from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct, field

from signoff.client.errors import Json

ResumeStatus: TypeAlias = Literal[
    "queued", "started", "completed", "failed", "paused", "cancelled", "recorded", "held"
]

PauseStatus: TypeAlias = Literal["paused", "partially_resumed", "fully_resumed", "cancelled"]

Priority: TypeAlias = Literal["low", "normal", "high", "urgent"]

_OURS: Final = frozenset({"operation", "_resume"})

Verdict: TypeAlias = Literal["approved", "rejected"]


class ResumeLinks(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a point is resumed: ``api_url`` by programs, ``ui_url`` by people. Paths or URLs."""

    api_url: str
    ui_url: str


class QuorumProgress(Struct, frozen=True, kw_only=True, rename="camel"):
    """What several people who decide together have come to: the weights of their votes.

    Attributes:
        approvals: so far.
        required: what they must come to.
        rejections: so far.
        rejections_required: what these must come to.
    """

    approvals: int
    required: int
    rejections: int = 0
    rejections_required: int = 1


class DeadlineStep(Struct, frozen=True, kw_only=True):
    """A step of a deadline: when it strikes, what it does then, and whether it has."""

    at: str
    action: str
    struck: bool = False


class ResumeEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision that was taken on a point, and the run that it leads to.

    Attributes:
        status: ``pending`` until its run begins, ``claimed`` while it is at work, ``completed``, ``failed``.
        resume_input: what was submitted, secrets masked.
        context_id: the point.
        run_id: the run.
        queued_at: when it was taken.
        claimed_at: when its run began.
        completed_at: when that ended.
        failure_reason: why it failed.
    """

    status: str
    resume_input: Json = None
    context_id: str | None = None
    run_id: str | None = field(default=None, name="newExecutionId")
    queued_at: str | None = None
    claimed_at: str | None = None
    completed_at: str | None = None
    failure_reason: str | None = None


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
        content_digest: of what is shown: decide on it, and a change in between is refused.
        title: what is decided, in a line, where its author says so.
        priority: how much it matters.
        assignees: who may decide: ``user:<id>``, ``group:<id>``, ``role:<role>``; nobody: whoever may
            decide in the workspace.
        quorum: how far they are, where several people decide together.
        deadlines: the steps of its deadline, the earliest first.
        claimed_by: the user who keeps it to themselves for now.
        returned: changes are wanted before anybody decides.
        latest_resume_entry: the decision that was taken on it, the last one where it was tried again.
    """

    context_id: str
    block_id: str
    pause_kind: Literal["human", "time", "child"]
    resume_status: Literal["paused", "queued", "resuming", "resumed", "failed"]
    resume_links: ResumeLinks
    response: Json = None
    registered_at: str | None = None
    content_digest: str | None = None
    title: str | None = None
    priority: Priority = "normal"
    assignees: list[str] = []
    quorum: QuorumProgress | None = None
    deadlines: list[DeadlineStep] = []
    claimed_by: str | None = None
    returned: bool = False
    latest_resume_entry: ResumeEntry | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody may decide it now."""
        return self.pause_kind == "human" and self.resume_status == "paused"

    @property
    def shown(self) -> dict[str, Json]:
        """What its maker is shown, by name."""
        data = self._data()
        if data.get("operation") == "api":  # the block's own answer
            return {name: value for name, value in data.items() if name not in _OURS}
        rows = data.get("responseStructure")
        return {str(row["name"]): row.get("value") for row in rows or () if isinstance(row, dict)}

    @property
    def form(self) -> list[dict[str, Any]]:
        """The fields that its maker fills in: ``{"name", "type", "label", "required", …}`` each."""
        fields = self._data().get("inputFormat")
        return [field for field in fields or () if isinstance(field, dict)]

    def _data(self) -> dict[str, Json]:
        data = self.response.get("data") if isinstance(self.response, dict) else None
        return data if isinstance(data, dict) else {}


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
        status: ``queued`` behind another run, ``started``, or how the run ended where the call
            waited for its end; ``recorded``: it counts among those of several people, who have not settled
            it yet; ``held``: its point has not opened yet, and it is kept until then.
        run_id: the run that it began, or will begin; its events can be followed at once. None where it
            is ``recorded`` or ``held``.
        output: the run's output, where it ended.
        error: why the run failed.
        queue_position: from 1, where it is queued.
        event_id: that recorded it, where the server says so.
        verdict: what it was counted as, where it is recorded.
        approvals: what all of them count, where it is recorded.
        rejections: the same of those who said no.
        required: what the approvals must come to.
        held_id: names it, where it is held.
        expires_at: until when it is held.
    """

    status: ResumeStatus
    run_id: str | None = None
    output: Json = None
    error: str | None = None
    queue_position: int | None = None
    event_id: int | None = None
    verdict: Verdict | None = None
    approvals: int = 0
    rejections: int = 0
    required: int = 1
    held_id: str | None = None
    expires_at: str | None = None
