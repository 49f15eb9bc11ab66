"""A workflow's own log: its deployments, one immutable version after the other, and its schedule's starts."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from signoff.engine.messages import Draft, Tick
from signoff.engine.timetable import PartElsewhereError, Schedule, firings, next_moment, read_schedules
from signoff.events.times import from_iso, iso
from signoff.events.topics import scheduled_log_id, workflow_log_id
from signoff.events.types import (
    Command,
    DeployWorkflow,
    Event,
    Json,
    Outcome,
    Refusal,
    ScheduleFired,
    UndeployWorkflow,
    WorkflowDeployed,
    WorkflowUndeployed,
)


class WorkflowState(Struct, kw_only=True):
    """The fold of a workflow's log.

    Attributes:
        commands: those taken, with their events.
        deployed_event: the event that made the active version.
        schedules: of the active version, while it is deployed.
        fired: the last moment of each schedule's block that was fired since the deployment.
        elsewhere: the active definition, where it was too large for its event and `take_schedules` must be
            given the whole of it before anything is decided.
    """

    workspace_id: str = ""
    workflow_id: str = ""
    name: str = ""
    version: int = 0
    time: float = 0.0
    active_version: int = 0
    digest: str = ""
    is_deployed: bool = False
    deployed_at: float = 0.0
    commands: dict[str, int] = {}
    deployed_event: int = 0
    schedules: list[Schedule] = []
    fired: dict[str, float] = {}
    elsewhere: Json = None

    def next_due(self, now: float) -> float | None:
        """When a schedule is due next; not after ``now`` where a start is due already.

        Args:
            now: seconds since the epoch. It matters to schedules that let missed moments go.
        """
        moments = (next_moment(each, self.after(each), now) for each in self.schedules)
        return min((moment for moment in moments if moment is not None), default=None)

    def after(self, schedule: Schedule) -> float:
        """The moment up to which a schedule is done."""
        return self.fired.get(schedule.block_id, self.deployed_at)


def evolve_workflow(state: WorkflowState, event: Event) -> None:
    """Fold one event, in place.

    Raises:
        ValueError: the event does not follow the state.
    """
    if event.event_id != state.version + 1:
        raise ValueError(f"event {event.event_id} does not follow version {state.version}")
    state.version = event.event_id
    state.time = from_iso(event.timestamp)
    state.workflow_id = event.workflow_id
    match event.data:
        case WorkflowDeployed() as data:
            state.commands[event.causation_id] = event.event_id
            state.workspace_id, state.name, state.digest = data.workspace_id, data.name, data.digest
            state.active_version, state.is_deployed, state.deployed_at = data.version, True, state.time
            state.deployed_event, state.fired = event.event_id, {}
            take_schedules(state, data.definition)
        case WorkflowUndeployed():
            state.commands[event.causation_id] = event.event_id
            state.is_deployed, state.schedules, state.elsewhere = False, [], None
        case ScheduleFired() as data:
            state.fired[data.block_id] = from_iso(data.due_at)
        case _:
            pass


def take_schedules(state: WorkflowState, definition: Json) -> None:
    """Read the schedules of the active version, or note that its definition must be resolved first.

    Args:
        state: of a deployed workflow.
        definition: of its active version, as its event holds it or resolved.
    """
    try:
        state.schedules, state.elsewhere = read_schedules(definition), None
    except PartElsewhereError:
        state.schedules, state.elsewhere = [], definition


def decide_workflow(state: WorkflowState, message: Command | Tick, now: float) -> Iterator[Draft | Outcome]:
    """What follows for a workflow; each draft is folded before the next is asked for.

    What is due by its schedules is fired first: a late poll or a dead executor moves no moment behind the
    command that ends it.
    """
    yield from _fire(state, now)
    if isinstance(message, Command):
        yield from _take(state, message, now)


def _fire(state: WorkflowState, now: float) -> Iterator[Draft]:
    log_id = workflow_log_id(state.workspace_id, state.workflow_id)
    due = [
        (firing, schedule.block_id)
        for schedule in state.schedules
        for firing in firings(schedule, state.after(schedule), now)
    ]
    for firing, block_id in sorted(due, key=lambda each: each[0].moment):
        due_at = iso(firing.moment)
        yield Draft(
            ScheduleFired(
                workspace_id=state.workspace_id,
                version=state.active_version,
                digest=state.digest,
                block_id=block_id,
                execution_id=str(scheduled_log_id(log_id, block_id, due_at)),
                due_at=due_at,
                missed=firing.missed,
            ),
            str(state.deployed_event),
        )


def _take(state: WorkflowState, command: Command, now: float) -> Iterator[Draft | Outcome]:
    taken = state.commands.get(command.command_id)
    if taken is not None:
        yield _outcome(command, "duplicate", taken)
    elif command.not_after is not None and now > from_iso(command.not_after):
        yield _refused(command, "EXPIRED", "The command reached an executor too late and changed nothing")
    elif isinstance(command.data, DeployWorkflow):
        data = command.data
        yield _outcome(command, "accepted", state.version + 1)
        yield Draft(
            WorkflowDeployed(
                workspace_id=data.workspace_id,
                version=state.active_version + 1,
                name=data.name,
                definition=data.definition,
                digest=data.digest,
                actor=command.actor,
            ),
            command.command_id,
        )
    elif not isinstance(command.data, UndeployWorkflow) or not state.is_deployed:
        yield _refused(command, "WORKFLOW_NOT_FOUND", "Workflow not found")
    else:
        yield _outcome(command, "accepted", state.version + 1)
        yield Draft(
            WorkflowUndeployed(workspace_id=state.workspace_id, actor=command.actor), command.command_id
        )


def _outcome(command: Command, outcome: Literal["accepted", "duplicate"], event_id: int) -> Outcome:
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome=outcome,
        event_id=event_id,
    )


def _refused(command: Command, code: str, message: str) -> Outcome:
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="refused",
        refusal=Refusal(code=code, message=message),
    )
