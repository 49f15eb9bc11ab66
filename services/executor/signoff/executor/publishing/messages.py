"""What one log owes another: the command that follows from a committed event.

A call starts a child, a parent that no longer waits cancels it, a child tells its parent how it is, and a
schedule of a workflow starts executions.
The command is derived from the event alone, its id too: however often it is sent, it is the same, and
has one effect.
"""

from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from signoff.engine.folding.places import path_of, turns_of
from signoff.engine.state import State
from signoff.events.topics import message_id
from signoff.events.types import (
    SYSTEM,
    Actor,
    CancelExecution,
    ChildCalled,
    ChildCancelled,
    ChildChanged,
    Command,
    CommandData,
    Event,
    EventData,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    ExecutionResumed,
    Mode,
    Parent,
    ScheduleFired,
    StartExecution,
)
from signoff.executor.partition.scheduled import scheduled_start

_Status = Literal["paused", "resumed", "completed", "failed", "cancelled"]

_NEWS: Final[dict[type[EventData], _Status]] = {
    ExecutionPaused: "paused",
    ExecutionResumed: "resumed",
    ExecutionCompleted: "completed",
    ExecutionError: "failed",
    ExecutionCancelled: "cancelled",
}
"""What a child tells its parent, by the event that it follows from."""

CAUSES: Final[frozenset[type[EventData]]] = frozenset({ChildCalled, ChildCancelled, ScheduleFired, *_NEWS})
"""Events that a message may follow from: from any other, none does."""

CAUSE_TYPES: Final = frozenset(cause.TYPE for cause in CAUSES)
"""The same by their names on the wire."""


class Lineage(Struct, frozen=True, kw_only=True):
    """What an execution hands on to its children, and whose child it is itself.

    ``time_limit`` is in seconds. ``actor`` began the outermost execution: its children act for the same one,
    so that rules about who may decide hold through calls. ``call_chain`` is the children's.
    """

    workspace_id: str
    mode: Mode
    time_limit: float | None
    actor: Actor
    parent: Parent | None
    call_chain: list[str]


def lineage_of(state: State) -> Lineage:
    """The lineage of an execution that has started; its first event alone settles it."""
    return Lineage(
        workspace_id=state.workspace_id,
        mode=state.mode,
        time_limit=state.time_limit,
        actor=state.actor or SYSTEM,
        parent=state.parent,
        call_chain=state.next_chain(),
    )


def message_of(event: Event, log_id: UUID, lineage: Lineage | None, *, time_limit: float) -> Command | None:
    """The command that follows from an event, or none.

    Args:
        event: a committed event.
        log_id: of the log that it stands in.
        lineage: of the execution that it is about, if it is about one.
        time_limit: seconds that a run may take which a schedule starts.

    Returns:
        A command without ``replyTo`` and ``notAfter``: nobody waits for an answer, and it never expires.
    """
    data = event.data
    if event.copy_of is not None:
        return None  # it followed in the log where it happened
    if isinstance(data, ScheduleFired):
        return scheduled_start(event, data, log_id, time_limit=time_limit)
    return None if lineage is None else _between_executions(event, data, log_id, lineage)


def _between_executions(event: Event, data: EventData, log_id: UUID, lineage: Lineage) -> Command | None:
    if isinstance(data, ChildCalled):
        start = _start(event, data, lineage)
        return _command(event, log_id, start, actor=lineage.actor, execution_id=data.child_execution_id)
    if isinstance(data, ChildCancelled):
        cancel = CancelExecution(reason=data.reason)
        return _command(event, log_id, cancel, actor=SYSTEM, execution_id=data.child_execution_id)
    parent, status = lineage.parent, _NEWS.get(type(data))
    if parent is None or status is None or (isinstance(data, ExecutionError) and not data.final):
        return None
    news = ChildChanged(
        instance=parent.instance,
        child_execution_id=event.execution_id or str(log_id),
        event_id=event.event_id,
        status=status,
        output=data.output if isinstance(data, ExecutionCompleted) else None,
        error=data.error if isinstance(data, ExecutionError) else None,
        code=data.code if isinstance(data, ExecutionError) else None,
    )
    return _command(event, log_id, news, actor=SYSTEM, execution_id=parent.execution_id, target=parent.log_id)


def _start(event: Event, data: ChildCalled, lineage: Lineage) -> StartExecution:
    return StartExecution(
        workspace_id=lineage.workspace_id,
        workflow_id=data.child_workflow_id,
        workflow_version=data.child_workflow_version,
        definition_digest=data.child_definition_digest,
        trigger="workflow",
        mode=lineage.mode,
        input=data.input,
        time_limit=lineage.time_limit,
        timeout_at=data.timeout_at,
        parent=Parent(
            execution_id=event.execution_id or "",
            log_id=event.log_id,
            block_id=data.block_id,
            instance=data.block_id + path_of(turns_of(data)),
            depth=data.depth,
        ),
        call_chain=lineage.call_chain,
    )


def _command(
    event: Event,
    log_id: UUID,
    data: CommandData,
    *,
    actor: Actor,
    execution_id: str,
    target: str | None = None,
) -> Command:
    return Command(
        command_id=str(message_id(log_id, event.event_id)),
        type=data.TYPE,
        execution_id=execution_id,
        log_id=target,
        issued_at=event.timestamp,
        actor=actor,
        data=data,
    )
