"""Any JSON value becomes a tree of bounded size, in which every character can be seen."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.gateway.pages.site import read_site
from signoff.gateway.pages.values import (
    COPIED,
    LONG,
    MAX_DEPTH,
    MAX_NODES,
    MAX_ROWS,
    PAGE,
    Budget,
    Node,
    as_json,
    display_rows,
    tree,
    trees,
    type_of,
    visible,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def size(node: Node) -> int:
    return 1 + sum(size(each) for _, each in node.items)


def depth(node: Node) -> int:
    return 1 + max((depth(each) for _, each in node.items), default=0)


@given(JSON)
def test_every_value_has_a_tree_without_hidden_characters(value: object) -> None:
    node = tree(value)

    assert size(node) <= MAX_NODES
    assert visible(node.text) == node.text


def test_a_wide_value_says_how_much_is_not_shown() -> None:
    node = tree(list(range(5_000)))

    assert MAX_NODES * 0.9 < size(node) <= MAX_NODES
    assert node.label == "5,000 items"
    assert node.more == 5_000 - (size(node) - 1)


def test_a_deep_value_ends_at_a_depth() -> None:
    value: object = "bottom"
    for _ in range(100):
        value = [value]

    assert depth(tree(value)) == MAX_DEPTH + 1


def test_a_long_text_is_cut_in_two_steps() -> None:
    node = tree("x" * 1_000_000)

    assert len(node.text) + len(node.rest) == LONG
    assert node.rest
    assert node.cut == 1_000_000


def test_the_largest_value_costs_a_moment() -> None:
    value = [{"name": "x" * 100, "inner": list(range(20))} for _ in range(20_000)]
    begun = time.process_time()

    tree(value)

    assert as_json(value) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b\x1b[0m\x7f", "a\u2400b\u241b[0m\u2421"),
        ("line\n\ttab\r", "line\n\ttab\u240d"),
        ("abc\u202egnp.exe", "abc[U+202E]gnp.exe"),
        ("zero\u200bwidth\ufeff", "zero[U+200B]width[U+FEFF]"),
        (
            "soft\u00adhyphen\u2028line\u3164filler\ufffa",
            "soft[U+00AD]hyphen[U+2028]line[U+3164]filler[U+FFFA]",
        ),
        ("tag\U000e0041", "tag[U+E0041]"),
        ("العربية 日本 🎉", "العربية 日本 🎉"),
    ],
)
def test_what_has_no_picture_gets_one(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_json_to_copy_is_the_exact_value_where_it_is_small() -> None:
    assert as_json({"b": 1.0, "a": [2**53 + 1]}) == '{\n  "b": 1.0,\n  "a": [\n    9007199254740993\n  ]\n}'
    assert as_json("</script>") == '"\\u003c/script\\u003e"'
    assert as_json("x" * COPIED) is None


def test_a_large_value_leaves_room_for_those_beside_it() -> None:
    nodes = trees(["x" * 1_000_000, "y" * 1_000, 5, {"small": "z" * 250}] + ["x" * 20_000] * 10)

    assert nodes[1].text + nodes[1].rest == "y" * 1_000
    assert nodes[3].items == [("small", Node(kind="text", text="z" * 250))]
    assert len({len(each.rest) for each in (nodes[0], *nodes[4:])}) <= 2, "the large ones have as much each"


HOSTILE = ["x" * 20_000, "<&\"'" * 5_000, "\u200b" * 20_000, "日" * 20_000]


@pytest.mark.parametrize("text", HOSTILE, ids=["long", "markup", "hidden", "wide"])
def test_a_page_of_hostile_values_is_light_and_made_in_a_moment(text: str) -> None:
    template = read_site().templates.from_string(
        """{% import "macros/values.html" as values %}{{ values.display(rows, more="/all") }}
        {{ values.json(list) }}{% for each in rows[:30] %}{{ values.value(each.value) }}{% endfor %}"""
    )
    rows = [{"name": f"Row {each}", "value": text if each < 300 else each} for each in range(1_000)]
    begun = time.process_time()

    with Budget():
        page = template.render(rows=rows, list=[{text: text}] * 300)

    assert time.process_time() - begun < 1
    assert len(page.encode()) < 1.5 * PAGE
    assert f"… {1_000 - MAX_ROWS} more" in page


def test_what_a_page_shows_is_paid_from_one_budget() -> None:
    with Budget(1_000) as budget:
        first, second = tree("x" * 5_000), tree("x" * 5_000)

    assert 0 <= budget.left < 400
    assert len(first.rest) > len(second.rest)
    assert first.cut == second.cut == 5_000


def test_display_data_have_types() -> None:
    rows = display_rows(
        [{"name": "Amount", "value": 2}, {"name": "Note", "type": "string", "value": None}, "no row"]
    )

    assert [(row.name, row.type) for row in rows.rows] == [("Amount", "number"), ("Note", "string")]
    assert display_rows(None).rows == []
    assert [type_of(each) for each in ({}, [], "", None, True, 1.5)] == [
        "object", "array", "string", "null", "boolean", "number",
    ]  # fmt: skip
