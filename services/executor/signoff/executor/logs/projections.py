"""The rows that lists and take-overs read, derived from the fold; rebuilt from the log at any time."""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from signoff.engine.deciding.workflow import WorkflowState
from signoff.engine.definitions.attributes import attribute_values
from signoff.engine.definitions.definition import Definition
from signoff.engine.state import State
from signoff.events.store.base import ExecutionRow, RunRow, WorkflowRow
from signoff.events.topics import event_topic, partition_of
from signoff.events.types import (
    BlockRetrying,
    Event,
    EventData,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionForked,
    ExecutionPaused,
    ExecutionReopened,
    ExecutionResumed,
    ExecutionStarted,
    PauseClosed,
    PauseOpened,
    ResumeFailed,
    ResumeQueued,
    TimerSet,
)

_SHOWN: Final[frozenset[type[EventData]]] = frozenset({
    BlockRetrying, ExecutionCancelled, ExecutionCompleted, ExecutionError, ExecutionForked, ExecutionPaused,
    ExecutionReopened, ExecutionResumed, ExecutionStarted, PauseClosed, PauseOpened, ResumeFailed,
    ResumeQueued, TimerSet,
})  # fmt: skip
"""Events that change an execution's row; a step of a block never does."""

SHOWN_TOPICS: Final = frozenset(event_topic(kind.__name__) for kind in _SHOWN)
"""The same, by the log's ``topic`` column."""

RUNS_BEGUN: Final = (ExecutionResumed, ExecutionReopened, ExecutionForked, ResumeQueued)
"""Events that name a run beside the execution's first."""

_ERROR: Final = 500
"""Characters of an error that its execution is found by."""


def changes_rows(events: Iterable[Event]) -> bool:
    """Whether the events change what projections show."""
    return not _SHOWN.isdisjoint([type(event.data) for event in events])


def execution_row(log_id: UUID, state: State, definition: Definition | None, partitions: int) -> ExecutionRow:
    """An execution as lists show it, and as it is found.

    Args:
        log_id: of the execution.
        state: its fold.
        definition: of its version of the workflow; ``None`` where that cannot run.
        partitions: how many there are.
    """
    parked = state.parked()
    failure, source = state.failure, state.source
    return ExecutionRow(
        log_id=log_id,
        partition=partition_of(log_id, partitions),
        workspace_id=UUID(state.workspace_id),
        workflow_id=state.workflow_id,
        workflow_version=state.workflow_version,
        execution_id=None if state.execution_id == str(log_id) else state.execution_id,
        status=state.status,
        pause_status=state.pause_status(),
        trigger=state.trigger,
        mode=state.mode,
        version=state.version,
        parked=parked,
        started_at=state.started_at,
        updated_at=state.time,
        ended_at=state.ended_at,
        due_at=state.next_due() if parked else None,
        actor_type=None if state.actor is None else state.actor.type,
        actor_id=None if state.actor is None else state.actor.id,
        error=None if failure is None else failure.error[:_ERROR],
        error_code=None if failure is None else failure.code,
        attributes={} if definition is None else attribute_values(definition, state.variables),
        forked_from=source.execution_id if source is not None and source.kind == "fork" else None,
    )


def run_rows(log_id: UUID, events: Iterable[Event]) -> Iterator[RunRow]:
    """The runs that decisions made: by these ids, too, the execution is found."""
    for event in events:
        if isinstance(event.data, RUNS_BEGUN) and event.data.resume_execution_id is not None:
            yield RunRow(run_id=UUID(event.data.resume_execution_id), log_id=log_id)


def workflow_row(log_id: UUID, state: WorkflowState, due_at: float | None) -> WorkflowRow:
    """A workflow's active version as lists show it."""
    return WorkflowRow(
        log_id=log_id,
        workspace_id=UUID(state.workspace_id),
        workflow_id=state.workflow_id,
        name=state.active.name,
        version=state.active_version,
        digest=state.active.digest,
        is_deployed=state.is_deployed,
        deployed_at=state.deployed_at,
        due_at=due_at,
    )
