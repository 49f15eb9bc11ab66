"""What time does: waits end, tries begin, points of kind ``time`` resume, time limits strike.

Timers are the fold's own moments; no clock lives here. A late poll or a dead executor moves no
deadline: what is due is fired before anything else is decided.
"""

from collections.abc import Iterator
from uuid import UUID, uuid5

from signoff.engine.flow import Results, complete_block, end_run, envelope_run, start_queued, try_again
from signoff.engine.graph import Graph
from signoff.engine.messages import CancelBlock, Draft
from signoff.engine.resumes import resume_by_time
from signoff.engine.state import TERMINAL, Failure, InFlight, PausePoint, Run, State
from signoff.events.times import from_iso, iso
from signoff.events.types import TimerFired


def fire_due(state: State, graph: Graph, now: float) -> Results:
    """Do everything whose moment has come, the earliest first."""
    while state.status not in TERMINAL:
        due = state.next_due()
        if due is None or due > now:
            return
        yield from _fire(state, graph, _due_at(state, due), now)


def _due_at(state: State, moment: float) -> InFlight | PausePoint | Run:
    return next(each for each, due in _moments(state) if due == moment)


def _moments(state: State) -> Iterator[tuple[InFlight | PausePoint | Run, float | None]]:
    for flight in state.in_flight.values():
        yield flight, flight.retry_at if flight.due_at is None else flight.due_at
    for point in state.points.values():
        if point.status == "paused":
            yield point, point.due_at
    for run in state.active_runs():
        if run.idle_since is None:
            yield run, run.deadline


def _fire(state: State, graph: Graph, due: InFlight | PausePoint | Run, now: float) -> Results:
    match due:
        case Run():
            yield from _time_out(state, graph, due, now)
        case PausePoint():
            yield _fired(state, due.run_id, due.context_id, due.due_at or now, cause=str(due.event_id))
            entry_id = uuid5(UUID(state.log_id), f"{due.event_id}")
            yield from resume_by_time(state, graph, due, entry_id, now)
        case InFlight(due_at=None):
            yield from try_again(state, graph, due, cause=str(due.event_id))
        case InFlight():
            yield from _end_wait(state, graph, due, now)


def _end_wait(state: State, graph: Graph, flight: InFlight, now: float) -> Results:
    cause = str(flight.event_id)
    yield _fired(state, flight.run_id, flight.block_id, flight.due_at or now, cause=cause)
    waited = round(((flight.due_at or now) - from_iso(flight.started_at)) * 1000)
    yield from complete_block(
        state,
        graph,
        state.runs[flight.run_id],
        flight.block_id,
        order=flight.order,
        attempt=flight.attempt,
        given=None,
        output={"status": "completed", "waitDuration": waited},
        started_at=flight.started_at,
        now=now,
        cause=cause,
    )


def _fired(state: State, run_id: str, timer_id: str, due_at: float, *, cause: str) -> Draft:
    fired = TimerFired(timer_id=timer_id, kind="wait", due_at=iso(due_at))
    return Draft(fired, cause, envelope_run(state, run_id))


def _time_out(state: State, graph: Graph, run: Run, now: float) -> Results:
    failure = Failure(f"Execution timed out after {_spoken(state.time_limit or 0)}", "TIMEOUT")
    running = [flight for flight in state.in_flight.values() if flight.run_id == run.run_id]
    yield from end_run(state, run, now, str(run.started_event), failure=failure)
    for flight in running:
        yield CancelBlock(flight.block_id, flight.attempt)
    yield from start_queued(state, graph, now)


def _spoken(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} second" + ("" if seconds == 1 else "s")
    minutes = round(seconds / 60)
    return f"{minutes} minute" + ("" if minutes == 1 else "s")
