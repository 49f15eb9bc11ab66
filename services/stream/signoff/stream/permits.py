"""Streams that are open, and whether their callers may still read them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Self

import structlog

from signoff.access.directory.live import LiveDirectory
from signoff.access.errors import AccessError
from signoff.events.errors import StoreUnavailableError
from signoff.stream.errors import RefusedError

ASK_EVERY: Final = 15.0
"""Seconds after which callers are asked for again though the directory did not change: sessions end and keys
expire without any change of it."""

_AWAY_SECONDS: Final = 1.0
_AT_ONCE: Final = 16

_log = structlog.get_logger("signoff.stream")

Ask = Callable[[], Awaitable[None]]
"""Finds out anew what the caller of a stream may read, and takes it into account. Raises RefusedError or an
AccessError when that is nothing, and StoreUnavailableError when it cannot be said."""


class Permit:
    """The right to go on with a stream, as of the directory that this process has, while its block lasts."""

    __slots__ = ("_ask", "_directory", "_end", "_ended", "_open", "_seen")

    def __init__(
        self, directory: LiveDirectory, ask: Ask, end: Callable[[], None], among: dict["Permit", None]
    ) -> None:
        self._directory = directory
        self._open = among
        self._ask = ask
        self._end = end
        self._seen = -1
        self._ended = False

    async def begin(self) -> None:
        """Ask for the first time; raises what ``ask`` raises."""
        self._seen = self._directory.version
        await self._ask()

    async def __aenter__(self) -> Self:
        """Ask again, for what changed since the caller was let in; raises what ``ask`` raises."""
        self._open[self] = None
        try:
            await self.begin()
        except BaseException:
            del self._open[self]
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """The stream has ended."""
        del self._open[self]

    async def renew(self) -> bool:
        """Ask again, and end the stream when it is refused; tells whether there was an answer."""
        version, known = self._directory.version, True
        try:
            await self._ask()
        except StoreUnavailableError:
            known = False
        except (RefusedError, AccessError) as error:
            if not self._ended:
                _log.info("a stream ends: its caller may not read it any more", reason=str(error))
            self._ended = True
            self._end()
        # Not before: until it is answered, whoever wants to send asks, too.
        self._seen = max(self._seen, version)
        return known

    async def holds(self) -> bool:
        """Whether the stream may go on: to be asked before anything is sent, since it costs nothing.

        Only where the directory changed since the last time the caller is asked for again.
        """
        if self._directory.version != self._seen:
            await self.renew()
        return not self._ended


class Permits:
    """Asks again about all open streams whenever the directory changes, and every so often.

    Args:
        directory: who there is.
        every: seconds between two times, at most.
    """

    def __init__(self, directory: LiveDirectory, *, every: float = ASK_EVERY) -> None:
        self._directory = directory
        self._every = every
        self._open: dict[Permit, None] = {}

    def held(self, ask: Ask, end: Callable[[], None]) -> Permit:
        """A permit for a stream, for as long as its block lasts.

        Args:
            ask: what is asked again and again. The block is not entered when it refuses by now, or when it
                cannot be said: what it raises is raised then.
            end: ends the stream; called when ``ask`` refuses.
        """
        return Permit(self._directory, ask, end, self._open)

    async def watch(self) -> None:
        """Ask again and again, until cancelled. While it cannot be said, streams stay."""
        seen, wait = self._directory.version, self._every
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    seen = await self._directory.changed(seen)
            wait = self._every if await self._renew_all() else _AWAY_SECONDS

    async def _renew_all(self) -> bool:
        permits = list(self._open)
        known = True
        for start in range(0, len(permits), _AT_ONCE):
            said = await asyncio.gather(*(each.renew() for each in permits[start : start + _AT_ONCE]))
            known = known and all(said)
        return known
