"""A definition compiled for running: what is reachable, who waits for whom, which edge fires when.

Blocks live in a container or in none. Edges lead between blocks of the same one; those that cross a
border are not taken. A container's own edges leave it when all its turns are over.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from signoff.engine.definitions.catalog import find_entry
from signoff.engine.definitions.definition import Block, Connection, Definition, Loop, Parallel
from signoff.events.types import Json, TurnType

ERROR: Final = "error"
CONDITION: Final = "condition-"
ROUTER: Final = "router-"
STARTS: Final = frozenset({"loop-start-source", "parallel-start-source"})
"""Handles that lead into a container. Its first blocks are those that nothing in it leads to."""


class Edge(Struct, frozen=True):
    """An edge as its source sees it: it fires when ``handle`` does."""

    handle: str
    target: str


class Node(Struct, frozen=True, kw_only=True):
    """A block that exists in a run, with the edges that matter there.

    ``around``: the containers that it is in, outermost first.
    """

    block: Block
    edges: tuple[Edge, ...]
    incoming: int
    handles_error: bool
    around: tuple[str, ...] = ()


class Container(Struct, frozen=True, kw_only=True):
    """A loop or a parallel that exists in a run.

    ``entries``: its blocks that start with each turn; ``members``: the blocks whose outputs belong to a
    turn: all in it, but for those in a parallel inside it.
    """

    settings: Loop | Parallel
    entries: tuple[str, ...]
    members: tuple[str, ...]

    @property
    def kind(self) -> TurnType:
        """Whether its turns follow one another or run side by side."""
        return "loop" if isinstance(self.settings, Loop) else "parallel"


class Graph(Struct, frozen=True, kw_only=True):
    """The blocks reachable from an entry, by id, and the containers among them."""

    definition: Definition
    entry: str
    nodes: Mapping[str, Node]
    containers: Mapping[str, Container]


class Settled(Struct, frozen=True):
    """What the end of a block changes: per target, edges still open and whether one was taken."""

    open_edges: dict[str, int]
    reached: set[str]
    ready: list[str]


def compile_graph(definition: Definition, entry: str | None = None) -> Graph:
    """Keep what is reachable from the entry over enabled blocks, and count who waits for whom.

    Args:
        definition: a checked definition.
        entry: the block to start with; without it the one that a call starts with.

    Raises:
        ValueError: no enabled block can start a run.
    """
    first = find_entry(definition.blocks)
    if entry is None and first is None:
        raise ValueError("the definition has no start block")
    entry = entry if entry is not None or first is None else first.id
    blocks = {block.id: block for block in definition.blocks if block.enabled}
    every: tuple[Loop | Parallel, ...] = (*definition.loops, *definition.parallels)
    settings = {each.id: each for each in every if each.id in blocks}
    around = _around(blocks, settings.values())
    blocks = {block_id: block for block_id, block in blocks.items() if block_id in around}
    outgoing, inward = _edges(definition.connections, around)
    reachable = _reachable(str(entry), outgoing, inward)
    incoming = dict.fromkeys(reachable, 0)
    for source in reachable:
        for edge in outgoing.get(source, ()):
            incoming[edge.target] += 1
    kept = {name: each for name, each in settings.items() if name in reachable}
    members = _members(kept, {name: around[name] for name in reachable})
    return Graph(
        definition=definition,
        entry=str(entry),
        nodes={
            name: Node(
                block=blocks[name],
                edges=tuple(outgoing.get(name, ())),
                incoming=incoming[name],
                handles_error=any(edge.handle == ERROR for edge in outgoing.get(name, ())),
                around=around[name],
            )
            for name in reachable
        },
        containers={
            name: Container(
                settings=each,
                entries=tuple(
                    child
                    for child in each.nodes
                    if incoming.get(child) == 0 and around[child] == (*around[name], name)
                ),
                members=tuple(members[name]),
            )
            for name, each in kept.items()
        },
    )


def _around(blocks: Mapping[str, Block], settings: Iterable[Loop | Parallel]) -> dict[str, tuple[str, ...]]:
    """The containers around each block; nothing in a disabled container exists, nor what is in itself."""
    inside = {node: each.id for each in settings for node in each.nodes}
    found: dict[str, tuple[str, ...]] = {}
    for block_id in blocks:
        chain: list[str] = []
        place = inside.get(block_id)
        while place is not None and place in blocks and place not in chain:
            chain.append(place)
            place = inside.get(place)
        if place is None:
            found[block_id] = tuple(reversed(chain))
    return found


def _edges(
    connections: Iterable[Connection], around: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, list[Edge]], dict[str, list[str]]]:
    """The edges between blocks of the same container, and, by container, what its start leads to."""
    outgoing: dict[str, list[Edge]] = {}
    inward: dict[str, list[str]] = {}
    for connection in connections:
        source, target = connection.source, connection.target
        if source not in around or target not in around:
            continue
        if around[target] == (*around[source], source):
            inward.setdefault(source, []).append(target)
        elif around[source] == around[target] and connection.handle not in STARTS:
            edge = Edge(connection.handle, target)
            edges = outgoing.setdefault(source, [])
            if edge not in edges:
                edges.append(edge)
    return outgoing, inward


def _reachable(
    entry: str, outgoing: Mapping[str, list[Edge]], inward: Mapping[str, list[str]]
) -> dict[str, None]:
    seen: dict[str, None] = {entry: None}
    pending = [entry]
    while pending:
        block_id = pending.pop()
        targets = [edge.target for edge in outgoing.get(block_id, ())] + inward.get(block_id, [])
        fresh = [target for target in dict.fromkeys(targets) if target not in seen]
        seen.update(dict.fromkeys(fresh))
        pending += fresh
    return seen


def _members(
    settings: Mapping[str, Loop | Parallel], around: Mapping[str, tuple[str, ...]]
) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {name: [] for name in settings}
    for block_id, chain in around.items():
        for container in reversed(chain):
            members[container].append(block_id)
            if isinstance(settings[container], Parallel):
                break
    return members


def fires(edge: Edge, *, output: Json, failed: bool) -> bool:
    """Whether an edge is taken when its source ended with ``output``, or failed."""
    if failed or edge.handle == ERROR:
        return failed and edge.handle == ERROR
    for prefix, field in ((CONDITION, "selectedOption"), (ROUTER, "selectedRoute")):
        if edge.handle.startswith(prefix):
            selected = output.get(field) if isinstance(output, dict) else None
            return selected is not None and edge.handle == prefix + str(selected)
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
        output: its output; a condition's or a router's chooses the edge.
        failed: it failed, and its error edges take over.
        open_edges: edges still open per block, where they are fewer than in the graph.
        reached: blocks with an edge taken.

    Returns:
        Only what changed. Cost is in the number of edges followed.
    """
    changed: dict[str, int] = {}
    newly: set[str] = set()
    ready: list[str] = []
    failed = failed or _tells_of_error(graph, ended, output)
    follow: list[tuple[Edge, bool]] = [
        (edge, fires(edge, output=output, failed=failed)) for edge in graph.nodes[ended].edges
    ]
    position = 0
    while position < len(follow):
        edge, taken = follow[position]
        position += 1
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


def _tells_of_error(graph: Graph, ended: str, output: Json) -> bool:
    """Whether a block that ended well gives an ``error``, which takes its error edge (Sim's format, 1).

    What people and callers send is not the block's own word: a key ``error`` in it means nothing.
    """
    block = graph.nodes[ended].block
    given = block.trigger or block.type == "human_in_the_loop" or ended == graph.entry
    return not given and isinstance(output, dict) and bool(output.get("error"))


def has_successor(graph: Graph, block_id: str) -> bool:
    """Whether anything may follow a block: the last finished one without gives the execution's output."""
    node = graph.nodes[block_id]
    return bool(node.edges or node.around)


def following(graph: Graph, block_id: str) -> set[str]:
    """A block and everything that its end may lead to, in its own container."""
    seen = {block_id}
    pending = [block_id]
    while pending:
        fresh = [edge.target for edge in graph.nodes[pending.pop()].edges if edge.target not in seen]
        seen.update(fresh)
        pending += fresh
    return seen


def seed_edges(
    graph: Graph, start: str, outputs: Mapping[str, Json], open_edges: dict[str, int], reached: set[str]
) -> None:
    """Settle the edges into a run from ``start`` out of blocks that ran before, by their ``outputs``."""
    running = following(graph, start)
    for block_id in graph.nodes.keys() - running:
        output = outputs.get(block_id)
        failed = isinstance(output, dict) and output.keys() == {"error"}
        for edge in graph.nodes[block_id].edges:
            if edge.target in running:
                left = open_edges.get(edge.target, graph.nodes[edge.target].incoming)
                open_edges[edge.target] = left - 1
                if block_id in outputs and fires(edge, output=output, failed=failed):
                    reached.add(edge.target)
