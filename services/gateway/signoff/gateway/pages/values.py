"""Any JSON value as a tree of bounded size, which templates/macros/values.html shows as data."""

import re
from collections.abc import Iterable, Sequence
from contextvars import ContextVar, Token
from itertools import islice
from typing import Final, Literal, Self, TypeAlias

import msgspec
from markupsafe import Markup, escape
from msgspec import Struct

from signoff.events.types import Json

Kind: TypeAlias = Literal["object", "array", "text", "number", "boolean", "nothing", "deep"]

PAGE: Final = 60_000
"""Bytes of values on one page, with their markup."""

MAX_NODES: Final = 300
MAX_DEPTH: Final = 12
MAX_ROWS: Final = 100
SHORT: Final = 300
"""Characters of a text that are shown at once."""

LONG: Final = 20_000
"""Bytes of a text that are shown when all is asked for; what is longer is cut."""

COPIED: Final = 16_384
"""Characters of JSON that a page carries for its button to copy."""

_MARKUP: Final = 100
"""Bytes of the markup around a node, about."""

_LEAST: Final = _MARKUP + 30
"""Bytes of a node that says anything."""

_ROW: Final = 200
"""Bytes of the markup of a row of a table, about."""

_NAME: Final = 100
"""Characters of a member's name that are shown."""

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U000e0000-\U000e007f]"
)
"""Characters that have no picture, or that change the direction of others."""

_IN_SCRIPT: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class Budget:
    """What a page has left for values, in bytes: within ``with``, all trees are paid from it.

    Args:
        size: bytes to begin with.
    """

    def __init__(self, size: int = PAGE) -> None:
        self.left = size
        self._tokens: list[Token[Budget | None]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_BUDGET.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        _BUDGET.reset(self._tokens.pop())

    @property
    def share(self) -> int:
        """Bytes that one value, or one table of them, may take: so much that others are shown, too."""
        return max(_LEAST, self.left * 2 // 3)


_BUDGET: ContextVar[Budget | None] = ContextVar("budget", default=None)


def _budget() -> Budget:
    return _BUDGET.get() or Budget()


class Node(Struct, frozen=True, kw_only=True):
    """A value.

    Attributes:
        kind: of the value; ``deep``: it is nested deeper than is shown.
        text: of a scalar, or of what begins a long text; pictures stand for characters that have none.
        rest: of a text that is longer.
        cut: characters of a text in all, where not even the rest has them.
        label: how large an object or array is.
        items: its members, with their names in an object.
        more: members that are not shown.
    """

    kind: Kind
    text: str = ""
    rest: str = ""
    cut: int = 0
    label: str = ""
    items: list[tuple[str | None, "Node"]] = []
    more: int = 0


class Row(Struct, frozen=True, kw_only=True):
    """A row of a point's display data: its value, and how that is shown."""

    name: str
    type: str
    value: Json
    node: Node


class Rows(Struct, frozen=True):
    """Rows of display data, and how many more there are."""

    rows: list[Row]
    more: int = 0


def visible(text: str) -> str:
    """A text in which each character can be seen: controls as pictures, others by their number."""
    return _HIDDEN.sub(_picture, text)


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"[U+{code:04X}]"


def tree(value: Json, most: int = MAX_NODES) -> Node:
    """A value as a tree of so many nodes at most; the page's budget pays for it."""
    budget = _budget()
    return _grown(value, most, budget.share, budget)


def trees(values: Sequence[Json]) -> list[Node]:
    """Values that stand together as trees: a large one leaves room for the others."""
    budget = _budget()
    shares = _shares([_measure(value, LONG) for value in values], budget.share)
    return [_grown(value, MAX_NODES, share, budget) for value, share in zip(values, shares, strict=True)]


def spend(size: int) -> bool:
    """Whether the page still has so many bytes; they are paid then."""
    budget = _budget()
    if budget.left < size:
        return False
    budget.left -= size
    return True


def _grown(value: Json, most: int, size: int, budget: Budget) -> Node:
    growing = _Growing(most)
    node = growing.node(value, size, 0)
    budget.left -= growing.spent
    return node


def as_json(value: Json) -> Markup | None:
    """A value as exact JSON to copy, for a script element; ``None`` where it is too large for the page.

    ``<``, ``>`` and ``&`` are written by their numbers, which assets/sf-json.js undoes.
    """
    if _measure(value, COPIED, node=1) >= COPIED:
        return None
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode().translate(_IN_SCRIPT)
    # What it holds is shown already: more than half of what is left is not spent on having it twice.
    if len(text) > COPIED or len(text) * 2 > _budget().left or not spend(len(text.encode())):
        return None
    return Markup(text)  # noqa: S704 - nothing in it ends the element


def type_of(value: Json) -> str:
    """The name of a value's type, as JSON Schema has it."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, (list, tuple)):
        return "array"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else "string"


def display_rows(structure: Json) -> Rows:
    """The rows of a point's display data (``responseStructure``), with the type of each value filled in."""
    if not isinstance(structure, (list, tuple)):
        return Rows([])
    found = [row for row in structure if isinstance(row, dict)]
    named = [(_cut(str(row.get("name", ""))), row) for row in found[:MAX_ROWS]]
    shown = [(name, row) for name, row in named if spend(_ROW + 3 * _weight(name))]
    nodes = trees([row.get("value") for _, row in shown])
    rows = [
        Row(
            name=name,
            type=_cut(str(row.get("type") or type_of(row.get("value")))),
            value=row.get("value"),
            node=node,
        )
        for (name, row), node in zip(shown, nodes, strict=True)
    ]
    return Rows(rows, len(found) - len(rows))


def _cut(name: str) -> str:
    """As much of a name as is shown."""
    shown = visible(name[:_NAME])
    return shown if len(name) <= _NAME else f"{shown}…"


def _measure(value: Json, limit: int, *, node: int = _LEAST) -> int:
    """About how many bytes a value takes, each of its nodes so many besides its text; the limit at most."""
    size, waiting = 0, [value]
    while waiting and size + len(waiting) * node < limit:
        each = waiting.pop()
        size += node + (_estimate(each[:limit]) if isinstance(each, str) else 0)
        if isinstance(each, dict):
            members = list(islice(each.items(), limit // node + 1))
            size += sum(len(name[:limit]) for name, _ in members)
            waiting.extend(inner for _, inner in members)
        elif isinstance(each, (list, tuple)):
            waiting.extend(islice(each, limit // node + 1))
    return min(size + len(waiting) * node, limit)


def _weight(text: str) -> int:
    """The bytes of a text in a page."""
    return len(escape(visible(text)).encode())


def _estimate(text: str) -> int:
    """About the same, for a long text in a moment: characters without a picture are few."""
    if len(text) <= SHORT:
        return _weight(text)
    return len(text.encode("utf-8", "replace")) + sum(4 * text.count(each) for each in "<>&\"'")


def _shares(needs: Sequence[int], total: int) -> list[int]:
    """How much each gets: what it needs, or as much as the others that need more."""
    shares = [0] * len(needs)
    for done, index in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        shares[index] = min(needs[index], total // (len(needs) - done))
        total -= shares[index]
    return shares


class _Growing:
    """Makes one tree, and counts its nodes and bytes."""

    def __init__(self, most: int) -> None:
        self._nodes = most
        self.spent = 0

    def node(self, value: Json, size: int, depth: int) -> Node:
        self._nodes -= 1
        self.spent += _MARKUP
        if isinstance(value, (dict, list, tuple)):
            return self._branch(value, size - _MARKUP, depth)
        return self._scalar(value, size - _MARKUP)

    def _branch(self, value: dict[str, Json] | Sequence[Json], size: int, depth: int) -> Node:
        kind: Kind = "object" if isinstance(value, dict) else "array"
        label = _many(len(value), "field" if kind == "object" else "item")
        if depth >= MAX_DEPTH and value:
            return Node(kind="deep", label=label)
        members: Iterable[tuple[str | None, Json]]
        members = value.items() if isinstance(value, dict) else ((None, each) for each in value)
        fitting = list(islice(members, max(0, min(self._nodes, size // _LEAST))))
        needs = [_measure(each, size) + (_weight(name[:_NAME]) if name else 0) for name, each in fitting]
        items: list[tuple[str | None, Node]] = []
        for (name, each), share in zip(fitting, _shares(needs, size), strict=True):
            if self._nodes <= 0:
                break
            before = self.spent
            shown = None if name is None else self._name(name, share // 2)
            items.append((shown, self.node(each, share - (self.spent - before), depth + 1)))
        return Node(kind=kind, label=label, items=items, more=len(value) - len(items))

    def _name(self, name: str, size: int) -> str:
        shown, end = self._cut(name, _NAME, size)
        return shown if end == len(name) else f"{shown}…"

    def _scalar(self, value: Json, size: int) -> Node:
        if value is None or value == "":
            return Node(kind="nothing" if value is None else "text")
        if isinstance(value, bool):
            return Node(kind="boolean", text="true" if value else "false")
        if isinstance(value, (int, float)):
            return Node(kind="number", text=msgspec.json.encode(value).decode())
        return self._text(str(value), size)

    def _text(self, text: str, size: int) -> Node:
        begun, end = self._cut(text, SHORT, size)
        left = size - _weight(begun)
        rest, further = self._cut(text[end:], LONG - SHORT, left) if left > 0 and end == SHORT else ("", 0)
        cut = 0 if end + further == len(text) else len(text)
        return Node(kind="text", text=begun, rest=rest, cut=cut)

    def _cut(self, text: str, most: int, size: int) -> tuple[str, int]:
        """What of a text has room, as it is shown, and how many of its characters that are."""
        size = max(size, _LEAST - _MARKUP)
        end = min(len(text), most)
        while True:
            shown = visible(text[:end])
            weight = _weight(shown)
            if weight <= size or not end:
                self.spent += weight
                return shown, end
            end = end * size // weight


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
