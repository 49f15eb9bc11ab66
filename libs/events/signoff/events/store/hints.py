"""Hints that leases were released, for executors that would take them: counted, so that none slips by."""

import asyncio
import contextlib


class Releases:
    """How many times this process has heard that leases were released.

    Only a hint: it may come too often, or not at all.
    """

    def __init__(self) -> None:
        self._count = 0
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Leases were released: wake whoever waits."""
        self._count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, heard: int, *, limit: float) -> int:
        """Wait for a release that the caller has not heard of, at most ``limit`` seconds.

        Args:
            heard: what the last call gave; 0 at first.
            limit: seconds.
        """
        if self._count == heard:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    await self._next.wait()
        return self._count
