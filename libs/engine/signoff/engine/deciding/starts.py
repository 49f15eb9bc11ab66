"""How an execution's log begins."""

from signoff.engine.messages import Draft
from signoff.events.times import iso
from signoff.events.types import Command, ExecutionStarted, StartExecution


def begun(command: Command, data: StartExecution, now: float) -> Draft:
    """The first event of an execution's log.

    Args:
        command: what starts it.
        data: the command's.
        now: seconds since the epoch.
    """
    timeout_at = None if data.time_limit is None else iso(now + data.time_limit)
    sooner = timeout_at is not None and data.timeout_at is not None and data.timeout_at < timeout_at
    return Draft(
        ExecutionStarted(
            workspace_id=data.workspace_id,
            workflow_version=data.workflow_version,
            definition_digest=data.definition_digest,
            trigger=data.trigger,
            mode=data.mode,
            input=data.input,
            actor=command.actor,
            request_digest=command.request_digest,
            parent=data.parent,
            call_chain=data.call_chain,
            source=data.source,
            trigger_block_id=data.trigger_block_id,
            start_block_id=data.start_block_id,
            timeout_at=data.timeout_at if sooner else timeout_at,
            time_limit=data.time_limit if sooner else None,
            stop_after_block_id=data.stop_after_block_id,
            start_time=iso(now),
        ),
        command.command_id,
        correlation_id=command.correlation_id,
    )
