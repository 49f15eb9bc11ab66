"""Bodies of v2 in and out, as http-contract.md and, where it is silent, Sim's public API have them."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.events.types import Json
from signoff.gateway.http.headers import MAX_TIMEOUT, CommandHeaders
from signoff.gateway.schemas import PausedBrief, RunStatus

State: TypeAlias = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
ListedState: TypeAlias = Literal["running", "paused", "completed", "failed", "cancelled"]
ErrorCode: TypeAlias = Literal[
    "TIMEOUT", "CANCELLED", "BLOCK_EXECUTION_FAILED", "CHILD_WORKFLOW_FAILED", "EXECUTION_FAILED"
]


class RunHeaders(CommandHeaders, frozen=True, kw_only=True):
    """The headers of a request that starts a run.

    Attributes:
        run_id: The run's id, chosen by the caller. It can be used once in a workspace.
        call_chain: The workflows that called one another up to this request, by commas; at most 24.
    """

    run_id: Annotated[str, Meta(pattern="^[A-Za-z0-9._:-]{1,128}$")] | UnsetType = field(
        default=UNSET, name="X-Run-Id"
    )
    call_chain: str | UnsetType = field(default=UNSET, name="X-Sim-Via")


class ExecuteRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is to run, and how its caller waits.

    Attributes:
        input: Of the run: a value for each field of the workflow's input.
        is_async: Answer 202 at once; the run's state is read at `statusUrl`.
        stream: Answer with a stream of text. Not with `async`.
        selected_outputs: Outputs to stream, each as `Block.path` or `id.path`.
        execution_timeout_seconds: Seconds that the run may take. Only with `async`.
        include_file_base64: Show the contents of files in the output.
        base64_max_bytes: Files that are larger are shown without their contents.
    """

    input: Json | UnsetType = UNSET
    is_async: bool = field(default=False, name="async")
    stream: bool = False
    selected_outputs: Annotated[list[str], Meta(max_length=100)] = []
    execution_timeout_seconds: Annotated[int, Meta(ge=1, le=MAX_TIMEOUT)] | None = None
    include_file_base64: bool = True
    base64_max_bytes: Annotated[int, Meta(ge=0, le=10_485_760)] = 10_000_000


class ResumeRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A decision.

    Attributes:
        context_id: The pause point that it is made on.
        input: What was decided: the fields of the point's form.
    """

    context_id: Annotated[str, Meta(min_length=1, max_length=1000)]
    input: Json | UnsetType = UNSET


class RunError(Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a run did not end well.

    Attributes:
        message: For people.
        code: For programs.
        reason: The finer code of what failed, such as `MODEL_RATE_LIMITED`.
        block_id: The block that failed.
    """

    message: str
    code: ErrorCode
    reason: str | UnsetType = UNSET
    block_id: str | UnsetType = UNSET


class RunResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a run ended.

    Attributes:
        output: What the run gave; of one that paused, what its pause points show.
        duration_ms: Milliseconds from its start to its end.
    """

    run_id: str
    workflow_id: str
    status: RunStatus
    output: Json
    error: RunError | None
    started_at: str
    ended_at: str
    duration_ms: int


class RunQueued(Struct, frozen=True, kw_only=True, rename="camel"):
    """A run that nobody waits for.

    Attributes:
        status_url: Where its state is read.
        queue_position: Its place among the decisions that wait for the run under way to end.
    """

    run_id: str
    status_url: str
    queue_position: int | UnsetType = UNSET


class Cost(Struct, frozen=True):
    """What a run cost."""

    total: float


class RunItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """A run in a list: an execution, with the runs of its decisions.

    Attributes:
        duration_ms: Milliseconds from its start to its end.
        cost: Always `null`: nothing is charged for.
    """

    run_id: str
    workflow_id: str
    status: ListedState
    trigger: str
    started_at: str
    ended_at: str | None
    duration_ms: int | None
    cost: Cost | None = None


class RunView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A run. By the id of an execution it is the whole of it; by that of a decision's run, this run alone.

    Attributes:
        started_at: `null` while it is queued.
        paused: What the execution waits for, if it does.
        cost: Always `null`: nothing is charged for.
        output: With `includeOutput`: what the run gave.
        block_outputs: With `selectedOutputs`: by their texts.
    """

    run_id: str
    workflow_id: str
    status: State
    trigger: str
    started_at: str | None
    ended_at: str | None
    duration_ms: int | None
    paused: PausedBrief | None
    cost: Cost | None = None
    error: RunError | None
    output: Json
    block_outputs: dict[str, Json] | None


class RunCancelled(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of the wish to stop a run. One that has ended stays as it is.

    Attributes:
        success: The request was served.
        durably_recorded: The run is cancelled, now or before.
        paused_cancelled: It was waiting at a pause point.
        reason: `recorded`: it is stopped now.
    """

    success: bool = True
    run_id: str
    durably_recorded: bool
    paused_cancelled: bool
    reason: Literal["recorded", "already_cancelled", "already_ended"]


class WorkflowItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """A workflow in a list.

    Attributes:
        version: The active one.
        deployed_at: When it was activated; `null` when the workflow is not deployed.
    """

    id: str
    name: str
    workspace_id: str
    version: int
    is_deployed: bool
    deployed_at: str | None


class InputField(Struct, frozen=True, kw_only=True, rename="camel"):
    """A field of a workflow's input."""

    name: str
    type: str
    description: str | UnsetType = UNSET
    required: bool | UnsetType = UNSET


class WorkflowDetail(WorkflowItem, frozen=True, kw_only=True, rename="camel"):
    """A workflow.

    Attributes:
        digest: Of the active version.
        variables: By id, as the active version has them.
        inputs: The fields of its input.
    """

    digest: str
    variables: dict[str, Json]
    inputs: list[InputField]


class VersionItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """A version of a workflow.

    Attributes:
        name: The workflow's, in this version.
        is_active: It takes the executions.
        deployed_by: The name of who deployed it, or their id.
    """

    id: str
    version: int
    name: str
    digest: str
    is_active: bool
    created_at: str
    deployed_by: str


class DeployRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is deployed.

    Attributes:
        definition: The next version. Without it, the newest version is activated again.
    """

    definition: dict[str, Json] | UnsetType = UNSET


class RollbackRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The version that takes the executions from now on; without it, the one before the active version."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | UnsetType = UNSET


class Deployment(Struct, frozen=True, kw_only=True, rename="camel"):
    """The version of a workflow that takes the executions now.

    Attributes:
        warnings: What is allowed in its definition, but probably not meant.
    """

    id: str
    version: int
    digest: str
    is_deployed: bool = True
    deployed_at: str
    warnings: list[str]
