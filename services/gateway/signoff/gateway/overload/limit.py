"""How many starts may wait for an executor at once: as many as keep the queue young.

The age of what waits tells that there is too much of it, whatever the machine and the workflows are; a number
would have to be guessed. The rule is CoDel's (RFC 8289): a burst makes some wait long, a standing queue makes
all wait long, so what counts is the least that anybody waited in an interval. While that is long the limit
falls, from what there is, by a quarter each interval; otherwise it rises, so that after a calm second or two
a burst finds room again.
"""

import math
from typing import Final

TARGET: Final = 0.1
"""Seconds that the luckiest start of an interval may wait for its outcome."""

INTERVAL: Final = 0.1
"""Seconds over which the least wait is taken."""

LEAST: Final = 64
"""Starts that may always wait: with fewer, executors would have little to share a transaction for."""

_SHRINK: Final = 0.75
_GROWTH: Final = 0.1


class AdaptiveLimit:
    """A limit that follows the age of a queue.

    Args:
        most: what it never exceeds, and where it begins.

    Attributes:
        size: the limit now.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._least = min(LEAST, most)
        self.size = float(most)
        self._since = -math.inf
        self._youngest = math.inf
        self._peak = 0

    def note(self, age: float, waiting: int, now: float) -> None:
        """Take note of one that need not wait any more.

        Args:
            age: seconds that it waited.
            waiting: how many waited then.
            now: seconds of a monotonic clock.
        """
        self._youngest = min(self._youngest, age)
        self._peak = max(self._peak, waiting)
        if now - self._since < INTERVAL:
            return
        if self._youngest > TARGET:
            self.size = max(self._least, min(self.size, self._peak) * _SHRINK)
        else:
            self.size = min(self._most, self.size * (1 + _GROWTH))
        self._since, self._youngest, self._peak = now, math.inf, 0
