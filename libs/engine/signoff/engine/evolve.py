"""The fold: what each event means for the state. O(1) per event, whatever the execution's size.

No rule is decided here. An event is a fact; the state only remembers what later decisions need.
"""

from typing import Final

from signoff.engine.definitions.graph import Graph
from signoff.engine.folding.blocks import BLOCK_EVENTS
from signoff.engine.folding.forks import FORK_EVENTS, begin_with_source
from signoff.engine.folding.runs import RUN_EVENTS
from signoff.engine.points.evolve import POINT_EVENTS
from signoff.engine.state import (
    State,
)
from signoff.events.times import from_iso
from signoff.events.types import (
    Event,
    VariablesSet,
)


def evolve(state: State, event: Event, graph: Graph | None = None, *, now: float | None = None) -> None:
    """Fold one event into the state, in place.

    Args:
        state: the fold of every event before this one.
        event: the next event of the same log.
        graph: what runs. Without it the state tells all that happened, but not what is ready next:
            enough to show an execution, not to decide.
        now: the event's time, where the caller has it already: seconds since the epoch, no finer than
            the microseconds of the envelope, or the fold of the bytes would differ.

    Raises:
        ValueError: the event does not follow the state.
    """
    if event.event_id != state.version + 1:
        raise ValueError(f"event {event.event_id} does not follow version {state.version}")
    state.version = event.event_id
    state.time = from_iso(event.happened_at) if now is None else now
    if event.event_id == 2 and event.copy_of is not None:
        begin_with_source(state)
    apply = _APPLY.get(type(event.data))
    if apply is not None:
        apply(state, event, event.data, graph)
        state.forget_timers()


def _variables_set(state: State, _: Event, data: VariablesSet, __: Graph | None) -> None:
    state.variables.update(data.values)


_APPLY: Final = BLOCK_EVENTS | RUN_EVENTS | FORK_EVENTS | POINT_EVENTS | {VariablesSet: _variables_set}
