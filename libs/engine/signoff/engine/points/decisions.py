"""The decision on a pause point: who may take it, what fits its form, what several people come to."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from signoff.engine.deciding.flow import Results
from signoff.engine.definitions.forms import check_form
from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import Draft
from signoff.engine.points.pauses import form_of, normalise_input, submission_of
from signoff.engine.points.quorum import Count, count
from signoff.engine.points.resumes import new_entry, repeat, take
from signoff.engine.points.standing import NOBODY_KNOWN, made_by, standing_of, standing_refusal
from signoff.engine.state import TERMINAL, PausePoint, ResumeEntry, State
from signoff.events.types import (
    Actor,
    Command,
    DecisionRecorded,
    FieldFault,
    Json,
    Made,
    Maker,
    Outcome,
    Refusal,
    ResumeExecution,
)

PAGES: Final = frozenset({"session", "link"})
"""How people are known who decide on a page: they say which content they saw."""

_NOBODYS: Final[Mapping[str, str]] = {
    "time": "This waits for a moment, and goes on by itself",
    "child": "This waits for a workflow that it called: decide there; its resumeLinks lead to it",
}
"""Why nobody decides a point, by its kind."""


def decide_resume(state: State, graph: Graph, command: Command, data: ResumeExecution, now: float) -> Results:
    """Accept, queue, count or refuse a decision (http-contract.md, ``POST /api/resume``)."""
    resume_input = normalise_input(data.input)
    refusal = refusal_of(state, data, command.actor)
    point = state.points.get(data.context_id)
    if refusal is None and point is not None:
        if data.retry and not resume_input:
            yield from repeat(state, graph, point, now, command=command)
            return
        submission, refusal = read_submission(form_of(point.response), resume_input)
        if refusal is None:
            entry = _entry(state, command, data, point, given=resume_input, submission=submission, now=now)
            if point.quorum is None or data.retry:
                yield from take(state, graph, entry, now, command=command)
            else:
                yield from record(state, graph, entry, data.maker or NOBODY_KNOWN, now, command=command)
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


def refusal_of(state: State, data: ResumeExecution, actor: Actor) -> Refusal | None:
    """Why somebody may not take this decision now, whatever its input; ``None``: they may."""
    point = state.points.get(data.context_id)
    maker = data.maker or NOBODY_KNOWN
    if data.retry and point is not None:
        return _retry_refusal(state, point, data, actor)
    refusal = open_refusal(state, data.context_id)
    if refusal is None and point is not None:
        refusal = standing_refusal(point, actor, maker) or _unseen_refusal(point, data, maker)
    return refusal


def _unseen_refusal(point: PausePoint, data: ResumeExecution, maker: Maker) -> Refusal | None:
    """A person who decides early says nothing of what they saw: once the point is open, they look first."""
    blind = data.hold_until is not None and data.seen_digest is None and maker.auth_method in PAGES
    return content_refusal(point, "" if blind else data.seen_digest)


def open_refusal(state: State, context_id: str) -> Refusal | None:
    """Why nobody can do anything about a point now; ``None``: it waits for a decision."""
    point = state.points.get(context_id)
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
    if state.status in TERMINAL or point.status == "closed":
        return Refusal(code="NOT_RESUMABLE", message="Paused execution is not resumable")
    if point.kind != "human":
        return Refusal(code="NOT_RESUMABLE", message=_NOBODYS[point.kind])
    return None


def content_refusal(point: PausePoint, seen_digest: str | None) -> Refusal | None:
    """Why a decision on what somebody saw is none on what the point shows now."""
    if seen_digest is None or seen_digest == point.content_digest:
        return None
    return Refusal(
        code="CONTENT_CHANGED",
        message="What you decide on has changed since you saw it; look again",
        details=[FieldFault("contentDigest", point.content_digest or "")],
    )


def _retry_refusal(state: State, point: PausePoint, data: ResumeExecution, actor: Actor) -> Refusal | None:
    if point.status != "failed" or point.entry_id is None or state.status in {"completed", "cancelled"}:
        return Refusal(code="NOT_FAILED", message="Only a pause point whose run failed can be tried again")
    if not normalise_input(data.input):
        return None
    if point.kind != "human" or point.quorum is not None or point.failing:
        return Refusal(
            code="NOT_ELIGIBLE",
            message="It was not one person who decided this: try it again without an input",
        )
    return standing_refusal(point, actor, data.maker or NOBODY_KNOWN) or content_refusal(
        point, data.seen_digest
    )


def _entry(
    state: State,
    command: Command,
    data: ResumeExecution,
    point: PausePoint,
    *,
    given: Json,
    submission: Json,
    now: float,
) -> ResumeEntry:
    return new_entry(
        state, UUID(command.command_id), data.context_id, command.actor, now,
        mode=data.mode, given=given, submission=submission,
        made=made_by(point, command.actor, data.maker or NOBODY_KNOWN, seen=data.seen_digest is not None),
        retry_of=point.entry_id,
    )  # fmt: skip


def record(
    state: State,
    graph: Graph,
    entry: ResumeEntry,
    maker: Maker,
    now: float,
    *,
    command: Command | None = None,
    cause: str | None = None,
) -> Results:
    """Count one person's decision on a point with a quorum; take the point up if that settles it."""
    point = state.points[entry.context_id]
    standing = standing_of(point, entry.actor, maker)
    if standing is None or point.quorum is None:
        raise ValueError(f"{entry.context_id} counts nobody's decision who may not take it")
    counted = count(point, point.quorum, standing, entry.submission)
    yield _recorded(entry, counted, point.quorum.required, command, cause)
    if counted.settled:
        yield from take(state, graph, entry, now, command=command, cause=cause)
    elif command is not None:
        yield Outcome(
            command_id=command.command_id,
            execution_id=state.execution_id,
            outcome="accepted",
            event_id=state.version,
        )


def _recorded(
    entry: ResumeEntry, counted: Count, required: int, command: Command | None, cause: str | None
) -> Draft:
    return Draft(
        DecisionRecorded(
            decision_id=entry.entry_id,
            context_id=entry.context_id,
            actor=entry.actor,
            made=entry.made or Made(),
            verdict=counted.verdict,
            weight=counted.weight,
            input=entry.input,
            submission=entry.submission,
            approvals=counted.approvals,
            rejections=counted.rejections,
            required=required,
            request_digest=None if command is None else command.request_digest,
        ),
        cause or entry.entry_id,
        correlation_id=None if command is None else command.correlation_id,
    )
