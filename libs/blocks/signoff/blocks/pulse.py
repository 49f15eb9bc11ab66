"""Heartbeats: a try that gives no sign of life within its limit is given up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from signoff.blocks.context import Cancellation
from signoff.blocks.errors import HeartbeatError


class Pulse:
    """Hears the heartbeats of one try, and tells the try when it was given up (a `Cancellation`).

    Made in the event loop; `beat` and `is_set` work from any thread. A beat costs no more than noting the
    time, so that a block may beat as often as it likes.

    Args:
        name: the block, for the error.
        limit: seconds from one beat to the next, and from the start to the first.
        run: whether the run was cancelled, which ends the try too.
    """

    def __init__(self, name: str, limit: float, run: Cancellation) -> None:
        self._name = name
        self._limit = limit
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._lapsed = asyncio.Event()
        self._last = self._loop.time()
        self._details = ""

    def beat(self, details: str = "", /) -> None:
        """Note a sign of life."""
        self._details = details
        self._last = self._loop.time()

    def is_set(self) -> bool:
        """Whether the try was given up."""
        return self._lapsed.is_set() or self._run.is_set()

    async def wait(self) -> None:
        """Return when the try is given up."""
        either = [asyncio.ensure_future(each) for each in (_waited(self._lapsed), _waited(self._run))]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in either:
                each.cancel()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Cancel what is inside when no beat comes in time.

        Raises:
            HeartbeatError: none came.
        """
        try:
            async with asyncio.timeout(None) as deadline:
                timer = self._watch(deadline)
                try:
                    yield
                finally:
                    timer.cancel()
        except TimeoutError as error:
            if deadline.expired():
                raise HeartbeatError(self._silence()) from error
            raise

    def _watch(self, deadline: asyncio.Timeout) -> "_Timer":
        timer = _Timer()

        def look() -> None:
            silent_at = self._last + self._limit
            if self._loop.time() < silent_at:
                timer.handle = self._loop.call_at(silent_at, look)
            else:
                self._lapsed.set()
                deadline.reschedule(self._loop.time())

        look()
        return timer

    def _silence(self) -> str:
        after = f" after: {self._details}" if self._details else ""
        return f'Block "{self._name}" gave no heartbeat for {self._limit:g} seconds{after}'


class _Timer:
    """The call that is due next, which changes with each look."""

    handle: asyncio.TimerHandle | None = None

    def cancel(self) -> None:
        if self.handle is not None:
            self.handle.cancel()


async def _waited(cancellation: Cancellation) -> None:
    await cancellation.wait()
