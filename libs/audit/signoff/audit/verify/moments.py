"""When positions of the log were not there yet: what shows that an event was put in later and dated back."""

from array import array
from bisect import bisect_left, bisect_right
from typing import Final
from uuid import UUID

from signoff.audit.checkpoints.checkpoint import Checkpoint
from signoff.events.store.base import Recorded
from signoff.events.times import from_iso, iso

CLOCKS: Final = 600.0
"""Seconds by which the clocks of services may differ."""


class Moments:
    """The positions that checkpoints go up to, and when they were made; 24 bytes each.

    An event behind a checkpoint's position was appended after it was made, so it is not older.
    """

    def __init__(self) -> None:
        self._numbers, self._positions, self._times = array("q"), array("q"), array("d")
        self._last = 0.0
        self._returned: dict[UUID, int] = {}
        self._windows: list[tuple[float, float]] = []
        self._begin, self._end, self._floor = 0, 0, ""

    def add(self, checkpoint: Checkpoint, *, is_accepted: bool) -> None:
        """Take the next checkpoint; one that goes back takes the place of those that it covers anew.

        Args:
            checkpoint: the next by number.
            is_accepted: a restore came before it: what no checkpoint had covered by then may have been put
                back after it.
        """
        self._begin = self._end = 0
        while self._positions and self._positions[-1] > checkpoint.after:
            del self._numbers[-1], self._positions[-1], self._times[-1]
        made = max(self._last, from_iso(checkpoint.time))
        if is_accepted:
            self._windows.append((self._last, made))
        self._numbers.append(checkpoint.number)
        self._positions.append(checkpoint.position)
        self._times.append(made)
        self._last = made

    def put_back(self, log_id: UUID, event_id: int) -> None:
        """Note that an earlier checkpoint commits to a log up to this event, wherever it lies now."""
        self._returned[log_id] = max(event_id, self._returned.get(log_id, 0))

    def lacking(self, event: Recorded, timestamp: str) -> int | None:
        """The number of the checkpoint that should commit to an event, by its time, and lay before it.

        Args:
            event: where it lies.
            timestamp: its time, as events write it.

        Returns:
            ``None`` for one that is where it should be: nearly all.
        """
        if not self._begin < event.position <= self._end:
            self._find(event.position)
        if timestamp >= self._floor:
            return None
        if event.version <= self._returned.get(event.log_id, 0):
            return None
        moment = from_iso(timestamp)
        if any(begin < moment <= end for begin, end in self._windows):
            return None
        return self._numbers[bisect_right(self._times, moment)]

    def _find(self, position: int) -> None:
        """Keep for the next events between which checkpoints a position lies, and what is too old there."""
        at = bisect_left(self._positions, position)
        self._begin = self._positions[at - 1] if at else -(2**63)
        self._end = self._positions[at] if at < len(self._positions) else 2**63
        self._floor = iso(self._times[at - 1] - CLOCKS) if at else ""
