"""Where an execution of one version goes on that takes finished outputs from an execution of another."""

from collections.abc import Container, Mapping
from typing import Final

from msgspec import Struct

from signoff.engine.definitions.graph import Graph, settle
from signoff.events.types import Json

ASKING: Final = frozenset({"human_in_the_loop"})
"""Types of blocks in which people decide: what they decided on was shown by another version."""


class Planted(Struct, frozen=True, kw_only=True):
    """What outputs lead to.

    Attributes:
        kept: the blocks whose outputs stand, in the order of the graph.
        ready: those that begin.
        open_edges: per block, edges that are still open, where they are fewer than in the graph.
        reached: blocks with an edge taken.
    """

    kept: list[str]
    ready: list[str]
    open_edges: dict[str, int]
    reached: set[str]


def plant(graph: Graph, outputs: Mapping[str, Json]) -> Planted:
    """Follow the graph from its entry over the blocks that have an output.

    A block without one is to run, and whatever comes after it runs, too, be there an output or not.

    Args:
        graph: what runs.
        outputs: of finished blocks, by id.
    """
    open_edges: dict[str, int] = {}
    reached: set[str] = set()
    kept: list[str] = []
    ready: list[str] = []
    pending = [graph.entry]
    for block_id in pending:
        if block_id not in outputs or holds(graph, block_id, ASKING):
            ready.append(block_id)
            continue
        output = outputs[block_id]
        failed = isinstance(output, dict) and output.keys() == {"error"}
        settled = settle(
            graph, block_id, output=output, failed=failed, open_edges=open_edges, reached=reached
        )
        open_edges.update(settled.open_edges)
        reached |= settled.reached
        kept.append(block_id)
        pending += settled.ready
    return Planted(kept=kept, ready=ready, open_edges=open_edges, reached=reached)


def holds(graph: Graph, block_id: str, types: Container[str]) -> bool:
    """Whether a block, or one in it where it is a container, is of some types.

    Args:
        graph: has it.
        block_id: the block.
        types: of blocks.
    """
    return any(
        node.block.type in types
        for name, node in graph.nodes.items()
        if name == block_id or block_id in node.around
    )


def taken_over(graph: Graph, outputs: Mapping[str, Json]) -> dict[str, Json]:
    """The outputs that an execution of this graph takes over; what ran in a kept container is among them.

    Args:
        graph: what runs.
        outputs: of finished blocks of another version, by id.
    """
    kept = set(plant(graph, outputs).kept)
    return {
        block_id: outputs[block_id]
        for block_id, node in graph.nodes.items()
        if block_id in outputs and (node.around[0] if node.around else block_id) in kept
    }
