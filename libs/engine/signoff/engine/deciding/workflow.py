"""A workflow's own log: its deployments, one immutable version after the other, and its schedules' starts."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from signoff.engine.deciding.timetable import (
    PartElsewhereError,
    Schedule,
    firings,
    next_moment,
    read_schedules,
)
from signoff.engine.messages import Draft, Tick
from signoff.events.times import from_iso, iso
from signoff.events.topics import scheduled_log_id, workflow_log_id
from signoff.events.types import (
    ActivateVersion,
    Command,
    DeployWorkflow,
    Event,
    Json,
    Outcome,
    Refusal,
    ScheduleFired,
    ScheduleSwitched,
    SwitchSchedule,
    UndeployWorkflow,
    WorkflowActivated,
    WorkflowDeployed,
    WorkflowUndeployed,
)

FORMAT: Final = 2
"""The version of the shape of `WorkflowState`; a snapshot of another one is ignored."""


class Version(Struct, kw_only=True):
    """What is remembered of a version.

    Attributes:
        schedules: None where they are not known, for the definition was too large for its event.
    """

    name: str
    digest: str
    schedules: list[Schedule] | None = None


class Switch(Struct, frozen=True):
    """Whether a schedule is on, and since when (seconds since the epoch)."""

    enabled: bool
    since: float


class WorkflowState(Struct, kw_only=True):
    """The fold of a workflow's log.

    Attributes:
        versions: all that were deployed; the first is number 1.
        commands: those taken, with their events.
        deployed_event: the event that made the active version active, at ``deployed_at``.
        fired: the last moment of each schedule's block that was fired, in whichever version.
        switches: of the schedules that were ever switched, by block; the others are on.
        elsewhere: the newest version's definition, where that is the active one and `take_schedules` must be
            given the whole of it.
    """

    workspace_id: str = ""
    workflow_id: str = ""
    version: int = 0
    time: float = 0.0
    versions: list[Version] = []
    active_version: int = 0
    is_deployed: bool = False
    deployed_at: float = 0.0
    commands: dict[str, int] = {}
    deployed_event: int = 0
    fired: dict[str, float] = {}
    switches: dict[str, Switch] = {}
    elsewhere: Json = None

    @property
    def active(self) -> Version:
        """The active version, deployed or not.

        Raises:
            IndexError: none was ever deployed.
        """
        return self.versions[self.active_version - 1]

    @property
    def schedules(self) -> Sequence[Schedule]:
        """The schedules of the active version, on or off, while it is deployed."""
        return self.active.schedules or () if self.is_deployed else ()

    def is_on(self, schedule: Schedule) -> bool:
        """Whether a schedule starts executions."""
        switch = self.switches.get(schedule.block_id)
        return switch is None or switch.enabled

    def due(self, schedule: Schedule, now: float) -> float | None:
        """When a schedule is due next, as `next_due`; ``None`` for one that is off."""
        return next_moment(schedule, self.after(schedule), now) if self.is_on(schedule) else None

    def lacks_schedules(self) -> bool:
        """Whether `take_schedules` must be given the active definition before anything is decided."""
        return self.is_deployed and self.active.schedules is None

    def next_due(self, now: float) -> float | None:
        """When a schedule is due next; not after ``now`` where a start is due already.

        Args:
            now: seconds since the epoch. It matters to schedules that let missed moments go.
        """
        moments = (self.due(each, now) for each in self.schedules)
        return min((moment for moment in moments if moment is not None), default=None)

    def after(self, schedule: Schedule) -> float:
        """The moment up to which a schedule is done: that of its version, or of its switch, is one."""
        switch = self.switches.get(schedule.block_id)
        switched_at = 0.0 if switch is None else switch.since
        return max(self.fired.get(schedule.block_id, 0.0), self.deployed_at, switched_at)


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
            state.workspace_id = data.workspace_id
            state.versions.append(Version(name=data.name, digest=data.digest))
            _activate(state, event, data.version)
            take_schedules(state, data.definition)
        case WorkflowActivated() as data:
            _activate(state, event, data.version)
        case WorkflowUndeployed():
            state.commands[event.causation_id] = event.event_id
            state.is_deployed, state.elsewhere = False, None
        case ScheduleFired() as data:
            state.fired[data.block_id] = from_iso(data.due_at)
        case ScheduleSwitched() as data:
            state.commands[event.causation_id] = event.event_id
            state.switches[data.block_id] = Switch(data.enabled, state.time)
        case _:
            pass


def _activate(state: WorkflowState, event: Event, version: int) -> None:
    state.commands[event.causation_id] = event.event_id
    state.active_version, state.is_deployed, state.deployed_at = version, True, state.time
    state.deployed_event, state.elsewhere = event.event_id, None


def take_schedules(state: WorkflowState, definition: Json) -> None:
    """Read the schedules of the active version, or note that its definition must be resolved first.

    Args:
        state: of a deployed workflow.
        definition: of its active version, as its event holds it or resolved.
    """
    try:
        state.active.schedules, state.elsewhere = read_schedules(definition), None
    except PartElsewhereError:
        state.elsewhere = definition


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
        if state.is_on(schedule)
        for firing in firings(schedule, state.after(schedule), now)
    ]
    for firing, block_id in sorted(due, key=lambda each: each[0].moment):
        due_at = iso(firing.moment)
        yield Draft(
            ScheduleFired(
                workspace_id=state.workspace_id,
                version=state.active_version,
                digest=state.active.digest,
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
        yield from _deploy(state, command, command.data)
    elif isinstance(command.data, ActivateVersion) and state.versions:
        yield from _roll_back(state, command, command.data)
    elif isinstance(command.data, SwitchSchedule) and state.is_deployed:
        yield from _switch(state, command, command.data)
    elif isinstance(command.data, UndeployWorkflow) and state.is_deployed:
        yield _outcome(command, "accepted", state.version + 1)
        yield Draft(
            WorkflowUndeployed(workspace_id=state.workspace_id, actor=command.actor), command.command_id
        )
    else:
        yield _refused(command, "WORKFLOW_NOT_FOUND", "Workflow not found")


def _deploy(state: WorkflowState, command: Command, data: DeployWorkflow) -> Iterator[Draft | Outcome]:
    yield _outcome(command, "accepted", state.version + 1)
    yield Draft(
        WorkflowDeployed(
            workspace_id=data.workspace_id,
            version=len(state.versions) + 1,
            name=data.name,
            definition=data.definition,
            digest=data.digest,
            actor=command.actor,
        ),
        command.command_id,
    )


def _roll_back(state: WorkflowState, command: Command, data: ActivateVersion) -> Iterator[Draft | Outcome]:
    if not 0 < data.version <= len(state.versions):
        yield _refused(command, "VERSION_NOT_FOUND", "Workflow version not found")
    elif state.is_deployed and data.version == state.active_version:
        yield _outcome(command, "accepted", state.deployed_event)
    else:
        version = state.versions[data.version - 1]
        yield _outcome(command, "accepted", state.version + 1)
        yield Draft(
            WorkflowActivated(
                workspace_id=state.workspace_id,
                version=data.version,
                name=version.name,
                digest=version.digest,
                actor=command.actor,
            ),
            command.command_id,
        )


def _switch(state: WorkflowState, command: Command, data: SwitchSchedule) -> Iterator[Draft | Outcome]:
    if all(schedule.block_id != data.block_id for schedule in state.schedules):
        yield _refused(command, "NOT_FOUND", "Schedule not found")
        return
    yield _outcome(command, "accepted", state.version + 1)
    yield Draft(
        ScheduleSwitched(
            workspace_id=state.workspace_id,
            block_id=data.block_id,
            enabled=data.enabled,
            actor=command.actor,
        ),
        command.command_id,
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
