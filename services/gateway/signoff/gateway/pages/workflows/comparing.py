"""What differs between two versions: line by line of their texts, and block by block."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from signoff.engine.definitions.definition import Definition, Loop, Parallel
from signoff.gateway.pages.graph.drawing import containers_of
from signoff.gateway.pages.pairing import Pairing, words_of

MAX_LINES: Final = 6_000
"""Of a text that is compared line by line; beyond it, comparing takes too long."""

MAX_ROWS: Final = 1_500
"""Rows of a comparison that are shown."""

_AROUND: Final = 3
"""Equal lines that are shown around a difference."""

_MOST_WORDS: Final = 400
"""Words of a line that is compared by them."""

_WORK: Final = 100_000
"""Of comparing lines by words (see `Pairing`): beyond it, all of a line that differs is marked."""

_ALIKE: Final = 0.4
"""From this ratio on, two lines are one that was changed; below it, all of them differs."""

Piece: TypeAlias = tuple[str, bool]
"""A part of a line, and whether it differs."""

Change: TypeAlias = Literal["added", "removed", "changed"]


class Line(Struct, frozen=True):
    """A line of a text, with its number from 1."""

    number: int
    pieces: list[Piece]


class Row(Struct, frozen=True):
    """Lines that stand beside each other.

    Attributes:
        kind: ``equal``, or how the left became the right; ``left out``: equal lines that are not shown.
        left: before; ``None`` where a line was added.
        right: after; ``None`` where a line was removed.
        count: lines that are left out.
    """

    kind: Literal["equal", "added", "removed", "changed", "left out"]
    left: Line | None = None
    right: Line | None = None
    count: int = 0


class Comparison(Struct, frozen=True):
    """Two texts side by side.

    Attributes:
        rows: as far as they are shown.
        is_whole: false: there is more than is shown.
    """

    rows: list[Row]
    is_whole: bool


def compare_texts(left: str, right: str) -> Comparison | None:
    """Compare two texts line by line. Takes up to a second: call it in a thread.

    Returns:
        ``None`` where they are too large to be compared.
    """
    before, after = left.splitlines(), right.splitlines()
    if max(len(before), len(after)) > MAX_LINES:
        return None
    rows: list[Row] = []
    for row in _rows(before, after):
        rows.append(row)
        if len(rows) > MAX_ROWS:
            return Comparison(rows[:-1], is_whole=False)
    return Comparison(rows, is_whole=True)


def _rows(before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    matcher = SequenceMatcher(None, before, after)
    words = Pairing(_WORK)
    end = 0
    for group in matcher.get_grouped_opcodes(_AROUND):
        if group[0][1] > end:
            yield Row("left out", count=group[0][1] - end)
        for tag, low, high, other_low, other_high in group:
            if tag == "equal":
                for number in range(high - low):
                    yield Row(
                        "equal",
                        _line(low + number, before[low + number]),
                        _line(other_low + number, after[other_low + number]),
                    )
            else:
                left, right = range(low, high), range(other_low, other_high)
                yield from _differing(before, after, left, right, words)
        end = group[-1][2]
    if end < len(before) and end:
        yield Row("left out", count=len(before) - end)


def _line(index: int, text: str, *, differs: bool = False) -> Line:
    return Line(index + 1, [(text, differs)])


def _differing(
    before: Sequence[str], after: Sequence[str], left: range, right: range, words: Pairing
) -> Iterator[Row]:
    paired = min(len(left), len(right))
    for one, other in zip(left, right, strict=False):
        old, new = _pieces(before[one], after[other], words)
        yield Row("changed", Line(one + 1, old), Line(other + 1, new))
    for index in left[paired:]:
        yield Row("removed", _line(index, before[index], differs=True))
    for index in right[paired:]:
        yield Row("added", None, _line(index, after[index], differs=True))


def _pieces(old: str, new: str, words: Pairing) -> tuple[list[Piece], list[Piece]]:
    before, after = words_of(old, _MOST_WORDS), words_of(new, _MOST_WORDS)
    matcher = words.match(before, after) if before and after else None
    if matcher is None or matcher.ratio() < _ALIKE:
        return [(old, True)], [(new, True)]
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, low, high, other_low, other_high in matcher.get_opcodes():
        if high > low:
            left.append(("".join(before[low:high]), tag != "equal"))
        if other_high > other_low:
            right.append(("".join(after[other_low:other_high]), tag != "equal"))
    return left, right


def compare_blocks(left: Definition, right: Definition) -> dict[str, Change]:
    """Which blocks differ, with what leads on from them and how containers go about it, by id."""
    before, after = _by_id(left), _by_id(right)
    changes: dict[str, Change] = {each: "removed" for each in before if each not in after}
    for block_id, block in after.items():
        if block_id not in before:
            changes[block_id] = "added"
        elif before[block_id] != block:
            changes[block_id] = "changed"
    return changes


def compare_rest(left: Definition, right: Definition) -> list[str]:
    """What differs beside the blocks, in words; the input that is asked for belongs to its trigger."""
    was, now = ({each.name: each for each in side.variables} for side in (left, right))
    differing = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    found = [f"variable {name}" for name in differing]
    if left.attributes != right.attributes:
        found.append("attributes")
    if left.name != right.name:
        found.append("name")
    return found


def _by_id(definition: Definition) -> Mapping[str, object]:
    leaving: dict[str, list[tuple[str, str]]] = {}
    for each in definition.connections:
        leaving.setdefault(each.source, []).append((each.handle, each.target))
    settings = {each.id: each for each in containers_of(definition)}
    return {
        block.id: (block, sorted(leaving.get(block.id, ())), settings.get(block.id))
        for block in definition.blocks
    }


def merge(left: Definition, right: Definition) -> Definition:
    """The right definition with what only the left one has, so that one graph shows both."""
    ids = {block.id for block in right.blocks}
    gone = tuple(block for block in left.blocks if block.id not in ids)
    lost = {block.id for block in gone}
    lines = tuple(each for each in left.connections if each.source in lost or each.target in lost)
    merged = {each.id: each for each in containers_of(right)}
    for each in containers_of(left):
        kept = merged.get(each.id)
        nodes = tuple(node for node in each.nodes if node in lost)
        merged[each.id] = msgspec.structs.replace(
            each if kept is None else kept, nodes=nodes if kept is None else (*kept.nodes, *nodes)
        )
    begun = [block for block in gone if block.trigger]  # first, so that what they lead to stands behind them
    return msgspec.structs.replace(
        right,
        blocks=(*begun, *right.blocks, *(block for block in gone if not block.trigger)),
        connections=(*right.connections, *lines),
        loops=tuple(each for each in merged.values() if isinstance(each, Loop)),
        parallels=tuple(each for each in merged.values() if isinstance(each, Parallel)),
    )
