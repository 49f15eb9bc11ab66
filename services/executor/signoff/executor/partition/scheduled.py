"""Schedules between the log and the engine: what they need to be decided on, and what follows from them."""

import asyncio
from uuid import UUID

from signoff.engine.deciding.timetable import zone_of
from signoff.engine.deciding.workflow import WorkflowState, take_schedules
from signoff.events.blobs import BlobStore
from signoff.events.deployments import read_deployment
from signoff.events.store.base import EventStore
from signoff.events.topics import message_id, workflow_log_id
from signoff.events.types import SYSTEM, Command, Event, Json, ScheduleFired, StartExecution


def scheduled_start(event: Event, data: ScheduleFired, log_id: UUID, *, time_limit: float) -> Command:
    """The command that starts the execution of a moment: the same however often it is sent.

    Args:
        event: of the workflow's log, committed.
        data: of the event.
        log_id: of the workflow.
        time_limit: seconds that the execution's run may take.

    Returns:
        A command without ``replyTo`` and ``notAfter``: nobody waits for an answer, and it never expires.
    """
    start = StartExecution(
        workspace_id=data.workspace_id,
        workflow_id=event.workflow_id,
        workflow_version=data.version,
        definition_digest=data.digest,
        trigger="schedule",
        trigger_block_id=data.block_id,
        mode="async",
        input={"scheduledFor": data.due_at, "firedAt": event.timestamp, "missed": data.missed},
        time_limit=time_limit,
    )
    return Command(
        command_id=str(message_id(log_id, event.event_id)),
        type=start.TYPE,
        execution_id=data.execution_id,
        issued_at=event.timestamp,
        actor=SYSTEM,
        data=start,
    )


async def prepare_schedules(state: WorkflowState, store: EventStore, blobs: BlobStore) -> None:
    """Bring what deciding on a workflow's schedules needs, before anything is decided or asked of them.

    That is a definition that was too large for its event, and the rules of the time zones.

    Raises:
        StoreError: the log is away, which holds the definition of a version that was activated again.
        BlobNotFoundError: a part of the definition is lost.
        BlobError: the object store is away.
        LookupError: the log does not hold the version.
    """
    if state.lacks_schedules():
        found = state.elsewhere if state.elsewhere is not None else await _definition(state, store)
        take_schedules(state, await blobs.resolve(found, workspace_id=UUID(state.workspace_id)))
    for name in {schedule.timezone for schedule in state.schedules}:
        await asyncio.to_thread(zone_of, name)


async def _definition(state: WorkflowState, store: EventStore) -> Json:
    """The active version's definition as its event holds it.

    An event that is not in the log yet is never asked for: what was just deployed is known.
    """
    log_id = workflow_log_id(state.workspace_id, state.workflow_id)
    found = await read_deployment(store, log_id, state.active_version)
    if found is None:
        raise LookupError(f"workflow {state.workflow_id} has no version {state.active_version} in its log")
    return found[1].definition
