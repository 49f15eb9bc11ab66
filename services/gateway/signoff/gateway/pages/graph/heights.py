"""How far down each node stands: edges are as straight as the order of the columns allows.

Each column is placed at best for its neighbours: where every node is to stand in order and apart, the least
sum of the lengths of what pulls at them is an isotonic regression. Pooling neighbours that are in each
other's way solves it exactly (Barlow and others 1972); with medians, as Gansner and others (1993, 4.1) have
it, most edges become straight.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from signoff.gateway.pages.graph.layers import Segment

_ROUNDS: Final = 4
_INERTIA: Final = 0.001
"""Of a node that nothing pulls at."""


def place(
    columns: Sequence[Sequence[int]],
    segments: Sequence[Sequence[Segment]],
    heights: Mapping[int, float],
    gap: float,
) -> dict[int, float]:
    """The top of each node, the highest at 0.

    Args:
        columns: nodes from top to bottom.
        segments: between each column and the next.
        heights: of the nodes, in pixels; what is not there has none.
        gap: between two nodes of a column, in pixels.
    """
    from_left, from_right = _pulls(segments, from_left=True), _pulls(segments, from_left=False)
    tops: dict[int, float] = {}
    for column in columns:
        top = 0.0
        for node in column:
            tops[node] = top
            top += heights.get(node, 0) + gap
    both = {node: [*from_left.get(node, ()), *from_right.get(node, ())] for node in tops}
    for number in range(_ROUNDS):
        is_last = number == _ROUNDS - 1
        for column in columns:
            _settle(column, both if is_last else from_left, tops, heights, gap)
        for column in reversed(columns):
            _settle(column, both if is_last else from_right, tops, heights, gap)
    highest = min(tops.values(), default=0)
    return {node: round(top - highest, 1) for node, top in tops.items()}


_Pull = tuple[int, float, float]
"""To which node, how far below its top, and how strongly."""


def _pulls(segments: Sequence[Sequence[Segment]], *, from_left: bool) -> dict[int, list[_Pull]]:
    found: dict[int, list[_Pull]] = {}
    for each in (segment for gap in segments for segment in gap):
        away = each.leaves - each.enters
        if from_left:
            found.setdefault(each.right, []).append((each.left, away, each.pull))
        else:
            found.setdefault(each.left, []).append((each.right, -away, each.pull))
    return found


class _Pool:
    """Neighbours that stand as near to each other as they may, and so move together."""

    __slots__ = ("at", "size", "wishes")

    def __init__(self, wishes: list[tuple[float, float]]) -> None:
        self.wishes = wishes
        self.size = 1
        self.at = _median(wishes)

    def take(self, other: "_Pool") -> None:
        self.wishes += other.wishes
        self.size += other.size
        self.at = _median(self.wishes)


def _settle(
    column: Sequence[int],
    pulls: Mapping[int, Sequence[_Pull]],
    tops: dict[int, float],
    heights: Mapping[int, float],
    gap: float,
) -> None:
    pools: list[_Pool] = []
    shift = 0.0
    shifts: list[float] = []
    for node in column:
        wishes = [(tops[other] + away - shift, pull) for other, away, pull in pulls.get(node, ())]
        pools.append(_Pool(wishes or [(tops[node] - shift, _INERTIA)]))
        while len(pools) > 1 and pools[-2].at > pools[-1].at:
            last = pools.pop()
            pools[-1].take(last)
        shifts.append(shift)
        shift += heights.get(node, 0) + gap
    places = [pool.at for pool in pools for _ in range(pool.size)]
    for node, at, moved in zip(column, places, shifts, strict=True):
        tops[node] = at + moved


def _median(wishes: list[tuple[float, float]]) -> float:
    """The middle of all points where as much pulls up as down."""
    if len(wishes) == 1:
        return wishes[0][0]
    wishes.sort()
    half = sum(pull for _, pull in wishes) / 2
    passed = 0.0
    for index, (at, pull) in enumerate(wishes):
        passed += pull
        if passed > half:
            return at
        if passed == half:
            return (at + wishes[index + 1][0]) / 2
    return wishes[-1][0]
