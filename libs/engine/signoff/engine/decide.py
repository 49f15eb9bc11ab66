"""Deciding: from a state and an input to the events that follow.

``decide`` is a generator. It yields drafts of events, effects and, for a command, the answer; the
caller folds each draft into the state *before* it asks for the next result, so that every rule
sees the state as it is. It reads no clock, draws no random number and touches nothing else: the
same state, input and time give the same results.
"""

import msgspec

from signoff.engine.deciding.commands import take_command
from signoff.engine.deciding.flow import Results, envelope_run, try_again
from signoff.engine.deciding.forks import take_fork
from signoff.engine.deciding.results import take_result, take_text
from signoff.engine.deciding.timers import fire_due
from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import (
    BlockSays,
    Draft,
    Forking,
    Input,
    Notify,
    TakenOver,
    Tick,
    Told,
)
from signoff.engine.points.resumes import start_queued
from signoff.engine.state import State
from signoff.events.types import Command, PauseNotified


def decide(state: State, graph: Graph, message: Input, now: float) -> Results:
    """What follows from an input.

    Args:
        state: the fold of the execution's log; the caller folds each yielded draft into it at once.
        graph: the definition that the execution is pinned to, compiled for its entry.
        message: a command, a block's result, the passing of time, a take-over.
        now: seconds since the epoch, not before the execution's last event, no finer than microseconds.
    """
    for result in _follow(state, graph, message, now):
        yield result
        tells = state.telling and isinstance(result, Draft) and result.copy_of is None
        if tells and state.version in state.telling:
            yield _notify(state, state.version)


def _follow(state: State, graph: Graph, message: Input, now: float) -> Results:
    known = state.version
    due = state.next_due()
    if due is not None and due <= now:
        yield from fire_due(state, graph, now)
    match message:
        case Command():
            yield from take_command(state, graph, message, now)
        case Tick():
            pass
        case Forking():
            yield from take_fork(state, graph, message, now)
        case Told():
            yield from _told(state, message)
        case TakenOver():
            yield from _take_over(state, graph, message, known)
        case _:
            flight = state.in_flight.get(message.instance)
            if flight is not None and flight.attempt == message.attempt and flight.rests is None:
                if isinstance(message, BlockSays):
                    yield from take_text(state, flight, message)
                else:
                    yield from take_result(state, graph, flight, message, now)
    if state.queue:
        yield from start_queued(state, graph, now)


def _notify(state: State, event_id: int) -> Notify:
    telling = state.telling[event_id]
    return Notify(event_id=event_id, context_id=telling.context_id, occasion=telling.occasion, to=telling.to)


def _told(state: State, message: Told) -> Results:
    """Record who was told of an event; once, and not in a log whose execution has ended."""
    telling = state.telling.get(message.event_id)
    if telling is None:
        return
    run_id = state.points[telling.context_id].run_id
    for sent in message.sent:
        notified = PauseNotified(
            context_id=telling.context_id,
            occasion=telling.occasion,
            of=message.event_id,
            **msgspec.structs.asdict(sent),
        )
        yield Draft(notified, str(message.event_id), envelope_run(state, run_id))


def _take_over(state: State, graph: Graph, message: TakenOver, known: int) -> Results:
    """Try again what was lost; what a timer has just started, after the last ``known`` event, was not."""
    for flight in list(state.in_flight.values()):
        lost = flight.rests is None and flight.event_id <= known
        if lost and (flight.instance, flight.attempt) not in message.running:
            yield from try_again(state, graph, flight, cause=str(flight.event_id))
    for event_id in [each for each in state.telling if each <= known]:
        yield _notify(state, event_id)
