"""What both spellings are read into: the internal form, and where each part of it was written."""

from collections.abc import Mapping

from msgspec import Struct

from signoff.engine.definition import Block, Connection, Variable
from signoff.engine.faults import at


class BlockPlace(Struct, frozen=True, kw_only=True):
    """Where the parts of a block stand in the document.

    Attributes:
        id: path of its id.
        type: path of its type.
        name: path of its name.
        params: path under which its parameters stand.
        renamed: the paths of what the document calls otherwise, by Sim's name: parameters (``conditions``)
            and entries of them (``inputFormat[0]``).
    """

    id: str
    type: str
    name: str
    params: str
    renamed: Mapping[str, str] = {}

    def param(self, name: str) -> str:
        """The path of a parameter, given its name in the internal form."""
        return self.renamed.get(name) or at(self.params, name)

    def item(self, name: str, index: int) -> str:
        """The path of an entry of a parameter that is a list in the internal form."""
        return self.renamed.get(f"{name}[{index}]") or at(self.param(name), index)


class EdgePlace(Struct, frozen=True, kw_only=True):
    """Where the parts of a connection stand in the document."""

    source: str
    target: str
    handle: str


class Reading(Struct, kw_only=True):
    """A definition that was read but not yet checked.

    Attributes:
        name: the workflow's name.
        blocks: each with the place where it was written.
        edges: each with the place where it was written.
        variables: each with the path of its entry.
    """

    name: str
    blocks: list[tuple[Block, BlockPlace]]
    edges: list[tuple[Connection, EdgePlace]]
    variables: list[tuple[Variable, str]]
