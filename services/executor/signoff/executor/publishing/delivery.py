"""How far a partition's messages have come: not only to the bus, but into the logs that they are for.

A bus may forget what it has acknowledged: one in memory does so with its process. What followed from an
event is done when the owner of the target has read past it, and says so in the log's database. Until then
the event is one that a next owner must read again.
"""

from collections.abc import Collection, Mapping


class Delivery:
    """The position behind which nothing is owed, of one partition.

    In rounds: the messages sent so far are marked, the ends of their targets' topics looked up, and the
    mark is settled once every target is read up to there. Messages sent meanwhile wait for the next mark.
    """

    def __init__(self) -> None:
        self._safe = 0
        self._sent: set[int] = set()
        self._marked: frozenset[int] = frozenset()
        self._mark = 0
        self._ends: Mapping[int, int] | None = None

    @property
    def owes(self) -> bool:
        """Whether a message may not have come to its log yet."""
        return bool(self._sent or self._marked)

    def position(self, acknowledged: int) -> int:
        """Where a next owner may go on, if everything up to ``acknowledged`` is on the bus."""
        return self._safe if self.owes else acknowledged

    def sent(self, targets: Collection[int], acknowledged: int) -> None:
        """Note that messages are on the bus; what they follow from is just after ``acknowledged``."""
        if not self.owes:
            self._safe = acknowledged
        self._sent.update(targets)

    def mark(self, acknowledged: int) -> frozenset[int]:
        """The targets whose ends must be looked up now, if any."""
        if not self._marked:
            self._mark, self._marked, self._ends = acknowledged, frozenset(self._sent), None
            self._sent = set()
        return self._marked if self._ends is None else frozenset()

    def settle(self, ends: Mapping[int, int], taken: Mapping[int, int]) -> None:
        """Move on if all that is marked was taken up.

        Args:
            ends: the next offset of each target that :meth:`mark` asked for.
            taken: by partition, the offset up to which its owner has dealt with its commands.
        """
        if self._ends is None:
            self._ends = {target: ends[target] for target in self._marked}
        if all(taken.get(target, 0) >= end for target, end in self._ends.items()):
            self._safe, self._marked = self._mark, frozenset()
