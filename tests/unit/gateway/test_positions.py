"""Paths are found by their lines, in YAML and in JSON."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from signoff.engine.definitions.faults import at
from signoff.gateway.workflows.positions import read_positions

YAML = """\
workflow: w
blocks:
  a b:
    type: condition
    cases:
      - {when: "1", then: x}
      - else: y
  x: &x
    type: wait
  y: *x
"""
JSON = """\
{
  "workflow": "w",
  "blocks": {
    "a b": {"type": "condition",
      "cases": [
        {"when": "1, { [ : \\" }", "then": "x"},
        {"else": "y"}
      ]}
  }
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 1),
        ("blocks", 2),
        ('blocks["a b"]', 3),
        ('blocks["a b"].cases', 5),
        ('blocks["a b"].cases[0].then', 6),
        ('blocks["a b"].cases[1].else', 7),
        ("blocks.x.type", 9),
        ("blocks.y", 10),
        ("blocks.y.type", 10),
        ("blocks.x.for", 8),
        ("nowhere.at[5].all", 1),
    ],
)
def test_a_path_of_yaml_has_a_line(path: str, line: int) -> None:
    assert read_positions(YAML, is_json=False).line(path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [("", 1), ("blocks", 3), ('blocks["a b"].cases[0].then', 6), ('blocks["a b"].cases[1].else', 7)],
)
def test_a_path_of_json_has_a_line(path: str, line: int) -> None:
    assert read_positions(JSON, is_json=True).line(path) == line


TEXTS = """\
literal: |
  one
  two
kept: !!str &a |+2 # why

  two
folded: >
  one
  two
plain: one
  two
quoted: "one

  two"
again: *a
"""


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("literal", [2, 3]),
        ("kept", [5, 6]),
        ("folded", [7, 7]),
        ("plain", [10, 10]),
        ("quoted", [12, 12]),
        ("again", [15, 15]),
        ("literal.nothing", [1, 1]),
    ],
)
def test_lines_within_a_text_are_those_of_the_file_where_it_stands_line_by_line(
    path: str, lines: list[int]
) -> None:
    positions = read_positions(TEXTS, is_json=False)
    assert [positions.line(path, within) for within in (1, 2)] == lines


def test_a_key_that_stands_twice_is_found_where_it_stands_last() -> None:
    assert read_positions('{"a":\n{"b": 1,\n"b": 2}}', is_json=True).line("a.b") == 3


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab[]{},:.", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab ", min_size=1), inner, max_size=3)
    ),
    max_leaves=12,
)


def places(value: Any, path: str = "") -> list[str]:
    entries: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    return [path, *(place for key, each in entries for place in places(each, at(path, key)))]


@given(DOCUMENTS)
def test_every_path_of_a_document_is_known_in_both_formats(document: Any) -> None:
    as_json = read_positions(json.dumps(document, indent=1), is_json=True)
    as_yaml = read_positions(yaml.safe_dump(document), is_json=False)
    lines = [as_json.line(path) for path in places(document)]
    assert lines == sorted(lines, key=lambda line: line or 0)
    assert all(as_yaml.line(path) for path in places(document))
