"""Boxes and the edges between them, laid out from left to right; boxes may hold boxes."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from signoff.gateway.pages.graph.layers import Edge
from signoff.gateway.pages.graph.level import ROW_GAP, Point, Size, lay_level

NOWHERE: Final = -1
"""The parent of boxes that are in no other."""


class Box(Struct, frozen=True):
    """What is laid out.

    Attributes:
        width: pixels; of a box that holds others, at least.
        height: pixels; of a box that holds others, what stands above them.
        parent: the number of the box that holds it.
    """

    width: float
    height: float
    parent: int = NOWHERE


class Place(Struct, frozen=True):
    """Where a box is, in pixels from the left upper corner of the drawing."""

    x: float
    y: float
    width: float
    height: float


class Layout(Struct, frozen=True):
    """A drawing.

    Attributes:
        places: of the boxes.
        routes: of the edges: pairs of points between which the edge is level; between pairs it curves.
        size: width and height of the whole, in pixels.
    """

    places: list[Place]
    routes: list[list[Point]]
    size: Size


def lay_out(boxes: Sequence[Box], edges: Sequence[Edge]) -> Layout:
    """Lay boxes out in columns, so that edges lead to the right.

    Args:
        boxes: in any order; none may be in itself.
        edges: each between two boxes with the same parent.
    """
    laying = _Laying(boxes, edges)
    size = laying.lay(NOWHERE)
    laying.move(NOWHERE, 0, 0)
    return Layout([laying.places[each] for each in range(len(boxes))], laying.routes, size)


class _Laying:
    """Lays out what is in a box before the box itself, whose size follows from it."""

    def __init__(self, boxes: Sequence[Box], edges: Sequence[Edge]) -> None:
        self._boxes = boxes
        self._edges = edges
        self._members: dict[int, list[int]] = {}
        for number, box in enumerate(boxes):
            self._members.setdefault(box.parent, []).append(number)
        self._inner_edges: dict[int, list[int]] = {}
        for number, edge in enumerate(edges):
            self._inner_edges.setdefault(boxes[edge.source].parent, []).append(number)
        self.places: dict[int, Place] = {}
        self.routes: list[list[Point]] = [[] for _ in edges]

    def lay(self, parent: int) -> Size:
        """Lay out what is in a box, counted from where its insides begin; gives how much room they take."""
        members = self._members.get(parent, [])
        numbers = {member: index for index, member in enumerate(members)}
        inner = self._inner_edges.get(parent, [])
        sizes = [self._size(member) for member in members]
        level = lay_level(sizes, [self._renumbered(self._edges[each], numbers) for each in inner])
        for member, corner, size in zip(members, level.corners, sizes, strict=True):
            self.places[member] = Place(*corner, *size)
        for each, route in zip(inner, level.routes, strict=True):
            self.routes[each] = route
        return level.size

    def _renumbered(self, edge: Edge, numbers: dict[int, int]) -> Edge:
        return msgspec.structs.replace(edge, source=numbers[edge.source], target=numbers[edge.target])

    def _size(self, number: int) -> Size:
        box = self._boxes[number]
        if number not in self._members:
            return box.width, box.height
        width, height = self.lay(number)
        return max(box.width, width + 2 * ROW_GAP), box.height + height + ROW_GAP

    def move(self, parent: int, x: float, y: float) -> None:
        """Put the insides of a box where the box is."""
        for number in self._inner_edges.get(parent, ()):
            self.routes[number] = [(left + x, top + y) for left, top in self.routes[number]]
        for number in self._members.get(parent, ()):
            at = self.places[number]
            self.places[number] = Place(at.x + x, at.y + y, at.width, at.height)
            if number in self._members:
                self.move(number, at.x + x + ROW_GAP, at.y + y + self._boxes[number].height)
