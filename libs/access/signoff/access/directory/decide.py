"""Commands to the directory: facts or a refusal. Pure, as the engine's."""

from collections.abc import Iterator

import msgspec

from signoff.access.directory.changes import faults, read_proposals
from signoff.access.directory.fold import Directory, Taken
from signoff.engine.messages import Draft
from signoff.events.times import from_iso
from signoff.events.types import ChangeDirectory, Command, Outcome, Refusal


def decide_directory(state: Directory, command: Command, now: float) -> Iterator[Draft | Outcome]:
    """What follows from a command for the directory; each draft is folded before the next is asked for."""
    taken = state.taken(command.command_id)
    if taken is not None:
        yield _repeated(command, taken)
    elif not isinstance(command.data, ChangeDirectory):
        yield _refused(command, "BAD_REQUEST", f"{command.type} is no command for the directory")
    elif command.not_after is not None and now > from_iso(command.not_after):
        yield _refused(command, "EXPIRED", "The command reached an executor too late and changed nothing")
    else:
        yield from _take(state, command, command.data, now)


def _take(state: Directory, command: Command, data: ChangeDirectory, now: float) -> Iterator[Draft | Outcome]:
    try:
        facts = read_proposals(command, data.proposed)
    except (ValueError, msgspec.ValidationError) as error:
        yield _refused(command, "BAD_REQUEST", str(error))
        return
    for fault in faults(state, facts, now):
        yield _refused(command, fault.code, fault.message)
        return
    yield Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="accepted",
        event_id=state.version + len(facts),
    )
    for fact in facts:
        yield Draft(fact, command.command_id)


def _repeated(command: Command, taken: Taken) -> Outcome:
    if taken.request_digest is not None and taken.request_digest != command.request_digest:
        return _refused(
            command, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used with another request before"
        )
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="duplicate",
        event_id=taken.event_id,
    )


def _refused(command: Command, code: str, message: str) -> Outcome:
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="refused",
        refusal=Refusal(code=code, message=message),
    )
