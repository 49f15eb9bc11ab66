"""The time of day of a cluster: its log's database's, so that it is the same in every process.

Deadlines fire by it, and the moments in events are its. A process whose own clock is wrong, or set while it
runs, neither fires a deadline early nor keeps one back: between two questions to the database the time goes
on by a clock that nobody sets.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from signoff.events.errors import StoreError
from signoff.events.store.base import EventStore

_EVERY: Final = 1.0
_LATE: Final = 0.5
"""Seconds after which an answer says no longer what time it is."""

SKEW: Final = 5.0
"""Seconds by which this process's own clock may differ before an operator is told."""

_log = structlog.get_logger("signoff.clock")


def since_boot() -> float:
    """Seconds on a clock that goes on while the machine sleeps or is moved, where there is one (Linux)."""
    boottime = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(boottime)


class DatabaseClock:
    """The time of day by the database's clock, in seconds since the epoch, UTC.

    Until the database has answered for the first time it is this process's own; see :meth:`known`.

    Args:
        store: the log; is asked each second.
        steady: seconds, on a clock that nobody sets.
        own: the time of day by this process's clock.
    """

    def __init__(
        self,
        store: EventStore,
        *,
        steady: Callable[[], float] = since_boot,
        own: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._steady = steady
        self._own = own
        self._ahead: float | None = None
        self._known = asyncio.Event()
        self._told = False

    def __call__(self) -> float:
        """What time it is."""
        return self._own() if self._ahead is None else self._steady() + self._ahead

    async def known(self) -> None:
        """Return once the database has told the time."""
        await self._known.wait()

    async def keep(self) -> None:
        """Ask the database each second, for ever."""
        while True:
            try:
                await self.ask()
            except StoreError as error:
                _log.warning("the database does not tell the time: it goes on from before", reason=str(error))
            await asyncio.sleep(_EVERY)

    async def ask(self) -> None:
        """Ask the database what time it is.

        An answer that took long is believed only for want of a better, and as if it had been on its way here
        all the time: a clock that is ahead fires deadlines too early, and what it dates delays what follows.

        Raises:
            StoreError: it does not answer.
        """
        before = self._steady()
        now = await self._store.now()
        after = self._steady()
        is_late = after - before > _LATE
        if is_late and self._known.is_set():
            return
        self._ahead = now - (after if is_late else (before + after) / 2)
        self._known.set()
        await self._tell()

    async def check(self) -> str | None:
        """For readiness: a remark when this process's own clock is wrong."""
        skew = self._own() - self()
        if abs(skew) <= SKEW:
            return None
        which = "ahead of" if skew > 0 else "behind"
        return f"this machine's clock is {abs(skew):.0f} s {which} the database's: set it, with NTP"

    async def _tell(self) -> None:
        remark = await self.check()
        if remark is not None and not self._told:
            _log.error(remark)
        self._told = remark is not None
