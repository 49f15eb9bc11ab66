"""The fold of what happens to runs, and of decisions being taken up."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from signoff.engine.definitions.graph import Graph, seed_edges
from signoff.engine.folding.work import ask, leave, make_ready, note
from signoff.engine.points.evolve import release_held, tell
from signoff.engine.state import (
    Failure,
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
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    ExecutionReopened,
    ExecutionResumed,
    ExecutionSeeded,
    ExecutionStarted,
    ResumeFailed,
    ResumeQueued,
)


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
    state.parent, state.call_chain = data.parent, data.call_chain
    state.source = data.source
    state.trigger_block_id, state.start_block_id = data.trigger_block_id, data.start_block_id
    deadline = None if data.timeout_at is None else from_iso(data.timeout_at)
    if deadline is not None:
        state.time_limit = data.time_limit or round(deadline - state.time, 6)
    state.stop_after_block_id = data.stop_after_block_id
    state.started_at = state.time
    state.commands[event.causation_id] = Taken(event.event_id, data.request_digest)
    open_run(state, Run(
        run_id=state.execution_id, mode=data.mode, started_at=state.time, started_event=event.event_id,
        deadline=deadline,
    ))  # fmt: skip
    state.scopes[""] = Scope()
    if graph is not None:
        make_ready(state, state.scopes[""], "", [data.start_block_id or graph.entry], state.execution_id)


def _seeded(state: State, _: Event, data: ExecutionSeeded, graph: Graph | None) -> None:
    state.outputs.update(data.outputs)
    state.variables.update(data.variables)
    if graph is not None and state.start_block_id is not None:
        root = state.scopes[""]
        seed_edges(graph, state.start_block_id, data.outputs, root.open_edges, root.reached)


def open_run(state: State, run: Run) -> None:
    """A run begins; without a deadline of its own it has the execution's time limit."""
    if run.deadline is None and state.time_limit is not None:
        run.deadline = state.time + state.time_limit
    state.runs[run.run_id] = run
    state.active.append(run.run_id)
    state.status = "running"


def _end_run(state: State, run: Run, event: Event, status: Status) -> None:
    run.status, run.ended_event, run.ended_at = status, event.event_id, state.time
    run.deadline = run.idle_since = None
    state.active.remove(run.run_id)
    if run.busy or run.waits or run.retries or run.children:
        for flight in [each for each in state.in_flight.values() if each.run_id == run.run_id]:
            del state.in_flight[flight.instance]
            leave(state, run, flight)
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
    point = state.points[entry.context_id]
    if point.entry_id == entry.entry_id:  # it has not been opened anew by this very run
        point.status = "failed" if run.failure else "resumed"


def _end(state: State, event: Event, status: Status) -> None:
    for run in list(state.active_runs()):
        _end_run(state, run, event, status)
    state.status, state.ended_at = status, state.time
    state.telling = {}


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


def _take_entry(
    state: State, event: Event, data: ResumeQueued | ExecutionResumed, graph: Graph | None
) -> ResumeEntry:
    entry = ResumeEntry(
        entry_id=data.resume_entry_id,
        run_id=data.resume_execution_id,
        context_id=data.context_id,
        mode=data.mode,
        input=data.input,
        submission=data.submission,
        actor=data.actor,
        made=data.made,
        retry_of=data.retry_of,
        event_id=event.event_id,
        queued_at=state.time,
    )
    state.entries[entry.entry_id] = entry
    if event.causation_id == entry.entry_id:  # a command's; time resumes a point without any
        state.commands[entry.entry_id] = Taken(event.event_id, data.request_digest, entry.run_id)
    point = state.points[data.context_id]
    point.entry_id = entry.entry_id
    point.closed_at, point.version = state.time, event.event_id
    point.claimed_by, point.returned = None, False
    state.timers.pop(data.context_id, None)
    release_held(state, entry.entry_id)
    if point.kind == "human" and entry.retry_of is None:
        tell(state, graph, point, "closed")
    return entry


def _resume_queued(state: State, event: Event, data: ResumeQueued, graph: Graph | None) -> None:
    entry = _take_entry(state, event, data, graph)
    state.points[data.context_id].status = "queued"
    state.open[data.context_id] = None
    state.queue.append(entry.entry_id)


def _resumed(state: State, event: Event, data: ExecutionResumed, graph: Graph | None) -> None:
    entry = state.entries.get(data.resume_entry_id)
    if entry is None:
        entry = _take_entry(state, event, data, graph)
    else:
        state.queue.remove(entry.entry_id)
    entry.status, entry.claimed_at = "claimed", state.time
    state.points[data.context_id].status = "resuming"
    state.open.pop(data.context_id, None)
    run = Run(
        run_id=entry.run_id, mode=entry.mode, started_at=state.time, started_event=event.event_id,
        context_id=entry.context_id, entry_id=entry.entry_id,
        repeats=entry.retry_of is not None and entry.context_id not in state.lost,
    )  # fmt: skip
    open_run(state, run)
    if entry.retry_of is not None:
        _take_back(state, run, state.runs[state.entries[entry.retry_of].run_id], event.event_id)


def _take_back(state: State, run: Run, failed: Run, event_id: int) -> None:
    """What was lost with a run that failed starts again in another; its failure does not count any more."""
    lost = {name: each for name, each in state.lost.items() if each.run_id == failed.run_id}
    state.lost = {name: each for name, each in state.lost.items() if name not in lost}
    still = dict.fromkeys(each.run_id for each in state.lost.values())
    state.failure = next((state.runs[each].failure for each in still if state.runs[each].failure), None)
    start_again(state, run, lost, event_id)
    for name in [name for name, run_id in state.agenda.items() if run_id == failed.run_id]:
        note(state, state.containers[name], run.run_id)


def start_again(state: State, run: Run, lost: dict[str, Ready], event_id: int) -> None:
    """Let a run do what was lost with others."""
    for instance, ready in lost.items():
        if ready.evaluates:
            ask(state, run, state.containers[instance], event_id)
        else:
            state.ready[instance] = msgspec.structs.replace(ready, run_id=run.run_id)


def _resume_failed(state: State, _: Event, data: ResumeFailed, __: Graph | None) -> None:
    entry = state.entries[data.resume_entry_id]
    entry.status, entry.failure_reason, entry.completed_at = "failed", data.reason, state.time
    state.queue.remove(entry.entry_id)
    state.points[data.context_id].status = "failed"
    state.open.pop(data.context_id, None)


def _reopened(state: State, event: Event, data: ExecutionReopened, _: Graph | None) -> None:
    state.ended_at = None
    if data.context_id is not None:  # the decision on that point begins the run, and takes the failure back
        state.status = "paused"
        return
    state.commands[event.causation_id] = Taken(event.event_id, data.request_digest, data.resume_execution_id)
    state.failure = None
    run = Run(
        run_id=data.resume_execution_id, mode=data.mode, started_at=state.time, started_event=event.event_id
    )
    open_run(state, run)
    lost, state.lost = state.lost, {}
    for point in state.points.values():  # what their runs left undone is this run's now
        if point.status == "failed":
            point.status = "resumed"
    start_again(state, run, lost, event.event_id)
    for container in state.containers.values():
        note(state, container, run.run_id)


RUN_EVENTS: Final[dict[type, Callable[[State, Event, Any, Graph | None], None]]] = {
    ExecutionStarted: _started,
    ExecutionSeeded: _seeded,
    ExecutionReopened: _reopened,
    ExecutionPaused: _paused,
    ExecutionResumed: _resumed,
    ExecutionCompleted: _completed,
    ExecutionError: _error,
    ExecutionCancelled: _cancelled,
    ResumeQueued: _resume_queued,
    ResumeFailed: _resume_failed,
}
"""How each event of a run, or of a decision, changes the state."""
