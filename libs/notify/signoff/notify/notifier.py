"""Sends messages: bounded in number and in time, and never with an error for what the other side does."""

import asyncio
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import Final

import aiohttp

from signoff.notify.confinement import Confinement
from signoff.notify.errors import InvalidNoticeError
from signoff.notify.notices import Notice, Sent
from signoff.notify.reasons import keep_out_of_logs
from signoff.notify.services import WEB, channel_of, check_channel, deliver
from signoff.notify.webhook import post
from signoff.runtime.guard import Network, guarded_session
from signoff.runtime.threads import DaemonThreads

_CLOSING: Final = 5.0


class Notifier:
    """Sends messages, ``workers`` at a time.

    Apprise blocks, so each of its messages has a thread. One that hangs is given up after the time limit: its
    place is another's, and it connects to nothing any more. There are at most twice ``workers`` threads.

    Args:
        schemes: that are allowed, from :func:`signoff.notify.parse_schemes`.
        networks: that may be reached although they are not public.
        workers: messages that are under way at once.
        queue: messages that may wait for their turn; one more fails at once.
        time_limit: seconds that a message may wait for its turn, and then again that it may take.
    """

    def __init__(
        self,
        *,
        schemes: Collection[str],
        networks: Sequence[Network],
        workers: int = 8,
        queue: int = 200,
        time_limit: float = 20.0,
    ) -> None:
        keep_out_of_logs()
        self._schemes = frozenset(schemes)
        self._networks = networks
        self._limit = time_limit
        self._most = workers + queue
        self._sending = 0
        self._turns = asyncio.Semaphore(workers)
        self._threads = DaemonThreads(workers, name="notice")
        self._abandoned: set[Future[str | None]] = set()
        self._resources = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def abandoned(self) -> int:
        """How many messages were given up whose threads still hang."""
        self._abandoned = {call for call in self._abandoned if not call.done()}
        return len(self._abandoned)

    async def send(self, notice: Notice) -> Sent:
        """Send a message once; what goes wrong is told by the result."""
        begun = time.monotonic()
        channel = channel_of(notice.url)
        error = await self._send(channel, notice)
        return Sent(
            channel=channel,
            success=error is None,
            error=error,
            duration_ms=round((time.monotonic() - begun) * 1000, 3),
        )

    async def close(self) -> None:
        """Send nothing more. Threads that hang are left behind: no process waits for them."""
        self._closed = True
        async with self._opening:
            await self._resources.aclose()
        await asyncio.to_thread(self._threads.close, _CLOSING)

    async def _send(self, channel: str, notice: Notice) -> str | None:
        try:
            check_channel(channel, self._schemes)
        except InvalidNoticeError as error:
            return str(error)
        if self._sending >= self._most:
            return f"not sent: {self._most} notifications are waiting or under way already"
        self._sending += 1
        try:
            return await self._in_turn(channel, notice)
        finally:
            self._sending -= 1

    async def _in_turn(self, channel: str, notice: Notice) -> str | None:
        try:
            async with asyncio.timeout(self._limit):
                await self._turns.acquire()
        except TimeoutError:
            return f"not sent: its turn did not come within {self._limit:g} s, since others took long"
        try:
            if self._closed:
                return "not sent: this process ends"
            if channel in WEB:
                return await post(await self._opened(), notice, limit=self._limit)
            return await self._in_thread(notice)
        finally:
            self._turns.release()

    async def _in_thread(self, notice: Notice) -> str | None:
        confinement = Confinement(self._networks)
        call = self._threads.submit(deliver, notice, confinement, patience=self._limit / 2)
        try:
            async with asyncio.timeout(self._limit):
                return await asyncio.wrap_future(call)
        except TimeoutError:
            return f"there was no answer within {self._limit:g} s; it may have been sent all the same"
        finally:
            confinement.end()
            if not call.done():
                self._abandoned.add(call)

    async def _opened(self) -> aiohttp.ClientSession:
        async with self._opening:
            if self._session is None:
                self._session = await self._resources.enter_async_context(guarded_session(self._networks))
            return self._session
