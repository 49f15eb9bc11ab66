"""Bodies of v2's logs: what ran, and who changed what."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from signoff.events.types import Json
from signoff.gateway.v2.schemas import Cost, ListedState, RunError, State


class LogWorkflow(Struct, frozen=True, kw_only=True, rename="camel"):
    """The workflow of a run.

    Attributes:
        deleted: Whether it takes no executions any more.
    """

    id: str
    name: str
    workspace_id: str
    deleted: bool


class Span(Struct, frozen=True, kw_only=True, rename="camel"):
    """One execution of a block.

    Attributes:
        id: The event that ended it: unique in the run.
        instance: The block, with the iterations and branches that it was executed in.
        relative_start_ms: Milliseconds from the start of the run.
        error_handled: An error edge took the error.
    """

    id: str
    instance: str
    block_id: str
    name: str
    type: str
    status: Literal["success", "error"]
    duration_ms: float
    relative_start_ms: float
    start_time: str
    end_time: str
    input: Json | UnsetType = UNSET
    output: Json | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    error_handled: bool | UnsetType = UNSET


class LogItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """A run as logs list it.

    Attributes:
        deployment_version_id: The version of the workflow that ran.
        level: `error` where the run failed.
        files: Always `null`: files stand in inputs and outputs.
        cost: Always `null`: nothing is charged for.
        workflow: With `details=full`.
        final_output: With `includeFinalOutput`: what the run that ended last gave.
        trace_spans: With `includeTraceSpans`: the executions of blocks, in the order of their ends.
        truncated: There are more of them than are shown.
    """

    run_id: str
    workflow_id: str
    deployment_version_id: str
    status: ListedState
    level: Literal["info", "error"]
    trigger: str
    started_at: str
    ended_at: str | None
    total_duration_ms: int | None
    cost: Cost | None = None
    files: list[Json] | None = None
    workflow: LogWorkflow | UnsetType = UNSET
    final_output: Json | UnsetType = UNSET
    trace_spans: list[Span] | UnsetType = UNSET
    truncated: bool | UnsetType = UNSET


class LogDetail(Struct, frozen=True, kw_only=True, rename="camel"):
    """A run with the executions of its blocks. By the id of an execution it is the whole of it.

    Attributes:
        deployment_version_id: The version of the workflow that ran.
        level: `error` where the run failed.
        files: Always `null`: files stand in inputs and outputs.
        cost: Always `null`: nothing is charged for.
        trace_spans: The executions of blocks, in the order of their ends.
        truncated: There are more of them than are shown; all are among the execution's events.
    """

    run_id: str
    workflow_id: str
    deployment_version_id: str
    status: State
    level: Literal["info", "error"]
    trigger: str
    started_at: str | None
    ended_at: str | None
    total_duration_ms: int | None
    cost: Cost | None = None
    files: list[Json] | None = None
    workflow: LogWorkflow
    error: RunError | None
    final_output: Json
    trace_spans: list[Span]
    truncated: bool
    created_at: str


class AuditEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that somebody changed.

    Attributes:
        id: The event that records it.
        actor_id: Who did it; `actor_type` says what they are.
        action: Such as `workflow.deployed`.
        resource_type: What was changed, such as `workflow`.
        metadata: What else the event says.
    """

    id: str
    workspace_id: str | None
    actor_type: str
    actor_id: str
    actor_name: str | None
    action: str
    resource_type: str
    resource_id: str
    resource_name: str | None
    description: str
    metadata: dict[str, Json]
    created_at: str
