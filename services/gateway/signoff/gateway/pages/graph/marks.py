"""What a page tells about the blocks of a graph, beside what they are."""

from msgspec import Struct


class Mark(Struct, frozen=True, kw_only=True):
    """The state of a block.

    Attributes:
        status: as pages/statuses.py knows it; empty: nothing is told.
        label: a word in place of the status's own.
        note: a few characters more, such as ``2 of 5``.
        href: where the block leads to; empty: to where all blocks of the graph do.
    """

    status: str = ""
    label: str = ""
    note: str = ""
    href: str = ""


NO_MARK = Mark()
"""Of a block that nothing is told about."""
