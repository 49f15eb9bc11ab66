"""A definition compiled for running: what is reachable, who waits for whom, which edge fires when."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from signoff.engine.catalog import find_entry
from signoff.engine.definition import Block, Definition
from signoff.events.types import Json

SOURCE: Final = "source"
ERROR: Final = "error"
CONDITION: Final = "condition-"


class Edge(Struct, frozen=True):
    """An edge as its source sees it: it fires when ``handle`` does."""

    handle: str
    target: str


class Node(Struct, frozen=True, kw_only=True):
    """A block that exists in a run, with the edges that matter there."""

    block: Block
    edges: tuple[Edge, ...]
    incoming: int
    handles_error: bool


class Graph(Struct, frozen=True, kw_only=True):
    """The blocks reachable from an entry, by id."""

    definition: Definition
    entry: str
    nodes: Mapping[str, Node]


class Settled(Struct, frozen=True):
    """What the end of a block changes: per target, edges still open and whether one was taken."""

    open_edges: dict[str, int]
    reached: set[str]
    ready: list[str]


def compile_graph(definition: Definition) -> Graph:
    """Keep what is reachable from the entry over enabled blocks, and count who waits for whom.

    Args:
        definition: a checked definition.

    Raises:
        ValueError: no enabled block can start a run.
    """
    first = find_entry(definition.blocks)
    if first is None:
        raise ValueError("the definition has no start block")
    entry = first.id
    blocks = {block.id: block for block in definition.blocks if block.enabled}
    outgoing: dict[str, list[Edge]] = {}
    for connection in definition.connections:
        if connection.source in blocks and connection.target in blocks:
            edges = outgoing.setdefault(connection.source, [])
            edge = Edge(connection.handle, connection.target)
            if edge not in edges:
                edges.append(edge)
    reachable = _reachable(entry, outgoing)
    incoming = dict.fromkeys(reachable, 0)
    for source in reachable:
        for edge in outgoing.get(source, ()):
            incoming[edge.target] += 1
    return Graph(
        definition=definition,
        entry=entry,
        nodes={
            name: Node(
                block=blocks[name],
                edges=tuple(outgoing.get(name, ())),
                incoming=incoming[name],
                handles_error=any(edge.handle == ERROR for edge in outgoing.get(name, ())),
            )
            for name in reachable
        },
    )


def _reachable(entry: str, outgoing: Mapping[str, list[Edge]]) -> dict[str, None]:
    seen: dict[str, None] = {entry: None}
    pending = [entry]
    while pending:
        for edge in outgoing.get(pending.pop(), ()):
            if edge.target not in seen:
                seen[edge.target] = None
                pending.append(edge.target)
    return seen


def fires(edge: Edge, *, output: Json, failed: bool) -> bool:
    """Whether an edge is taken when its source ended with ``output``, or failed."""
    if failed or edge.handle == ERROR:
        return failed and edge.handle == ERROR
    if edge.handle.startswith(CONDITION):
        selected = output.get("selectedOption") if isinstance(output, dict) else None
        return selected is not None and edge.handle == CONDITION + str(selected)
    return True


def settle(
    graph: Graph, ended: str, *, output: Json, failed: bool, open_edges: Mapping[str, int], reached: set[str]
) -> Settled:
    """Follow the edges of an ended block: taken ones reach their target, the others are dead.

    A block is ready when none of its incoming edges is open and one was taken. A block with every
    incoming edge dead never runs, and its own edges are dead in turn.

    Args:
        graph: what runs.
        ended: the block that ended.
        output: its output; a condition's chooses the edge.
        failed: it failed, and its error edges take over.
        open_edges: edges still open per block, where they are fewer than in the graph.
        reached: blocks with an edge taken.

    Returns:
        Only what changed. Cost is in the number of edges followed.
    """
    changed: dict[str, int] = {}
    newly: set[str] = set()
    ready: list[str] = []
    follow: list[tuple[Edge, bool]] = [
        (edge, fires(edge, output=output, failed=failed)) for edge in graph.nodes[ended].edges
    ]
    while follow:
        edge, taken = follow.pop(0)
        target = edge.target
        left = changed.get(target)
        if left is None:
            left = open_edges.get(target, graph.nodes[target].incoming)
        changed[target] = left - 1
        if taken:
            newly.add(target)
        if left == 1:
            if target in newly or target in reached:
                ready.append(target)
            else:
                follow.extend((dead, False) for dead in graph.nodes[target].edges)
    return Settled(changed, newly, ready)


def has_successor(graph: Graph, block_id: str) -> bool:
    """Whether any edge leaves a block: the last finished one without gives the execution's output."""
    return bool(graph.nodes[block_id].edges)
