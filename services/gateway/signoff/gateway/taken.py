"""What the log says about a command, where no outcome came: the same answer, from the facts."""

from typing import Final

from signoff.audit.life.folding import RUN_ENDINGS
from signoff.events.types import (
    Command,
    DecisionHeld,
    DecisionRecorded,
    DirectoryFact,
    Event,
    ExecutionCancelled,
    ExecutionReopened,
    ExecutionResumed,
    ExecutionStarted,
    Outcome,
    PauseAmended,
    PauseClaimed,
    PauseCommented,
    PauseDelegated,
    PauseReassigned,
    PauseReleased,
    PauseReturned,
    Refusal,
    ResumeQueued,
    StartExecution,
)

_BEGINS_RUN: Final = (ExecutionResumed, ExecutionReopened, ResumeQueued)
_DIGESTED: Final = (
    ExecutionStarted, DirectoryFact, *_BEGINS_RUN, DecisionRecorded, DecisionHeld,
    PauseAmended, PauseClaimed, PauseReleased, PauseDelegated, PauseReassigned, PauseReturned, PauseCommented,
)  # fmt: skip
"""Events that name the request which they follow from, where it had an ``Idempotency-Key``."""


def taken_up(command: Command, event: Event) -> Outcome | None:
    """The outcome of a command, as an event of its log tells it.

    Args:
        command: the one that is waited for.
        event: any event of the command's log.

    Returns:
        ``None`` when the event says nothing about the command.
    """
    data = event.data
    if event.causation_id != command.command_id:
        if isinstance(data, ExecutionStarted) and isinstance(command.data, StartExecution):
            return _started_by_another(command, data)
        return None
    if isinstance(data, _DIGESTED) and data.request_digest != command.request_digest:
        return _conflict(command)
    resumed = data.resume_execution_id if isinstance(data, _BEGINS_RUN) else None
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="queued" if isinstance(data, ResumeQueued) else "accepted",
        event_id=event.event_id,
        resume_execution_id=resumed,
        queue_position=data.queue_position if isinstance(data, ResumeQueued) else None,
    )


def ends_run(event: Event, run_id: str | None) -> bool:
    """Whether a run ends with an event.

    Args:
        event: any event of the run's log.
        run_id: as envelopes have it: ``None`` for an execution's first run.
    """
    if isinstance(event.data, ExecutionCancelled):
        return True
    return isinstance(event.data, RUN_ENDINGS) and event.run_id == run_id


def _started_by_another(command: Command, data: ExecutionStarted) -> Outcome:
    if command.request_digest is None or command.request_digest != data.request_digest:
        return _refusal(command, "EXECUTION_ID_CONFLICT", "Execution ID has already been used")
    return Outcome(
        command_id=command.command_id, execution_id=command.execution_id, outcome="duplicate", event_id=1
    )


def _conflict(command: Command) -> Outcome:
    return _refusal(
        command, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used with another request before"
    )


def _refusal(command: Command, code: str, message: str) -> Outcome:
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="refused",
        refusal=Refusal(code=code, message=message),
    )
