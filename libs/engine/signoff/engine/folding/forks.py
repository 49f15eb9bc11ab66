"""The fold of the event from which on a fork goes its own way.

Before it, a fork's state is its source's. Time stood still since: whatever is to happen at a moment happens
as long after the fork as it would have happened after the source's event.
"""

from collections.abc import Callable, Iterator
from heapq import heapify
from typing import Any, Final

from msgspec.structs import replace

from signoff.engine.deciding.planting import plant
from signoff.engine.definitions.graph import Graph
from signoff.engine.folding.runs import open_run, start_again
from signoff.engine.folding.work import note
from signoff.engine.points.notices import tells
from signoff.engine.state import TERMINAL, PausePoint, Ready, Run, State, Telling
from signoff.events.times import from_iso, iso
from signoff.events.types import Event, ExecutionForked


def begins_again(state: State, *, edited: bool) -> list[PausePoint]:
    """The open points whose blocks a fork starts again.

    A child works for the source, and not for a fork; with another input a point would show what was.

    Args:
        state: of the source.
        edited: the fork has another input.
    """
    return [
        each
        for each in state.open_points()
        if each.status != "queued" and (edited or each.kind == "child")  # what is queued has been answered
    ]


def needs_run(state: State, *, edited: bool) -> bool:
    """Whether something begins again in a fork that no run is under way for; arguments as above."""
    return state.status in TERMINAL or (not state.active and bool(begins_again(state, edited=edited)))


def begin_with_source(state: State) -> None:
    """With the first copy a fork's state becomes its source's, which began then.

    The event before it has the moment of the fork, which comes after all copies.
    """
    state.started_at = state.runs[state.execution_id].started_at = state.time


def _forked(state: State, event: Event, data: ExecutionForked, graph: Graph | None) -> None:
    state.started_at = state.time
    state.variables.update(data.variables)
    if "workflowVersion" in data.edited:
        state.outputs = dict(data.outputs)
        if graph is not None:
            _replant(state, graph)
        return
    _shift(state, round(state.time - from_iso(data.as_of), 6))
    state.outputs.update(data.outputs)
    lost = dict(_undone(state, edited="input" in data.edited))
    if data.resume_execution_id is not None:
        _reopen(state, event, data, data.resume_execution_id, lost)
    elif state.active:
        start_again(state, state.runs[state.active[0]], lost, event.event_id)
    state.telling = dict(_tellings(state, graph))


def _replant(state: State, graph: Graph) -> None:
    """The blocks that the outputs lead to are ready, in place of the first one."""
    root = state.scopes[""]
    planted = plant(graph, state.outputs)
    root.open_edges, root.reached = planted.open_edges, planted.reached
    state.ready = {
        block_id: Ready(block_id=block_id, scope="", run_id=state.execution_id) for block_id in planted.ready
    }
    root.pending = len(planted.ready)


def _reopen(state: State, event: Event, data: ExecutionForked, run_id: str, lost: dict[str, Ready]) -> None:
    """A run of the fork's own takes over what the source's runs left undone."""
    was_over = state.status in TERMINAL
    state.ended_at = None
    run = Run(run_id=run_id, mode=data.mode, started_at=state.time, started_event=event.event_id)
    open_run(state, run)
    if was_over:
        state.failure = None
        lost, state.lost = {**state.lost, **lost}, {}
        for point in state.points.values():
            if point.status == "failed":
                point.status = "resumed"
    start_again(state, run, lost, event.event_id)
    for container in state.containers.values():
        note(state, container, run_id)


def _undone(state: State, *, edited: bool) -> Iterator[tuple[str, Ready]]:
    """The blocks of points that begin again, and of those whose decision was cancelled in its queue."""
    for point in begins_again(state, edited=edited):
        point.status, point.closed_at = "closed", state.time
        del state.open[point.context_id]
        state.timers.pop(point.context_id, None)
        yield point.context_id, _once_more(point)
    for point in state.points.values():
        entry = None if point.entry_id is None else state.entries[point.entry_id]
        if point.status == "failed" and entry is not None and entry.run_id not in state.runs:
            yield point.context_id, _once_more(point)


def _once_more(point: PausePoint) -> Ready:
    return Ready(block_id=point.block_id, scope=point.scope, run_id=point.run_id, attempt=point.attempt + 1)


def _shift(state: State, gap: float) -> None:
    """Move all that is under way by the time that passed since; runs that are under way begin now."""
    for run in state.active_runs():
        run.started_at = state.time
        run.idle_since = None if run.idle_since is None else state.time
        run.deadline = None if state.time_limit is None else state.time + state.time_limit
    for flight in state.in_flight.values():
        flight.started_at = _later(flight.started_at, gap)
    for container in state.containers.values():
        container.started_at = _later(container.started_at, gap)
    for point in state.open_points():
        point.opened_at += gap
        point.due_at = None if point.due_at is None else point.due_at + gap
        point.deadlines = [replace(each, at=_later(each.at, gap)) for each in point.deadlines]
        point.notified, point.version = [], state.version
    state.held_decisions = {
        name: replace(held, expires_at=held.expires_at + gap) for name, held in state.held_decisions.items()
    }
    state.timers = {name: due + gap for name, due in state.timers.items()}
    state.moments = [(due, name) for name, due in state.timers.items()]
    heapify(state.moments)


def _later(moment: str, gap: float) -> str:
    return iso(from_iso(moment) + gap)


def _tellings(state: State, graph: Graph | None) -> Iterator[tuple[int, Telling]]:
    """People are told of the points that are open in the fork, as if they had just opened."""
    for point in state.open_points():
        node = None if graph is None else graph.nodes.get(point.block_id)
        waits = point.kind == "human" and point.status == "paused"
        if waits and node is not None and tells(node.block.params, "opened"):
            yield point.event_id, Telling(context_id=point.context_id, occasion="opened")


FORK_EVENTS: Final[dict[type, Callable[[State, Event, Any, Graph | None], None]]] = {ExecutionForked: _forked}
"""How the event of a fork changes the state."""
