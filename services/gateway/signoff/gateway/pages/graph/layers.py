"""The first half of a layered drawing: which column each node is in, and what stands for long edges.

Sugiyama's method (Sugiyama, Tagawa, Toda 1981; Gansner and others, "A Technique for Drawing Directed Graphs",
1993). Nodes are numbers from 0.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

MAX_PASSING: Final = 3_000
"""Nodes that stand for edges that pass by. Where there would be more, edges are drawn straight across."""


class Edge(Struct, frozen=True):
    """An edge.

    Attributes:
        source: the number of the node that it leaves.
        target: the number of the node that it enters.
        leaves: how far below the top of the source, in pixels.
        enters: how far below the top of the target, in pixels.
        strand: long edges with the same target and strand run together.
    """

    source: int
    target: int
    leaves: float = 0
    enters: float = 0
    strand: int = 0

    def turned(self) -> "Edge":
        """The same edge the other way round."""
        return Edge(self.target, self.source, self.enters, self.leaves, self.strand)


class Segment(Struct, frozen=True):
    """A part of an edge, from a column to the next.

    Attributes:
        left: the node that it leaves.
        right: the node that it enters.
        leaves: how far below the top of ``left``, in pixels.
        enters: how far below the top of ``right``, in pixels.
        pull: how much it wants to be straight.
    """

    left: int
    right: int
    leaves: float
    enters: float
    pull: float


class Layers(Struct, frozen=True):
    """Nodes in columns; numbers from the count of real nodes on stand for edges that pass by.

    Attributes:
        columns: the nodes of each column, from left to right; a column's are not in order yet.
        segments: between each column and the next.
        chains: the nodes that each edge goes through, its ends included, from left to right.
    """

    columns: list[list[int]]
    segments: list[list[Segment]]
    chains: list[list[int]]


def forward(count: int, edges: Sequence[Edge]) -> list[bool]:
    """Whether each edge may lead to the right; the others close a cycle, and are drawn backwards."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    for number, edge in enumerate(edges):
        leaving[edge.source].append(number)
    right = [True] * len(edges)
    is_open, is_done = [False] * count, [False] * count
    for root in range(count):
        trail: list[tuple[int, Iterator[int]]] = [] if is_done[root] else [(root, iter(leaving[root]))]
        is_open[root] = True
        while trail:
            node, rest = trail[-1]
            following = next(rest, None)
            if following is None:
                trail.pop()
                is_open[node], is_done[node] = False, True
                continue
            target = edges[following].target
            if is_open[target]:
                right[following] = False
            elif not is_done[target]:
                is_open[target] = True
                trail.append((target, iter(leaving[target])))
    return right


def rank(count: int, edges: Sequence[Edge]) -> list[int]:
    """The column of each node: as far left as its edges allow, but near to what it leads to.

    Args:
        count: of the nodes.
        edges: without cycles.
    """
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        before[edge.target].append(edge.source)
        after[edge.source].append(edge.target)
    ranks = [0] * count
    waiting = [len(each) for each in before]
    order = [node for node in range(count) if not waiting[node]]
    for node in order:  # grows while it is read
        for target in after[node]:
            ranks[target] = max(ranks[target], ranks[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    for node in reversed(order):
        if len(after[node]) > len(before[node]):
            ranks[node] = min(ranks[target] for target in after[node]) - 1
    return ranks


def layer(ranks: Sequence[int], edges: Sequence[Edge]) -> Layers:
    """Put nodes into columns, and a node of no size into each column that edges pass.

    Args:
        ranks: the column of each node.
        edges: all of them lead to the right.
    """
    layering = _Layering(ranks)
    chains = [layering.chain(edge) for edge in edges]
    return Layers(layering.columns, layering.segments, chains)


class _Layering:
    """Leads edges through the columns."""

    def __init__(self, ranks: Sequence[int]) -> None:
        self._ranks = ranks
        self._passing: dict[tuple[int, int, int], int] = {}
        self.columns: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
        self.segments: list[list[Segment]] = [[] for _ in self.columns]
        for node, column in enumerate(ranks):
            self.columns[column].append(node)

    def chain(self, edge: Edge) -> list[int]:
        first, last = self._ranks[edge.source], self._ranks[edge.target]
        known = len(self._passing)
        if known + last - first - 1 > MAX_PASSING:
            return [edge.source, edge.target]
        chain = [edge.source, *(self._pass(edge, column) for column in range(first + 1, last)), edge.target]
        # Where an edge has joined others, what follows is there already.
        is_new = [True, *(node >= len(self._ranks) + known for node in chain[1:-1])]
        for column, (left, right) in enumerate(pairwise(chain)):
            if is_new[column]:
                self.segments[first + column].append(_segment(edge, left, right))
        return chain

    def _pass(self, edge: Edge, column: int) -> int:
        key = (edge.target, edge.strand, column)
        node = self._passing.get(key)
        if node is None:
            node = self._passing[key] = len(self._ranks) + len(self._passing)
            self.columns[column].append(node)
        return node


def _segment(edge: Edge, left: int, right: int) -> Segment:
    begins, ends = left == edge.source, right == edge.target
    pull = _PULLS[begins + ends]
    return Segment(left, right, edge.leaves if begins else 0, edge.enters if ends else 0, pull)


_PULLS: Final = (8.0, 2.0, 1.0)
"""By how many ends of a segment are real nodes (Gansner and others, 4)."""
