"""A decision is taken up: its point is settled, its run begins at once or in its turn."""

from typing import Final
from uuid import UUID

from signoff.engine.deciding.children import FAILED, child_error, child_output
from signoff.engine.deciding.flow import Results, advance, complete, complete_block, fail_block
from signoff.engine.definitions.forms import check_form
from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import Draft, RunBlock
from signoff.engine.points.pauses import form_of, submitted_output
from signoff.engine.points.quorum import decisions_output
from signoff.engine.points.standing import submitter
from signoff.engine.state import TERMINAL, PausePoint, ResumeEntry, State
from signoff.events.times import iso
from signoff.events.topics import run_id_of
from signoff.events.types import (
    SYSTEM,
    Actor,
    Command,
    ExecutionReopened,
    ExecutionResumed,
    Json,
    Made,
    Mode,
    Outcome,
    ResumeQueued,
)

EXPIRED: Final = "DEADLINE_EXPIRED"
"""The code of a block that failed because nobody decided in time."""


def new_entry(
    state: State,
    entry_id: UUID,
    context_id: str,
    actor: Actor,
    now: float,
    *,
    given: Json,
    submission: Json,
    mode: Mode | None = None,
    made: Made | None = None,
    retry_of: str | None = None,
) -> ResumeEntry:
    """A decision about to be taken up; its run's id follows from its own."""
    return ResumeEntry(
        entry_id=str(entry_id),
        run_id=str(run_id_of(UUID(state.log_id), entry_id)),
        context_id=context_id,
        mode=mode or state.mode,
        input=given,
        submission=submission,
        actor=actor,
        made=made,
        retry_of=retry_of,
        event_id=state.version + 1,
        queued_at=now,
    )


def take(
    state: State,
    graph: Graph,
    entry: ResumeEntry,
    now: float,
    *,
    command: Command | None = None,
    cause: str | None = None,
) -> Results:
    """Settle a point: its run begins, or waits behind another that is at work.

    Args:
        state: of the execution.
        graph: its definition.
        entry: the decision.
        now: seconds since the epoch.
        command: that is answered, if somebody waits.
        cause: what it follows from, where that is no command.
    """
    if entry.retry_of is not None and state.status == "failed":
        yield _reopened(entry)
    cause = cause or entry.entry_id
    digest = None if command is None else command.request_digest
    correlation = None if command is None else command.correlation_id
    waits = state.held() or bool(state.queue)
    taken_by, position = state.version + 1, len(state.queue) + 1
    if waits:
        yield _queued(entry, position, cause=cause, request_digest=digest, correlation_id=correlation)
    if command is not None:
        yield Outcome(
            command_id=command.command_id,
            execution_id=state.execution_id,
            outcome="queued" if waits else "accepted",
            event_id=taken_by,
            resume_execution_id=entry.run_id,
            queue_position=position if waits else None,
        )
    if not waits:
        yield from begin_resume(
            state, graph, entry, now, cause=cause, request_digest=digest, correlation_id=correlation
        )


def _reopened(entry: ResumeEntry) -> Draft:
    reopened = ExecutionReopened(
        resume_execution_id=entry.run_id,
        mode=entry.mode,
        actor=entry.actor,
        reason="A pause point whose run failed is tried again",
        context_id=entry.context_id,
    )
    return Draft(reopened, entry.entry_id, entry.run_id)


def repeat(state: State, graph: Graph, point: PausePoint, now: float, *, command: Command) -> Results:
    """Try a point again whose run failed, with what was decided on it: how that was made, its entry says."""
    before = state.entries[str(point.entry_id)]
    entry = new_entry(
        state, UUID(command.command_id), point.context_id, command.actor, now,
        mode=before.mode, given=before.input, submission=before.submission, retry_of=before.entry_id,
    )  # fmt: skip
    yield from take(state, graph, entry, now, command=command)


def _queued(
    entry: ResumeEntry,
    position: int,
    *,
    cause: str,
    request_digest: str | None = None,
    correlation_id: str | None = None,
) -> Draft:
    return Draft(
        ResumeQueued(
            resume_entry_id=entry.entry_id,
            resume_execution_id=entry.run_id,
            context_id=entry.context_id,
            mode=entry.mode,
            input=entry.input,
            submission=entry.submission,
            actor=entry.actor,
            made=entry.made,
            retry_of=entry.retry_of,
            queue_position=position,
            request_digest=request_digest,
        ),
        cause,
        entry.run_id,
        correlation_id=correlation_id,
    )


def resume_by_itself(
    state: State,
    graph: Graph,
    point: PausePoint,
    entry_id: UUID,
    now: float,
    *,
    given: Json,
    cause: str,
    made: Made | None = None,
) -> Results:
    """A point is due, or a child has ended: the system resumes it, in turn with people.

    ``given`` is how the child ended, or the default decision; nothing for a moment.
    """
    submission = (
        check_form(form_of(point.response), given)[0] if point.kind == "human" and given is not None else {}
    )
    entry = new_entry(
        state, entry_id, point.context_id, SYSTEM, now, given=given, submission=submission, made=made
    )
    yield from take(state, graph, entry, now, cause=cause)


def start_queued(state: State, graph: Graph, now: float) -> Results:
    """Give queued decisions their runs, one after the other, while no other run is at work."""
    while state.queue and state.status not in TERMINAL and not state.held():
        entry = state.entries[state.queue[0]]
        taken = state.commands.get(entry.entry_id)
        yield from begin_resume(
            state, graph, entry, now,
            cause=str(entry.event_id) if taken is None else entry.entry_id,
            request_digest=None if taken is None else taken.request_digest,
        )  # fmt: skip


def begin_resume(
    state: State,
    graph: Graph,
    entry: ResumeEntry,
    now: float,
    *,
    cause: str,
    request_digest: str | None = None,
    correlation_id: str | None = None,
) -> Results:
    """Take a decision up: its point's block ends with what was submitted, and the graph goes on."""
    point = state.points[entry.context_id]
    yield Draft(
        ExecutionResumed(
            resume_execution_id=entry.run_id,
            context_id=entry.context_id,
            resume_entry_id=entry.entry_id,
            mode=entry.mode,
            input=entry.input,
            submission=entry.submission,
            actor=entry.actor,
            made=entry.made,
            retry_of=entry.retry_of,
            request_digest=request_digest,
        ),
        cause,
        entry.run_id,
        correlation_id=correlation_id,
    )
    run = state.runs[entry.run_id]
    if entry.retry_of is not None:
        yield from _go_on(state, graph, entry, now, cause)
        return
    failure = _failure_of(point, entry)
    if failure is not None:
        error, code = failure
        yield from fail_block(
            state, graph, run, point,
            given=None, error=error, code=code, started_at=iso(point.opened_at), now=now, cause=cause,
        )  # fmt: skip
        return
    yield from complete_block(
        state, graph, run, point,
        given=None, output=_decided_output(point, entry, now), started_at=iso(point.opened_at),
        now=now, cause=cause,
    )  # fmt: skip


def _go_on(state: State, graph: Graph, entry: ResumeEntry, now: float, cause: str) -> Results:
    """What was lost with the run that failed starts again; the point's block, too, if it was that."""
    run = state.runs[entry.run_id]
    point = state.points[entry.context_id]
    if run.repeats and entry.made is not None:  # somebody decided anew
        yield from complete(
            state, graph, run, point,
            given=None, output=_decided_output(point, entry, now), started_at=iso(point.opened_at),
            now=now, cause=cause,
        )  # fmt: skip
    for flight in [each for each in state.in_flight.values() if each.run_id == run.run_id and each.evaluates]:
        yield RunBlock(flight.instance, flight.run_id, flight.attempt)
    yield from advance(state, graph, run, now, cause)


def _failure_of(point: PausePoint, entry: ResumeEntry) -> tuple[str, str] | None:
    """Why the point's block fails, and the code; ``None``: it ends well."""
    if point.failing:
        return "Nobody decided in time", EXPIRED
    if point.child is not None and entry.input["status"] != "completed":
        return child_error(point.child, entry.input), FAILED
    return None


def _decided_output(point: PausePoint, entry: ResumeEntry, now: float) -> Json:
    if point.child is not None:
        return child_output(point.child, entry.input)
    if point.kind == "time":
        return {"status": "completed", "waitDuration": round((now - point.opened_at) * 1000)}
    told: dict[str, Json] = {"notificationResults": point.notified} if point.notified else {}
    if point.quorum is not None:
        told["decisions"] = decisions_output(point)
    return submitted_output(
        point.response,
        resume_input=entry.input,
        submission=entry.submission,
        submitted_by=submitter(entry.actor, entry.made),
        submitted_at=iso(now),
        told=told,
    )
