"""Executions whose workflow cannot run: no such version, no block to start with, a type that nobody has.

The start of a child is not refused, for nobody would hear of it: what is wrong becomes its log, and so
reaches its parent.
"""

from typing import Final

from signoff.engine.deciding.commands import refused
from signoff.engine.deciding.flow import Results
from signoff.engine.deciding.starts import begun
from signoff.engine.messages import Draft, Input, RunEnded
from signoff.engine.state import State
from signoff.events.times import iso
from signoff.events.types import Command, ExecutionError, Outcome, StartExecution

UNATTENDED: Final = frozenset({"workflow", "schedule"})
"""Triggers whose starts nobody waits for: a refusal would reach no one."""


def decide_unrunnable(state: State, message: Input, reason: str, now: float) -> Results:
    """What follows from an input: the start fails for good, and nothing else comes of anything.

    Args:
        state: of a log that is empty, or whose execution has ended.
        message: a command; all others come too late.
        reason: why the workflow cannot run.
        now: seconds since the epoch.
    """
    if not isinstance(message, Command):
        return
    taken = state.commands.get(message.command_id)
    if taken is not None:
        yield Outcome(
            command_id=message.command_id,
            execution_id=message.execution_id,
            outcome="duplicate",
            event_id=taken.event_id,
        )
    elif state.version == 0 and isinstance(message.data, StartExecution):
        yield from fail_start(message, message.data, reason, now)
    else:
        yield refused(message, "CANNOT_RUN", reason)


def fail_start(command: Command, data: StartExecution, text: str, now: float) -> Results:
    """The whole log of an execution that cannot run: it began, and failed for good.

    Args:
        command: what starts it; its log is empty.
        data: the command's.
        text: what is wrong.
        now: seconds since the epoch.
    """
    yield Outcome(
        command_id=command.command_id, execution_id=command.execution_id, outcome="accepted", event_id=1
    )
    yield begun(command, data, now)
    error = ExecutionError(
        error=text, code="CANNOT_START", duration=0, start_time=iso(now), end_time=iso(now), final=True
    )
    yield Draft(error, command.command_id, correlation_id=command.correlation_id)
    yield RunEnded(command.execution_id, 2)
