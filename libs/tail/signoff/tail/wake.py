"""How a reader with nothing to do waits: for news, or until its time is up."""

import asyncio


class Wake:
    """News for the one task that waits for them.

    It is an ``asyncio.Event`` and an ``asyncio.timeout`` in a quarter of their memory: most streams do
    nothing but wait, and there may be many thousands of them.
    """

    __slots__ = ("_is_set", "_waiter")

    def __init__(self) -> None:
        self._is_set = False
        self._waiter: asyncio.Future[bool] | None = None

    def set(self) -> None:
        """Tell that there is news, now or to the next who waits."""
        self._is_set = True
        self._end(is_news=True)

    def clear(self) -> None:
        """Forget news: to be called before looking for them, so that none is missed."""
        self._is_set = False

    async def wait(self, seconds: float) -> bool:
        """Wait for news, at most so many seconds; tells whether there is any."""
        if self._is_set or seconds <= 0:
            return self._is_set
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._end)
        try:
            return await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _end(self, *, is_news: bool = False) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(is_news)
