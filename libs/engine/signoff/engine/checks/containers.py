"""Checks of loops and parallels: what they hold, how they nest, what they go over, which edges may cross."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from signoff.engine.checks.values import is_open, shown
from signoff.engine.definitions.catalog import CONTAINER_TYPES, MAX_ITERATIONS, too_many
from signoff.engine.definitions.definition import Block, Connection, Loop, Parallel
from signoff.engine.definitions.faults import Findings, shorten
from signoff.engine.definitions.reading import BlockPlace, Container, ContainerPlace, EdgePlace, Reading
from signoff.engine.definitions.values import parse_number, read_items

MAX_NESTING: Final = 32
"""Containers that may stand around a block: each makes the names of what runs in it longer."""

_TURN: Final = re.compile(r"(.+)_loop(?:0|[1-9]\d{0,8})", re.ASCII | re.DOTALL)
_LONGEST_ID: Final = 200
_NO_ITEMS: Final = {
    "forEach": "ForEach loop collection is empty. "
    "Provide an array or a reference that resolves to a collection.",
    "collection": "Parallel collection distribution is empty. "
    "Provide an array or a reference that resolves to a collection.",
}


class Nesting(Struct, frozen=True):
    """Which blocks are in which containers.

    Attributes:
        kinds: ``loop`` or ``parallel``, by the container's id.
        parents: the container that a block is directly in, by the block's id.
    """

    kinds: Mapping[str, str]
    parents: Mapping[str, str]

    def around(self, block_id: str) -> list[str]:
        """The containers around a block, innermost first."""
        chain: list[str] = []
        parent = self.parents.get(block_id)
        while parent is not None and len(chain) < MAX_NESTING:
            chain.append(parent)
            parent = self.parents.get(parent)
        return chain

    def turns(self, block_id: str) -> set[str]:
        """The kinds of containers around a block."""
        return {self.kinds[each] for each in self.around(block_id)}


def check_containers(reading: Reading, findings: Findings) -> Nesting:
    """Checks each container by itself and how they nest.

    Returns:
        The nesting, without what is at fault.
    """
    blocks = {block.id: (block, place) for block, place in reading.blocks}
    entries = {container.id: _kind_of(container) for container, _ in reading.containers}
    for block, place in reading.blocks:
        if block.enabled and block.type in CONTAINER_TYPES and entries.get(block.id) != block.type:
            findings.fault(
                place.type, f"a {block.type} needs an entry under {block.type}s that says what it holds"
            )
    nesting = Nesting(entries, _check_nesting(reading, _check_nodes(reading, blocks, findings), findings))
    for container, container_place in reading.containers:
        known = blocks.get(container.id)
        if _check_block(container, known, container_place, blocks, findings) and known and known[0].enabled:
            _check_settings(container, known[0].name, container_place, findings)
    _check_ids(reading, nesting, findings)
    return nesting


def keep_edges(
    reading: Reading,
    edges: list[tuple[Connection, EdgePlace]],
    nesting: Nesting,
    findings: Findings,
) -> list[tuple[Connection, EdgePlace]]:
    """Drops the edges that cross a border, and reports containers whose start leads to nothing inside.

    Args:
        reading: what was read.
        edges: between blocks that exist.
        nesting: from `check_containers`.
        findings: takes a warning for each edge that is dropped.
    """
    kept: list[tuple[Connection, EdgePlace]] = []
    started: set[str] = set()
    enabled = {block.id for block, _ in reading.blocks if block.enabled}
    for connection, place in edges:
        if _crosses(connection, nesting):
            findings.warn(
                place.target,
                f'the edge from "{shorten(connection.source)}" to "{shorten(connection.target)}" crosses the '
                "border of a container and is ignored",
                "lead it to a block of the same container, or leave through the container itself",
            )
            continue
        if _is_start(connection.handle) and connection.target in enabled:
            started.add(connection.source)
        kept.append((connection, place))
    for container, container_place in reading.containers:
        if container.id in enabled and container.nodes and container.id not in started:
            findings.fault(
                container_place.start,
                f'the start of "{shorten(container.id)}" is connected to nothing inside',
                f"connect its {_kind_of(container)}-start-source to its first block",
            )
    return kept


def _kind_of(container: Container) -> str:
    return "loop" if isinstance(container, Loop) else "parallel"


def _is_start(handle: str) -> bool:
    return handle in {"loop-start-source", "parallel-start-source"}


def _crosses(connection: Connection, nesting: Nesting) -> bool:
    inside = nesting.parents.get(connection.target)
    if _is_start(connection.handle):
        return inside != connection.source
    return inside != nesting.parents.get(connection.source)


def _check_block(
    container: Container,
    known: tuple[Block, BlockPlace] | None,
    place: ContainerPlace,
    blocks: Mapping[str, Any],
    findings: Findings,
) -> bool:
    kind = _kind_of(container)
    if known is None:
        hint = findings.did_you_mean(container.id, blocks)
        findings.fault(place.entry, f'there is no block "{shorten(container.id)}" of type {kind}', hint)
    elif known[0].type != kind:
        findings.fault(
            place.entry,
            f'the block "{shorten(container.id)}" is of type {shorten(known[0].type)}, not {kind}',
        )
    return known is not None and known[0].type == kind


def _check_nodes(
    reading: Reading, blocks: Mapping[str, tuple[Block, BlockPlace]], findings: Findings
) -> dict[str, tuple[str, str]]:
    """Checks what each container holds; gives the one container of each block, and where it is said."""
    inside: dict[str, tuple[str, str]] = {}
    for container, place in reading.containers:
        if not container.nodes:
            findings.fault(place.nodes, f'"{shorten(container.id)}" holds no blocks')
        for index, node in enumerate(container.nodes):
            path = place.node(index, node)
            if node not in blocks:
                hint = findings.did_you_mean(node, blocks)
                findings.fault(path, f'there is no block "{shorten(node)}"', hint)
            elif node == container.id:
                findings.fault(path, f'"{shorten(node)}" cannot be inside itself')
            elif node in inside:
                where = f'"{shorten(node)}" is already inside "{shorten(inside[node][0])}"'
                findings.fault(path, where, "a block is in one container; containers hold containers")
            else:
                inside[node] = (container.id, path)
                if blocks[node][0].trigger:
                    findings.fault(path, f'"{shorten(node)}" starts runs and cannot be inside a container')
    return inside


def _check_nesting(
    reading: Reading, inside: Mapping[str, tuple[str, str]], findings: Findings
) -> dict[str, str]:
    """Reports containers that are inside themselves by way of others, and those that are in too many."""
    parents = {node: container_id for node, (container_id, _) in inside.items()}
    depths: dict[str, int] = {}
    for container, place in reading.containers:
        trail: list[str] = []
        current: str | None = container.id
        while current is not None and current not in depths:
            # On the trail, but not yet known how deep.
            depths[current] = 0
            trail.append(current)
            current = parents.get(current)
        if current is not None and depths[current] == 0:
            inner = trail[-1]
            findings.fault(
                inside[inner][1],
                f'"{shorten(inner)}" cannot be inside "{shorten(current)}", which is inside it',
            )
            del parents[inner]
            current = None
        depth = 0 if current is None else depths[current]
        for each in reversed(trail):
            depth += 1
            depths[each] = depth
        if depth == MAX_NESTING + 1:
            findings.fault(place.entry, f"is nested too deeply: at most {MAX_NESTING} containers")
    return parents


def _check_settings(container: Container, name: str, place: ContainerPlace, findings: Findings) -> None:
    if container.kind in _NO_ITEMS:
        _check_items(container, name, place, findings)
    elif isinstance(container, Parallel):
        _check_count(container.count, place.count, findings)
    elif container.kind == "while" and not container.condition.strip():
        findings.warn(place.condition, "without a condition the loop is skipped")
    elif container.kind == "doWhile" and not container.condition.strip():
        findings.warn(place.condition, f"without a condition the loop runs {container.iterations} times")


def _check_items(container: Container, name: str, place: ContainerPlace, findings: Findings) -> None:
    items = container.items
    if items is None or (isinstance(items, str) and not items.strip()):
        findings.fault(place.items, _NO_ITEMS[container.kind])
        return
    if isinstance(items, str) and is_open(items):
        return
    read = read_items(items)
    if read is None:
        findings.fault(
            place.items,
            f"must be an array, an object, or a reference that resolves to one, not {shown(items)}",
            "such as <start.items>",
        )
    elif isinstance(container, Loop) and len(read) > MAX_ITERATIONS:
        findings.fault(place.items, too_many(name))


def _check_count(count: Any, path: str, findings: Findings) -> None:
    if isinstance(count, str) and is_open(count):
        return
    number = parse_number(count) if isinstance(count, str) else count
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        findings.fault(path, f"must be a whole number from 0, or a reference to one, not {shown(count)}")


def _check_ids(reading: Reading, nesting: Nesting, findings: Findings) -> None:
    """Reports ids that could be mistaken for that of a block's iteration."""
    ids = {block.id for block, _ in reading.blocks}
    for block, place in reading.blocks:
        base = block.id[: _LONGEST_ID + 1]
        while (match := _TURN.fullmatch(base)) is not None:
            base = match[1]
            if base in ids and "loop" in nesting.turns(base):
                findings.fault(
                    place.id,
                    f'the id "{shorten(block.id)}" is that of an iteration of "{shorten(base)}"',
                    "give one of them another id",
                )
                break
