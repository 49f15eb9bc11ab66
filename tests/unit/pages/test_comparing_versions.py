"""What differs between two versions."""

from typing import Any

import msgspec

from signoff.engine.definitions.definition import Definition
from signoff.engine.definitions.parse import parse
from signoff.gateway.pages.graph.drawing import draw
from signoff.gateway.pages.workflows.comparing import (
    MAX_LINES,
    MAX_ROWS,
    compare_blocks,
    compare_rest,
    compare_texts,
    merge,
)
from signoff.gateway.pages.workflows.source import as_yaml
from signoff.gateway.workflows.yaml_text import decode_yaml


def _definition(blocks: dict[str, Any]) -> Definition:
    parsed = parse({"blocks": blocks}, workflow_id="tried")
    assert parsed.definition is not None, parsed.faults
    return parsed.definition


WAIT = {"type": "wait", "for": "1s"}


def test_equal_texts_have_no_rows() -> None:
    comparison = compare_texts("a\nb\n", "a\nb\n")
    assert comparison is not None
    assert comparison.rows == []
    assert comparison.is_whole


def test_words_that_differ_are_marked() -> None:
    comparison = compare_texts("when: amount is 100 at most", "when: amount is 250 at most")
    assert comparison is not None
    row = comparison.rows[0]
    assert row.kind == "changed"
    assert row.left is not None
    assert row.right is not None
    assert [text for text, differs in row.left.pieces if differs] == ["100"]
    assert [text for text, differs in row.right.pieces if differs] == ["250"]


def test_lines_are_compared_by_words_as_long_as_that_is_little_work() -> None:
    before = "\n".join(f"{each} " + "x y " * 90 for each in range(200))
    after = "\n".join(f"{each} " + "y y x " * 60 for each in range(200))
    comparison = compare_texts(before, after)
    assert comparison is not None
    by_words = [row.left is not None and len(row.left.pieces) > 1 for row in comparison.rows]
    assert by_words[0]
    assert 0 < sum(by_words) < 5
    assert {row.kind for row in comparison.rows} == {"changed"}


def test_lines_that_have_nothing_in_common_are_marked_whole() -> None:
    comparison = compare_texts("abc", "1 2 3")
    assert comparison is not None
    assert comparison.rows[0].left is not None
    assert comparison.rows[0].left.pieces == [("abc", True)]


def test_equal_lines_far_from_a_difference_are_left_out() -> None:
    before = [f"line {each}" for each in range(30)]
    after = [*before[:15], "new", *before[15:]]
    comparison = compare_texts("\n".join(before), "\n".join(after))
    assert comparison is not None
    assert [row.kind for row in comparison.rows] == [
        "left out", *["equal"] * 3, "added", *["equal"] * 3, "left out",
    ]  # fmt: skip
    assert [row.count for row in comparison.rows if row.kind == "left out"] == [12, 12]


def test_what_is_shown_and_compared_is_bounded() -> None:
    comparison = compare_texts("", "\n".join(map(str, range(MAX_ROWS + 10))))
    assert comparison is not None
    assert len(comparison.rows) == MAX_ROWS
    assert not comparison.is_whole
    assert compare_texts("", "x\n" * (MAX_LINES + 1)) is None


def test_a_trigger_that_is_gone_still_leads_on_to_the_right() -> None:
    left = _definition({"old": {**WAIT, "then": "a"}, "a": {**WAIT, "then": "b"}, "b": WAIT})
    left = msgspec.structs.replace(
        left, blocks=tuple(msgspec.structs.replace(each, trigger=each.id == "old") for each in left.blocks)
    )
    right = _definition({"a": {**WAIT, "then": "b"}, "b": WAIT})

    drawing = draw(merge(left, right))

    x = {block.id: block.x for block in drawing.blocks}
    assert x["old"] < x["a"] < x["b"]


def test_what_differs_beside_the_blocks_is_named() -> None:
    left, right = (
        parse({"blocks": {"a": WAIT}, "variables": {"limit": limit, "same": 1}, **more}, workflow_id="tried")
        for limit, more in ((100, {}), (200, {"attributes": ["limit"]}))
    )
    assert left.definition is not None
    assert right.definition is not None

    assert compare_rest(left.definition, right.definition) == ["variable limit", "attributes"]
    assert compare_rest(left.definition, left.definition) == []


def test_blocks_are_added_removed_and_changed() -> None:
    left = _definition({"a": {**WAIT, "then": "b"}, "b": WAIT, "gone": WAIT})
    right = _definition({"a": {**WAIT, "then": "c"}, "b": WAIT, "c": WAIT})

    assert compare_blocks(left, right) == {"gone": "removed", "a": "changed", "c": "added"}


def test_one_graph_shows_the_blocks_of_both() -> None:
    left = _definition({"a": WAIT, "twice": {"type": "loop", "for": 2, "blocks": {"in": WAIT}}})
    right = _definition({"a": WAIT, "more": WAIT})

    drawing = draw(merge(left, right))
    assert {block.id: block.container_id for block in drawing.blocks} == {
        "start": None, "a": None, "more": None, "twice": None, "in": "twice",
    }  # fmt: skip


def test_a_source_reads_back_to_what_it_was() -> None:
    document = {"b": ["no", "1", 1, None, "two\nlines\n", "日本"], "a": {"on": True, "same": "x" * 300}}
    shared = {"first": document["a"], "second": document["a"]}

    assert decode_yaml(as_yaml(document).encode()) == document
    assert "&" not in as_yaml(shared)
    assert msgspec.json.encode(decode_yaml(as_yaml(shared).encode())) == msgspec.json.encode(shared)
