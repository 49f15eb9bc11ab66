"""What pages show of an execution as of an event, and what that is made of."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from signoff.audit.life.folding import Folded
from signoff.engine.state import PausePoint, State
from signoff.events.store.base import ExecutionRow
from signoff.events.types import Actor, Json, Parent
from signoff.gateway.executions.life_schemas import SourceView
from signoff.gateway.executions.state_views import execution_view, source_view
from signoff.gateway.executions.views import pause_point
from signoff.gateway.links import Links
from signoff.gateway.pages.executions.addresses import decision_path
from signoff.gateway.pages.executions.standing import Line, by_block, lines_taken, marks_of, place_of
from signoff.gateway.pages.executions.timeline import Timeline, scale_of, timeline_of
from signoff.gateway.pages.executions.trace import Called, Trace
from signoff.gateway.pages.graph.drawing import Drawing
from signoff.gateway.pages.graph.marks import Mark
from signoff.gateway.schemas import ExecutionView, PausePointView

_POINTS: Final = 20
"""Pause points that are shown: those that are open first."""

_CALLS: Final = 50


class Own(Struct, frozen=True, kw_only=True):
    """The values of an execution as a whole, in stored form.

    Attributes:
        input: what it began with.
        variables: of its workflow.
        ended_by: the event that ended the run that ended last, which has its output; 0 for none yet.
    """

    input: Json
    variables: Mapping[str, Json]
    ended_by: int


class Look(Struct, frozen=True, kw_only=True):
    """An execution after an event. All who look at it have the same one: nobody changes it.

    Attributes:
        event_id: the event.
        type: of the event.
        at: when it happened, seconds since the epoch.
        view: the execution, without values.
        workflow_version: the version that runs.
        source: what it goes on from.
        parent: what called it.
        actor: who started it.
        own: its values.
        points: the first of its pause points.
        more_points: how many are left out.
        names: of the blocks that they are of, with the turns around them, by pause point.
        links: where people decide, by pause point.
        calls: the last executions that it called.
        drawing: the graph.
        marks: how each block stands.
        taken: the connections that were taken.
    """

    event_id: int
    type: str
    at: float
    view: ExecutionView
    workflow_version: int
    source: SourceView | None
    parent: Parent | None
    actor: Actor | None
    own: Own
    points: list[PausePointView]
    more_points: int
    names: Mapping[str, str]
    links: Mapping[str, str]
    calls: list[Called]
    drawing: Drawing
    marks: Mapping[str, Mark]
    taken: set[Line]


class Making(Struct, frozen=True, kw_only=True):
    """What a look is made of.

    Attributes:
        row: of the execution.
        folded: the execution after the event.
        kind: the type of the event.
        drawing: the graph.
        links: addresses of this installation.
    """

    row: ExecutionRow
    folded: Folded
    kind: str
    drawing: Drawing
    links: Links

    def look(self, trace: Trace) -> Look:
        """The look.

        Args:
            trace: of the log, with later events, too.
        """
        state = self.folded.state
        blocks = by_block(trace, state.version)
        links = {
            point.context_id: decision_path(self.row, point.context_id)
            for point in state.points.values()
            if point.kind == "human"
        }
        return Look(
            event_id=state.version,
            type=self.kind,
            at=state.time,
            view=execution_view(state),
            workflow_version=state.workflow_version,
            source=source_view(state),
            parent=state.parent,
            actor=state.actor,
            own=Own(input=state.input, variables=dict(state.variables), ended_by=self.folded.last_ending),
            points=[pause_point(state, point, self.links) for point in _first(state)],
            more_points=max(len(state.points) - _POINTS, 0),
            names={point.context_id: _name(trace, point.context_id) for point in _first(state)},
            links=links,
            calls=trace.calls_upto(state.version)[-_CALLS:],
            drawing=self.drawing,
            marks=marks_of(blocks, links),
            taken=lines_taken(self.drawing.connections, state.outputs, blocks),
        )


def timeline_at(trace: Trace, event_id: int, now: float) -> Timeline:
    """The timeline after an event, on the scale of the whole log.

    Args:
        trace: of the log, with later events, too.
        event_id: the event.
        now: the moment up to which it goes, seconds since the epoch.
    """
    scale = scale_of(trace, max(now, trace.time))
    return timeline_of(by_block(trace, event_id), trace.began_at, now, scale)


def _name(trace: Trace, context_id: str) -> str:
    span = trace.find(context_id)
    return context_id if span is None else ", ".join(filter(None, [span.name, place_of(span.turns)]))


def _first(state: State) -> Sequence[PausePoint]:
    """The pause points that are open, and of the others the newest."""
    latest = list(state.points.values())[::-1]
    return sorted(latest, key=lambda point: point.status in ("resumed", "failed", "closed"))[:_POINTS]
