"""Where people decided among the executions that a source called: their logs say, and not the source's.

A child may be decided before its parent heard that it waits, and then nothing in the parent's log tells.
"""

import asyncio
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from signoff.engine.deciding.decided import first_decided, standing_calls
from signoff.engine.deciding.forks import past_state
from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore
from signoff.events.store.paging import PAGE_BYTES
from signoff.events.types import Event

MOST_EVENTS: Final = 10_000
"""Events of called executions that are looked at for one fork; in what is left people may have decided."""

MOST_BYTES: Final = 32 * 1024 * 1024
"""Bytes of them."""

_PAGE: Final = 500


class CalledExecutions:
    """Looks into the logs of executions that were called, for one fork.

    Args:
        store: has them.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._events = MOST_EVENTS
        self._bytes = MOST_BYTES

    async def decided_in(self, past: Iterable[Event]) -> frozenset[str]:
        """The executions in which people decided, or may have, and whose results stand in a log; by id.

        Args:
            past: the events of that log, from the first one on.

        Raises:
            CodecError: an event of one is none.
            StoreUnavailableError: the database is away.
        """
        found = [each.execution_id for each in standing_calls(past)]
        return frozenset([each for each in found if await self._has_decided(UUID(each))])

    async def _has_decided(self, log_id: UUID) -> bool:
        events = await self._read(log_id)
        if not events:
            return True  # nobody can tell
        state = await asyncio.to_thread(past_state, events)  # a long log takes a moment
        return first_decided(state, events, await self.decided_in(events)) is not None

    async def _read(self, log_id: UUID) -> list[Event]:
        """A log, whole; nothing where it is not there, or more than is still looked at."""
        events: list[Event] = []
        while page := await self._store.read(log_id, after=len(events), limit=_PAGE, size=PAGE_BYTES):
            self._events -= len(page)
            self._bytes -= sum(len(each.state) for each in page)
            if self._events < 0 or self._bytes < 0:
                return []
            events += [decode_event(each.state) for each in page]
            await asyncio.sleep(0)
        return events
