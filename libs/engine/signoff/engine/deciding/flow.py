"""How an execution moves: a block ends, others start, a run ends, a queued decision takes its turn.

Generators, as in :mod:`signoff.engine.decide`: the caller folds each draft before it goes on.
``cause`` is the command's id, or the ``eventId`` of the event that something follows from.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias
from uuid import UUID

from signoff.engine.definitions.graph import Graph
from signoff.engine.folding.places import path_of, place_of
from signoff.engine.messages import Draft, Result, RunBlock, RunEnded
from signoff.engine.points.expiry import expire_held
from signoff.engine.state import (
    Child,
    Container,
    Failure,
    InFlight,
    PausePoint,
    Ready,
    Run,
    State,
)
from signoff.events.times import from_iso, iso
from signoff.events.topics import child_log_id
from signoff.events.types import (
    BlockCompleted,
    BlockError,
    BlockStarted,
    ChildCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    Json,
    LoopIteration,
    ParallelBranch,
    PauseClosed,
    PausePointRef,
    Turn,
)

Results = Iterator[Result]

Begun: TypeAlias = InFlight | PausePoint | Container
"""A block that began and has not ended: at work, waiting for a decision, or with its turns under way."""

CALLERS: Final = frozenset({"workflow", "workflow_input"})
"""Types of blocks that call another workflow."""


def envelope_run(state: State, run_id: str) -> str | None:
    """The ``runId`` of an envelope: left out for the first run."""
    return None if run_id == state.execution_id else run_id


def _attempt(attempt: int) -> int | None:
    return attempt if attempt > 1 else None


# --- Blocks begin -----------------------------------------------------------------------------------


def advance(state: State, graph: Graph, run: Run, now: float, cause: str) -> Results:
    """Start what is ready and begin the turns that there is room for; with nothing left the run ends."""
    while run.status == "running" and run.failure is None and not run.halted:
        ready = [(name, each) for name, each in state.ready.items() if each.run_id == run.run_id]
        for instance, each in ready:
            yield from _start(state, graph, instance, each, cause)
        if ready:
            continue
        due = next((name for name, run_id in state.agenda.items() if run_id == run.run_id), None)
        if due is None:
            break
        yield from _turn(state, graph, run, state.containers[due], now=now, cause=cause)
    yield from settle_run(state, run, now, cause)


def _start(state: State, graph: Graph, instance: str, ready: Ready, cause: str) -> Results:
    yield started(
        state, graph, instance,
        at=ready, turns=state.scopes[ready.scope].turns, order=state.order + 1, cause=cause,
    )  # fmt: skip
    yield RunBlock(instance, ready.run_id, ready.attempt)


def started(
    state: State,
    graph: Graph,
    instance: str,
    *,
    at: InFlight | Ready,
    turns: list[Turn],
    order: int,
    cause: str,
) -> Draft:
    """The event that a try of a block starts."""
    block = graph.nodes[at.block_id].block
    called = block.type in CALLERS
    return Draft(
        BlockStarted(
            block_id=block.id,
            block_name=block.name,
            block_type=block.type,
            execution_order=order,
            child_execution_id=str(child_log_id(UUID(state.log_id), instance, at.attempt))
            if called
            else None,
            **place_of(turns),
        ),
        cause,
        envelope_run(state, at.run_id),
        _attempt(at.attempt),
    )


def try_again(state: State, graph: Graph, flight: InFlight, cause: str) -> Results:
    """Start the next try of a block in flight; a container that was asked is only asked again."""
    if flight.evaluates:
        yield RunBlock(flight.instance, flight.run_id, flight.attempt)
        return
    again = Ready(
        block_id=flight.block_id, scope=flight.scope, run_id=flight.run_id, attempt=flight.attempt + 1
    )
    yield started(
        state, graph, flight.instance, at=again, turns=flight.turns, order=flight.order, cause=cause
    )
    yield RunBlock(flight.instance, flight.run_id, again.attempt)


# --- Containers -------------------------------------------------------------------------------------


def _turn(state: State, graph: Graph, run: Run, container: Container, *, now: float, cause: str) -> Results:
    """A container's next turn begins, or its turns are over."""
    if container.next != container.total:
        yield begin_turn(state, graph, run, container, cause)
        return
    yield from complete(
        state, graph, run, container, given=None,
        output={"results": list(container.results)}, started_at=container.started_at, now=now, cause=cause,
    )  # fmt: skip


def begin_turn(state: State, graph: Graph, run: Run, container: Container, cause: str) -> Draft:
    """The event that the next iteration or branch begins."""
    kind = LoopIteration if graph.containers[container.block_id].kind == "loop" else ParallelBranch
    items = container.items
    return Draft(
        kind(
            container_id=container.block_id,
            index=container.next,
            item=items[container.next] if isinstance(items, list) else None,
            **place_of(container.turns),
        ),
        cause,
        envelope_run(state, run.run_id),
    )


# --- Blocks end -------------------------------------------------------------------------------------


def complete_block(
    state: State,
    graph: Graph,
    run: Run,
    begun: Begun,
    *,
    given: Json,
    output: Json,
    started_at: str,
    now: float,
    cause: str,
) -> Results:
    """A block ends well: start what is ready by that, or end the run."""
    yield from complete(
        state, graph, run, begun,
        given=given, output=output, started_at=started_at, now=now, cause=cause,
    )  # fmt: skip
    yield from advance(state, graph, run, now, cause)


def complete(
    state: State,
    graph: Graph,
    run: Run,
    begun: Begun,
    *,
    given: Json,
    output: Json,
    started_at: str,
    now: float,
    cause: str,
) -> Results:
    """Record that a block ended well; what follows is still to begin."""
    block = graph.nodes[begun.block_id].block
    yield Draft(
        BlockCompleted(
            block_id=block.id,
            block_name=block.name,
            block_type=block.type,
            execution_order=begun.order,
            input=given,
            output=output,
            duration_ms=_since(started_at, now),
            started_at=started_at,
            ended_at=iso(now),
            **place_of(begun.turns),
        ),
        cause,
        envelope_run(state, run.run_id),
        _attempt(begun.attempt),
    )
    yield from _ask(state, begun)


def _ask(state: State, ended: Begun) -> Results:
    """Ask the loop around a block whether it goes on, if the end of the block was that of a turn."""
    if ended.turns:
        container = ended.turns[-1].iteration_container_id + path_of(ended.turns[:-1])
        flight = state.in_flight.get(container)
        if flight is not None and flight.evaluates and flight.event_id == state.version:
            yield RunBlock(flight.instance, flight.run_id, flight.attempt)


def fail_block(
    state: State,
    graph: Graph,
    run: Run,
    begun: Begun,
    *,
    given: Json,
    error: str,
    code: str,
    started_at: str,
    now: float,
    cause: str,
) -> Results:
    """A block's last try failed: its error edge takes over, or the run fails."""
    node = graph.nodes[begun.block_id]
    yield Draft(
        BlockError(
            block_id=node.block.id,
            block_name=node.block.name,
            block_type=node.block.type,
            execution_order=begun.order,
            input=given,
            error=error,
            code=code,
            duration_ms=_since(started_at, now),
            started_at=started_at,
            ended_at=iso(now),
            handled=node.handles_error,
            **place_of(begun.turns),
        ),
        cause,
        envelope_run(state, run.run_id),
        _attempt(begun.attempt),
    )
    yield from _ask(state, begun)
    yield from advance(state, graph, run, now, cause)


# --- Runs end ---------------------------------------------------------------------------------------


def settle_run(state: State, run: Run, now: float, cause: str) -> Results:
    """End a run with nothing left to do.

    A run that failed, or that a ``response`` block stopped, does not wait for durable waits.
    """
    if run.status != "running" or run.busy or run.children:
        return
    if run.halted or run.failure is not None or not (run.waits or run.retries):
        yield from end_run(state, run, now, cause, failure=run.failure)


def end_run(state: State, run: Run, now: float, cause: str, *, failure: Failure | None) -> Results:
    """Write how a run ends: paused, completed, or failed with or without the execution."""
    where = envelope_run(state, run.run_id)
    if failure is not None:
        reason = f"The run failed: {failure.error}"
        points = [p for p in state.open_points() if p.run_id == run.run_id and p.status == "paused"]
        flights = [each for each in state.in_flight.values() if each.run_id == run.run_id]
        yield from cancel_children([*points, *flights], reason, cause, where)
        for point in points:
            yield Draft(PauseClosed(context_id=point.context_id, reason=reason), cause, where)
    goes_on = len(state.active) > 1 or bool(state.open)
    if not goes_on:
        yield from expire_held(state, "The execution ended before its pause point opened", cause)
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


def cancel_children(
    callers: list[PausePoint | InFlight], reason: str, cause: str, where: str | None
) -> Results:
    """Nobody waits any more for the executions that some blocks called."""
    for caller in callers:
        child: Child | None = caller.child
        if child is not None:
            yield Draft(
                ChildCancelled(
                    block_id=caller.block_id, child_execution_id=child.execution_id, reason=reason
                ),
                cause,
                where,
            )


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


def _elapsed(run: Run, now: float) -> int:
    return round((now - run.started_at) * 1000)


def _since(started_at: str, now: float) -> int:
    return max(0, round((now - from_iso(started_at)) * 1000))
