"""What people have decided in an execution, and in those that it called, by an event of its log.

A fork with another input, or of another version, must not carry it over: they decided on what they saw.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from signoff.engine.deciding.flow import CALLERS
from signoff.engine.deciding.planting import ASKING, holds
from signoff.engine.definitions.graph import Graph
from signoff.engine.folding.places import path_of, turns_of
from signoff.engine.state import PausePoint, State
from signoff.events.types import BlockCompleted, BlockError, ChildCalled, Event, ExecutionSeeded, Turn


class Call(Struct, frozen=True, kw_only=True):
    """A call of another workflow whose result stands in the log.

    Attributes:
        event_id: of the call.
        execution_id: of the execution that was called, which is its log's.
        block_id: the block that called it.
        turns: those around that.
    """

    event_id: int
    execution_id: str
    block_id: str
    turns: Sequence[Turn]


def standing_calls(past: Iterable[Event]) -> Iterator[Call]:
    """The calls whose results a fork takes over; what is still at work, or was lost, is called anew.

    Args:
        past: the events of an execution, from the first one on.
    """
    calls: dict[str, Call] = {}
    for event in past:
        data = event.data
        if isinstance(data, ChildCalled):
            turns = turns_of(data)
            calls[data.block_id + path_of(turns)] = Call(
                event_id=event.event_id,
                execution_id=data.child_execution_id,
                block_id=data.block_id,
                turns=turns,
            )
        elif isinstance(data, BlockCompleted | BlockError):
            call = calls.pop(data.block_id + path_of(turns_of(data)), None)
            if call is not None and (isinstance(data, BlockCompleted) or data.handled):
                yield call


def first_decided(state: State, past: Iterable[Event], decided_in: Collection[str]) -> int | None:
    """The first event from which on people had decided something that stands; ``None``: they had not.

    It opened the point that they decided, is their decision, kept for a point to come, or called the
    execution in which they decided.

    Args:
        state: after the last of the events.
        past: of the execution, from the first one on.
        decided_in: ids of the executions that it called in which people decided.
    """
    points = [each.event_id for each in _human(state) if each.entry_id or each.decisions]
    held = [each.event_id for each in state.held_decisions.values()]
    calls = [each.event_id for each in standing_calls(past) if each.execution_id in decided_in]
    return min([*points, *held, *calls], default=None)


def may_have_begun_decided(past: Iterable[Event], graph: Graph) -> bool:
    """Whether an execution began with outputs of blocks in which people may have decided, in another one.

    Args:
        past: the events of the execution, from the first one on.
        graph: what runs there.
    """
    seeded = (each.data for each in islice(past, 2) if isinstance(each.data, ExecutionSeeded))
    return any(holds(graph, name, ASKING | CALLERS) for data in seeded for name in data.outputs)


def asking_blocks(state: State, past: Iterable[Event], decided_in: Collection[str]) -> set[str]:
    """The blocks in which people were asked, or that called an execution in which they decided.

    The containers around them are among them.

    Args:
        state: as above.
        past: as above.
        decided_in: as above.
    """
    calls = (each for each in standing_calls(past) if each.execution_id in decided_in)
    places: Iterator[PausePoint | Call] = (place for places in (_human(state), calls) for place in places)
    return {
        block_id
        for place in places
        for block_id in (place.block_id, *(turn.iteration_container_id for turn in place.turns))
    }


def _human(state: State) -> Iterator[PausePoint]:
    return (each for each in state.points.values() if each.kind == "human")
