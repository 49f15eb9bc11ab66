"""The fold: what each event means for the state. O(1) per event, whatever the execution's size.

No rule is decided here. An event is a fact; the state only remembers what later decisions need.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec

from signoff.engine.graph import Graph, has_successor, seed_edges, settle
from signoff.engine.pauses import pending_output
from signoff.engine.places import branches_of, path_of, scope_of, turns_of
from signoff.engine.state import (
    Child,
    Container,
    Failure,
    InFlight,
    PausePoint,
    Ready,
    ResumeEntry,
    Run,
    Scope,
    State,
    Status,
    Taken,
)
from signoff.events.times import from_iso
from signoff.events.types import (
    BlockCompleted,
    BlockError,
    BlockRetrying,
    BlockStarted,
    ChildCalled,
    ContainerOpened,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    ExecutionReopened,
    ExecutionResumed,
    ExecutionSeeded,
    ExecutionStarted,
    Json,
    LoopIteration,
    ParallelBranch,
    PauseClosed,
    PauseOpened,
    ResumeFailed,
    ResumeQueued,
    StreamChunk,
    TimerSet,
    Turn,
    VariablesSet,
)


def evolve(state: State, event: Event, graph: Graph | None = None, *, now: float | None = None) -> None:
    """Fold one event into the state, in place.

    Args:
        state: the fold of every event before this one.
        event: the next event of the same log.
        graph: what runs. Without it the state tells all that happened, but not what is ready next:
            enough to show an execution, not to decide.
        now: the event's time, where the caller has it already: seconds since the epoch, no finer than
            the microseconds of the envelope, or the fold of the bytes would differ.

    Raises:
        ValueError: the event does not follow the state.
    """
    if event.event_id != state.version + 1:
        raise ValueError(f"event {event.event_id} does not follow version {state.version}")
    state.version = event.event_id
    state.time = from_iso(event.timestamp) if now is None else now
    apply = _APPLY.get(type(event.data))
    if apply is not None:
        apply(state, event, event.data, graph)
        state.forget_timers()


def _started(state: State, event: Event, data: ExecutionStarted, graph: Graph | None) -> None:
    state.execution_id = event.execution_id or ""
    state.log_id = event.log_id or state.execution_id
    state.request_digest = data.request_digest
    state.workspace_id = data.workspace_id
    state.workflow_id = event.workflow_id
    state.workflow_version = data.workflow_version
    state.definition_digest = data.definition_digest
    state.trigger, state.mode, state.actor = data.trigger, data.mode, data.actor
    state.input = data.input
    state.parent = data.parent
    state.trigger_block_id, state.start_block_id = data.trigger_block_id, data.start_block_id
    if data.timeout_at is not None:
        state.time_limit = round(from_iso(data.timeout_at) - state.time, 6)
    state.stop_after_block_id = data.stop_after_block_id
    state.started_at = state.time
    state.commands[event.causation_id] = Taken(event.event_id, data.request_digest)
    _open_run(state, Run(
        run_id=state.execution_id, mode=data.mode, started_at=state.time, started_event=event.event_id,
    ))  # fmt: skip
    state.scopes[""] = Scope()
    if graph is not None:
        _make_ready(state, state.scopes[""], "", [data.start_block_id or graph.entry], state.execution_id)


def _seeded(state: State, _: Event, data: ExecutionSeeded, graph: Graph | None) -> None:
    state.outputs.update(data.outputs)
    state.variables.update(data.variables)
    if graph is not None and state.start_block_id is not None:
        root = state.scopes[""]
        seed_edges(graph, state.start_block_id, data.outputs, root.open_edges, root.reached)


def _open_run(state: State, run: Run) -> None:
    if state.time_limit is not None:
        run.deadline = state.time + state.time_limit
    state.runs[run.run_id] = run
    state.active.append(run.run_id)
    state.status = "running"


def _make_ready(state: State, scope: Scope, key: str, block_ids: Sequence[str], run_id: str) -> None:
    path = path_of(scope.turns)
    for block_id in block_ids:
        state.ready[block_id + path] = Ready(block_id=block_id, scope=key, run_id=run_id)
    scope.pending += len(block_ids)


# --- Blocks -----------------------------------------------------------------------------------------


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
        _leave(state, run, before)
    _take_off(state, run, InFlight(
        instance=instance,
        block_id=data.block_id,
        run_id=run.run_id,
        attempt=attempt,
        first_attempt=attempt if before is None else before.first_attempt,
        event_id=event.event_id,
        order=data.execution_order,
        started_at=event.timestamp,
        turns=turns,
        scope=scope_of(turns),
    ))  # fmt: skip


def _take_off(state: State, run: Run, flight: InFlight) -> None:
    """A block is at work."""
    state.in_flight[flight.instance] = flight
    run.busy += 1
    _count_busy(state, flight.scope, 1, run.run_id)
    _count_time(state, run)


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
        _note(state, container, run_id)
        scope = state.scopes.get(container.scope)


def _note(state: State, container: Container, run_id: str) -> None:
    """Keep on the agenda what a container has to do: begin a turn, or end."""
    over = container.next == container.total
    if container.at_once is None:
        wants = container.live == 0 and container.instance not in state.in_flight
    elif over:
        wants = container.live == 0
    else:
        wants = container.busy < container.at_once and state.failure is None
    if wants:
        state.agenda[container.instance] = run_id
    else:
        state.agenda.pop(container.instance, None)


def _leave(state: State, run: Run, flight: InFlight) -> None:
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


def _rest(
    state: State, flight: InFlight, rests: Literal["wait", "retry", "child"], until: str | None = None
) -> None:
    run = state.runs[flight.run_id]
    _leave(state, run, flight)
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


def _count_time(state: State, run: Run) -> None:
    """The time limit stands still while durable waits are all there is; not for a synchronous caller."""
    others = run.busy or run.retries or run.children
    if run.waits > 0 and not others and run.mode != "sync":
        if run.idle_since is None:
            run.idle_since = state.time
    elif run.idle_since is not None:
        if run.deadline is not None:
            run.deadline += state.time - run.idle_since
        run.idle_since = None


def _land(state: State, instance: str) -> InFlight | None:
    """A block is no longer in flight."""
    flight = state.in_flight.pop(instance, None)
    if flight is not None:
        run = state.runs[flight.run_id]
        _leave(state, run, flight)
        _count_time(state, run)
    return flight


def _block_completed(state: State, event: Event, data: BlockCompleted, graph: Graph | None) -> None:
    turns = turns_of(data)
    instance = data.block_id + path_of(turns)
    _land(state, instance)
    state.containers.pop(instance, None)
    state.agenda.pop(instance, None)
    state.outputs[data.block_id + branches_of(turns)] = data.output
    run = state.run_of(event.run_id)
    if data.block_type == "response":
        if state.response_block_id is None:
            state.response_block_id = data.block_id
            state.output = data.output
        run.halted = True
    elif data.block_id == state.stop_after_block_id:
        state.output = data.output
        run.halted = True
    elif graph is not None and not has_successor(graph, data.block_id) and state.response_block_id is None:
        state.output = data.output
    if graph is not None:
        _advance(state, graph, run, data.block_id, turns, output=data.output, event_id=event.event_id)


def _block_error(state: State, event: Event, data: BlockError, graph: Graph | None) -> None:
    turns = turns_of(data)
    instance = data.block_id + path_of(turns)
    _land(state, instance)
    state.containers.pop(instance, None)
    state.agenda.pop(instance, None)
    run = state.run_of(event.run_id)
    if data.handled:
        output = {"error": data.error}
        state.outputs[data.block_id + branches_of(turns)] = output
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
    _make_ready(state, scope, key, settled.ready, run.run_id)
    scope.pending -= 1
    if scope.container is not None:
        scope.outputs.append(output)
        if scope.pending == 0:
            _end_turn(state, graph, run, scope, event_id)


# --- Containers -------------------------------------------------------------------------------------


def _container_opened(state: State, event: Event, data: ContainerOpened, _: Graph | None) -> None:
    turns = turns_of(data)
    instance = data.block_id + path_of(turns)
    flight = _land(state, instance)
    state.containers[instance] = Container(
        instance=instance,
        block_id=data.block_id,
        order=flight.order if flight else state.order,
        attempt=flight.attempt if flight else 1,
        started_at=flight.started_at if flight else event.timestamp,
        turns=turns,
        scope=scope_of(turns),
        items=data.items,
        total=data.total,
        at_once=data.at_once,
    )
    _note(state, state.containers[instance], event.run_id or state.execution_id)


def _turn_begun(
    state: State, event: Event, data: LoopIteration | ParallelBranch, graph: Graph | None
) -> None:
    outer = turns_of(data)
    instance = data.container_id + path_of(outer)
    if instance in state.in_flight:  # it was asked whether it goes on
        _land(state, instance)
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
        _make_ready(state, scope, key, graph.containers[data.container_id].entries, run_id)
    _note(state, container, run_id)


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
        _ask(state, run, container, event_id)
    _note(state, container, run.run_id)


def _ask(state: State, run: Run, container: Container, event_id: int) -> None:
    """A condition decides whether a loop goes on: it is evaluated as a block runs."""
    _take_off(state, run, InFlight(
        instance=container.instance,
        block_id=container.block_id,
        run_id=run.run_id,
        attempt=container.attempt,
        event_id=event_id,
        order=container.order,
        started_at=container.started_at,
        turns=container.turns,
        scope=container.scope,
        evaluates=True,
    ))  # fmt: skip


def _child_called(state: State, _: Event, data: ChildCalled, __: Graph | None) -> None:
    flight = state.in_flight[data.block_id + path_of(turns_of(data))]
    flight.child = Child(
        execution_id=data.child_execution_id,
        workflow_id=data.child_workflow_id,
        name=data.child_workflow_name,
    )
    _rest(state, flight, "child")


def _chunk(state: State, _: Event, data: StreamChunk, __: Graph | None) -> None:
    flight = state.in_flight.get(data.block_id + path_of(turns_of(data)))
    if flight is not None and flight.attempt == data.attempt:
        flight.streamed = data.offset + len(data.chunk)


def _block_retrying(state: State, _: Event, data: BlockRetrying, __: Graph | None) -> None:
    flight = state.in_flight[data.block_id + path_of(turns_of(data))]
    flight.child = None
    _rest(state, flight, "retry", data.next_attempt_at)


def _variables_set(state: State, _: Event, data: VariablesSet, __: Graph | None) -> None:
    state.variables.update(data.values)


def _timer_set(state: State, _: Event, data: TimerSet, __: Graph | None) -> None:
    if data.kind == "wait":
        _rest(state, state.in_flight[data.timer_id], "wait", data.due_at)


def _pause_opened(state: State, event: Event, data: PauseOpened, _: Graph | None) -> None:
    flight = _land(state, data.context_id)
    run_id = event.run_id or state.execution_id
    turns = flight.turns if flight else []
    due_at = from_iso(data.resume_at) if data.resume_at is not None else None
    if due_at is not None:
        state.set_timer(data.context_id, due_at)
    state.outputs[data.block_id + branches_of(turns)] = pending_output(data.response)
    state.points[data.context_id] = PausePoint(
        context_id=data.context_id,
        block_id=data.block_id,
        kind=data.pause_kind,
        run_id=run_id,
        order=flight.order if flight else state.order,
        attempt=flight.attempt if flight else 1,
        response=data.response,
        content_digest=data.content_digest,
        event_id=event.event_id,
        opened_at=state.time,
        turns=turns,
        scope=flight.scope if flight else "",
        child=flight.child if flight else None,
        due_at=due_at,
    )
    state.open[data.context_id] = None


def _pause_closed(state: State, _: Event, data: PauseClosed, __: Graph | None) -> None:
    point = state.points[data.context_id]
    point.status, point.closed_at = "closed", state.time
    state.open.pop(data.context_id, None)
    state.timers.pop(data.context_id, None)
    state.lost[point.context_id] = Ready(
        block_id=point.block_id, scope=point.scope, run_id=point.run_id, attempt=point.attempt + 1
    )


def _end_run(state: State, run: Run, event: Event, status: Status) -> None:
    run.status, run.ended_event, run.ended_at = status, event.event_id, state.time
    run.deadline = run.idle_since = None
    state.active.remove(run.run_id)
    if run.busy or run.waits or run.retries or run.children:
        for flight in [each for each in state.in_flight.values() if each.run_id == run.run_id]:
            del state.in_flight[flight.instance]
            _leave(state, run, flight)
            state.lost[flight.instance] = Ready(
                block_id=flight.block_id,
                scope=flight.scope,
                run_id=run.run_id,
                attempt=flight.attempt + 1,
                evaluates=flight.evaluates,
            )
    for instance, ready in [each for each in state.ready.items() if each[1].run_id == run.run_id]:
        del state.ready[instance]
        state.lost[instance] = ready
    if run.entry_id is not None:
        _end_entry(state, state.entries[run.entry_id], run)


def _end_entry(state: State, entry: ResumeEntry, run: Run) -> None:
    entry.status = "failed" if run.failure else "completed"
    entry.completed_at = state.time
    entry.failure_reason = run.failure.error if run.failure else None
    state.points[entry.context_id].status = "failed" if run.failure else "resumed"


def _end(state: State, event: Event, status: Status) -> None:
    for run in list(state.active_runs()):
        _end_run(state, run, event, status)
    state.status, state.ended_at = status, state.time


def _paused(state: State, event: Event, _: ExecutionPaused, __: Graph | None) -> None:
    _end_run(state, state.run_of(event.run_id), event, "paused")
    state.paused_at = state.time
    if not state.active:
        state.status = "paused"


def _completed(state: State, event: Event, data: ExecutionCompleted, _: Graph | None) -> None:
    state.output = data.output
    _end(state, event, "completed")


def _error(state: State, event: Event, data: ExecutionError, _: Graph | None) -> None:
    failure = Failure(data.error, data.code, data.block_id)
    run = state.run_of(event.run_id)
    if state.failure is None or _timed_out(state, run):
        run.failure = run.failure or failure
    state.failure = state.failure or failure
    _end_run(state, run, event, "failed")
    if data.final:
        _end(state, event, "failed")
    elif not state.active:
        state.status = "paused"


def _timed_out(state: State, run: Run) -> bool:
    """Otherwise a run without a failure of its own only ends what an earlier one failed."""
    return run.deadline is not None and run.idle_since is None and run.deadline <= state.time


def _cancelled(state: State, event: Event, data: ExecutionCancelled, _: Graph | None) -> None:
    state.commands[event.causation_id] = Taken(event.event_id)
    state.failure = Failure(data.reason, "CANCELLED")
    for run in state.active_runs():
        run.failure = state.failure
    _end(state, event, "cancelled")


def _take_entry(state: State, event: Event, data: ResumeQueued | ExecutionResumed) -> ResumeEntry:
    entry = ResumeEntry(
        entry_id=data.resume_entry_id,
        run_id=data.resume_execution_id,
        context_id=data.context_id,
        mode=data.mode,
        input=data.input,
        submission=data.submission,
        actor=data.actor,
        event_id=event.event_id,
        queued_at=state.time,
    )
    state.entries[entry.entry_id] = entry
    if event.causation_id == entry.entry_id:  # a command's; time resumes a point without any
        state.commands[entry.entry_id] = Taken(event.event_id, data.request_digest, entry.run_id)
    point = state.points[data.context_id]
    point.entry_id = entry.entry_id
    point.closed_at = state.time
    state.timers.pop(data.context_id, None)
    return entry


def _resume_queued(state: State, event: Event, data: ResumeQueued, _: Graph | None) -> None:
    entry = _take_entry(state, event, data)
    state.points[data.context_id].status = "queued"
    state.queue.append(entry.entry_id)


def _resumed(state: State, event: Event, data: ExecutionResumed, _: Graph | None) -> None:
    entry = state.entries.get(data.resume_entry_id)
    if entry is None:
        entry = _take_entry(state, event, data)
    else:
        state.queue.remove(entry.entry_id)
    entry.status, entry.claimed_at = "claimed", state.time
    state.points[data.context_id].status = "resuming"
    state.open.pop(data.context_id, None)
    _open_run(state, Run(
        run_id=entry.run_id, mode=entry.mode, started_at=state.time, started_event=event.event_id,
        context_id=entry.context_id, entry_id=entry.entry_id,
    ))  # fmt: skip


def _resume_failed(state: State, _: Event, data: ResumeFailed, __: Graph | None) -> None:
    entry = state.entries[data.resume_entry_id]
    entry.status, entry.failure_reason, entry.completed_at = "failed", data.reason, state.time
    state.queue.remove(entry.entry_id)
    state.points[data.context_id].status = "failed"
    state.open.pop(data.context_id, None)


def _reopened(state: State, event: Event, data: ExecutionReopened, _: Graph | None) -> None:
    state.commands[event.causation_id] = Taken(
        event.event_id, data.request_digest, data.resume_execution_id
    )
    state.failure = None
    state.ended_at = None
    run = Run(
        run_id=data.resume_execution_id, mode=data.mode, started_at=state.time, started_event=event.event_id
    )
    _open_run(state, run)
    lost, state.lost = state.lost, {}
    for instance, ready in lost.items():
        if ready.evaluates:
            _ask(state, run, state.containers[instance], event.event_id)
        else:
            state.ready[instance] = msgspec.structs.replace(ready, run_id=run.run_id)
    for container in state.containers.values():
        _note(state, container, run.run_id)


_APPLY: Final[dict[type, Callable[[State, Event, Any, Graph | None], None]]] = {
    ExecutionStarted: _started,
    ExecutionSeeded: _seeded,
    ExecutionReopened: _reopened,
    ExecutionPaused: _paused,
    ExecutionResumed: _resumed,
    ExecutionCompleted: _completed,
    ExecutionError: _error,
    ExecutionCancelled: _cancelled,
    BlockStarted: _block_started,
    BlockCompleted: _block_completed,
    BlockError: _block_error,
    BlockRetrying: _block_retrying,
    ContainerOpened: _container_opened,
    LoopIteration: _turn_begun,
    ParallelBranch: _turn_begun,
    ChildCalled: _child_called,
    StreamChunk: _chunk,
    VariablesSet: _variables_set,
    TimerSet: _timer_set,
    PauseOpened: _pause_opened,
    PauseClosed: _pause_closed,
    ResumeQueued: _resume_queued,
    ResumeFailed: _resume_failed,
}
