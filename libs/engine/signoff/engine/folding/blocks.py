"""The fold of what happens to blocks and to the turns of containers."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from signoff.engine.definitions.graph import Graph, has_successor, settle
from signoff.engine.folding.places import branches_of, path_of, scope_of, turns_of
from signoff.engine.folding.work import ask, land, leave, make_ready, note, rest, take_off
from signoff.engine.state import (
    Child,
    Container,
    Failure,
    InFlight,
    Ready,
    Run,
    Scope,
    State,
)
from signoff.events.types import (
    BlockCompleted,
    BlockError,
    BlockRetrying,
    BlockStarted,
    ChildCalled,
    ContainerOpened,
    Event,
    Json,
    LoopIteration,
    ParallelBranch,
    StreamChunk,
    TimerSet,
    Turn,
)


def _block_started(state: State, event: Event, data: BlockStarted, _: Graph | None) -> None:
    run = state.run_of(event.run_id)
    turns = turns_of(data)
    instance = data.block_id + path_of(turns)
    before = state.in_flight.get(instance)
    attempt = event.attempt or 1
    if before is None:
        state.order = max(state.order, data.execution_order)
        state.ready.pop(instance, None)
    else:
        leave(state, run, before)
    take_off(state, run, InFlight(
        instance=instance,
        block_id=data.block_id,
        run_id=run.run_id,
        attempt=attempt,
        first_attempt=attempt if before is None else before.first_attempt,
        event_id=event.event_id,
        order=data.execution_order,
        started_at=event.happened_at,
        turns=turns,
        scope=scope_of(turns),
    ))  # fmt: skip


def _block_completed(state: State, event: Event, data: BlockCompleted, graph: Graph | None) -> None:
    turns = turns_of(data)
    instance = data.block_id + path_of(turns)
    land(state, instance)
    state.containers.pop(instance, None)
    state.agenda.pop(instance, None)
    state.outputs[data.block_id + branches_of(turns)] = data.output
    run = state.run_of(event.run_id)
    again = run.repeats and run.context_id == instance
    if not again:
        _give(state, run, data, graph)
    if graph is not None and not again:
        _advance(state, graph, run, data.block_id, turns, output=data.output, event_id=event.event_id)


def _give(state: State, run: Run, data: BlockCompleted, graph: Graph | None) -> None:
    """Whether a block's output is the execution's: a ``response`` or a stop fixes it, and ends scheduling."""
    if data.block_type == "response":
        if state.response_block_id is None:
            state.response_block_id = data.block_id
            state.output = data.output
        run.halted = True
    elif run.halted:
        return
    elif data.block_id == state.stop_after_block_id:
        state.output = data.output
        run.halted = True
    elif graph is not None and not has_successor(graph, data.block_id) and state.response_block_id is None:
        state.output = data.output


def _block_error(state: State, event: Event, data: BlockError, graph: Graph | None) -> None:
    turns = turns_of(data)
    instance = data.block_id + path_of(turns)
    land(state, instance)
    state.containers.pop(instance, None)
    state.agenda.pop(instance, None)
    run = state.run_of(event.run_id)
    if data.handled:
        output = {"error": data.error}
        state.outputs[data.block_id + branches_of(turns)] = output
        if data.block_id == state.stop_after_block_id and not run.halted:
            state.output = output
            run.halted = True
        if graph is not None:
            _advance(
                state, graph, run, data.block_id, turns,
                output=output, event_id=event.event_id, failed=True,
            )  # fmt: skip
        return
    state.lost[instance] = Ready(
        block_id=data.block_id, scope=scope_of(turns), run_id=run.run_id, attempt=(event.attempt or 1) + 1
    )
    failure = Failure(f"{data.block_name}: {data.error}", data.code or "BLOCK_FAILED", data.block_id)
    run.failure = run.failure or failure
    state.failure = state.failure or failure


def _block_retrying(state: State, _: Event, data: BlockRetrying, __: Graph | None) -> None:
    flight = state.in_flight[data.block_id + path_of(turns_of(data))]
    flight.child = None
    rest(state, flight, "retry", data.next_attempt_at)


def _timer_set(state: State, _: Event, data: TimerSet, __: Graph | None) -> None:
    if data.kind == "wait":
        rest(state, state.in_flight[data.timer_id], "wait", data.due_at)


def _child_called(state: State, _: Event, data: ChildCalled, __: Graph | None) -> None:
    flight = state.in_flight[data.block_id + path_of(turns_of(data))]
    flight.child = Child(
        execution_id=data.child_execution_id,
        workflow_id=data.child_workflow_id,
        name=data.child_workflow_name,
    )
    rest(state, flight, "child")


def _chunk(state: State, _: Event, data: StreamChunk, __: Graph | None) -> None:
    flight = state.in_flight.get(data.block_id + path_of(turns_of(data)))
    if flight is not None and flight.attempt == data.attempt:
        flight.streamed = data.offset + len(data.chunk)


def _advance(
    state: State,
    graph: Graph,
    run: Run,
    block_id: str,
    turns: Sequence[Turn],
    *,
    output: Json,
    event_id: int,
    failed: bool = False,
) -> None:
    """A block ended: others in its scope are ready by that, or its turn is over."""
    key = scope_of(turns)
    scope = state.scopes[key]
    settled = settle(
        graph, block_id, output=output, failed=failed, open_edges=scope.open_edges, reached=scope.reached
    )
    scope.open_edges.update(settled.open_edges)
    scope.reached |= settled.reached
    make_ready(state, scope, key, settled.ready, run.run_id)
    scope.pending -= 1
    if scope.container is not None:
        scope.outputs.append(output)
        if scope.pending == 0:
            _end_turn(state, graph, run, scope, event_id)


def _container_opened(state: State, event: Event, data: ContainerOpened, _: Graph | None) -> None:
    turns = turns_of(data)
    instance = data.block_id + path_of(turns)
    flight = land(state, instance)
    state.containers[instance] = Container(
        instance=instance,
        block_id=data.block_id,
        order=flight.order if flight else state.order,
        attempt=flight.attempt if flight else 1,
        started_at=flight.started_at if flight else event.happened_at,
        turns=turns,
        scope=scope_of(turns),
        items=data.items,
        total=data.total,
        at_once=data.at_once,
    )
    note(state, state.containers[instance], event.run_id or state.execution_id)


def _turn_begun(
    state: State, event: Event, data: LoopIteration | ParallelBranch, graph: Graph | None
) -> None:
    outer = turns_of(data)
    instance = data.container_id + path_of(outer)
    if instance in state.in_flight:  # it was asked whether it goes on
        land(state, instance)
    container = state.containers[instance]
    container.next = data.index + 1
    container.live += 1
    container.results.append([])
    turn = Turn(
        iteration_current=data.index,
        iteration_total=container.total,
        iteration_type="loop" if isinstance(data, LoopIteration) else "parallel",
        iteration_container_id=data.container_id,
    )
    scope = Scope(turns=[*outer, turn], container=instance, index=data.index)
    key = scope_of(scope.turns)
    run_id = event.run_id or state.execution_id
    if graph is not None:
        state.scopes[key] = scope
        make_ready(state, scope, key, graph.containers[data.container_id].entries, run_id)
    note(state, container, run_id)


def _end_turn(state: State, graph: Graph, run: Run, scope: Scope, event_id: int) -> None:
    """Every block of a turn has ended, or will never run."""
    container = state.containers[str(scope.container)]
    container.results[scope.index] = scope.outputs
    container.live -= 1
    del state.scopes[scope_of(scope.turns)]
    compiled = graph.containers[container.block_id]
    if compiled.kind == "parallel":
        branches = branches_of(scope.turns)
        for member in compiled.members:
            state.outputs.pop(member + branches, None)
    elif container.total is None:
        ask(state, run, container, event_id)
    note(state, container, run.run_id)


BLOCK_EVENTS: Final[dict[type, Callable[[State, Event, Any, Graph | None], None]]] = {
    BlockStarted: _block_started,
    BlockCompleted: _block_completed,
    BlockError: _block_error,
    BlockRetrying: _block_retrying,
    ContainerOpened: _container_opened,
    LoopIteration: _turn_begun,
    ParallelBranch: _turn_begun,
    ChildCalled: _child_called,
    StreamChunk: _chunk,
    TimerSet: _timer_set,
}
"""How each event of a block changes the state."""
