"""Executions whose points were looked at lately: who looks again folds only what was added to the log."""

from collections.abc import Sequence
from copy import copy
from typing import Final

from aiohttp import web
from msgspec.structs import replace

from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import decode_event
from signoff.events.store.base import Recorded
from signoff.events.store.paging import bytes_of
from signoff.gateway.inbox.history import Histories
from signoff.gateway.pages.followed import FollowedLogs


class Points:
    """An execution's state, and what happened at each of its pause points.

    Attributes:
        state: is folded on; what is shown is a `view_of` it.
        histories: of its points.
        weight: bytes of the events, whose values they have.
    """

    def __init__(self) -> None:
        self.state = State()
        self.histories = Histories()
        self.weight = 0

    @property
    def version(self) -> int:
        """The last event that was taken; 0 for none yet."""
        return self.state.version

    def take(self, page: Sequence[Recorded]) -> None:
        """Fold the events that follow.

        Raises:
            CodecError: bytes that are no event.
            ValueError: an event does not follow.
        """
        for recorded in page:
            event = decode_event(recorded.state)
            evolve(self.state, event)
            self.histories.see(event)
        self.weight += bytes_of(page)


def view_of(state: State, context_id: str) -> State:
    """A state as it is now for one of its pause points, which stays so while the log is folded on.

    Args:
        state: is folded on.
        context_id: of the point, of which also the decisions and the others' names stay as they are.
    """
    view = copy(state)
    view.points = {key: copy(point) for key, point in state.points.items()}
    view.entries = {key: copy(entry) for key, entry in state.entries.items()}
    view.queue, view.open, view.commands = list(state.queue), dict(state.open), dict(state.commands)
    point = state.points[context_id]
    view.points[context_id] = replace(
        point,
        delegates=dict(point.delegates),
        decisions=list(point.decisions),
        notified=list(point.notified),
    )
    return view


FOLLOWING: Final = web.AppKey("following", FollowedLogs[Points])
