"""Partitions from which nothing is heard, such as those of an executor that has died.

What waits for them says nothing about the others, and must not take their places.
"""

from typing import Final

MOST: Final = 4
"""Starts that may wait for one partition that is stalled; more are refused."""

_LEAST: Final = 0.5
_MULTIPLE: Final = 4.0
_WEIGHT: Final = 0.1


class Stalls:
    """Knows since when each partition's commands wait, and what is usual."""

    def __init__(self) -> None:
        self._waiting: dict[int, dict[object, float]] = {}
        self._usual = 0.0

    def sent(self, command: object, partition: int, now: float) -> None:
        """Take note of a command on its way."""
        self._waiting.setdefault(partition, {})[command] = now

    def answered(self, command: object, partition: int, now: float, *, heard: bool) -> float:
        """Take note that one does not wait any more; gives the seconds that it did.

        ``heard`` says that its outcome came, and not that its caller gave up.
        """
        commands = self._waiting[partition]
        waited = now - commands.pop(command)
        if not commands:
            del self._waiting[partition]
        if heard:
            self._usual += _WEIGHT * (waited - self._usual)
        return waited

    def count(self, partition: int) -> int:
        """Commands that wait for a partition."""
        return len(self._waiting.get(partition, ()))

    def stalled(self, partition: int, now: float) -> bool:
        """Whether a partition's oldest command waits far longer than is usual."""
        oldest = next(iter(self._waiting.get(partition, {}).values()), now)
        return now - oldest > max(_LEAST, _MULTIPLE * self._usual)
