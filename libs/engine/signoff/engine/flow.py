"""How an execution moves: a block ends, others start, a run ends, a queued decision takes its turn.

Generators, as in :mod:`signoff.engine.decide`: the caller folds each draft before it goes on.
``cause`` is the command's id, or the ``eventId`` of the event that something follows from.
"""

from collections.abc import Iterator, Sequence

from signoff.engine.graph import Graph, settle
from signoff.engine.messages import Draft, Result, RunBlock, RunEnded
from signoff.engine.pauses import submitted_output
from signoff.engine.state import TERMINAL, Failure, InFlight, PausePoint, ResumeEntry, Run, State
from signoff.events.times import from_iso, iso
from signoff.events.types import (
    BlockCompleted,
    BlockError,
    BlockStarted,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    ExecutionResumed,
    Json,
    PauseClosed,
    PausePointRef,
)

Results = Iterator[Result]


def envelope_run(state: State, run_id: str) -> str | None:
    """The ``runId`` of an envelope: left out for the first run."""
    return None if run_id == state.execution_id else run_id


def start_blocks(state: State, graph: Graph, run: Run, block_ids: Sequence[str], cause: str) -> Results:
    """Start blocks that became ready, all at once."""
    for block_id in block_ids:
        yield started(state, graph, run.run_id, block_id, order=state.order + 1, attempt=1, cause=cause)
        yield RunBlock(block_id, run.run_id, 1)


def started(
    state: State, graph: Graph, run_id: str, block_id: str, *, order: int, attempt: int, cause: str
) -> Draft:
    """The event that a try of a block starts."""
    block = graph.nodes[block_id].block
    return Draft(
        BlockStarted(block_id=block_id, block_name=block.name, block_type=block.type, execution_order=order),
        cause,
        envelope_run(state, run_id),
        attempt if attempt > 1 else None,
    )


def try_again(state: State, graph: Graph, flight: InFlight, cause: str) -> Results:
    """Start the next try of a block in flight."""
    attempt = flight.attempt + 1
    yield started(
        state, graph, flight.run_id, flight.block_id, order=flight.order, attempt=attempt, cause=cause
    )
    yield RunBlock(flight.block_id, flight.run_id, attempt)


def complete_block(
    state: State,
    graph: Graph,
    run: Run,
    block_id: str,
    *,
    order: int,
    attempt: int,
    given: Json,
    output: Json,
    started_at: str,
    now: float,
    cause: str,
) -> Results:
    """A block ends well: start what is ready by that, or end the run."""
    block = graph.nodes[block_id].block
    ready = settle(
        graph, block_id, output=output, failed=False, open_edges=state.open_edges, reached=state.reached
    ).ready
    yield Draft(
        BlockCompleted(
            block_id=block_id,
            block_name=block.name,
            block_type=block.type,
            execution_order=order,
            input=given,
            output=output,
            duration_ms=_since(started_at, now),
            started_at=started_at,
            ended_at=iso(now),
        ),
        cause,
        envelope_run(state, run.run_id),
        attempt if attempt > 1 else None,
    )
    yield from _go_on(state, graph, run, ready, now=now, cause=cause)


def fail_block(
    state: State,
    graph: Graph,
    flight: InFlight,
    *,
    given: Json,
    error: str,
    code: str,
    now: float,
) -> Results:
    """A block's last try failed: its error edge takes over, or the run fails."""
    node = graph.nodes[flight.block_id]
    run = state.runs[flight.run_id]
    cause = str(flight.event_id)
    ready = settle(
        graph, flight.block_id, output=None, failed=True, open_edges=state.open_edges, reached=state.reached
    ).ready
    yield Draft(
        BlockError(
            block_id=flight.block_id,
            block_name=node.block.name,
            block_type=node.block.type,
            execution_order=flight.order,
            input=given,
            error=error,
            code=code,
            duration_ms=_since(flight.started_at, now),
            started_at=flight.started_at,
            ended_at=iso(now),
            handled=node.handles_error,
        ),
        cause,
        envelope_run(state, run.run_id),
        flight.attempt if flight.attempt > 1 else None,
    )
    yield from _go_on(state, graph, run, ready, now=now, cause=cause)


def _go_on(state: State, graph: Graph, run: Run, ready: Sequence[str], *, now: float, cause: str) -> Results:
    if run.failure is None and not run.halted:
        yield from start_blocks(state, graph, run, ready, cause)
    yield from settle_run(state, run, now, cause)


def settle_run(state: State, run: Run, now: float, cause: str) -> Results:
    """End a run with nothing left to do.

    A run that failed, or that a ``response`` block stopped, does not wait for durable waits.
    """
    if run.status != "running" or run.busy:
        return
    if run.halted or run.failure is not None or not (run.waits or run.retries):
        yield from end_run(state, run, now, cause, failure=run.failure)


def end_run(state: State, run: Run, now: float, cause: str, *, failure: Failure | None) -> Results:
    """Write how a run ends: paused, completed, or failed with or without the execution."""
    where = envelope_run(state, run.run_id)
    if failure is not None:
        for point in [p for p in state.open_points() if p.run_id == run.run_id and p.status == "paused"]:
            yield Draft(
                PauseClosed(context_id=point.context_id, reason=f"The run failed: {failure.error}"),
                cause,
                where,
            )
    goes_on = len(state.active) > 1 or any(state.open_points())
    if failure is not None:
        yield _error(state, run, failure, now, cause, final=not goes_on)
    elif goes_on:
        yield Draft(_paused(state, run, now), cause, where)
    elif state.failure is not None:
        yield _error(state, run, state.failure, now, cause, final=True)
    else:
        yield Draft(
            ExecutionCompleted(
                success=True,
                output={} if state.output is None else state.output,
                response_block_id=state.response_block_id,
                duration=_elapsed(run, now),
                start_time=iso(run.started_at),
                end_time=iso(now),
            ),
            cause,
            where,
        )
    yield RunEnded(run.run_id, state.version)


def _error(state: State, run: Run, failure: Failure, now: float, cause: str, *, final: bool) -> Draft:
    return Draft(
        ExecutionError(
            error=failure.error,
            block_id=failure.block_id,
            code=failure.code,
            output=state.output,
            duration=_elapsed(run, now),
            start_time=iso(run.started_at),
            end_time=iso(now),
            final=final,
        ),
        cause,
        envelope_run(state, run.run_id),
    )


def _paused(state: State, run: Run, now: float) -> ExecutionPaused:
    points = list(state.open_points())
    responses = [point.response for point in points]
    return ExecutionPaused(
        output=responses[0]
        if len(responses) == 1
        else {"pausedBlocks": responses, "pauseCount": len(responses)},
        pause_points=[
            PausePointRef(context_id=point.context_id, block_id=point.block_id, pause_kind=point.kind)
            for point in points
        ],
        duration=_elapsed(run, now),
        start_time=iso(run.started_at),
        end_time=iso(now),
    )


def start_queued(state: State, graph: Graph, now: float) -> Results:
    """Give queued decisions their runs, one after the other, while no other run is at work."""
    while state.queue and state.status not in TERMINAL and not state.held():
        entry = state.entries[state.queue[0]]
        taken = state.commands.get(entry.entry_id)
        yield from begin_resume(
            state, graph, entry, now,
            cause=str(entry.event_id) if taken is None else entry.entry_id,
            request_digest=None if taken is None else taken.request_digest,
        )  # fmt: skip


def begin_resume(
    state: State,
    graph: Graph,
    entry: ResumeEntry,
    now: float,
    *,
    cause: str,
    request_digest: str | None = None,
    correlation_id: str | None = None,
) -> Results:
    """Take a decision up: its point's block ends with what was submitted, and the graph goes on."""
    point = state.points[entry.context_id]
    yield Draft(
        ExecutionResumed(
            resume_execution_id=entry.run_id,
            context_id=entry.context_id,
            resume_entry_id=entry.entry_id,
            mode=entry.mode,
            input=entry.input,
            submission=entry.submission,
            actor=entry.actor,
            request_digest=request_digest,
        ),
        cause,
        entry.run_id,
        correlation_id=correlation_id,
    )
    yield from complete_block(
        state,
        graph,
        state.runs[entry.run_id],
        point.block_id,
        order=point.order,
        attempt=point.attempt,
        given=None,
        output=_decided_output(point, entry, now),
        started_at=iso(point.opened_at),
        now=now,
        cause=cause,
    )


def _decided_output(point: PausePoint, entry: ResumeEntry, now: float) -> Json:
    if point.kind == "time":
        return {"status": "completed", "waitDuration": round((now - point.opened_at) * 1000)}
    return submitted_output(
        point.response,
        resume_input=entry.input,
        submission=entry.submission,
        submitted_by=entry.actor.name or entry.actor.id,
        submitted_at=iso(now),
    )


def _elapsed(run: Run, now: float) -> int:
    return round((now - run.started_at) * 1000)


def _since(started_at: str, now: float) -> int:
    return max(0, round((now - from_iso(started_at)) * 1000))
