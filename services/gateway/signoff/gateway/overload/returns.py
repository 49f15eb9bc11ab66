"""When a refused caller may come back: honest, and not all at the same moment.

Each refusal is given a turn behind those before it, as fast as turns come free now, and one workspace's
refusals do not stand in another's way. So the callers that wait as told come back about as fast as they can
be served.
"""

import random
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

LONGEST: Final = 30
"""Seconds that a caller is told to stay away at most, but for the jitter: things may be better by then."""

_JITTER: Final = 0.5
_FIRST_RATE: Final = 100.0
_WINDOW: Final = 1.0
_MOST_LINES: Final = 1000


class Returns:
    """Gives out turns.

    Args:
        clock: monotonic, seconds.
        chance: from 0 up to 1, evenly: spreads returns.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._since = clock()
        self._served = 0
        self._rate = _FIRST_RATE
        self._lines: dict[UUID, float] = {}

    def served(self) -> None:
        """Take note that somebody's turn is over."""
        self._served += 1
        self._measure(self._clock())

    def after(self, workspace_id: UUID) -> int:
        """Whole seconds, at least 1, after which a caller of a workspace should come back."""
        now = self._clock()
        self._measure(now)
        self._forget(now)
        step = max(1, len(self._lines)) / self._rate
        turn = min(max(self._lines.get(workspace_id, now), now) + step, now + LONGEST)
        self._lines[workspace_id] = turn
        wait = max(1.0, turn - now) * (1 + _JITTER * self._chance())
        return int(wait + self._chance())  # up or down by chance: on average it is as long as it should be

    def _measure(self, now: float) -> None:
        """How many turns a second there are: half of it is what the last second or so tells."""
        passed = now - self._since
        if passed >= _WINDOW:
            self._rate = max(1.0, (self._rate + self._served / passed) / 2)
            self._since, self._served = now, 0

    def _forget(self, now: float) -> None:
        if len(self._lines) >= _MOST_LINES:
            self._lines = {who: turn for who, turn in self._lines.items() if turn > now}
