"""Deciding: from a state and an input to the events that follow.

``decide`` is a generator. It yields drafts of events, effects and, for a command, the answer; the
caller folds each draft into the state *before* it asks for the next result, so that every rule
sees the state as it is. It reads no clock, draws no random number and touches nothing else: the
same state, input and time give the same results.
"""

from typing import Final, assert_never

from signoff.engine.flow import (
    Results,
    complete_block,
    envelope_run,
    fail_block,
    settle_run,
    start_queued,
    try_again,
)
from signoff.engine.forms import start_output
from signoff.engine.graph import Graph
from signoff.engine.messages import (
    BlockFailed,
    BlockPaused,
    BlockResult,
    BlockSucceeded,
    BlockWaits,
    CancelBlock,
    Draft,
    Input,
    RunEnded,
    TakenOver,
    Tick,
)
from signoff.engine.resumes import decide_resume
from signoff.engine.state import TERMINAL, InFlight, State, Taken
from signoff.engine.timers import fire_due
from signoff.engine.values import parse_variable
from signoff.events.times import from_iso, iso
from signoff.events.types import (
    BlockRetrying,
    BlockStarted,
    CancelExecution,
    Command,
    ExecutionCancelled,
    ExecutionStarted,
    Outcome,
    PauseClosed,
    PauseOpened,
    Refusal,
    ResumeExecution,
    ResumeFailed,
    StartExecution,
    TimerSet,
    VariablesSet,
)

_JITTER: Final = 0.1
"""A try starts up to this share of its wait later, so that blocks failing together do not retry so."""


def decide(state: State, graph: Graph, message: Input, now: float) -> Results:
    """What follows from an input.

    Args:
        state: the fold of the execution's log; the caller folds each yielded draft into it at once.
        graph: the definition that the execution is pinned to, compiled for its entry.
        message: a command, a block's result, the passing of time, a take-over.
        now: seconds since the epoch, not before the execution's last event, no finer than microseconds.
    """
    known = state.version
    due = state.next_due()
    if due is not None and due <= now:
        yield from fire_due(state, graph, now)
    match message:
        case Command():
            yield from _command(state, graph, message, now)
        case Tick():
            pass
        case TakenOver():
            yield from _take_over(state, graph, message, known)
        case _:
            flight = state.in_flight.get(message.block_id)
            if flight is not None and flight.attempt == message.attempt and flight.rests is None:
                yield from _result(state, graph, flight, message, now)
    if state.queue:
        yield from start_queued(state, graph, now)


def _take_over(state: State, graph: Graph, message: TakenOver, known: int) -> Results:
    """Try again what was lost; what a timer has just started, after the last ``known`` event, was not."""
    for flight in list(state.in_flight.values()):
        lost = flight.rests is None and flight.event_id <= known
        if lost and (flight.block_id, flight.attempt) not in message.running:
            yield from try_again(state, graph, flight, cause=str(flight.event_id))


# --- Results of blocks ------------------------------------------------------------------------------


def _result(
    state: State,
    graph: Graph,
    flight: InFlight,
    message: BlockResult,
    now: float,
) -> Results:
    match message:
        case BlockSucceeded():
            yield from _succeeded(state, graph, flight, message, now)
        case BlockFailed():
            yield from _failed(state, graph, flight, message, now)
        case BlockPaused():
            yield from _paused(state, flight, message, now)
        case BlockWaits():
            yield Draft(
                TimerSet(
                    timer_id=flight.block_id,
                    kind="wait",
                    due_at=iso(message.due_at),
                    block_id=flight.block_id,
                ),
                str(flight.event_id),
                envelope_run(state, flight.run_id),
            )
            yield from settle_run(state, state.runs[flight.run_id], now, str(flight.event_id))
        case _:
            assert_never(message)


def _succeeded(state: State, graph: Graph, flight: InFlight, message: BlockSucceeded, now: float) -> Results:
    cause = str(flight.event_id)
    if message.variables:
        yield Draft(VariablesSet(values=message.variables), cause, envelope_run(state, flight.run_id))
    yield from complete_block(
        state,
        graph,
        state.runs[flight.run_id],
        flight.block_id,
        order=flight.order,
        attempt=flight.attempt,
        given=message.input,
        output=message.output,
        started_at=flight.started_at,
        now=now,
        cause=cause,
    )


def _failed(state: State, graph: Graph, flight: InFlight, message: BlockFailed, now: float) -> Results:
    retry = graph.nodes[flight.block_id].block.retry
    run = state.runs[flight.run_id]
    goes_on = run.failure is None and not run.halted
    if retry is None or not message.retryable or not goes_on or flight.attempt >= retry.max_tries:
        yield from fail_block(
            state, graph, flight, given=message.input, error=message.error, code=message.code, now=now
        )
        return
    wait = retry.wait_ms / 1000 * retry.backoff ** (flight.attempt - 1) * (1 + _JITTER * message.jitter)
    yield Draft(
        BlockRetrying(block_id=flight.block_id, error=message.error, next_attempt_at=iso(now + wait)),
        str(flight.event_id),
        envelope_run(state, flight.run_id),
        flight.attempt if flight.attempt > 1 else None,
    )
    yield from settle_run(state, run, now, str(flight.event_id))


def _paused(state: State, flight: InFlight, message: BlockPaused, now: float) -> Results:
    cause = str(flight.event_id)
    run = state.runs[flight.run_id]
    where = envelope_run(state, flight.run_id)
    yield Draft(
        PauseOpened(
            context_id=flight.block_id,
            block_id=flight.block_id,
            pause_kind=message.kind,
            response=message.response,
            resume_at=iso(message.due_at) if message.due_at is not None else None,
            content_digest=message.content_digest,
        ),
        cause,
        where,
    )
    yield from settle_run(state, run, now, cause)


# --- Commands ---------------------------------------------------------------------------------------


def _command(state: State, graph: Graph, command: Command, now: float) -> Results:
    taken = state.commands.get(command.command_id)
    if taken is not None:
        yield _repeated(state, command, taken)
    elif command.not_after is not None and now > from_iso(command.not_after):
        yield refused(command, "EXPIRED", "The command reached an executor too late and changed nothing")
    elif isinstance(command.data, StartExecution):
        yield from _start(state, graph, command, command.data, now)
    elif state.version == 0:
        yield refused(command, "NOT_FOUND", "Execution not found")
    elif isinstance(command.data, ResumeExecution):
        yield from decide_resume(state, graph, command, command.data, now)
    elif isinstance(command.data, CancelExecution):
        yield from _cancel(state, command, command.data, now)
    else:
        yield refused(command, "BAD_REQUEST", f"{command.type} is no command for an execution")


def refused(command: Command, code: str, message: str) -> Outcome:
    """An answer that changes nothing."""
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="refused",
        refusal=Refusal(code=code, message=message),
    )


def _repeated(state: State, command: Command, taken: Taken) -> Outcome:
    if taken.request_digest is not None and command.request_digest != taken.request_digest:
        return refused(
            command, "IDEMPOTENCY_CONFLICT", "This Idempotency-Key was used with another request before"
        )
    entry = state.entries.get(command.command_id)
    return Outcome(
        command_id=command.command_id,
        execution_id=state.execution_id,
        outcome="duplicate",
        event_id=taken.event_id,
        resume_execution_id=entry.run_id if entry else None,
    )


def _start(state: State, graph: Graph, command: Command, data: StartExecution, now: float) -> Results:
    if state.version:
        yield _restarted(state, command)
        return
    yield Outcome(
        command_id=command.command_id, execution_id=command.execution_id, outcome="accepted", event_id=1
    )
    cause = command.command_id
    yield Draft(
        ExecutionStarted(
            workspace_id=data.workspace_id,
            workflow_version=data.workflow_version,
            definition_digest=data.definition_digest,
            trigger=data.trigger,
            mode=data.mode,
            input=data.input,
            actor=command.actor,
            request_digest=command.request_digest,
            timeout_at=None if data.time_limit is None else iso(now + data.time_limit),
            stop_after_block_id=data.stop_after_block_id,
            start_time=iso(now),
        ),
        cause,
        correlation_id=command.correlation_id,
    )
    variables = {
        each.name: parse_variable(each.name, each.type, each.value) for each in graph.definition.variables
    }
    if variables:
        yield Draft(VariablesSet(values=variables), cause)
    entry = graph.nodes[graph.entry].block
    yield Draft(
        BlockStarted(block_id=entry.id, block_name=entry.name, block_type=entry.type, execution_order=1),
        cause,
    )
    yield from complete_block(
        state,
        graph,
        state.runs[state.execution_id],
        entry.id,
        order=1,
        attempt=1,
        given=None,
        output=start_output(entry, data.input),
        started_at=iso(now),
        now=now,
        cause=cause,
    )


def _restarted(state: State, command: Command) -> Outcome:
    if command.request_digest is None or state.request_digest is None:
        return refused(command, "EXECUTION_ID_CONFLICT", "Execution ID has already been used")
    return _repeated(state, command, Taken(1, state.request_digest))


def _cancel(state: State, command: Command, data: CancelExecution, now: float) -> Results:
    if state.status == "cancelled":
        yield refused(command, "ALREADY_CANCELLED", "The execution was cancelled before")
        return
    if state.status in TERMINAL:
        yield refused(command, "FINISHED", f"Execution cannot be cancelled while {state.status}")
        return
    running = [flight for flight in state.in_flight.values() if flight.rests is None]
    queued = [state.entries[entry_id] for entry_id in state.queue]
    runs = [*state.active, *(entry.run_id for entry in queued)]
    started_at = min((run.started_at for run in state.active_runs()), default=state.started_at)
    for point in [each for each in state.open_points() if each.status == "paused"]:
        yield Draft(
            PauseClosed(context_id=point.context_id, reason="The execution was cancelled"),
            command.command_id,
            envelope_run(state, point.run_id),
        )
    for entry in queued:
        yield Draft(
            ResumeFailed(
                resume_entry_id=entry.entry_id,
                context_id=entry.context_id,
                reason="The execution was cancelled",
            ),
            command.command_id,
            entry.run_id,
        )
    yield Draft(
        ExecutionCancelled(
            reason=data.reason,
            actor=command.actor,
            output=state.output,
            duration=round((now - started_at) * 1000),
            start_time=iso(started_at),
            end_time=iso(now),
        ),
        command.command_id,
        correlation_id=command.correlation_id,
    )
    yield Outcome(
        command_id=command.command_id,
        execution_id=state.execution_id,
        outcome="accepted",
        event_id=state.version,
    )
    for run_id in runs:
        yield RunEnded(run_id, state.version)
    for flight in running:
        yield CancelBlock(flight.block_id, flight.attempt)
