"""What is at work in an execution, counted as blocks take off, rest and land."""

from collections.abc import Sequence
from typing import Literal

from signoff.engine.folding.places import path_of
from signoff.engine.state import (
    Container,
    InFlight,
    Ready,
    Run,
    Scope,
    State,
)
from signoff.events.times import from_iso


def make_ready(state: State, scope: Scope, key: str, block_ids: Sequence[str], run_id: str) -> None:
    """Blocks of a scope may start, in a run."""
    path = path_of(scope.turns)
    for block_id in block_ids:
        state.ready[block_id + path] = Ready(block_id=block_id, scope=key, run_id=run_id)
    scope.pending += len(block_ids)


def take_off(state: State, run: Run, flight: InFlight) -> None:
    """A block is at work."""
    state.in_flight[flight.instance] = flight
    run.busy += 1
    _count_busy(state, flight.scope, 1, run.run_id)
    _count_time(state, run)


def leave(state: State, run: Run, flight: InFlight) -> None:
    """A block no longer runs, or no longer rests."""
    if flight.rests is None:
        run.busy -= 1
        _count_busy(state, flight.scope, -1, run.run_id)
    elif flight.rests == "wait":
        run.waits -= 1
    elif flight.rests == "retry":
        run.retries -= 1
    else:
        run.children -= 1
    state.timers.pop(flight.instance, None)


def rest(
    state: State, flight: InFlight, rests: Literal["wait", "retry", "child"], until: str | None = None
) -> None:
    """A block no longer runs: it waits for a moment, or for its child."""
    run = state.runs[flight.run_id]
    leave(state, run, flight)
    flight.rests = rests
    if rests == "wait":
        run.waits += 1
    elif rests == "retry":
        run.retries += 1
    else:
        run.children += 1
    if until is not None:
        state.set_timer(flight.instance, from_iso(until))
    _count_time(state, run)


def land(state: State, instance: str) -> InFlight | None:
    """A block is no longer in flight."""
    flight = state.in_flight.pop(instance, None)
    if flight is not None:
        run = state.runs[flight.run_id]
        leave(state, run, flight)
        _count_time(state, run)
    return flight


def ask(state: State, run: Run, container: Container, event_id: int) -> None:
    """A condition decides whether a loop goes on: it is evaluated as a block runs.

    Each time is an attempt of its own, so that no answer counts for another turn.
    """
    take_off(state, run, InFlight(
        instance=container.instance,
        block_id=container.block_id,
        run_id=run.run_id,
        attempt=container.attempt + container.next,
        event_id=event_id,
        order=container.order,
        started_at=container.started_at,
        turns=container.turns,
        scope=container.scope,
        evaluates=True,
    ))  # fmt: skip


def note(state: State, container: Container, run_id: str) -> None:
    """Keep on the agenda what a container has to do: begin a turn, or end."""
    over = container.next == container.total
    if container.at_once is None:
        wants = container.live == 0 and container.instance not in state.in_flight
    elif over:
        wants = container.live == 0
    else:
        wants = container.busy < container.at_once
    if wants:
        state.agenda[container.instance] = run_id
    else:
        state.agenda.pop(container.instance, None)


def _count_busy(state: State, key: str, change: int, run_id: str) -> None:
    """Count blocks at work in the scopes around one, and the turns that they make busy."""
    scope = state.scopes.get(key)
    while scope is not None:
        before = scope.busy
        scope.busy += change
        if scope.container is None:
            return
        container = state.containers[scope.container]
        container.busy += (scope.busy > 0) - (before > 0)
        note(state, container, run_id)
        scope = state.scopes.get(container.scope)


def _count_time(state: State, run: Run) -> None:
    """The time limit stands still while nothing but durable waits and children are left.

    A child has its own limit, which is what was left of this one. For a synchronous caller all of it counts.
    """
    rests = run.waits or run.children
    if rests and not run.busy and not run.retries and run.mode != "sync":
        if run.idle_since is None:
            run.idle_since = state.time
    elif run.idle_since is not None:
        if run.deadline is not None:
            run.deadline += state.time - run.idle_since
        run.idle_since = None
