"""Answers of a bounded size: a model reads them into its context, and pays for each word."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from signoff.cli.mcp.errors import ToolError

MOST: Final = 40_000
"""Bytes of JSON that a tool answers with at most: about ten thousand tokens."""

MOST_OF_A_RESOURCE: Final = 400_000
"""Bytes of JSON in a resource, which a client reads when it chooses to."""

_CUT: Final = "parts were cut to keep the answer small (…)"


class _Size(Struct, frozen=True):
    """How much of a value is kept.

    Attributes:
        text: characters of a text.
        items: entries of a list.
        keys: members of an object.
        depth: levels; what lies deeper is left out.
    """

    text: int
    items: int
    keys: int
    depth: int


_SIZES: Final = (
    _Size(text=8000, items=200, keys=200, depth=20),
    _Size(text=2000, items=100, keys=100, depth=12),
    _Size(text=1000, items=30, keys=60, depth=8),
    _Size(text=300, items=10, keys=30, depth=6),
    _Size(text=100, items=3, keys=15, depth=4),  # no type of ours has more members, or is deeper
)


def bounded(record: dict[str, Any], *, most: int = MOST, whole: str = "") -> dict[str, Any]:
    """The record, cut where it is too large; its ``note`` says so.

    Texts and lists become shorter and deep values go, so that the shape stays.

    Args:
        record: as JSON has it.
        most: bytes of JSON.
        whole: where the whole of it can be had, for the note.

    Raises:
        ToolError: even the least of it is too large.
    """
    if _fits(record, most):
        return record
    said = f"{_CUT}{whole and f'; the whole: {whole}'}"
    for size in _SIZES:
        cut: dict[str, Any] = _cut(record, size, size.depth)
        cut["note"] = "; ".join(filter(None, (str(record.get("note", "")), said)))
        if _fits(cut, most):
            return cut
    instead = f"read {whole}" if whole else "ask for fewer things at once"
    raise ToolError(f"the answer is too large even when it is cut: {instead}")


def _fits(record: Any, most: int) -> bool:
    return len(msgspec.json.encode(record)) <= most


def _cut(value: Any, size: _Size, depth: int) -> Any:
    match value:
        case str() if len(value) > size.text:
            return value[: size.text] + "…"
        case list() | dict() if depth == 0:
            return "…"
        case list():
            return [_cut(each, size, depth - 1) for each in value[: size.items]]
        case dict():
            kept = list(value.items())[: size.keys]
            return {name: _cut(each, size, depth - 1) for name, each in kept}
        case _:
            return value
