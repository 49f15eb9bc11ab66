"""Following the log: read, wait for a hint, read again. The same for every store."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import Recorded

POLL: Final = 1.0
"""Seconds after which a follower reads again without a hint."""

_log: Final = logging.getLogger(__name__)


class Bell:
    """Tells followers that there may be something new. Only a hint: it may ring too often, or not at all."""

    def __init__(self) -> None:
        self._listeners: dict[asyncio.Event, None] = {}

    def ring(self) -> None:
        """Wake every follower."""
        for listener in self._listeners:
            listener.set()

    def listen(self) -> asyncio.Event:
        """An event that each ring sets, until :meth:`leave`."""
        listener = asyncio.Event()
        self._listeners[listener] = None
        return listener

    def leave(self, listener: asyncio.Event) -> None:
        """Ring for this listener no more."""
        self._listeners.pop(listener, None)


async def follow(
    read: Callable[[int, int], Awaitable[list[Recorded]]], bell: Bell, *, after: int, limit: int
) -> AsyncIterator[list[Recorded]]:
    """Everything after a position, then each new event, in batches, for ever.

    Args:
        read: gives the events after a position, at most so many, by position.
        bell: rings after appends.
        after: the position to begin after.
        limit: events in a batch.
    """
    rung = bell.listen()
    try:
        while True:
            rung.clear()  # before the read: what is appended during it rings again
            batch = await _read_or_nothing(read, after, limit)
            if batch:
                after = batch[-1].position
                yield batch
            else:
                await _wait(rung)
    finally:
        bell.leave(rung)


async def _read_or_nothing(
    read: Callable[[int, int], Awaitable[list[Recorded]]], after: int, limit: int
) -> list[Recorded]:
    try:
        return await read(after, limit)
    except StoreUnavailableError as error:
        _log.warning("following the log after %d: %s; reading again in %.0f s", after, error, POLL)
        return []


async def _wait(rung: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL):
            await rung.wait()
    except TimeoutError:
        return  # read again without a hint
