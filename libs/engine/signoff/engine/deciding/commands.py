"""What follows from a command: an execution starts, is decided on, retried, or cancelled."""

from uuid import UUID

from signoff.engine.deciding.changes import take_change
from signoff.engine.deciding.flow import (
    Results,
    advance,
    cancel_children,
    complete,
    envelope_run,
)
from signoff.engine.deciding.starts import begun
from signoff.engine.definitions.forms import start_output
from signoff.engine.definitions.graph import Graph
from signoff.engine.definitions.values import parse_variable
from signoff.engine.messages import (
    CancelBlock,
    Draft,
    RunBlock,
    RunEnded,
)
from signoff.engine.points.decisions import decide_resume
from signoff.engine.points.desk import take_pause_command
from signoff.engine.points.expiry import expire_held
from signoff.engine.points.held import hold, is_early
from signoff.engine.state import TERMINAL, Run, State, Taken
from signoff.events.times import from_iso, iso
from signoff.events.topics import run_id_of
from signoff.events.types import (
    BlockStarted,
    CancelExecution,
    ChildChanged,
    Command,
    ExecutionCancelled,
    ExecutionReopened,
    ExecutionSeeded,
    Json,
    Outcome,
    PauseClosed,
    PauseCommand,
    Refusal,
    ResumeExecution,
    ResumeFailed,
    RetryExecution,
    StartExecution,
    VariablesSet,
)


def take_command(state: State, graph: Graph, command: Command, now: float) -> Results:
    """Do what a command asks for, or refuse it; a repeated one gets its answer again."""
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
        if is_early(state, command.data):
            yield from hold(state, graph, command, command.data)
        else:
            yield from decide_resume(state, graph, command, command.data, now)
    elif isinstance(command.data, PauseCommand):
        yield from take_pause_command(state, command, command.data)
    elif isinstance(command.data, CancelExecution):
        yield from _cancel(state, command, command.data, now)
    elif isinstance(command.data, RetryExecution):
        yield from _reopen(state, graph, command, command.data, now)
    elif isinstance(command.data, ChildChanged):
        yield from take_change(state, graph, command, command.data, now)
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
    return Outcome(
        command_id=command.command_id,
        execution_id=state.execution_id,
        outcome="duplicate",
        event_id=taken.event_id,
        resume_execution_id=taken.run_id,
    )


def _start(state: State, graph: Graph, command: Command, data: StartExecution, now: float) -> Results:
    if state.version:
        yield restarted(state, command)
        return
    yield Outcome(
        command_id=command.command_id, execution_id=command.execution_id, outcome="accepted", event_id=1
    )
    cause = command.command_id
    yield begun(command, data, now)
    variables = {
        each.name: parse_variable(each.name, each.type, each.value) for each in graph.definition.variables
    }
    if data.start_block_id is not None:
        yield Draft(ExecutionSeeded(outputs=data.outputs, variables=variables | data.variables), cause)
    elif variables:
        yield Draft(VariablesSet(values=variables), cause)
    run = state.runs[state.execution_id]
    if data.start_block_id is None:
        yield from run_entry(state, graph, run, given=data.input, now=now, cause=cause)
    yield from advance(state, graph, run, now, cause)


def run_entry(state: State, graph: Graph, run: Run, *, given: Json, now: float, cause: str) -> Results:
    """The start block needs nobody to run it: its output is the input, typed."""
    entry = graph.nodes[graph.entry].block
    yield Draft(
        BlockStarted(block_id=entry.id, block_name=entry.name, block_type=entry.type, execution_order=1),
        cause,
        envelope_run(state, run.run_id),
    )
    yield from complete(
        state, graph, run, state.in_flight[entry.id],
        given=None, output=start_output(entry, given, run_metadata(state)),
        started_at=iso(now), now=now, cause=cause,
    )  # fmt: skip


def run_metadata(state: State) -> dict[str, Json]:
    """What a start block may tell of its execution: facts of the first event, the same on every retry."""
    return {
        "workspaceId": state.workspace_id,
        "workflowId": state.workflow_id,
        "workflowVersion": state.workflow_version,
        "executionId": state.execution_id,
        "executionType": state.trigger,
        "executionMode": state.mode,
        "startTime": iso(state.started_at),
    }


def _reopen(state: State, graph: Graph, command: Command, data: RetryExecution, now: float) -> Results:
    """Start again what failed, and what was lost with it, in a new run."""
    if state.status != "failed":
        yield refused(command, "NOT_FAILED", f"Only a failed execution can be retried; it is {state.status}")
        return
    run_id = str(run_id_of(UUID(state.log_id), UUID(command.command_id)))
    yield Outcome(
        command_id=command.command_id,
        execution_id=state.execution_id,
        outcome="accepted",
        event_id=state.version + 1,
        resume_execution_id=run_id,
    )
    yield Draft(
        ExecutionReopened(
            resume_execution_id=run_id,
            mode=data.mode or state.mode,
            actor=command.actor,
            reason=data.reason,
            request_digest=command.request_digest,
        ),
        command.command_id,
        run_id,
        correlation_id=command.correlation_id,
    )
    for flight in [each for each in state.in_flight.values() if each.evaluates]:
        yield RunBlock(flight.instance, flight.run_id, flight.attempt)
    run = state.runs[run_id]
    if graph.entry in state.ready:  # it could not even start before
        yield from run_entry(state, graph, run, given=state.input, now=now, cause=command.command_id)
    yield from advance(state, graph, run, now, command.command_id)


def restarted(state: State, command: Command) -> Outcome:
    """The answer to a start of an execution that has begun."""
    if command.request_digest is None or command.request_digest != state.request_digest:
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
    points = [each for each in state.open_points() if each.status == "paused"]
    yield from cancel_children(
        [*points, *state.in_flight.values()], data.reason, command.command_id, where=None
    )
    for point in points:
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
    yield from expire_held(state, "The execution was cancelled", command.command_id)
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
        yield CancelBlock(flight.instance, flight.attempt)
