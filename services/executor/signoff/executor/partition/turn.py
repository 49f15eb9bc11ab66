"""One turn of a partition's loop: a batch of messages, decided one after the other, appended at once."""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.access.directory.decide import decide_directory
from signoff.access.directory.fold import WORKFLOW_ID as DIRECTORY_WORKFLOW
from signoff.access.directory.fold import Directory
from signoff.audit.accesses.log import WORKFLOW_ID as ACCESS_WORKFLOW
from signoff.audit.accesses.log import AccessLog, decide_accesses
from signoff.engine.decide import decide
from signoff.engine.deciding.commands import refused
from signoff.engine.deciding.unrunnable import decide_unrunnable
from signoff.engine.deciding.workflow import WorkflowState, decide_workflow
from signoff.engine.messages import Effect, Input, Result, Tick
from signoff.engine.state import State
from signoff.events.bus.base import Message
from signoff.events.codec import decode_command
from signoff.events.errors import CodecError
from signoff.events.store.base import Append, DeadCommand, NewEvent
from signoff.events.topics import (
    access_log_id,
    directory_log_id,
    log_of_key,
    partition_of,
    workflow_log_id,
)
from signoff.events.types import (
    ChangeDirectory,
    Command,
    Event,
    Outcome,
    RecordAccesses,
    StartExecution,
    WorkflowCommand,
)
from signoff.executor.logs.inbox_rows import point_rows
from signoff.executor.logs.loaded import Loaded, Step
from signoff.executor.logs.plans import Plan
from signoff.executor.logs.projections import changes_rows, execution_row, run_rows, workflow_row
from signoff.executor.partition.inbox import Internal, Item

_VERSION_7: Final = 7

_log = structlog.get_logger("signoff.executor")


class Work(Struct):
    """A message with the log it is for. ``item`` is what it came as."""

    log_id: UUID
    message: Input
    item: Item


class Touched(Struct):
    """A log that the turn wrote to: its new events, in order."""

    loaded: Loaded
    events: list[Event]
    records: list[NewEvent]


class Turn(Struct):
    """What a turn gathers before its append."""

    append: Append
    involved: dict[UUID, Loaded] = {}
    touched: dict[UUID, Touched] = {}
    effects: list[tuple[Loaded, Effect]] = []
    answers: list[tuple[Command, Outcome]] = []


def tell_dead(append: Append) -> None:
    """Log the commands that an append kept as dead."""
    for row in append.rows:
        if isinstance(row, DeadCommand):
            _log.error(
                "command kept as dead: `signoff doctor` says more",
                partition=row.partition,
                offset=row.offset,
                command=row.command_id,
                reason=row.reason,
            )


def dead_command(item: Message, reason: str, now: float, work: Work | None = None) -> DeadCommand:
    """What is kept of a command that could not be decided.

    Args:
        item: as it came.
        reason: why.
        now: seconds since the epoch.
        work: what it was read as; ``None`` for bytes that are no command.
    """
    command = None if work is None else work.message
    return DeadCommand(
        partition=item.partition,
        offset=item.offset,
        command_id=command.command_id if isinstance(command, Command) else "",
        log_id=None if work is None else work.log_id,
        reason=reason,
        command=item.value,
        died_at=now,
    )


def read_items(items: Iterable[Item], dead: list[DeadCommand], now: float, partitions: int) -> Iterator[Work]:
    """Decode what came; a command that is none, or lies where it does not belong, is kept as dead."""
    for item in items:
        if isinstance(item, Internal):
            yield Work(item.log_id, item.message, item)
            continue
        try:
            yield _read_command(item, partitions)
        except (CodecError, ValueError) as error:
            dead.append(dead_command(item, f"not a command: {error}", now))


def _read_command(item: Message, partitions: int) -> Work:
    log_id, command = log_of_key(item.key), decode_command(item.value)
    if log_of(command) != log_id:
        raise CodecError(f"its key names the log {log_id}, and the command another")
    if partition_of(log_id, partitions) != item.partition:
        raise CodecError(f"the log {log_id} belongs to another partition, whose owner alone may write it")
    return Work(log_id, command, item)


def log_of(command: Command) -> UUID:
    """The log that a command is for."""
    data = command.data
    if isinstance(data, WorkflowCommand):
        return workflow_log_id(data.workspace_id, data.workflow_id)
    if isinstance(data, ChangeDirectory):
        return directory_log_id()
    if isinstance(data, RecordAccesses):
        return access_log_id(data.workspace_id, data.partition, data.day)
    return UUID(command.log_id or command.execution_id)


def is_fresh(work: Work) -> bool:
    """Whether a log cannot exist yet: its id was drawn by the gateway for this very command.

    Only ids of version 7 are drawn; a repetition of such a command would meet the version key.
    """
    return (
        work.log_id.version == _VERSION_7
        and isinstance(work.message, Command)
        and isinstance(work.message.data, StartExecution)
    )


def new_log(log_id: UUID, command: Command, plan: Plan | str | None) -> Loaded | None:
    """An empty log that a command may begin; ``None`` when the command needs one that exists.

    Args:
        log_id: the log.
        command: what may begin it.
        plan: of an execution, or why its workflow cannot run.
    """
    data = command.data
    if isinstance(data, StartExecution) and plan is not None:
        loaded = Loaded(log_id, State(), plan if isinstance(plan, Plan) else None)
        loaded.unrunnable = plan if isinstance(plan, str) else None
        loaded.name(execution_id=command.execution_id, workflow_id=data.workflow_id)
        return loaded
    if isinstance(data, WorkflowCommand):
        loaded = Loaded(log_id, WorkflowState(), None)
        loaded.name(execution_id=None, workflow_id=data.workflow_id)
        return loaded
    if isinstance(data, ChangeDirectory):
        loaded = Loaded(log_id, Directory(), None)
        loaded.name(execution_id=None, workflow_id=DIRECTORY_WORKFLOW)
        return loaded
    if isinstance(data, RecordAccesses):
        loaded = Loaded(log_id, AccessLog(), None)
        loaded.name(execution_id=None, workflow_id=ACCESS_WORKFLOW)
        return loaded
    return None


def results_of(loaded: Loaded, message: Input, now: float) -> Iterable[Result]:
    """What the engine decides on a message for a loaded log."""
    if isinstance(loaded.state, WorkflowState):
        return decide_workflow(loaded.state, message, now) if isinstance(message, Command | Tick) else ()
    if isinstance(loaded.state, Directory):
        return decide_directory(loaded.state, message, now) if isinstance(message, Command) else ()
    if isinstance(loaded.state, AccessLog):
        return decide_accesses(loaded.state, message) if isinstance(message, Command) else ()
    if isinstance(message, Command) and isinstance(message.data, WorkflowCommand):
        return (refused(message, "BAD_REQUEST", f"{message.type} is no command for an execution"),)
    if loaded.unrunnable is not None:
        return decide_unrunnable(loaded.state, message, loaded.unrunnable, now)
    if loaded.plan is None:
        raise ValueError("an execution decides only with its plan")
    return decide(loaded.state, loaded.plan.graph, message, now)


def add_step(turn: Turn, loaded: Loaded, message: Input, step: Step) -> None:
    """Gather what a message led to."""
    turn.involved[loaded.log_id] = loaded
    records = loaded.records(step)
    turn.append.events += records
    if records:
        touched = turn.touched.get(loaded.log_id)
        if touched is None:
            turn.touched[loaded.log_id] = Touched(loaded, step.events, records)
        else:
            touched.events += step.events
            touched.records += records
    turn.effects += [(loaded, effect) for effect in step.effects]
    if isinstance(message, Command):
        turn.answers += [(message, outcome) for outcome in step.outcomes]


def add_rows(turn: Turn, partitions: int) -> None:
    """Derive the rows that the turn's events changed."""
    for log_id, loaded in turn.involved.items():
        if isinstance(loaded.state, WorkflowState) and loaded.state.version:
            turn.append.rows.append(workflow_row(log_id, loaded.state, loaded.due))
    for log_id, touched in turn.touched.items():
        state = touched.loaded.state
        if not isinstance(state, State):
            continue
        plan = touched.loaded.plan
        graph = None if plan is None else plan.graph
        turn.append.rows += point_rows(log_id, state, graph, touched.events)
        parked = state.parked()
        if parked or touched.loaded.parked is not False or changes_rows(touched.events):
            touched.loaded.due = state.next_due()
            touched.loaded.parked = parked
            definition = None if graph is None else graph.definition
            turn.append.rows.append(execution_row(log_id, state, definition, partitions))
            turn.append.rows += run_rows(log_id, touched.events)
