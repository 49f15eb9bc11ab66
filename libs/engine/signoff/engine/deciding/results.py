"""What follows from the result of a block: it ended, waits, pauses, opened, called, or said something."""

from typing import Final, assert_never
from uuid import UUID

from signoff.engine.deciding.children import MAX_DEPTH
from signoff.engine.deciding.flow import (
    Results,
    advance,
    begin_turn,
    complete,
    envelope_run,
    fail_block,
)
from signoff.engine.definitions.catalog import MAX_ITERATIONS, too_many
from signoff.engine.definitions.graph import Graph
from signoff.engine.folding.places import place_of
from signoff.engine.messages import (
    BlockCalls,
    BlockFailed,
    BlockOpened,
    BlockPaused,
    BlockResult,
    BlockSays,
    BlockSucceeded,
    BlockWaits,
    Draft,
)
from signoff.engine.points.held import take_held
from signoff.engine.points.policies import NO_POLICY
from signoff.engine.state import InFlight, State
from signoff.events.times import iso
from signoff.events.topics import child_log_id
from signoff.events.types import (
    BlockRetrying,
    ChildCalled,
    ContainerOpened,
    PauseOpened,
    StreamChunk,
    StreamDone,
    TimerSet,
    VariablesSet,
)

_JITTER: Final = 0.1
"""A try starts up to this share of its wait later, so that blocks failing together do not retry so."""


def take_result(state: State, graph: Graph, flight: InFlight, message: BlockResult, now: float) -> Results:
    """Record what a try of a block gave, and go on from there."""
    cause = str(flight.event_id)
    match message:
        case BlockSucceeded():
            yield from _succeeded(state, graph, flight, message, now)
        case BlockFailed():
            yield from fail_or_retry(state, graph, flight, message, now)
        case BlockPaused():
            yield _paused(state, flight, message)
        case BlockWaits():
            yield Draft(
                TimerSet(
                    timer_id=flight.instance,
                    kind="wait",
                    due_at=iso(message.due_at),
                    block_id=flight.block_id,
                ),
                cause,
                envelope_run(state, flight.run_id),
            )
        case BlockOpened():
            yield from _opened(state, graph, flight, message, now)
        case BlockCalls():
            yield from _called(state, graph, flight, message, now)
        case _:
            assert_never(message)
    yield from advance(state, graph, state.runs[flight.run_id], now, cause)
    if isinstance(message, BlockPaused) and message.kind == "human":
        yield from take_held(state, graph, flight.instance, now, makers=message.makers)


def _paused(state: State, flight: InFlight, message: BlockPaused) -> Draft:
    policy = message.policy or NO_POLICY
    return Draft(
        PauseOpened(
            context_id=flight.instance,
            block_id=flight.block_id,
            pause_kind=message.kind,
            title=policy.title,
            response=message.response,
            resume_at=iso(message.due_at) if message.due_at is not None else None,
            content_digest=message.content_digest,
            assignees=policy.assignees,
            quorum=policy.quorum,
            self_approval=policy.self_approval,
            deadlines=policy.deadlines,
            priority=policy.priority,
            step_up=policy.step_up,
        ),
        str(flight.event_id),
        envelope_run(state, flight.run_id),
    )


def _succeeded(state: State, graph: Graph, flight: InFlight, message: BlockSucceeded, now: float) -> Results:
    cause, where = str(flight.event_id), envelope_run(state, flight.run_id)
    if flight.streamed:
        done = StreamDone(
            block_id=flight.block_id,
            attempt=flight.attempt,
            offset=flight.streamed,
            **place_of(flight.turns),
        )
        yield Draft(done, cause, where)
    if message.variables:
        yield Draft(VariablesSet(values=message.variables), cause, where)
    yield from complete(
        state, graph, state.runs[flight.run_id], flight,
        given=message.input, output=message.output, started_at=flight.started_at, now=now, cause=cause,
    )  # fmt: skip


def fail_or_retry(state: State, graph: Graph, flight: InFlight, message: BlockFailed, now: float) -> Results:
    """A try failed: another one follows after its wait, or the block has failed."""
    retry = graph.nodes[flight.block_id].block.retry
    run = state.runs[flight.run_id]
    goes_on = run.failure is None and not run.halted
    tries = flight.attempt - flight.first_attempt + 1
    if retry is None or not message.retryable or not goes_on or tries >= retry.max_tries:
        yield from fail_block(
            state, graph, run, state.containers[flight.instance] if flight.evaluates else flight,
            given=message.input, error=message.error, code=message.code,
            started_at=flight.started_at, now=now, cause=str(flight.event_id),
        )  # fmt: skip
        return
    wait = retry.wait_ms / 1000 * retry.backoff ** (tries - 1) * (1 + _JITTER * message.jitter)
    yield Draft(
        BlockRetrying(
            block_id=flight.block_id,
            error=message.error,
            next_attempt_at=iso(now + wait),
            **place_of(flight.turns),
        ),
        str(flight.event_id),
        envelope_run(state, flight.run_id),
        flight.attempt if flight.attempt > 1 else None,
    )


def _opened(state: State, graph: Graph, flight: InFlight, message: BlockOpened, now: float) -> Results:
    """A container was evaluated: it opens, goes on, ends, or is too long."""
    cause, run = str(flight.event_id), state.runs[flight.run_id]
    container = state.containers.get(flight.instance)
    turns = 0 if container is None else container.next
    if not message.goes_on or message.total == 0:
        yield from complete(
            state, graph, run, container or flight,
            given=None, output={"results": [] if container is None else list(container.results)},
            started_at=flight.started_at, now=now, cause=cause,
        )  # fmt: skip
    elif (
        graph.containers[flight.block_id].kind == "loop"
        and max(turns + 1, message.total or 0) > MAX_ITERATIONS
    ):
        yield from fail_block(
            state, graph, run, container or flight,
            given=message.input, error=too_many(graph.nodes[flight.block_id].block.name),
            code="TOO_MANY_ITERATIONS", started_at=flight.started_at, now=now, cause=cause,
        )  # fmt: skip
    elif container is None:
        opened = ContainerOpened(
            block_id=flight.block_id,
            input=message.input,
            items=message.items,
            total=message.total,
            at_once=message.at_once,
            **place_of(flight.turns),
        )
        yield Draft(opened, cause, envelope_run(state, flight.run_id))
    else:
        yield begin_turn(state, graph, run, container, cause)


def _called(state: State, graph: Graph, flight: InFlight, message: BlockCalls, now: float) -> Results:
    depth = (state.parent.depth if state.parent else 0) + 1
    if max(depth, len(state.next_chain())) > MAX_DEPTH:  # older logs have a depth and no chain
        too_deep = BlockFailed(
            instance=flight.instance,
            attempt=flight.attempt,
            input=message.input,
            error=f"Maximum workflow call chain depth ({MAX_DEPTH}) exceeded.",
            code="TOO_DEEP",
            retryable=False,
        )
        yield from fail_or_retry(state, graph, flight, too_deep, now)
        return
    deadline = state.runs[flight.run_id].deadline
    called = ChildCalled(
        block_id=flight.block_id,
        child_execution_id=str(child_log_id(UUID(state.log_id), flight.instance, flight.attempt)),
        child_workflow_id=message.workflow_id,
        child_workflow_name=message.name,
        child_workflow_version=message.version,
        child_definition_digest=message.digest,
        depth=depth,
        input=message.input,
        timeout_at=None if deadline is None else iso(deadline),
        **place_of(flight.turns),
    )
    yield Draft(called, str(flight.event_id), envelope_run(state, flight.run_id))


def take_text(state: State, flight: InFlight, message: BlockSays) -> Results:
    """Record what a block says, if it follows what it said before."""
    if message.offset == flight.streamed:
        said = StreamChunk(
            block_id=flight.block_id,
            attempt=flight.attempt,
            offset=message.offset,
            chunk=message.chunk,
            **place_of(flight.turns),
        )
        yield Draft(said, str(flight.event_id), envelope_run(state, flight.run_id))
