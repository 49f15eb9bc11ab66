"""Schedules between the log and the engine: what they need to be decided on, and what follows from them."""

import asyncio
from uuid import UUID

from signoff.engine.timetable import zone_of
from signoff.engine.workflow import WorkflowState, take_schedules
from signoff.events.blobs import BlobStore
from signoff.events.topics import message_id
from signoff.events.types import SYSTEM, Command, Event, ScheduleFired, StartExecution


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


async def prepare_schedules(state: WorkflowState, blobs: BlobStore) -> None:
    """Bring what deciding on a workflow's schedules needs, before anything is decided or asked of them.

    That is a definition that was too large for its event, and the rules of the time zones.

    Raises:
        BlobNotFoundError: a part of the definition is lost.
        BlobError: the object store is away.
    """
    if state.elsewhere is not None:
        workspace_id = UUID(state.workspace_id)
        take_schedules(state, await blobs.resolve(state.elsewhere, workspace_id=workspace_id))
    for name in {schedule.timezone for schedule in state.schedules}:
        await asyncio.to_thread(zone_of, name)
