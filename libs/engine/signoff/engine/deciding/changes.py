"""What follows when a child execution pauses or ends."""

from uuid import UUID

from signoff.engine.deciding.children import FAILED, child_error, child_output, child_response, ending_of
from signoff.engine.deciding.flow import (
    Results,
    advance,
    complete,
    envelope_run,
)
from signoff.engine.deciding.results import fail_or_retry
from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import (
    BlockFailed,
    Draft,
)
from signoff.engine.points.resumes import resume_by_itself
from signoff.engine.state import Child, InFlight, State
from signoff.events.types import (
    ChildChanged,
    Command,
    PauseOpened,
)


def take_change(state: State, graph: Graph, command: Command, change: ChildChanged, now: float) -> Results:
    """A child paused or ended. What comes twice, or late, finds nobody waiting and changes nothing."""
    flight = state.in_flight.get(change.instance)
    point = state.points.get(change.instance)
    ended = change.status in {"completed", "failed", "cancelled"}
    if flight is not None and flight.child is not None and _is_of(flight.child, change):
        yield from _at_work(state, graph, flight, flight.child, command=command, change=change, now=now)
    elif point is not None and _is_of(point.child, change) and point.status == "paused" and ended:
        yield from resume_by_itself(
            state, graph, point, UUID(command.command_id), now,
            given=ending_of(change), cause=command.command_id,
        )  # fmt: skip


def _is_of(child: Child | None, change: ChildChanged) -> bool:
    return child is not None and child.execution_id == change.child_execution_id


def _at_work(
    state: State,
    graph: Graph,
    flight: InFlight,
    child: Child,
    *,
    command: Command,
    change: ChildChanged,
    now: float,
) -> Results:
    cause, run = command.command_id, state.runs[flight.run_id]
    if change.status == "completed":
        yield from complete(
            state, graph, run, flight,
            given=None, output=child_output(child, ending_of(change)),
            started_at=flight.started_at, now=now, cause=cause,
        )  # fmt: skip
    elif change.status == "paused":
        paused = PauseOpened(
            context_id=flight.instance,
            block_id=flight.block_id,
            pause_kind="child",
            response=child_response(child),
        )
        yield Draft(paused, cause, envelope_run(state, flight.run_id))
    elif change.status != "resumed":
        failed = BlockFailed(
            instance=flight.instance,
            attempt=flight.attempt,
            input=None,
            error=child_error(child, ending_of(change)),
            code=FAILED,
        )
        yield from fail_or_retry(state, graph, flight, failed, now)
    yield from advance(state, graph, run, now, cause)
