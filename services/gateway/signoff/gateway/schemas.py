"""Bodies in and out, as http-contract.md has them. Absent members are left out, ``null`` ones stay."""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.events.files import File
from signoff.events.types import DeadlineAction, Event, Json, Priority, Verdict
from signoff.gateway.errors import Detail

TriggerType = Literal["manual", "api", "schedule", "chat", "webhook", "mcp"]
JobStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
RunStatus = Literal["completed", "failed", "paused", "cancelled"]
PausedStatus = Literal["paused", "partially_resumed", "fully_resumed", "cancelled"]


class RunFromBlock(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a run begins, and the execution that what lies before is taken from: an id or ``latest``."""

    start_block_id: str
    execution_id: str


class ExecuteBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """The fields of an execute request that are ours; the others are its input, if ``input`` is not there."""

    input: Json | UnsetType = UNSET
    stream: bool = False
    selected_outputs: list[str] = []
    trigger_type: TriggerType = "api"
    include_file_base64: bool = True
    base64_max_bytes: Annotated[int, Meta(ge=0)] = 10_000_000
    stop_after_block_id: str | None = None
    run_from_block: RunFromBlock | None = None


EXECUTE_FIELDS: Final = frozenset(ExecuteBody.__struct_encode_fields__)


class Metadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """How long a run took, in milliseconds, and when; times are UTC, ISO 8601."""

    duration: int
    start_time: str
    end_time: str


class Executed(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a synchronous execute."""

    success: bool
    execution_id: str
    output: Json | UnsetType = UNSET
    error: str | UnsetType = UNSET
    metadata: Metadata


class Queued(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to an asynchronous execute or resume."""

    success: bool = True
    is_async: bool = field(default=True, name="async")
    job_id: str
    execution_id: str
    message: str
    status_url: str


class Resumed(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a synchronous resume; ``execution_id`` is the resumed run's."""

    success: bool
    status: RunStatus
    execution_id: str
    output: Json
    error: str | None
    metadata: Metadata


class ResumeStarted(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a decision in a browser, which does not wait for the run."""

    status: Literal["started"] = "started"
    execution_id: str
    message: str = "Resume execution started."


class ResumeQueuedAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a decision that waits for its turn."""

    status: Literal["queued"] = "queued"
    execution_id: str
    queue_position: int
    message: str = "Resume queued. It will run after current resumes finish."


class DecisionRecordedAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to one person's decision where several decide: what they have come to so far."""

    status: Literal["recorded"] = "recorded"
    verdict: Verdict
    approvals: int
    rejections: int
    required: int
    event_id: int


class DecisionHeldAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a decision that came before its pause point: it is kept."""

    status: Literal["held"] = "held"
    held_id: str
    expires_at: str


class JobMetadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """When a run was asked for, began and ended; ``duration`` in milliseconds."""

    created_at: str
    started_at: str | UnsetType = UNSET
    completed_at: str | UnsetType = UNSET
    duration: int | UnsetType = UNSET


class Job(Struct, frozen=True, kw_only=True, rename="camel"):
    """The state of one run."""

    success: bool = True
    task_id: str
    status: JobStatus
    metadata: JobMetadata
    output: Json | UnsetType = UNSET
    error: str | UnsetType = UNSET


class EventPage(Struct, frozen=True, kw_only=True, rename="camel"):
    """Events of one log in their order; ``next_from`` is where the next page begins, if there is one."""

    events: list[Event]
    next_from: int | None


class Deployed(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a deploy or a rollback."""

    workflow_id: str
    version: int
    digest: str
    deployed_at: str
    warnings: list[Detail]


class RollbackBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The version that takes the executions from now on."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class WorkflowSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """A workflow in a list."""

    id: str
    name: str
    version: int
    is_deployed: bool
    deployed_at: str


class WorkflowList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of workflows by id."""

    workflows: list[WorkflowSummary]
    next_cursor: str | None


class WorkflowVersion(Struct, frozen=True, kw_only=True, rename="camel"):
    """One version of a workflow with its definition, in Sim's serialized form."""

    id: str
    name: str
    version: int
    digest: str
    is_deployed: bool
    deployed_at: str
    definition: Json


class WorkflowStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a workflow takes executions. A version is what is deployed, so none needs a redeployment."""

    is_deployed: bool
    deployed_at: str | None
    needs_redeployment: bool = False


class Cancelled(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a cancel."""

    success: bool = True
    execution_id: str
    reason: Literal["recorded", "already_cancelled"]


class RetryBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a failed execution is tried again."""

    reason: str = ""


class Retried(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to a retry: the run that it began."""

    execution_id: str
    run_id: str
    status_url: str


class UploadedFiles(Struct, frozen=True):
    """The answer to an upload: the files as values, in the order of their parts."""

    files: list[File]


class QueueEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision and the run that it leads to."""

    id: str
    parent_execution_id: str
    new_execution_id: str
    context_id: str
    resume_input: Json
    status: Literal["pending", "claimed", "completed", "failed"]
    queued_at: str
    claimed_at: str | None
    completed_at: str | None
    failure_reason: str | None


class ParallelScope(Struct, frozen=True, kw_only=True, rename="camel"):
    """The branch that a pause point is in: of the innermost parallel around it."""

    parallel_id: str
    branch_index: int
    branch_total: int | UnsetType = UNSET


class LoopScope(Struct, frozen=True, kw_only=True, rename="camel"):
    """The iteration that a pause point is in: of the innermost loop around it."""

    loop_id: str
    iteration: int


class ResumeLinks(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a pause point is decided.

    Attributes:
        api_url: By programs.
        ui_url: By people; a child's point is decided in the child, at whichever point it has.
        context_id: The point; absent where a child is waited for.
        execution_id: The execution that the decision is about: that of the child, where there is one.
        workflow_id: That execution's workflow.
    """

    api_url: str
    ui_url: str
    context_id: str | UnsetType = UNSET
    execution_id: str
    workflow_id: str


class DeadlineStep(Struct, frozen=True, kw_only=True, rename="camel"):
    """A step of a pause point's deadline; ``struck``: its moment had come before anybody decided."""

    at: str
    action: DeadlineAction
    struck: bool


class QuorumProgress(Struct, frozen=True, kw_only=True, rename="camel"):
    """What several people who decide together have come to: the weights of their votes.

    Attributes:
        approvals: So far.
        required: Of approvals: as many decide it.
        rejections: So far.
        rejections_required: Of rejections: as many decide it, too.
    """

    approvals: int
    required: int
    rejections: int
    rejections_required: int


class PausePointView(Struct, frozen=True, kw_only=True, rename="camel"):
    """One pause point. What stands after the decision on it is ours; points of kind ``human`` have it.

    Attributes:
        title: What is decided.
        assignees: Who may decide: `user:<id>`, `group:<id>` or `role:<role>`; nobody: whoever may decide in
            the workspace.
        quorum: Where several people decide together.
        claimed_by: The user who keeps it to themselves for now, or `apiKey:<id>`.
        returned: Changes are wanted before anybody decides.
        content_digest: Of what it shows; a decision sends it as `If-Match`.
    """

    context_id: str
    block_id: str
    pause_kind: Literal["human", "time", "child"]
    response: Json
    registered_at: str
    resume_status: Literal["paused", "queued", "resuming", "resumed", "failed"]
    snapshot_ready: bool = True
    parallel_scope: ParallelScope | UnsetType = UNSET
    loop_scope: LoopScope | UnsetType = UNSET
    resume_links: ResumeLinks
    queue_position: int | None
    latest_resume_entry: QueueEntry | None
    title: str | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    assignees: list[str] | UnsetType = UNSET
    quorum: QuorumProgress | UnsetType | None = UNSET
    deadlines: list[DeadlineStep] | UnsetType = UNSET
    claimed_by: str | UnsetType | None = UNSET
    returned: bool | UnsetType = UNSET
    content_digest: str | UnsetType | None = UNSET


class PausedMetadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who started a paused execution; all of it pauses as one."""

    pause_scope: Literal["execution"] = "execution"
    trigger_ids: list[str] = []
    executor_user_id: str | None


class PausedSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """A paused execution in a list."""

    id: str
    workflow_id: str
    execution_id: str
    status: PausedStatus
    total_pause_count: int
    resumed_count: int
    paused_at: str
    updated_at: str
    expires_at: str | None = None
    metadata: PausedMetadata
    trigger_ids: list[str] = []
    pause_points: list[PausePointView]


class ExecutionSnapshot(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a paused execution goes on from: nothing but its log up to an event, and its definition."""

    event_id: int
    workflow_version: int
    definition_digest: str
    trigger_ids: list[str] = []


class PausedDetail(PausedSummary, frozen=True, kw_only=True, rename="camel"):
    """A paused execution."""

    execution_snapshot: ExecutionSnapshot
    queue: list[QueueEntry]


class PauseContext(Struct, frozen=True, kw_only=True, rename="camel"):
    """One pause point with what stands around it."""

    execution: PausedSummary
    pause_point: PausePointView
    queue: list[QueueEntry]
    active_resume_entry: QueueEntry | UnsetType = UNSET


class PausedList(Struct, frozen=True, kw_only=True, rename="camel"):
    """Paused executions, newest first."""

    paused_executions: list[PausedSummary]


class PausedBrief(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a paused execution waits for: the first of its open points."""

    context_id: str
    paused_at: str
    resume_at: str | None
    pause_kind: Literal["human", "time", "child"]
    blocked_on_block_id: str
    pause_point_count: int
    resumed_count: int


class ExecutionView(Struct, frozen=True, kw_only=True, rename="camel"):
    """One execution. ``status`` is ``paused`` as long as a point is open."""

    execution_id: str
    workflow_id: str
    status: Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
    trigger: str
    started_at: str
    ended_at: str | None
    total_duration_ms: int | None
    paused: PausedBrief | None
    error: str | None
    final_output: Json
    block_outputs: dict[str, Json] | None
