"""Inputs and forms: coercion, defaults, checks, and what triggers put out."""

from typing import Any

import pytest

from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.faults import Fault
from signoff.engine.definitions.forms import check_form, coerce_fields, form_fields, start_output

FORMAT = [
    {"name": "amount", "type": "number", "value": "7"},
    {"name": " who ", "type": "string"},
    {"name": ""},
    {"type": "string"},
    "no field",
]


def trigger(block_type: str, input_format: Any = None) -> Block:
    params = {} if input_format is None else {"inputFormat": input_format}
    return Block(id="s", type=block_type, name="Start", params=params, trigger=True)


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ({"amount": "5", "who": 3}, {"amount": 5, "who": "3"}),
        ({"input": {"amount": 1}, "amount": 2, "who": "x"}, {"amount": 1, "who": "x"}),
        ({}, {"amount": 7}),
        ({"amount": None, "who": None}, {"amount": 7, "who": None}),
        (None, {"amount": 7}),
        ([1], {"amount": 7}),
    ],
)
def test_fields_are_taken_from_the_input_and_coerced(body: Any, values: dict[str, Any]) -> None:
    assert coerce_fields(FORMAT, body) == values


def test_a_start_trigger_gives_the_typed_fields_and_every_other_key() -> None:
    output = start_output(
        trigger("start_trigger", FORMAT), {"amount": "5", "extra": 1, "conversationId": "c"}
    )
    assert output == {"amount": 5, "extra": 1, "conversationId": "c"}


@pytest.mark.parametrize(
    ("block_type", "asked", "told"),
    [("start_trigger", True, True), ("start_trigger", False, False), ("api_trigger", True, False)],
)
def test_a_start_trigger_that_is_asked_to_tells_of_the_run_whatever_the_input_says(
    block_type: str, asked: bool, told: bool
) -> None:
    block = Block(id="s", type=block_type, name="Start", params={"runMetadata": asked}, trigger=True)

    output = start_output(block, {"metadata": "given"}, {"executionId": "e"})

    assert output["metadata"] == ({"executionId": "e"} if told else "given")


def test_an_input_that_is_no_object_is_put_out_as_input() -> None:
    assert start_output(trigger("start_trigger"), [1]) == {"input": [1]}
    assert start_output(trigger("start_trigger"), None) == {}


@pytest.mark.parametrize("block_type", ["api_trigger", "input_trigger", "starter"])
def test_the_older_triggers_give_the_fields_twice(block_type: str) -> None:
    assert start_output(trigger(block_type, FORMAT), {"amount": "5", "other": 1}) == {
        "amount": 5,
        "input": {"amount": 5},
    }


def test_the_older_triggers_give_the_whole_body_where_no_fields_are_named() -> None:
    assert start_output(trigger("api_trigger"), {"a": 1}) == {"a": 1, "input": {"a": 1}}
    assert start_output(trigger("api_trigger"), "text") == {"input": "text"}


def test_a_manual_trigger_gives_the_keys_of_the_input() -> None:
    assert start_output(trigger("manual_trigger"), {"a": 1}) == {"a": 1}


def test_form_fields_are_completed() -> None:
    fields = form_fields({"inputFormat": [{"name": "x"}, {"name": " "}, {"name": "ok", "type": "boolean"}]})
    assert fields == [
        {"id": "field_0", "name": "x", "label": "x", "type": "string", "required": False},
        {"id": "field_2", "name": "ok", "label": "ok", "type": "boolean", "required": False},
    ]


def test_what_a_form_field_says_is_kept_and_blank_texts_are_left_out() -> None:
    field = {
        "id": "f",
        "name": "size",
        "label": " Size ",
        "type": "string",
        "description": " ",
        "placeholder": "S",
        "value": "M",
        "required": True,
        "options": ["S", "M"],
    }
    assert form_fields({"inputFormat": [field]}) == [
        {
            "id": "f",
            "name": "size",
            "label": "Size",
            "type": "string",
            "placeholder": "S",
            "value": "M",
            "required": True,
            "options": ["S", "M"],
        }
    ]


def checked(field: dict[str, Any], submission: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    return check_form(form_fields({"inputFormat": [{"name": "x"} | field]}), submission)


def test_a_submission_is_coerced_and_unknown_keys_are_kept() -> None:
    assert checked({"type": "number"}, {"x": "5", "more": "6"}) == ({"x": 5, "more": "6"}, [])


def test_a_missing_field_takes_its_default() -> None:
    assert checked({"type": "number", "value": "3", "required": True}, {}) == ({"x": 3}, [])


def test_a_missing_field_without_default_stays_missing() -> None:
    assert checked({}, {}) == ({}, [])


@pytest.mark.parametrize("submission", [{}, {"x": None}, {"x": ""}])
def test_a_required_field_must_be_there(submission: dict[str, Any]) -> None:
    assert checked({"required": True}, submission)[1] == [Fault("x", '"x" is required')]


def test_false_and_zero_are_there() -> None:
    assert checked({"type": "boolean", "required": True}, {"x": False})[1] == []
    assert checked({"type": "number", "required": True}, {"x": 0})[1] == []


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("number", "many", '"x" must be a number'),
        ("number", True, '"x" must be a number'),
        ("boolean", "maybe", '"x" must be true or false'),
        ("object", "[1]", '"x" must be an object'),
        ("array", "{}", '"x" must be a list'),
        ("files", "a.pdf", '"x" must be a list of files'),
    ],
)
def test_a_value_of_another_type_does_not_fit(kind: str, value: Any, message: str) -> None:
    assert checked({"type": kind}, {"x": value})[1] == [Fault("x", message)]


def test_only_an_option_may_be_chosen() -> None:
    options = ["S", {"id": "m", "label": "Medium"}, {"value": "l", "label": "Large"}]
    assert checked({"options": options}, {"x": "m"})[1] == []
    assert checked({"options": options}, {"x": "XL"})[1] == [Fault("x", '"x" must be one of: S, m, l')]
    assert checked({"type": "array", "options": options}, {"x": ["S", "l"]})[1] == []
    assert checked({"type": "array", "options": options}, {"x": ["S", "XL"]})[1] != []
