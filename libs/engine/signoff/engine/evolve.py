"""The fold: what each event means for the state. O(1) per event, whatever the execution's size.

No rule is decided here. An event is a fact; the state only remembers what later decisions need.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

from signoff.engine.graph import Graph, has_successor, settle
from signoff.engine.pauses import pending_output
from signoff.engine.state import Failure, InFlight, PausePoint, ResumeEntry, Run, State, Status, Taken
from signoff.events.times import from_iso
from signoff.events.types import (
    BlockCompleted,
    BlockError,
    BlockRetrying,
    BlockStarted,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    ExecutionResumed,
    ExecutionStarted,
    PauseClosed,
    PauseOpened,
    ResumeFailed,
    ResumeQueued,
    TimerSet,
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


def _started(state: State, event: Event, data: ExecutionStarted, _: Graph | None) -> None:
    state.execution_id = event.execution_id or ""
    state.log_id = event.log_id or state.execution_id
    state.request_digest = data.request_digest
    state.workspace_id = data.workspace_id
    state.workflow_id = event.workflow_id
    state.workflow_version = data.workflow_version
    state.definition_digest = data.definition_digest
    state.trigger, state.mode, state.actor = data.trigger, data.mode, data.actor
    state.input = data.input
    if data.timeout_at is not None:
        state.time_limit = round(from_iso(data.timeout_at) - state.time, 6)
    state.stop_after_block_id = data.stop_after_block_id
    state.started_at = state.time
    state.commands[event.causation_id] = Taken(event.event_id, data.request_digest)
    _open_run(state, Run(
        run_id=state.execution_id, mode=data.mode, started_at=state.time, started_event=event.event_id,
    ))  # fmt: skip


def _open_run(state: State, run: Run) -> None:
    if state.time_limit is not None:
        run.deadline = state.time + state.time_limit
    state.runs[run.run_id] = run
    state.active.append(run.run_id)
    state.status = "running"


def _block_started(state: State, event: Event, data: BlockStarted, _: Graph | None) -> None:
    run = state.run_of(event.run_id)
    before = state.in_flight.get(data.block_id)
    if before is None:
        state.order = max(state.order, data.execution_order)
    else:
        _leave(state, run, before)
    run.busy += 1
    _count_time(state, run)
    state.in_flight[data.block_id] = InFlight(
        block_id=data.block_id,
        run_id=run.run_id,
        attempt=event.attempt or 1,
        event_id=event.event_id,
        order=data.execution_order,
        started_at=event.timestamp,
    )


def _leave(state: State, run: Run, flight: InFlight) -> None:
    """A block no longer runs, or no longer rests."""
    if flight.rests is None:
        run.busy -= 1
        return
    if flight.rests == "wait":
        run.waits -= 1
    else:
        run.retries -= 1
    state.timers.pop(flight.block_id, None)


def _rest(state: State, block_id: str, rests: Literal["wait", "retry"], until: str) -> None:
    flight = state.in_flight[block_id]
    run = state.runs[flight.run_id]
    _leave(state, run, flight)
    flight.rests = rests
    if rests == "wait":
        run.waits += 1
    else:
        run.retries += 1
    state.timers[block_id] = from_iso(until)
    _count_time(state, run)


def _count_time(state: State, run: Run) -> None:
    """The time limit stands still while durable waits are all there is; not for a synchronous caller."""
    idle = run.waits > 0 and not run.busy and not run.retries and run.mode != "sync"
    if idle:
        if run.idle_since is None:
            run.idle_since = state.time
    elif run.idle_since is not None:
        if run.deadline is not None:
            run.deadline += state.time - run.idle_since
        run.idle_since = None


def _land(state: State, block_id: str) -> InFlight | None:
    """A block is no longer in flight."""
    flight = state.in_flight.pop(block_id, None)
    if flight is not None:
        run = state.runs[flight.run_id]
        _leave(state, run, flight)
        _count_time(state, run)
    return flight


def _block_completed(state: State, event: Event, data: BlockCompleted, graph: Graph | None) -> None:
    _land(state, data.block_id)
    state.outputs[data.block_id] = data.output
    if data.block_type == "response":
        if state.response_block_id is None:
            state.response_block_id = data.block_id
            state.output = data.output
        state.run_of(event.run_id).halted = True
    elif data.block_id == state.stop_after_block_id:
        state.output = data.output
        state.run_of(event.run_id).halted = True
    elif graph is not None and not has_successor(graph, data.block_id) and state.response_block_id is None:
        state.output = data.output
    _advance(state, graph, data.block_id, output=data.output, failed=False)


def _block_error(state: State, event: Event, data: BlockError, graph: Graph | None) -> None:
    _land(state, data.block_id)
    state.errors[data.block_id] = data.error
    if data.handled:
        state.outputs[data.block_id] = {"error": data.error}
        _advance(state, graph, data.block_id, output=None, failed=True)
        return
    failure = Failure(data.error, data.code or "BLOCK_FAILED", data.block_id)
    run = state.run_of(event.run_id)
    run.failure = run.failure or failure
    state.failure = state.failure or failure


def _advance(state: State, graph: Graph | None, block_id: str, *, output: Any, failed: bool) -> None:
    if graph is None:
        return
    settled = settle(
        graph, block_id, output=output, failed=failed, open_edges=state.open_edges, reached=state.reached
    )
    state.open_edges.update(settled.open_edges)
    state.reached |= settled.reached


def _block_retrying(state: State, _: Event, data: BlockRetrying, __: Graph | None) -> None:
    _rest(state, data.block_id, "retry", data.next_attempt_at)


def _variables_set(state: State, _: Event, data: VariablesSet, __: Graph | None) -> None:
    state.variables.update(data.values)


def _timer_set(state: State, _: Event, data: TimerSet, __: Graph | None) -> None:
    if data.kind == "wait" and data.block_id is not None:
        _rest(state, data.block_id, "wait", data.due_at)


def _pause_opened(state: State, event: Event, data: PauseOpened, _: Graph | None) -> None:
    flight = _land(state, data.block_id)
    due_at = from_iso(data.resume_at) if data.resume_at is not None else None
    if due_at is not None:
        state.timers[data.context_id] = due_at
    state.outputs[data.block_id] = pending_output(data.response)
    state.points[data.context_id] = PausePoint(
        context_id=data.context_id,
        block_id=data.block_id,
        kind=data.pause_kind,
        run_id=event.run_id or state.execution_id,
        order=flight.order if flight else state.order,
        attempt=flight.attempt if flight else 1,
        response=data.response,
        content_digest=data.content_digest,
        event_id=event.event_id,
        opened_at=state.time,
        due_at=due_at,
    )


def _pause_closed(state: State, _: Event, data: PauseClosed, __: Graph | None) -> None:
    point = state.points[data.context_id]
    point.status, point.closed_at = "closed", state.time
    state.timers.pop(data.context_id, None)


def _end_run(state: State, run: Run, event: Event, status: Status) -> None:
    run.status, run.ended_event, run.ended_at = status, event.event_id, state.time
    run.deadline = run.idle_since = None
    state.active.remove(run.run_id)
    if run.busy or run.waits or run.retries:
        for flight in [each for each in state.in_flight.values() if each.run_id == run.run_id]:
            del state.in_flight[flight.block_id]
            _leave(state, run, flight)
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
        state.commands[entry.entry_id] = Taken(event.event_id, data.request_digest)
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
    _open_run(state, Run(
        run_id=entry.run_id, mode=entry.mode, started_at=state.time, started_event=event.event_id,
        context_id=entry.context_id, entry_id=entry.entry_id,
    ))  # fmt: skip


def _resume_failed(state: State, _: Event, data: ResumeFailed, __: Graph | None) -> None:
    entry = state.entries[data.resume_entry_id]
    entry.status, entry.failure_reason, entry.completed_at = "failed", data.reason, state.time
    state.queue.remove(entry.entry_id)
    state.points[data.context_id].status = "failed"


_APPLY: Final[dict[type, Callable[[State, Event, Any, Graph | None], None]]] = {
    ExecutionStarted: _started,
    ExecutionPaused: _paused,
    ExecutionResumed: _resumed,
    ExecutionCompleted: _completed,
    ExecutionError: _error,
    ExecutionCancelled: _cancelled,
    BlockStarted: _block_started,
    BlockCompleted: _block_completed,
    BlockError: _block_error,
    BlockRetrying: _block_retrying,
    VariablesSet: _variables_set,
    TimerSet: _timer_set,
    PauseOpened: _pause_opened,
    PauseClosed: _pause_closed,
    ResumeQueued: _resume_queued,
    ResumeFailed: _resume_failed,
}
