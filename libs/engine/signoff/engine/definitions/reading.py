"""What every spelling is read into: the internal form, and where each part of it was written."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from signoff.engine.definitions.definition import Block, Connection, Loop, Parallel, Variable
from signoff.engine.definitions.faults import at

Container: TypeAlias = Loop | Parallel
"""What repeats or multiplies the blocks that it holds."""


class BlockPlace(Struct, frozen=True, kw_only=True):
    """Where the parts of a block stand in the document.

    Attributes:
        id: path of its id.
        type: path of its type.
        name: path of its name.
        params: path under which its parameters stand.
        value_key: the key below a parameter's name that holds its value, where there is one.
        renamed: the paths of what the document calls otherwise, by Sim's name: parameters (``conditions``)
            entries of them (``inputFormat[0]``), and parts of these (``inputFormat[0].value``).
    """

    id: str
    type: str
    name: str
    params: str
    value_key: str | None = None
    renamed: Mapping[str, str] = {}

    def param(self, name: str) -> str:
        """The path of a parameter, given its name in the internal form."""
        if name in self.renamed:
            return self.renamed[name]
        path = at(self.params, name)
        return path if self.value_key is None else at(path, self.value_key)

    def item(self, name: str, index: int) -> str:
        """The path of an entry of a parameter that is a list in the internal form."""
        return self.renamed.get(f"{name}[{index}]") or at(self.param(name), index)

    def part(self, name: str, index: int, key: str) -> str:
        """The path of what an entry of such a list holds under a key."""
        return self.renamed.get(f"{name}[{index}].{key}") or at(self.item(name, index), key)


class EdgePlace(Struct, frozen=True, kw_only=True):
    """Where the parts of a connection stand in the document."""

    source: str
    target: str
    handle: str


class ContainerPlace(Struct, frozen=True, kw_only=True):
    """Where the parts of a loop or a parallel stand in the document.

    Attributes:
        entry: path of the whole.
        nodes: path of the list of what it holds.
        start: path of what says where it starts.
        items: path of what it goes over.
        condition: path of what ends it.
        count: path of how often, or how many.
        node_paths: where it is said of a node that it is inside; under ``nodes`` unless it is here.
    """

    entry: str
    nodes: str
    start: str
    items: str
    condition: str
    count: str
    node_paths: Mapping[str, str] = {}

    def node(self, index: int, node: str) -> str:
        """The path of what puts a node inside."""
        return self.node_paths.get(node) or at(self.nodes, index)


class Reading(Struct, kw_only=True):
    """A definition that was read but not yet checked.

    Attributes:
        name: the workflow's name.
        blocks: each with the place where it was written.
        edges: each with the place where it was written.
        variables: each with the path of its entry.
        containers: the loops and parallels, each with the place where it was written.
        attributes: names of variables, each with its path.
    """

    name: str
    blocks: list[tuple[Block, BlockPlace]]
    edges: list[tuple[Connection, EdgePlace]]
    variables: list[tuple[Variable, str]]
    containers: list[tuple[Container, ContainerPlace]] = []
    attributes: list[tuple[str, str]] = []
