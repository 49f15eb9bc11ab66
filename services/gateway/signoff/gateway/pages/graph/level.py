"""Boxes of known sizes, none in another, in columns from left to right."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, TypeAlias

from msgspec import Struct

from signoff.gateway.pages.graph.heights import place
from signoff.gateway.pages.graph.layers import Edge, forward, layer, rank
from signoff.gateway.pages.graph.order import arrange

COLUMN_GAP: Final = 56.0
"""Pixels between two columns; the edges curve there."""

ROW_GAP: Final = 20.0
"""Pixels between two boxes of a column, and around those inside another."""

Point: TypeAlias = tuple[float, float]
Size: TypeAlias = tuple[float, float]


class Level(Struct, frozen=True):
    """Where everything is, in pixels from the left upper corner.

    Attributes:
        corners: the left upper corner of each box.
        routes: of the edges: pairs of points between which the edge is level; between pairs it curves.
        size: of the whole.
    """

    corners: list[Point]
    routes: list[list[Point]]
    size: Size


def lay_level(sizes: Sequence[Size], edges: Sequence[Edge]) -> Level:
    """Lay boxes out, so that edges lead to the right.

    Args:
        sizes: width and height of each box, in pixels.
        edges: those that close a cycle are led to the left; one from a box to itself is not led at all.
    """
    to_right = forward(len(sizes), edges)
    led = [number for number, edge in enumerate(edges) if edge.source != edge.target]
    turned = [edges[each] if to_right[each] else edges[each].turned() for each in led]
    ranks = rank(len(sizes), turned)
    layers = layer(ranks, turned)
    columns = arrange(layers)
    tops = place(columns, layers.segments, {node: size[1] for node, size in enumerate(sizes)}, ROW_GAP)
    spans = _spans(columns, sizes)
    corners = [(spans[column][0], tops[node]) for node, column in enumerate(ranks)]
    routes: list[list[Point]] = [[] for _ in edges]
    for number, edge, chain in zip(led, turned, layers.chains, strict=True):
        (left, top), (right, bottom) = corners[edge.source], corners[edge.target]
        crossed = spans[ranks[edge.source] :]
        route = [
            (left + sizes[edge.source][0], top + edge.leaves),
            (crossed[0][1], top + edge.leaves),
            *(
                (side, tops[node])
                for node, span in zip(chain[1:-1], crossed[1:], strict=False)
                for side in span
            ),
            *[(right, bottom + edge.enters)] * 2,
        ]
        routes[number] = route if to_right[number] else route[::-1]
    bottoms = [top + (sizes[node][1] if node < len(sizes) else 0) for node, top in tops.items()]
    return Level(corners, routes, (spans[-1][1] if spans else 0.0, max(bottoms, default=0.0)))


def _spans(columns: Sequence[Sequence[int]], sizes: Sequence[Size]) -> list[tuple[float, float]]:
    """Where each column begins and ends."""
    widths = [
        max((sizes[node][0] for node in column if node < len(sizes)), default=0.0) for column in columns
    ]
    lefts = accumulate((width + COLUMN_GAP for width in widths), initial=0.0)
    return [(left, left + width) for left, width in zip(lefts, widths, strict=False)]
