"""The fold of what happens to pause points and to the decisions on them."""

from collections.abc import Callable
from typing import Any, Final

from signoff.engine.definitions.graph import Graph
from signoff.engine.folding.places import branches_of
from signoff.engine.folding.work import land
from signoff.engine.points.notices import tells
from signoff.engine.points.pauses import pending_output
from signoff.engine.points.standing import person_of, submitter
from signoff.engine.state import Decision, Held, PausePoint, Ready, State, Taken, Telling
from signoff.events.times import from_iso
from signoff.events.types import (
    DecisionExpired,
    DecisionHeld,
    DecisionRecorded,
    Event,
    Occasion,
    PauseAmended,
    PauseClaimed,
    PauseClosed,
    PauseCommented,
    PauseDelegated,
    PauseEscalated,
    PauseExpired,
    PauseNotified,
    PauseOpened,
    PauseReassigned,
    PauseReleased,
    PauseReminded,
    PauseReturned,
)


def _opened(state: State, event: Event, data: PauseOpened, graph: Graph | None) -> None:
    flight = land(state, data.context_id)
    turns = flight.turns if flight else []
    due_at = from_iso(data.resume_at) if data.resume_at is not None else None
    state.outputs[data.block_id + branches_of(turns)] = pending_output(data.response)
    point = state.points[data.context_id] = PausePoint(
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
        turns=turns,
        scope=flight.scope if flight else "",
        child=flight.child if flight else None,
        due_at=due_at,
        version=event.event_id,
        title=data.title,
        assignees=data.assignees,
        quorum=data.quorum,
        self_approval=data.self_approval,
        barred=None if data.self_approval or state.actor is None else person_of(state.actor),
        barred_too=[] if data.self_approval or state.source is None else state.source.started_by,
        deadlines=data.deadlines,
        priority=data.priority,
        step_up=data.step_up,
    )
    if due_at is not None:
        state.set_timer(data.context_id, due_at)
    _set_deadline(state, point)
    state.open[data.context_id] = None
    if point.kind == "human":
        tell(state, graph, point, "opened")


def _set_deadline(state: State, point: PausePoint) -> None:
    """The next step of a deadline is a timer like any other."""
    if point.step < len(point.deadlines):
        state.set_timer(point.context_id, from_iso(point.deadlines[point.step].at))
    elif point.deadlines:
        state.timers.pop(point.context_id, None)


def tell(
    state: State,
    graph: Graph | None,
    point: PausePoint,
    occasion: Occasion,
    to: list[str] | None = None,
) -> None:
    """Remember that people are to be told of the event being folded, if the definition wants that."""
    node = None if graph is None else graph.nodes.get(point.block_id)
    if node is not None and tells(node.block.params, occasion):
        state.telling[state.version] = Telling(context_id=point.context_id, occasion=occasion, to=to or [])


def _changed(state: State, event: Event, context_id: str) -> PausePoint:
    point = state.points[context_id]
    point.version = event.event_id
    return point


def _asked(state: State, event: Event, data: Any) -> PausePoint:
    """Something that somebody asked for happened to a point: a repeated command has its answer."""
    state.commands[event.causation_id] = Taken(event.event_id, data.request_digest)
    return _changed(state, event, data.context_id)


def _amended(state: State, event: Event, data: PauseAmended, graph: Graph | None) -> None:
    point = _asked(state, event, data)
    point.response, point.content_digest = data.response, data.content_digest
    point.title = point.title if data.title is None else data.title
    point.decisions, point.returned = [], False
    state.outputs[point.block_id + branches_of(point.turns)] = pending_output(data.response)
    tell(state, graph, point, "amended")


def _claimed(state: State, event: Event, data: PauseClaimed, _: Graph | None) -> None:
    _asked(state, event, data).claimed_by = person_of(data.actor)


def _released(state: State, event: Event, data: PauseReleased, _: Graph | None) -> None:
    _asked(state, event, data).claimed_by = None


def _delegated(state: State, event: Event, data: PauseDelegated, graph: Graph | None) -> None:
    point = _asked(state, event, data)
    asker = person_of(data.actor)
    point.delegates = {name: each for name, each in point.delegates.items() if name != asker}
    point.delegates[data.to] = data.on_behalf_of if data.on_behalf_of != data.to else None
    gone = data.on_behalf_of or asker
    point.away = [each for each in dict.fromkeys([*point.away, gone]) if each != data.to]
    if point.quorum is None:
        point.claimed_by = data.to
    tell(state, graph, point, "delegated", [f"user:{data.to}"])


def _reassigned(state: State, event: Event, data: PauseReassigned, graph: Graph | None) -> None:
    point = _asked(state, event, data)
    point.assignees, point.claimed_by = data.assignees, None
    point.delegates, point.away = {}, []
    tell(state, graph, point, "delegated", data.assignees)


def _returned(state: State, event: Event, data: PauseReturned, graph: Graph | None) -> None:
    point = _asked(state, event, data)
    point.returned, point.claimed_by = True, None
    tell(state, graph, point, "returned")


def _commented(state: State, event: Event, data: PauseCommented, _: Graph | None) -> None:
    state.commands[event.causation_id] = Taken(event.event_id, data.request_digest)
    state.points[data.context_id].comments += 1


def _reminded(state: State, event: Event, data: PauseReminded, graph: Graph | None) -> None:
    point = _struck(state, event, data)
    tell(state, graph, point, "reminded", data.to)


def _escalated(state: State, event: Event, data: PauseEscalated, graph: Graph | None) -> None:
    point = _struck(state, event, data)
    point.claimed_by = None
    if point.assignees:
        point.assignees = list(dict.fromkeys([*point.assignees, *data.to]))
    tell(state, graph, point, "escalated", data.to)


def _expired(state: State, event: Event, data: PauseExpired, _: Graph | None) -> None:
    _struck(state, event, data).failing = data.action == "fail"


def _struck(state: State, event: Event, data: PauseReminded | PauseEscalated | PauseExpired) -> PausePoint:
    point = _changed(state, event, data.context_id)
    point.step = data.step
    _set_deadline(state, point)
    return point


def _closed(state: State, event: Event, data: PauseClosed, graph: Graph | None) -> None:
    point = _changed(state, event, data.context_id)
    point.status, point.closed_at = "closed", state.time
    state.open.pop(data.context_id, None)
    state.timers.pop(data.context_id, None)
    state.lost[point.context_id] = Ready(
        block_id=point.block_id, scope=point.scope, run_id=point.run_id, attempt=point.attempt + 1
    )
    if point.kind == "human":
        tell(state, graph, point, "closed")


def _notified(state: State, _: Event, data: PauseNotified, __: Graph | None) -> None:
    if data.of is not None:
        state.telling.pop(data.of, None)
    if data.occasion == "opened" and data.tool_id is not None:
        result = {
            "toolId": data.tool_id,
            "title": data.title,
            "operation": data.operation,
            "success": data.success,
            "durationMs": data.duration_ms,
        }
        state.points[data.context_id].notified.append(result)


def _recorded(state: State, event: Event, data: DecisionRecorded, _: Graph | None) -> None:
    if event.causation_id == data.decision_id:
        state.commands[data.decision_id] = Taken(event.event_id, data.request_digest)
    release_held(state, data.decision_id)
    _changed(state, event, data.context_id).decisions.append(
        Decision(
            event_id=event.event_id,
            at=state.time,
            actor=data.actor,
            person=data.made.user_id or person_of(data.actor),
            on_behalf_of=data.made.on_behalf_of,
            submitted_by=submitter(data.actor, data.made),
            verdict=data.verdict,
            weight=data.weight,
            submission=data.submission,
        )
    )


def _held(state: State, event: Event, data: DecisionHeld, _: Graph | None) -> None:
    expires_at = from_iso(data.expires_at)
    state.commands[data.held_id] = Taken(event.event_id, data.request_digest)
    state.held_decisions[data.held_id] = Held(
        held_id=data.held_id,
        context_id=data.context_id,
        mode=data.mode,
        input=data.input,
        actor=data.actor,
        maker=data.maker,
        event_id=event.event_id,
        held_at=state.time,
        expires_at=expires_at,
        request_digest=data.request_digest,
    )
    state.set_timer(data.held_id, expires_at)


def release_held(state: State, held_id: str) -> None:
    """A held decision was taken, or is not any more."""
    if state.held_decisions.pop(held_id, None) is not None:
        state.timers.pop(held_id, None)


def _no_longer_held(state: State, _: Event, data: DecisionExpired, __: Graph | None) -> None:
    release_held(state, data.held_id)


POINT_EVENTS: Final[dict[type, Callable[[State, Event, Any, Graph | None], None]]] = {
    PauseOpened: _opened,
    PauseAmended: _amended,
    PauseClaimed: _claimed,
    PauseReleased: _released,
    PauseDelegated: _delegated,
    PauseReassigned: _reassigned,
    PauseReturned: _returned,
    PauseCommented: _commented,
    PauseReminded: _reminded,
    PauseEscalated: _escalated,
    PauseExpired: _expired,
    PauseClosed: _closed,
    PauseNotified: _notified,
    DecisionRecorded: _recorded,
    DecisionHeld: _held,
    DecisionExpired: _no_longer_held,
}
"""How each event of a pause point changes the state."""
