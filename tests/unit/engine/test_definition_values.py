"""Values are read by their types, with the texts that say what is wrong."""

from typing import Any

import pytest

from signoff.engine.definitions.values import (
    assign_variables,
    coerce_value,
    duration_ms,
    parse_duration,
    parse_variable,
    table,
    to_text,
    wait_ms,
)
from signoff.engine.errors import InvalidValueError


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        ("number", "5", 5),
        ("number", " 5.50 ", 5.5),
        ("number", "1e3", 1000.0),
        ("number", "1e999", "1e999"),
        ("number", "five", "five"),
        ("number", "", ""),
        ("number", "٣", "٣"),
        ("number", 5, 5),
        ("boolean", "true", True),
        ("boolean", "1", True),
        ("boolean", 1, True),
        ("boolean", "false", False),
        ("boolean", "0", False),
        ("boolean", 0, False),
        ("boolean", "yes", "yes"),
        ("boolean", 2, 2),
        ("object", '{"a": 1}', {"a": 1}),
        ("object", "{a", "{a"),
        ("array", "[1]", [1]),
        ("array", "[" * 5000, "[" * 5000),
        ("string", 5, "5"),
        ("string", {"a": 1}, '{"a":1}'),
        ("files", "x", "x"),
        (None, "5", "5"),
        ("number", None, None),
        ("string", None, None),
    ],
)
def test_a_value_is_coerced_to_the_type_of_its_field(kind: str | None, given: Any, read: Any) -> None:
    result = coerce_value(kind, given)
    assert result == read
    assert type(result) is type(read)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (None, ""),
        (True, "true"),
        (12.0, "12"),
        (0.5, "0.5"),
        ([1, "ü"], '[1,"ü"]'),
        (1e22, "1e22"),
    ],
)
def test_a_value_within_text_is_written_as_javascript_writes_it(value: Any, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        ("number", "10", 10),
        ("number", "", 0),
        ("number", None, 0),
        ("boolean", "True", True),
        ("boolean", "", False),
        ("object", " ", {}),
        ("array", None, []),
        ("object", '{"a": 1}', {"a": 1}),
        ("array", [1], [1]),
        ("string", None, ""),
        ("plain", 5, "5"),
        (None, [1], [1]),
    ],
)
def test_a_variable_is_read_by_its_type(kind: str | None, given: Any, read: Any) -> None:
    assert parse_variable("n", kind, given) == read


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("number", "x", 'Invalid number value for variable "n": "x". Expected a valid number.'),
        ("number", True, 'Invalid number value for variable "n": "true". Expected a valid number.'),
        ("boolean", "x", 'Invalid boolean value for variable "n": "x". Expected "true" or "false".'),
        ("object", "[1]", 'Invalid object value for variable "n": "[1]". Expected a valid JSON object.'),
        ("array", "x", 'Invalid array value for variable "n": "x". Expected a valid JSON array.'),
    ],
)
def test_a_variable_that_cannot_be_read_is_an_error(kind: str, given: Any, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_variable("n", kind, given)
    assert str(caught.value) == message


def test_a_variables_block_assigns_in_order() -> None:
    rows = [
        {"variableName": "b", "type": "number", "value": "2"},
        {"variableName": "a", "type": "string", "value": "x"},
    ]
    assert list(assign_variables({"variables": rows}).items()) == [("b", 2), ("a", "x")]


def test_a_variables_block_that_fails_says_so() -> None:
    with pytest.raises(InvalidValueError) as caught:
        assign_variables({"variables": [{"variableName": "n", "type": "number", "value": "x"}]})
    assert str(caught.value) == (
        'Variables block execution failed: Invalid number value for variable "n": "x". '
        "Expected a valid number."
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("10s", (10, "seconds")),
        ("500ms", (500, "milliseconds")),
        ("1.5h", (1.5, "hours")),
        ("2 d", (2, "days")),
        ("10", None),
        ("s", None),
        ("-1s", None),
        ("1w", None),
    ],
)
def test_a_duration_is_an_amount_and_a_unit(text: str, read: tuple[float, str] | None) -> None:
    assert parse_duration(text) == read


def test_a_duration_counts_in_milliseconds() -> None:
    assert duration_ms("1.5h") == 5_400_000


@pytest.mark.parametrize(
    ("params", "milliseconds"),
    [
        ({}, 10_000),
        ({"timeValue": "2", "timeUnit": "minutes"}, 120_000),
        ({"timeValue": 30, "timeUnit": "seconds", "timeUnitLong": "days", "async": True}, 2_592_000_000),
        ({"timeValue": 30, "timeUnit": "seconds", "timeUnitLong": "days", "async": False}, 30_000),
        ({"timeValue": 0.001, "timeUnit": "milliseconds"}, 1),
    ],
)
def test_a_wait_is_read_in_milliseconds(params: dict[str, Any], milliseconds: int) -> None:
    assert wait_ms(params) == milliseconds


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"timeValue": "soon"}, "Wait amount must be a positive number"),
        ({"timeValue": -1}, "Wait amount must be a positive number"),
        ({"timeUnit": "years"}, "Unknown wait unit: years"),
        ({"timeValue": 31, "timeUnit": "days"}, "Wait time exceeds maximum of 30 days"),
    ],
)
def test_a_wait_that_cannot_be_is_an_error(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        wait_ms(params)
    assert str(caught.value) == message


def test_a_table_is_rows_of_cells_or_a_plain_object() -> None:
    rows = [{"cells": {"Key": " a ", "Value": "1"}}, {"cells": {"Key": "", "Value": "2"}}, {"id": "x"}, 5]
    assert table(rows) == {"a": "1"}
    assert table({"a": 1, "b": None}) == {"a": 1}
    assert table("text") == {}
