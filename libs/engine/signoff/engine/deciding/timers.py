"""What time does: waits end, tries begin, points of kind ``time`` resume, time limits strike.

Timers are the fold's own moments; no clock lives here. A late poll or a dead executor moves no
deadline: what is due is fired before anything else is decided.
"""

from uuid import UUID, uuid5

from signoff.engine.deciding.flow import Results, complete_block, end_run, envelope_run, try_again
from signoff.engine.definitions.graph import Graph
from signoff.engine.messages import CancelBlock, Draft
from signoff.engine.points.deadlines import strike
from signoff.engine.points.expiry import expired
from signoff.engine.points.resumes import resume_by_itself, start_queued
from signoff.engine.state import Failure, InFlight, PausePoint, Run, State
from signoff.events.times import from_iso, iso
from signoff.events.types import TimerFired


def fire_due(state: State, graph: Graph, now: float) -> Results:
    """Do everything whose moment has come, the earliest first."""
    while (due := state.next_due()) is not None and due <= now:
        yield from _fire(state, graph, due, now)
        yield from start_queued(state, graph, now)


def _fire(state: State, graph: Graph, due: float, now: float) -> Results:
    """Do what is due at a moment; of several, what lets a run go on before what ends it."""
    timer = state.next_timer()
    if timer is None or timer[0] != due:
        yield from _time_out(state, next(run for run in state.active_runs() if run.deadline == due), now)
        return
    name = timer[1]
    flight = state.in_flight.get(name)
    if name in state.held_decisions:
        held = state.held_decisions[name]
        yield expired(held, "Its pause point did not open in time", cause=str(held.event_id))
    elif flight is None and state.points[name].kind == "human":
        yield from strike(state, graph, state.points[name], now)
    elif flight is None:
        yield from _end_pause(state, graph, state.points[name], due, now)
    elif flight.rests == "retry":
        yield from try_again(state, graph, flight, cause=str(flight.event_id))
    else:
        yield from _end_wait(state, graph, flight, due, now)


def _end_pause(state: State, graph: Graph, point: PausePoint, due: float, now: float) -> Results:
    yield _fired(state, point.run_id, point.context_id, due, cause=str(point.event_id))
    yield from resume_by_itself(
        state, graph, point, uuid5(UUID(state.log_id), str(point.event_id)), now,
        given={}, cause=str(state.version),
    )  # fmt: skip


def _end_wait(state: State, graph: Graph, flight: InFlight, due: float, now: float) -> Results:
    cause = str(flight.event_id)
    yield _fired(state, flight.run_id, flight.instance, due, cause=cause)
    yield from complete_block(
        state,
        graph,
        state.runs[flight.run_id],
        flight,
        given=None,
        output={"status": "completed", "waitDuration": round((due - from_iso(flight.started_at)) * 1000)},
        started_at=flight.started_at,
        now=now,
        cause=cause,
    )


def _fired(state: State, run_id: str, timer_id: str, due_at: float, *, cause: str) -> Draft:
    fired = TimerFired(timer_id=timer_id, kind="wait", due_at=iso(due_at))
    return Draft(fired, cause, envelope_run(state, run_id))


def _time_out(state: State, run: Run, now: float) -> Results:
    failure = Failure(f"Execution timed out after {_spoken(state.time_limit or 0)}", "TIMEOUT")
    running = [each for each in state.in_flight.values() if each.run_id == run.run_id and not each.rests]
    yield from end_run(state, run, now, str(run.started_event), failure=failure)
    for flight in running:
        yield CancelBlock(flight.instance, flight.attempt)


def _spoken(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} second" + ("" if seconds == 1 else "s")
    minutes = round(seconds / 60)
    return f"{minutes} minute" + ("" if minutes == 1 else "s")
