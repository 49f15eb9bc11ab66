"""An execution with all that it waits and waited for, and how far one of its runs is."""

from typing import Literal

from msgspec import Struct

from signoff.client.answers.executions import ExecutionView
from signoff.client.answers.pauses import PausePoint, ResumeEntry
from signoff.client.errors import Json


class Source(Struct, frozen=True, kw_only=True, rename="camel"):
    """The execution, and the event of it, that another one goes on from."""

    execution_id: str
    event_id: int
    kind: Literal["run-from-block", "fork"]


class ExecutionState(ExecutionView, frozen=True, kw_only=True, rename="camel"):
    """An execution as it is, or was after an event.

    Attributes:
        event_id: the event.
        at: when it happened.
        workflow_version: the version that runs.
        definition_digest: of that version.
        source: what it was forked, or run from a block, from.
        input: what it began with.
        variables: the workflow's, with their values.
        pause_points: all that had opened by then.
        queue: the decisions that had been taken by then.
    """

    event_id: int
    at: str
    workflow_version: int
    definition_digest: str
    source: Source | None = None
    input: Json = None
    variables: dict[str, Json]
    pause_points: list[PausePoint]
    queue: list[ResumeEntry]


class JobMetadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """When a run was asked for, began and ended; ``duration`` is milliseconds."""

    created_at: str
    started_at: str | None = None
    completed_at: str | None = None
    duration: int | None = None


class Job(Struct, frozen=True, kw_only=True, rename="camel"):
    """How far a run is.

    Attributes:
        task_id: the run.
        status: ``pending`` while it waits for its turn; ``completed`` also where it ended in a pause.
        metadata: its times.
        output: what it gave, be it what a pause shows.
        error: why it failed.
    """

    task_id: str
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    metadata: JobMetadata
    output: Json = None
    error: str | None = None
