"""What a partition's owner knows of blocks in flight and of notices, and the log does not yet.

A block whose result waits to be decided needs no other try when its execution is read again, and nobody is
told again of what they were told. Nor does a block need one whose start was written by an append of unknown
outcome: it has not begun, so it begins now.
"""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from signoff.engine.messages import BLOCK_RESULTS, Effect, Input, RunBlock, Told
from signoff.engine.state import State
from signoff.executor.logs.loaded import Loaded
from signoff.executor.partition.inbox import Internal, Item

Try = tuple[str, int]
"""A block's instance and attempt."""


class Pending:
    """What waits to be decided, and starts of which it is not known whether they are in the log."""

    def __init__(self) -> None:
        self._results: defaultdict[UUID, set[Try]] = defaultdict(set)
        self._told: set[tuple[UUID, int]] = set()
        self._starts: defaultdict[UUID, list[RunBlock]] = defaultdict(list)

    def came(self, log_id: UUID, message: Input) -> None:
        """A message waits to be decided from now on."""
        if isinstance(message, BLOCK_RESULTS):
            self._results[log_id].add((message.instance, message.attempt))
        elif isinstance(message, Told):
            self._told.add((log_id, message.event_id))

    def decided(self, items: Iterable[Item]) -> None:
        """Messages were decided, and what followed is in the log."""
        for item in items:
            if not isinstance(item, Internal):
                continue
            if isinstance(item.message, BLOCK_RESULTS):
                results = self._results[item.log_id]
                results.discard((item.message.instance, item.message.attempt))
                if not results:
                    del self._results[item.log_id]
            elif isinstance(item.message, Told):
                self._told.discard((item.log_id, item.message.event_id))

    def doubted(self, effects: Iterable[tuple[Loaded, Effect]]) -> None:
        """It is not known whether these effects' events are in the log; none of them began."""
        for loaded, effect in effects:
            if isinstance(effect, RunBlock):
                self._starts[loaded.log_id].append(effect)

    def settled(self, log_ids: Iterable[UUID]) -> None:
        """What these logs hold is known again."""
        for log_id in log_ids:
            self._starts.pop(log_id, None)

    def results(self, log_id: UUID) -> frozenset[Try]:
        """Tries of a log's blocks whose results wait."""
        return frozenset(self._results.get(log_id, ()))

    def told(self, log_id: UUID, event_id: int) -> bool:
        """Whether people were told of an event, and what came of it waits."""
        return (log_id, event_id) in self._told

    def starts(self, log_id: UUID, state: State) -> dict[Try, RunBlock]:
        """Tries that are in a log, as it is read now, and have not begun."""
        starts = {(start.instance, start.attempt): start for start in self._starts.get(log_id, ())}
        return {each: starts[each] for each in tries(state) & starts.keys()}


def tries(state: State) -> set[Try]:
    """The tries that are in flight by the log."""
    return {(flight.instance, flight.attempt) for flight in state.in_flight.values()}
