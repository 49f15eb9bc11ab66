"""An execution's events as a server hands them out, up to a point that somebody names."""

import time
from collections.abc import AsyncIterator, Iterable
from typing import Final

from signoff.cli.exits import CommandError
from signoff.client import AsyncClient
from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import decode_event
from signoff.events.errors import CodecError
from signoff.events.times import from_iso
from signoff.events.types import Event

_PAGE: Final = 1000
_LONGEST: Final = 18
_LARGEST: Final = 2**31 - 1
"""The largest number of an event that a server can be asked for."""

_CLOCKS: Final = 60.0
"""Seconds by which clocks of servers may be ahead of this machine's."""


class Until:
    """A point in the life of an execution: after an event, or at a moment; without either, now.

    Args:
        text: the number of an event, or an ISO 8601 time; without an offset it is UTC.

    Raises:
        CommandError: it is neither, or a moment that is still to come.
    """

    def __init__(self, text: str | None) -> None:
        self.event_id: int | None = None
        self._moment: float | None = None
        if text is None:
            return
        if text.isascii() and text.isdigit() and len(text) <= _LONGEST:
            self.event_id = int(text)
            return
        try:
            self._moment = from_iso(text)
        except CodecError as error:
            raise CommandError(
                f"{text} is no event and no time: give a number, or a time such as 2026-05-01T12:00:00Z"
            ) from error
        if self._moment > time.time() + _CLOCKS:
            raise CommandError(f"{text} is still to come: leave it out for what is so now")

    def has(self, event: Event) -> bool:
        """Whether an event belongs to what was, at that point."""
        return self._moment is None or from_iso(event.timestamp) <= self._moment


async def events_until(client: AsyncClient, execution: str, until: Until) -> AsyncIterator[Event]:
    """The events of an execution up to a point, in order.

    Raises:
        ClientError: there is no such execution, or the server does not answer.
        CommandError: it has no such event.
        CodecError: what it handed out is no event.
    """
    handle = client.executions.handle(execution)
    last = 0
    last_wanted = None if until.event_id is None else min(until.event_id, _LARGEST)
    async for recorded in handle.events(until=last_wanted, page_size=_PAGE):
        event = decode_event(recorded.raw)
        if not until.has(event):
            return
        last = event.event_id
        yield event
    if until.event_id is not None and last and last < until.event_id:
        raise CommandError(f"{execution} has no event {until.event_id}: its last is event {last}")


def fold_all(events: Iterable[Event]) -> State:
    """The state that events lead to, folded without the graph."""
    state = State()
    for event in events:
        evolve(state, event)
    return state


def require_some(events: list[Event], execution: str) -> list[Event]:
    """The events, of which there must be one.

    Raises:
        CommandError: nothing had happened by then.
    """
    if not events:
        raise CommandError(f"nothing had happened in {execution} by then: name a later event or time")
    return events
