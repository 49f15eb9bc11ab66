"""Time as a run in a test has it: it stands still while blocks run, and leaps when everything waits."""

import asyncio
from collections.abc import Callable


class VirtualClock:
    """The time of day of a run.

    Args:
        now: seconds since the epoch, UTC.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        self._leapt: Callable[[float], None] = _nothing

    def __call__(self) -> float:
        """Seconds since the epoch, UTC."""
        return self._now

    def leap_to(self, moment: float) -> None:
        """Make it that time; whatever sleeps in the event loop has slept so much longer."""
        ahead, self._now = moment - self._now, moment
        self._leapt(ahead)

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop whose own time leaps with this clock."""
        loop = _LeapingLoop()
        self._leapt = loop.leap
        return loop


class _LeapingLoop(asyncio.SelectorEventLoop):
    """Real time, plus what was leapt over: a sleep of a month is over after a leap of a month."""

    _ahead = 0.0

    def time(self) -> float:
        return super().time() + self._ahead

    def leap(self, seconds: float) -> None:
        self._ahead += seconds


def _nothing(_: float) -> None:
    """There is no loop to leap yet."""
