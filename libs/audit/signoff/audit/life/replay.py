"""A log folded step by step, beside what else claims to be its state."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from signoff.audit.life.differences import Change, changes_between
from signoff.audit.life.shape import shape_of
from signoff.engine.definitions.graph import Graph
from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import chain_hash, decode_event
from signoff.events.store.base import Recorded
from signoff.events.types import Event


class Step(Struct, frozen=True):
    """One event, and what it changed."""

    event: Event
    changes: list[Change]


class ReplayError(ValueError):
    """An event does not follow from those before it."""


class Replay:
    """Folds the events of one log, in order.

    Args:
        graph: of the definition that ran; without it, what is ready next is not folded.
    """

    def __init__(self, graph: Graph | None = None) -> None:
        self.state = State()
        self._graph = graph
        self._prev: str | None = None
        self._shape: dict[str, Any] = shape_of(self.state)

    def fold(self, page: list[Recorded]) -> Iterator[Event]:
        """Fold a page.

        Raises:
            ReplayError: an event does not follow, by its number or by the hash that it carries.
            CodecError: one is no event.
        """
        for recorded in page:
            event = decode_event(recorded.state)
            if event.prev != self._prev:
                raise ReplayError(f"event {event.event_id} does not carry the hash of the one before it")
            try:
                evolve(self.state, event, self._graph)
            except (ValueError, LookupError) as error:
                raise ReplayError(f"event {event.event_id} ({event.type}): {error}") from error
            self._prev = chain_hash(recorded.state)
            yield event

    def steps(self, page: list[Recorded]) -> Iterator[Step]:
        """Fold a page, and tell what each event changed; errors as in `fold`."""
        for event in self.fold(page):
            before, self._shape = self._shape, shape_of(self.state)
            yield Step(event, changes_between(before, self._shape))
