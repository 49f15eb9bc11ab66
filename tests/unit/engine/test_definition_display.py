"""What builderData describes, what a person is shown, what a response answers."""

from typing import Any

import pytest

from signoff.engine.deciding.display import build_data, response_parts, response_structure

NESTED = [
    {"id": "1", "name": "total", "type": "number", "value": "12"},
    {
        "id": "2",
        "name": "who",
        "type": "object",
        "value": [{"id": "3", "name": "mail", "type": "string", "value": "a@b.c"}],
    },
]


def test_builder_data_builds_nested_objects() -> None:
    assert build_data(NESTED) == {"total": 12, "who": {"mail": "a@b.c"}}


def test_a_form_page_shows_a_row_for_each_leaf() -> None:
    assert response_structure(NESTED) == [
        {"name": "total", "type": "number", "value": 12},
        {"name": "who.mail", "type": "string", "value": "a@b.c"},
    ]


def test_an_object_that_a_reference_gave_is_flattened_too() -> None:
    entry = {"name": "Order", "value": {"id": 5, "lines": [1], "note": {}}}
    assert response_structure([entry]) == [
        {"name": "Order.id", "type": "number", "value": 5},
        {"name": "Order.lines", "type": "array", "value": [1]},
        {"name": "Order.note", "type": "object", "value": {}},
    ]


@pytest.mark.parametrize(
    ("kind", "given", "built"),
    [
        ("object", '{"a": 1}', {"a": 1}),
        ("object", "{a", "{a"),
        ("array", "[1, 2]", [1, 2]),
        ("array", '{"a": 1}', '{"a": 1}'),
        ("array", [1, {"type": "number", "value": "2"}], [1, 2]),
        ("number", "x", "x"),
        ("boolean", "true", True),
        ("boolean", "no", False),
        ("files", [], []),
        ("string", 5, 5),
    ],
)
def test_an_entry_is_read_by_its_type(kind: str, given: Any, built: Any) -> None:
    assert build_data([{"name": "x", "type": kind, "value": given}]) == {"x": built}


def test_entries_without_a_name_are_dropped() -> None:
    assert build_data([{"name": " ", "value": 1}, {"value": 2}, 5]) == {}
    assert build_data("nothing") == {}


def test_a_response_parses_every_text_that_is_json() -> None:
    data = [
        {"name": "n", "type": "string", "value": "5"},
        {"name": "o", "type": "string", "value": '{"a": "true"}'},
    ]
    assert response_parts({"builderData": data})["data"] == {"n": 5, "o": {"a": True}}


@pytest.mark.parametrize(
    ("data", "answered"),
    [('{"n": 1}', {"n": 1}), ("plain", "plain"), ({"n": "1"}, {"n": "1"}), ([1], [1]), (None, {})],
)
def test_a_response_in_json_mode_parses_the_text_as_a_whole(data: Any, answered: Any) -> None:
    assert response_parts({"dataMode": "json", "data": data})["data"] == answered


@pytest.mark.parametrize(
    ("status", "answered"),
    [(None, 200), ("404", 404), (201, 201), (99, 200), ("x", 200), (True, 200), ("600", 200)],
)
def test_a_status_that_is_none_is_200(status: Any, answered: int) -> None:
    assert response_parts({"status": status})["status"] == answered


def test_headers_are_added_to_the_default() -> None:
    rows = [{"cells": {"Key": "X-Id", "Value": 5}}]
    assert response_parts({"headers": rows})["headers"] == {"Content-Type": "application/json", "X-Id": "5"}
