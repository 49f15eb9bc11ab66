"""The decision on a pause point: who may still take it, what fits its form, when its run begins."""

from typing import Any
from uuid import UUID

from signoff.engine.children import FAILED, child_error, child_output
from signoff.engine.flow import Results, complete_block, fail_block
from signoff.engine.forms import check_form
from signoff.engine.graph import Graph
from signoff.engine.messages import Draft
from signoff.engine.pauses import form_of, normalise_input, submission_of, submitted_output
from signoff.engine.state import TERMINAL, PausePoint, ResumeEntry, State
from signoff.events.times import iso
from signoff.events.topics import run_id_of
from signoff.events.types import (
    SYSTEM,
    Command,
    ExecutionResumed,
    FieldFault,
    Json,
    Outcome,
    Refusal,
    ResumeExecution,
    ResumeQueued,
)


def decide_resume(state: State, graph: Graph, command: Command, data: ResumeExecution, now: float) -> Results:
    """Accept, queue or refuse a decision (http-contract.md, ``POST /api/resume``)."""
    resume_input = normalise_input(data.input)
    refusal = refusal_of(state, data)
    point = state.points.get(data.context_id)
    if refusal is None and point is not None:
        submission, refusal = read_submission(form_of(point.response), resume_input)
        if refusal is None:
            entry = _entry(state, command, data, given=resume_input, submission=submission, now=now)
            yield from _take(state, graph, entry, command, now)
            return
    yield Outcome(
        command_id=command.command_id, execution_id=state.execution_id, outcome="refused", refusal=refusal
    )


def read_submission(
    form: list[dict[str, Any]], resume_input: dict[str, Any]
) -> tuple[dict[str, Any], Refusal | None]:
    """What a decision fills its form with, and why that does not fit.

    Args:
        form: from `form_of`.
        resume_input: the input as an object, in stored form.
    """
    submission, faults = check_form(form, submission_of(resume_input))
    if not faults:
        return submission, None
    details = [FieldFault(fault.path, fault.message) for fault in faults]
    return submission, Refusal(
        code="FORM_INVALID", message="The input does not fit the form", details=details
    )


def refusal_of(state: State, data: ResumeExecution) -> Refusal | None:
    """Why nobody may take this decision now, whatever its input; ``None``: somebody may."""
    point = state.points.get(data.context_id)
    if point is not None and point.entry_id is not None:
        return Refusal(
            code="ALREADY_RESUMED",
            message="Pause point already resumed or in progress",
            winning_event_id=state.entries[point.entry_id].event_id,
        )
    if not state.points:
        return Refusal(code="NOT_PAUSED", message="Paused execution not found or already resumed")
    if point is None:
        return Refusal(code="POINT_NOT_FOUND", message="Pause point not found for execution")
    if state.status in TERMINAL or point.status == "closed" or point.kind != "human":
        return Refusal(code="NOT_RESUMABLE", message="Paused execution is not resumable")
    return _content_refusal(point, data)


def _content_refusal(point: PausePoint, data: ResumeExecution) -> Refusal | None:
    if data.seen_digest is None or data.seen_digest == point.content_digest:
        return None
    return Refusal(
        code="CONTENT_CHANGED",
        message="What you decide on has changed since you saw it; look again",
        details=[FieldFault("contentDigest", point.content_digest or "")],
    )


def _entry(
    state: State, command: Command, data: ResumeExecution, *, given: Json, submission: Json, now: float
) -> ResumeEntry:
    return ResumeEntry(
        entry_id=command.command_id,
        run_id=str(run_id_of(UUID(state.log_id), UUID(command.command_id))),
        context_id=data.context_id,
        mode=data.mode or state.mode,
        input=given,
        submission=submission,
        actor=command.actor,
        event_id=state.version + 1,
        queued_at=now,
    )


def _take(state: State, graph: Graph, entry: ResumeEntry, command: Command, now: float) -> Results:
    taken_by = state.version + 1
    if not state.held():
        yield Outcome(
            command_id=command.command_id,
            execution_id=state.execution_id,
            outcome="accepted",
            event_id=taken_by,
            resume_execution_id=entry.run_id,
        )
        yield from begin_resume(
            state, graph, entry, now, cause=entry.entry_id,
            request_digest=command.request_digest, correlation_id=command.correlation_id,
        )  # fmt: skip
        return
    position = len(state.queue) + 1
    yield _queued(
        entry, position,
        cause=entry.entry_id, request_digest=command.request_digest, correlation_id=command.correlation_id,
    )  # fmt: skip
    yield Outcome(
        command_id=command.command_id,
        execution_id=state.execution_id,
        outcome="queued",
        event_id=taken_by,
        resume_execution_id=entry.run_id,
        queue_position=position,
    )


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
            queue_position=position,
            request_digest=request_digest,
        ),
        cause,
        entry.run_id,
        correlation_id=correlation_id,
    )


def resume_by_itself(
    state: State, graph: Graph, point: PausePoint, entry_id: UUID, now: float, *, given: Json, cause: str
) -> Results:
    """A point of kind ``time`` is due, or a child has ended: the system resumes it, in turn with people.

    ``given`` is how the child ended; nothing for a moment.
    """
    entry = ResumeEntry(
        entry_id=str(entry_id),
        run_id=str(run_id_of(UUID(state.log_id), entry_id)),
        context_id=point.context_id,
        mode=state.mode,
        input=given,
        submission={},
        actor=SYSTEM,
        event_id=state.version + 1,
        queued_at=now,
    )
    if state.held():
        yield _queued(entry, len(state.queue) + 1, cause=cause)
    else:
        yield from begin_resume(state, graph, entry, now, cause=cause)


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
            request_digest=request_digest,
        ),
        cause,
        entry.run_id,
        correlation_id=correlation_id,
    )
    run, started_at = state.runs[entry.run_id], iso(point.opened_at)
    if point.child is not None and entry.input["status"] != "completed":
        yield from fail_block(
            state, graph, run, point,
            given=None, error=child_error(point.child, entry.input), code=FAILED,
            started_at=started_at, now=now, cause=cause,
        )  # fmt: skip
        return
    yield from complete_block(
        state, graph, run, point,
        given=None, output=_decided_output(point, entry, now), started_at=started_at, now=now, cause=cause,
    )  # fmt: skip


def _decided_output(point: PausePoint, entry: ResumeEntry, now: float) -> Json:
    if point.child is not None:
        return child_output(point.child, entry.input)
    if point.kind == "time":
        return {"status": "completed", "waitDuration": round((now - point.opened_at) * 1000)}
    return submitted_output(
        point.response,
        resume_input=entry.input,
        submission=entry.submission,
        submitted_by=entry.actor.name or entry.actor.id,
        submitted_at=iso(now),
    )
