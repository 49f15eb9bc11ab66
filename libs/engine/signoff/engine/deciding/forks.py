"""A fork: an execution that begins with the past of another, and goes its own way from there.

Its log is whole in itself: ``execution:started`` by whoever forks, the source's events, each as a copy
that names its original and keeps its number, and ``execution:forked``, on which all that was under way
begins again.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from msgspec.structs import asdict, replace

from signoff.engine.deciding.commands import refused, restarted, run_entry, run_metadata
from signoff.engine.deciding.decided import asking_blocks, first_decided, may_have_begun_decided
from signoff.engine.deciding.flow import Results, advance, try_again
from signoff.engine.deciding.planting import taken_over
from signoff.engine.deciding.starts import begun
from signoff.engine.definitions.forms import start_output
from signoff.engine.definitions.graph import Graph
from signoff.engine.definitions.values import parse_variable
from signoff.engine.evolve import evolve
from signoff.engine.folding.forks import needs_run
from signoff.engine.messages import Draft, Forking
from signoff.engine.points.decisions import decide_resume, read_submission, refusal_of
from signoff.engine.points.pauses import form_of, normalise_input, resume_links
from signoff.engine.points.standing import person_of
from signoff.engine.state import State
from signoff.events.times import from_iso
from signoff.events.topics import forked_run_id, message_id
from signoff.events.types import (
    Actor,
    Command,
    Copy,
    Edit,
    Event,
    EventData,
    ExecutionForked,
    ExecutionPaused,
    ExecutionReopened,
    ExecutionResumed,
    Fork,
    Json,
    Outcome,
    PauseAmended,
    PauseOpened,
    Refusal,
    ResumeExecution,
    ResumeQueued,
    Source,
    StartExecution,
)

MAX_EVENTS: Final = 10_000
"""Events that a fork takes over at most."""

MAX_BYTES: Final = 32 * 1024 * 1024
"""Bytes of them at most, about."""


def past_state(past: Sequence[Event], graph: Graph | None = None) -> State:
    """The source of a fork after the last event that is taken.

    Args:
        past: its events, from the first one on.
        graph: what runs there; without it, what is ready next is not told.
    """
    state = State()
    for event in past:
        evolve(state, event, graph)
    return state


def fork_refusal(state: State, graph: Graph, message: Forking) -> Refusal | None:
    """Why nobody, or not this one, may go on from a state in this way; ``None``: they may.

    Args:
        state: of the source, after the last event that is taken.
        graph: what the fork runs.
        message: what is wanted, and by whom.
    """
    _, fork = _wanted(message.command)
    if state.status == "completed":
        return Refusal(
            code="NOTHING_TO_RUN",
            message="The execution has completed by then: nothing is left to run. Fork it at an earlier "
            "event",
        )
    if fork.decision is not None and (fork.edited or fork.replanted):
        return Refusal(
            code="BAD_REQUEST",
            message="What is decided on is shown anew with another input or version: fork first, then decide",
        )
    decided = _decided(state, graph, message) if fork.edited else None
    if decided is not None:
        return Refusal(code="DECIDED", message=decided)
    return None if fork.decision is None else _decision_refusal(state, fork, message.command.actor)


def _decided(state: State, graph: Graph, message: Forking) -> str | None:
    """Which decision another input would be carried past, and what to do about it."""
    decided = first_decided(state, message.past, message.decided_in)
    if decided is not None:
        return (
            "People have decided on what the input would change, or may have in a called execution. "
            f"Fork the execution before event {decided}, so that they are asked again"
        )
    if state.source is not None and may_have_begun_decided(message.past, graph):
        return (
            "The execution began with what people decided on another input, or may have. Fork the execution "
            f"that it took this from, {state.source.execution_id}"
        )
    return None


def _decision_refusal(state: State, fork: Fork, actor: Actor) -> Refusal | None:
    data = _resume(fork)
    point = state.points.get(data.context_id)
    if point is not None:  # in the fork it is the forker who started it
        also = [] if point.barred is None else [person_of(actor), point.barred]
        point.barred_too = [*point.barred_too, *also]
    refusal = refusal_of(state, data, actor)
    if refusal is None and point is not None:
        _, refusal = read_submission(form_of(point.response), normalise_input(data.input))
    return refusal


def take_fork(state: State, graph: Graph, message: Forking, now: float) -> Results:
    """Begin a fork; what it may not do leaves nothing.

    Args:
        state: of its empty log.
        graph: what it runs, compiled for its entry.
        message: the command, and the source's events.
        now: seconds since the epoch.
    """
    command = message.command
    start, fork = _wanted(command)
    if state.version:
        yield restarted(state, command)
        return
    if command.not_after is not None and now > from_iso(command.not_after):
        yield refused(command, "EXPIRED", "The command reached an executor too late and changed nothing")
        return
    source = past_state(message.past, None if fork.replanted else graph)
    refusal = message.refusal or fork_refusal(source, graph, message)
    if refusal is not None:
        yield Outcome(
            command_id=command.command_id,
            execution_id=command.execution_id,
            outcome="refused",
            refusal=refusal,
        )
        return
    yield Outcome(
        command_id=command.command_id, execution_id=command.execution_id, outcome="accepted", event_id=1
    )
    yield begun(command, start if fork.edited else replace(start, input=source.input), now)
    if not fork.replanted:
        yield from _copies(state, message.past[1:], source.execution_id)
    yield _forked(state, graph, message, source)
    yield from _go_on(state, graph, command, fork, now)


def _wanted(command: Command) -> tuple[StartExecution, Fork]:
    data = command.data
    if not isinstance(data, StartExecution) or data.fork is None:
        raise TypeError(f"{command.type} begins no fork")
    return data, data.fork


def _copies(state: State, past: Sequence[Event], source_id: str) -> Iterator[Draft]:
    log_id = UUID(state.log_id)
    for event in past:
        yield Draft(
            _copied(event.data, log_id, state, source_id),
            event.causation_id,
            None if event.run_id is None else str(forked_run_id(log_id, event.run_id)),
            event.attempt,
            event.correlation_id,
            Copy(event_id=event.event_id, timestamp=event.happened_at),
        )


def _copied(data: EventData, log_id: UUID, state: State, source_id: str) -> EventData:
    """What an event says, with the fork's own runs, and with links that lead to its own pause points."""
    match data:
        case ExecutionResumed() | ResumeQueued() | ExecutionReopened():
            run_id = str(forked_run_id(log_id, data.resume_execution_id))
            return replace(data, resume_execution_id=run_id)
        case ExecutionForked() if data.resume_execution_id is not None:
            return replace(data, resume_execution_id=str(forked_run_id(log_id, data.resume_execution_id)))
        case PauseOpened() | PauseAmended():
            return replace(data, response=_relinked(data.response, state, source_id))
        case ExecutionPaused():
            return replace(data, output=_relinked(data.output, state, source_id))
        case _:
            return data


def _relinked(value: Json, state: State, source_id: str) -> Json:
    if isinstance(value, list):
        return [_relinked(each, state, source_id) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _own_links(each, state, source_id) if name == "_resume" else _relinked(each, state, source_id)
        for name, each in value.items()
    }


def _own_links(links: Any, state: State, source_id: str) -> Json:
    if not isinstance(links, dict) or links.get("executionId") != source_id or "contextId" not in links:
        return links  # a child's
    return resume_links(
        workflow_id=state.workflow_id, execution_id=state.execution_id, context_id=links["contextId"]
    )


def _forked(state: State, graph: Graph, message: Forking, source: State) -> Draft:
    command = message.command
    start, fork = _wanted(command)
    edits: dict[Edit, bool] = {
        "input": fork.edited,
        "decision": fork.decision is not None,
        "workflowVersion": fork.replanted,
    }
    begins = not fork.replanted and needs_run(source, edited=fork.edited)
    run_id = str(forked_run_id(UUID(state.log_id), command.command_id)) if begins else None
    forked = ExecutionForked(
        source=start.source or Source(execution_id=source.execution_id, event_id=fork.event_id),
        as_of=message.past[-1].happened_at,
        actor=command.actor,
        reason=fork.reason,
        edited=[name for name, holds in edits.items() if holds],
        mode=start.mode,
        resume_execution_id=run_id,
        request_digest=command.request_digest,
    )
    if fork.replanted:
        asking = asking_blocks(source, message.past, message.decided_in)
        forked = replace(forked, **_seeds(state, graph, source, asking=asking, edited=fork.edited))
    elif fork.edited and graph.entry in source.outputs:
        forked = replace(forked, outputs={graph.entry: _start_output(state, graph)})
    return Draft(forked, command.command_id, run_id, correlation_id=command.correlation_id)


def _seeds(
    state: State, graph: Graph, source: State, *, asking: Collection[str], edited: bool
) -> dict[str, Any]:
    """What a fork of another version begins with: nothing that people decided, and nothing that waits."""
    left = {*asking, *(point.block_id for point in source.open_points())}
    outputs = {name: output for name, output in source.outputs.items() if name not in left}
    if edited and graph.entry in outputs:
        outputs[graph.entry] = _start_output(state, graph)
    initial = {
        each.name: parse_variable(each.name, each.type, each.value) for each in graph.definition.variables
    }
    return {"outputs": taken_over(graph, outputs), "variables": initial | source.variables}


def _start_output(state: State, graph: Graph) -> Json:
    return start_output(graph.nodes[graph.entry].block, state.input, run_metadata(state))


def _go_on(state: State, graph: Graph, command: Command, fork: Fork, now: float) -> Results:
    """Begin again what was at work, and go on with the rest."""
    cause = command.command_id
    for flight in list(state.in_flight.values()):
        if flight.rests in (None, "child"):
            yield from try_again(state, graph, flight, cause)
    for run in list(state.active_runs()):
        if graph.entry in state.ready:
            yield from run_entry(state, graph, run, given=state.input, now=now, cause=cause)
        yield from advance(state, graph, run, now, cause)
    if fork.decision is not None:
        yield from _decide(state, graph, command, fork, now)


def _decide(state: State, graph: Graph, command: Command, fork: Fork, now: float) -> Results:
    """Take the decision that came with the fork, as a command of its own would be."""
    data = _resume(fork)
    own = replace(
        command,
        command_id=str(message_id(UUID(state.log_id), state.version)),
        type=data.TYPE,
        request_digest=None,
        correlation_id=command.command_id,
        data=data,
    )
    for result in decide_resume(state, graph, own, data, now):
        if not isinstance(result, Outcome):
            yield result
        elif result.refusal is not None:
            raise ValueError(f"a decision that may be taken was refused: {result.refusal.message}")


def _resume(fork: Fork) -> ResumeExecution:
    if fork.decision is None:
        raise ValueError("the fork decides nothing")
    return ResumeExecution(**asdict(fork.decision))
