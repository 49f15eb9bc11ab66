"""Decisions that come before their pause point: kept, taken when it opens, and ended visibly."""

import re
from collections.abc import Mapping
from uuid import UUID

from signoff.engine.deciding.flow import Results
from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import Draft
from signoff.engine.points.decisions import read_submission, record, refusal_of
from signoff.engine.points.expiry import expired
from signoff.engine.points.pauses import form_of, normalise_input
from signoff.engine.points.resumes import new_entry, take
from signoff.engine.points.standing import NOBODY_KNOWN, made_by
from signoff.engine.state import TERMINAL, State
from signoff.events.types import (
    Command,
    DecisionHeld,
    Maker,
    Outcome,
    Refusal,
    ResumeExecution,
)

MAX_HELD = 100
"""Decisions that one execution keeps for points that have not opened."""


def is_early(state: State, data: ResumeExecution) -> bool:
    """Whether a decision is to be kept: its point has not opened, and its maker wants that."""
    return (
        data.hold_until is not None and data.context_id not in state.points and state.status not in TERMINAL
    )


def hold(state: State, graph: Graph, command: Command, data: ResumeExecution) -> Results:
    """Keep a decision until its point opens, or refuse to."""
    refusal = _refusal(state, graph, data)
    if refusal is not None:
        yield Outcome(
            command_id=command.command_id,
            execution_id=state.execution_id,
            outcome="refused",
            refusal=refusal,
        )
        return
    yield Draft(
        DecisionHeld(
            held_id=command.command_id,
            context_id=data.context_id,
            mode=data.mode or state.mode,
            input=normalise_input(data.input),
            actor=command.actor,
            maker=data.maker or NOBODY_KNOWN,
            expires_at=str(data.hold_until),
            request_digest=command.request_digest,
        ),
        command.command_id,
        correlation_id=command.correlation_id,
    )
    yield Outcome(
        command_id=command.command_id,
        execution_id=state.execution_id,
        outcome="accepted",
        event_id=state.version,
    )


def _refusal(state: State, graph: Graph, data: ResumeExecution) -> Refusal | None:
    block_id = block_of(graph, data.context_id)
    if block_id is None:
        return Refusal(
            code="POINT_NOT_FOUND", message=f"No pause block of the workflow can open {data.context_id}"
        )
    if data.seen_digest is not None:
        return Refusal(
            code="CONTENT_CHANGED",
            message="The pause point has shown nothing yet: before it opens, decide without If-Match",
        )
    if len(state.held_decisions) >= MAX_HELD:
        return Refusal(
            code="TOO_MANY", message=f"An execution keeps at most {MAX_HELD} decisions for points to come"
        )
    return None


def block_of(graph: Graph, context_id: str) -> str | None:
    """The pause block that may open a point; ``None``: none may. Each turn around a block follows its id."""
    for name, node in graph.nodes.items():
        if node.block.type == "human_in_the_loop" and context_id.startswith(name):
            kinds = (graph.containers[each].kind for each in node.around)
            turns = "".join(r"_loop\d+" if kind == "loop" else r"₍\d+₎" for kind in kinds)
            if re.fullmatch(turns, context_id.removeprefix(name)):
                return name
    return None


def take_held(
    state: State, graph: Graph, context_id: str, now: float, *, makers: Mapping[str, Maker | None]
) -> Results:
    """A point has opened: take the decisions that wait for it, in the order in which they came.

    Args:
        state: of the execution.
        graph: its definition.
        context_id: of the point.
        now: seconds since the epoch.
        makers: by the ids of held decisions, as far as they are another one now; ``None``: nobody any more.
    """
    for held in [each for each in state.held_decisions.values() if each.context_id == context_id]:
        if held.held_id not in state.held_decisions:  # the one before it ended the execution
            continue
        point, maker = state.points[context_id], makers.get(held.held_id, held.maker)
        if maker is None:
            yield expired(held, "Whoever sent it may not decide here any more", cause=str(point.event_id))
            continue
        data = ResumeExecution(context_id=context_id, mode=held.mode, maker=maker)
        refusal = refusal_of(state, data, held.actor)
        submission, misfit = read_submission(form_of(point.response), held.input)
        refusal = refusal or misfit
        if refusal is not None:
            yield expired(held, _said(refusal), cause=str(point.event_id))
            continue
        made = made_by(point, held.actor, maker, seen=False)
        entry = new_entry(
            state, UUID(held.held_id), context_id, held.actor, now,
            mode=held.mode, given=held.input, submission=submission, made=made,
        )  # fmt: skip
        cause = str(held.event_id)
        if point.quorum is None:
            yield from take(state, graph, entry, now, cause=cause)
        else:
            yield from record(state, graph, entry, maker, now, cause=cause)


def _said(refusal: Refusal) -> str:
    faults = "; ".join(f"{each.path}: {each.message}" for each in refusal.details)
    return f"{refusal.message}: {faults}" if faults else refusal.message
