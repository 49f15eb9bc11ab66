"""A workflow's definition as a drawing: blocks with their words, and the lines between them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from signoff.engine.definitions.definition import Block, Connection, Definition, Loop, Parallel
from signoff.engine.definitions.graph import STARTS
from signoff.gateway.pages.graph.layers import Edge
from signoff.gateway.pages.graph.layout import NOWHERE, Box, Layout, Place, lay_out
from signoff.gateway.pages.graph.level import Point
from signoff.gateway.pages.graph.words import HUMAN, Exit, exits_of, kind_of, shortened, width_of

MAX_BLOCKS: Final = 1_000
"""Blocks that are drawn; a workflow with more is shown as a list."""

MAX_LINES: Final = 4_000

MAX_LISTED: Final = 500
"""Blocks that are listed of a workflow that is not drawn."""

HEAD: Final = 52.0
"""Pixels of a block's two lines of text."""

EXIT: Final = 22.0
"""Pixels of a further line, for an exit that has a name."""

_ENTRY: Final = 26.0
"""How far below its top edges enter a block, and leave it where the exit has no name."""

_MARGIN: Final = 16.0
_NARROW, _WIDE = 156.0, 236.0
_DECIDED: Final = 204.0
"""Pixels of a block in which somebody decides, at least: there is room for how long it waited."""

_PADDING: Final = 28.0
_DOT: Final = 10.0
_BOLD: Final = 1.13
"""How much wider names are than what else is written (graph.css)."""

Tone: TypeAlias = Literal["", "error"]


class DrawnExit(Struct, frozen=True, kw_only=True):
    """An exit that has a name.

    Attributes:
        label: as much of its name as has room.
        title: all of it.
        tone: what it is for.
        y: how far below the block's top its text stands, in pixels.
    """

    label: str
    title: str
    tone: Tone
    y: float


class DrawnBlock(Struct, frozen=True, kw_only=True):
    """A block where it stands; pixels from the left upper corner of the drawing.

    Attributes:
        id: of the block.
        name: as people know it.
        label: as much of the name as has room.
        type: of the block.
        kind: the type in words; of a container also how it goes about it.
        container_id: of what holds it.
        is_container: it holds others.
        is_trigger: runs start with it.
        enabled: it exists in a run.
    """

    id: str
    name: str
    label: str
    type: str
    kind: str
    container_id: str | None
    is_container: bool
    is_trigger: bool
    enabled: bool
    x: int
    y: int
    width: int
    height: int
    exits: list[DrawnExit]


class DrawnLine(Struct, frozen=True, kw_only=True):
    """A connection.

    Attributes:
        source: id of the block that it leaves.
        handle: when it is taken.
        target: id of the block that it enters.
        label: the name of the exit; empty for one that has none.
        tone: of the exit.
        path: for SVG.
    """

    source: str
    handle: str
    target: str
    label: str
    tone: Tone
    path: str


class Drawing(Struct, frozen=True, kw_only=True):
    """A graph as templates/macros/graph.html shows it.

    Attributes:
        blocks: containers before what is in them, then from left to right.
        lines: between blocks.
        leaving: the lines that leave a block, by its id.
        connections: of the definition, whether they are drawn or not.
        count: blocks of the definition; of one that is not drawn, not all are listed.
        entries: where the turns of containers begin: a dot at a point, and the paths that lead on from it.
        width: pixels.
        height: pixels.
        is_drawn: whether it is small enough to be drawn; the places of blocks mean nothing where it is not.
    """

    blocks: list[DrawnBlock]
    lines: list[DrawnLine]
    leaving: dict[str, list[DrawnLine]]
    connections: list[Connection]
    count: int
    entries: list[tuple[Point, list[str]]]
    width: int
    height: int
    is_drawn: bool = True


def draw(definition: Definition) -> Drawing:
    """Draw a workflow. Takes about 0.1 s for 300 blocks: call it in a thread.

    Args:
        definition: as it was deployed.
    """
    return _Drawing(definition).drawn()


class _Drawing:
    """Boxes and edges of a definition, in numbers."""

    def __init__(self, definition: Definition) -> None:
        self._blocks = definition.blocks
        self._all = list(definition.connections)
        self._numbers = {block.id: number for number, block in enumerate(definition.blocks)}
        self._parents = _parents(definition, self._numbers)
        self._containers = set(self._parents.values())
        settings = {each.id: each for each in containers_of(definition)}
        self._kinds = {block.id: kind_of(block, settings.get(block.id)) for block in definition.blocks}
        self._connections = [each for each in dict.fromkeys(definition.connections) if self._is_drawn(each)]
        used = {(each.source, each.handle) for each in self._connections}
        self._exits = {block.id: exits_of(block, used) for block in definition.blocks}

    def _is_drawn(self, connection: Connection) -> bool:
        """Edges that cross the border of a container are none; those that lead into one go without saying."""
        ends = self._numbers.get(connection.source), self._numbers.get(connection.target)
        if ends[0] is None or ends[1] is None or connection.handle in STARTS:
            return False
        return self._parents[ends[0]] == self._parents[ends[1]]

    def drawn(self) -> Drawing:
        if len(self._blocks) > MAX_BLOCKS or len(self._connections) > MAX_LINES:
            return self._listed()
        boxes = [self._box(number, block) for number, block in enumerate(self._blocks)]
        edges = [self._edge(each) for each in self._connections]
        dots = self._dots(edges)
        count = len(edges)
        for container, targets in dots:
            edges += [Edge(len(boxes), target, _DOT / 2, _ENTRY) for target in targets]
            boxes.append(Box(_DOT, _DOT, container))
        layout = lay_out(boxes, edges)
        width, height = layout.size
        return self._drawing(
            self._in_order(layout),
            layout,
            entries=_entries(dots, layout, len(self._blocks), count),
            size=(round(width + 2 * _MARGIN), round(height + 2 * _MARGIN)),
        )

    def _listed(self) -> Drawing:
        return self._drawing(range(min(len(self._blocks), MAX_LISTED)), None, entries=[], size=(0, 0))

    def _drawing(
        self,
        numbers: Sequence[int],
        layout: Layout | None,
        *,
        entries: list[tuple[Point, list[str]]],
        size: tuple[int, int],
    ) -> Drawing:
        routes = [[]] * MAX_LINES if layout is None else layout.routes
        lines = [self._line(each, route) for each, route in zip(self._connections, routes, strict=False)]
        leaving: dict[str, list[DrawnLine]] = {}
        for line in lines:
            leaving.setdefault(line.source, []).append(line)
        return Drawing(
            blocks=[self._block(number, layout) for number in numbers],
            lines=lines,
            leaving=leaving,
            connections=self._all,
            count=len(self._blocks),
            entries=entries,
            width=size[0],
            height=size[1],
            is_drawn=layout is not None,
        )

    def _box(self, number: int, block: Block) -> Box:
        exits = self._exits[block.id]
        texts = [self._kinds[block.id], *(each.label for each in exits)]
        widest = max(width_of(block.name) * _BOLD, *map(width_of, texts))
        width = min(_WIDE, max(_DECIDED if block.type == HUMAN else _NARROW, _PADDING + widest))
        return Box(round(width), HEAD + EXIT * len(exits), self._parents[number])

    def _edge(self, connection: Connection) -> Edge:
        source, target = self._numbers[connection.source], self._numbers[connection.target]
        exits = self._exits[connection.source]
        row = next((row for row, each in enumerate(exits) if each.handle == connection.handle), None)
        leaves = _ENTRY if row is None else HEAD + EXIT * row + EXIT / 2 - 4
        return Edge(source, target, leaves, _ENTRY, int(connection.handle == "error"))

    def _dots(self, edges: Sequence[Edge]) -> list[tuple[int, list[int]]]:
        """The containers, each with the blocks that its turns start with."""
        entered = {edge.target for edge in edges}
        inside: dict[int, list[int]] = {}
        for number, parent in self._parents.items():
            if parent != NOWHERE:
                inside.setdefault(parent, []).append(number)
        return [
            (parent, [each for each in members if each not in entered]) for parent, members in inside.items()
        ]

    def _in_order(self, layout: Layout) -> list[int]:
        """From the left, what is in a container after it."""
        places = layout.places
        return sorted(range(len(self._blocks)), key=lambda each: (places[each].x, places[each].y))

    def _block(self, number: int, layout: Layout | None) -> DrawnBlock:
        block, parent = self._blocks[number], self._parents[number]
        place = Place(0, 0, _WIDE, 0) if layout is None else layout.places[number]
        room = place.width - _PADDING
        return DrawnBlock(
            id=block.id,
            name=block.name,
            label=shortened(block.name, room / _BOLD),
            type=block.type,
            kind=shortened(self._kinds[block.id], room),
            container_id=None if parent == NOWHERE else self._blocks[parent].id,
            is_container=number in self._containers,
            is_trigger=block.trigger,
            enabled=block.enabled,
            x=round(place.x + _MARGIN),
            y=round(place.y + _MARGIN),
            width=round(place.width),
            height=round(place.height),
            exits=[
                DrawnExit(
                    label=shortened(each.label, room), title=each.title, tone=each.tone,
                    y=HEAD + EXIT * row + EXIT / 2,
                )
                for row, each in enumerate(self._exits[block.id])
            ],
        )  # fmt: skip

    def _line(self, connection: Connection, route: Sequence[Point]) -> DrawnLine:
        exits: Iterable[Exit] = self._exits[connection.source]
        found = next((each for each in exits if each.handle == connection.handle), None)
        return DrawnLine(
            source=connection.source,
            handle=connection.handle,
            target=connection.target,
            label="" if found is None else found.title,
            tone="" if found is None else found.tone,
            path=path_of(route),
        )


def containers_of(definition: Definition) -> list[Loop | Parallel]:
    """How its loops and parallels go about it."""
    return [*definition.loops, *definition.parallels]


def _parents(definition: Definition, numbers: Mapping[str, int]) -> dict[int, int]:
    """The container of each block, by number; a container that is in itself is in none."""
    containers = {each.id: each for each in containers_of(definition) if each.id in numbers}
    inside = {node: each.id for each in containers.values() for node in each.nodes if node in numbers}
    found: dict[int, int] = {}
    for block_id, number in numbers.items():
        trail = [block_id]
        while (above := inside.get(trail[-1])) is not None and above not in trail:
            trail.append(above)
        direct = inside.get(block_id)
        found[number] = NOWHERE if direct is None or above is not None else numbers[direct]
    return found


def _entries(
    dots: Sequence[tuple[int, Sequence[int]]], layout: Layout, blocks: int, lines: int
) -> list[tuple[Point, list[str]]]:
    found: list[tuple[Point, list[str]]] = []
    for number, (_, targets) in enumerate(dots, blocks):
        place = layout.places[number]
        at = (round(place.x + _MARGIN + _DOT / 2), round(place.y + _MARGIN + _DOT / 2))
        found.append((at, [path_of(route) for route in layout.routes[lines : lines + len(targets)]]))
        lines += len(targets)
    return found


def path_of(route: Sequence[Point]) -> str:
    """A route as the path of an SVG: level between the points of a pair, curved between pairs.

    Its steps are relative, since those are shorter.
    """
    if not route:
        return ""
    points = [(round(x + _MARGIN), round(y + _MARGIN)) for x, y in route]
    (x, y), end = points[0], points[0][0]
    written = f"M{x} {y}"
    for (left, top), (right, _) in zip(points[::2], points[1::2], strict=True):
        if top != y:
            written += f"{_level(x, end)}c{_bent(left - end, top - y)}"
            x, y = left, top
        end = right
    return written + _level(x, end)


def _bent(width: int, height: int) -> str:
    middle = width // 2
    return f"{middle} 0 {middle} {height} {width} {height}".replace(" -", "-")


def _level(begin: int, end: int) -> str:
    return "" if begin == end else f"h{end - begin}"
