"""A workflow's own log: its deployments, one immutable version after the other."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from signoff.engine.messages import Draft
from signoff.events.times import from_iso
from signoff.events.types import (
    Command,
    DeployWorkflow,
    Event,
    Outcome,
    Refusal,
    UndeployWorkflow,
    WorkflowDeployed,
    WorkflowUndeployed,
)


class WorkflowState(Struct, kw_only=True):
    """The fold of a workflow's log. ``commands`` maps those taken to their event."""

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
    state.commands[event.causation_id] = event.event_id
    match event.data:
        case WorkflowDeployed() as data:
            state.workspace_id, state.name, state.digest = data.workspace_id, data.name, data.digest
            state.active_version, state.is_deployed, state.deployed_at = data.version, True, state.time
        case WorkflowUndeployed():
            state.is_deployed = False
        case _:
            pass


def decide_workflow(state: WorkflowState, command: Command, now: float) -> Iterator[Draft | Outcome]:
    """What follows from a command on a workflow; each draft is folded before the next is asked for."""
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
