"""The order of the nodes in each column: few edges cross.

Barycentres, from the left and from the right in turn, then neighbours are exchanged where that helps; the
best order that was met is kept. Everything follows from the order of the input, so the same graph is always
drawn in the same way.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Final

from signoff.gateway.pages.graph.layers import Layers, Segment

_SWEEPS: Final = 8
_WORK: Final = 12_000
"""Segments that are looked at, so that a dense graph takes no longer than a large one."""

_EXCHANGES: Final = 4
"""Rounds of exchanges after a sweep."""


def arrange(layers: Layers) -> list[list[int]]:
    """The columns of a graph, each from top to bottom."""
    ordering = _Ordering(layers)
    best, fewest = ordering.columns(), ordering.crossings()
    size = sum(map(len, layers.segments))
    for sweep in range(min(_SWEEPS, max(2, _WORK // max(1, size)))):
        if fewest == 0 and sweep > 1:
            break
        ordering.sweep(to_right=sweep % 2 == 0)
        ordering.exchange()
        crossings = ordering.crossings()
        if crossings < fewest:
            best, fewest = ordering.columns(), crossings
    return best


class _Ordering:
    """An order that is being improved."""

    def __init__(self, layers: Layers) -> None:
        self._columns = [list(each) for each in layers.columns]
        self._segments = layers.segments
        count = sum(map(len, layers.columns))
        self._place = [0.0] * count
        self._before: list[list[tuple[int, float]]] = [[] for _ in range(count)]
        self._after: list[list[tuple[int, float]]] = [[] for _ in range(count)]
        tallest = 1 + max((each.leaves for gap in layers.segments for each in gap), default=0)
        for each in (segment for gap in layers.segments for segment in gap):
            # Edges that leave a node further down count as further down.
            share = each.leaves / tallest
            self._before[each.right].append((each.left, share))
            self._after[each.left].append((each.right, 0))
        for column in self._columns:
            self._number(column)

    def columns(self) -> list[list[int]]:
        return [list(each) for each in self._columns]

    def crossings(self) -> int:
        return sum(self._crossings_of(gap) for gap in self._segments)

    def _crossings_of(self, gap: Sequence[Segment]) -> int:
        ends = sorted((self._place[each.left], each.leaves, self._place[each.right]) for each in gap)
        seen: list[float] = []
        found = 0
        for _, _, end in ends:
            found += len(seen) - bisect_right(seen, end)
            insort(seen, end)
        return found

    def sweep(self, *, to_right: bool) -> None:
        near = self._before if to_right else self._after
        for column in self._columns if to_right else reversed(self._columns):
            keys = {node: self._centre(node, near[node]) for node in column}
            column.sort(key=keys.__getitem__)
            self._number(column)

    def _centre(self, node: int, near: Sequence[tuple[int, float]]) -> float:
        if not near:
            return self._place[node]
        return sum(self._place[each] + share for each, share in near) / len(near)

    def exchange(self) -> None:
        for _ in range(_EXCHANGES):
            if not sum(self._exchange_in(column) for column in self._columns):
                return

    def _exchange_in(self, column: list[int]) -> int:
        sides = [(self._around(node, self._before), self._around(node, self._after)) for node in column]
        done = 0
        for upper in range(len(column) - 1):
            above, below = sides[upper], sides[upper + 1]
            now = sum(map(_inversions, above, below))
            if now and sum(map(_inversions, below, above)) < now:
                column[upper : upper + 2] = column[upper + 1], column[upper]
                sides[upper : upper + 2] = below, above
                done += 1
        self._number(column)
        return done

    def _around(self, node: int, near: Sequence[Sequence[tuple[int, float]]]) -> list[float]:
        return sorted(self._place[each] + share for each, share in near[node])

    def _number(self, column: Sequence[int]) -> None:
        for place, node in enumerate(column):
            self._place[node] = place


def _inversions(above: Sequence[float], below: Sequence[float]) -> int:
    """Crossings of the edges of two neighbours, on one side, with the one above the other."""
    return sum(bisect_left(below, each) for each in above)
