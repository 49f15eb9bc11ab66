"""Fair sharing of places: how many of them one holder may have, so that others find some, too."""

from collections import Counter
from typing import Generic, TypeVar

Who = TypeVar("Who")


class Shares(Generic[Who]):
    """Who holds how many places.

    Nobody may hold more than so many times what is free. Alone, a holder leaves a part free; beside others,
    each can have an equal share, and what they leave free is for who comes next. Nobody is counted or
    configured beforehand (dynamic thresholds: Choudhury and Hahne, "Dynamic queue length thresholds for
    shared-memory packet switches", IEEE/ACM Transactions on Networking 6(2), 1998).

    Args:
        multiple: of the free places that one may hold: alone, it gets ``multiple / (multiple + 1)`` of all.

    Attributes:
        total: places held by anybody.
    """

    def __init__(self, multiple: int) -> None:
        self._multiple = multiple
        self._held: Counter[Who] = Counter()
        self.total = 0

    def held(self, who: Who) -> int:
        """Places that somebody holds."""
        return self._held[who]

    def may_take(self, who: Who, places: float) -> bool:
        """Whether one more of so many places may be somebody's."""
        free = places - self.total
        return free >= 1 and self._held[who] < self._multiple * free

    def places_for_one(self, count: float) -> float:
        """How many places there must be for a holder that is alone to have so many."""
        return count * (self._multiple + 1) / self._multiple

    def take(self, who: Who) -> None:
        """Note that somebody holds one more."""
        self._held[who] += 1
        self.total += 1

    def give_back(self, who: Who) -> None:
        """Note that somebody holds one less."""
        self.total -= 1
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]
