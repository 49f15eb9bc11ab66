"""Attributes: the variables that a definition lets executions be found by."""

from typing import Any

import pytest

from signoff.engine.definitions.attributes import attribute_values
from signoff.engine.definitions.definition import Definition, decode, digest, encode
from signoff.engine.definitions.faults import Fault
from signoff.engine.definitions.parse import parse

STEP: dict[str, Any] = {"type": "function", "code": "return 1"}


def recipe(attributes: object, **more: Any) -> dict[str, Any]:
    variables = {"customer": "", "amount": {"type": "number", "value": "0"}}
    assign = {"type": "variables", "set": {"Due Date": "<start.due>"}}
    return {"variables": variables, "attributes": attributes, "blocks": {"a": STEP, "b": assign}, **more}


def serialized(attributes: object) -> dict[str, Any]:
    parsed = parse(recipe([]), workflow_id="w").definition
    assert parsed is not None
    return encode(parsed) | {"attributes": attributes}


def faults(document: object) -> list[Fault]:
    return parse(document, workflow_id="w").faults


@pytest.mark.parametrize("spelling", [recipe, serialized])
def test_both_spellings_name_variables_that_are_declared_or_assigned(spelling: Any) -> None:
    parsed = parse(spelling(["customer", "amount", "duedate"]), workflow_id="w")

    assert parsed.faults == []
    assert parsed.definition is not None
    assert parsed.definition.attributes == ("customer", "amount", "duedate")
    assert decode(encode(parsed.definition)) == parsed.definition


@pytest.mark.parametrize("spelling", [recipe, serialized])
def test_an_attribute_that_names_no_variable_is_a_fault_with_its_place_and_a_hint(spelling: Any) -> None:
    assert faults(spelling(["amount", "custmer"])) == [
        Fault("attributes[1]", 'there is no variable "custmer"', 'did you mean "customer"?')
    ]


@pytest.mark.parametrize("spelling", [recipe, serialized])
@pytest.mark.parametrize(
    ("attributes", "path", "part"),
    [
        ("customer", "attributes", "a list of names"),
        ({"customer": 1}, "attributes", "a list of names"),
        ([5], "attributes[0]", "as a text"),
        ([["customer"]], "attributes[0]", "as a text"),
        ([""], "attributes[0]", "no variable"),
        (["customer", "Customer"], "attributes[1]", "already that of attributes[0]"),
        (["customer"] * 21, "attributes", "at most 20"),
    ],
)
def test_what_is_no_list_of_variables_is_a_fault(
    spelling: Any, attributes: object, path: str, part: str
) -> None:
    (fault,) = faults(spelling(attributes))

    assert fault.path == path
    assert part in fault.message


@pytest.mark.parametrize("name", ["a:b", "a<b", "a>b", "a=b", "a" * 101])
def test_a_name_that_a_search_cannot_write_is_a_fault(name: str) -> None:
    (fault,) = faults(recipe([name], variables={name: 1}))

    assert (fault.path, fault.hint) == ("attributes[0]", "rename the variable")


def test_without_attributes_a_definition_has_the_digest_that_it_always_had() -> None:
    parsed = parse(recipe([]), workflow_id="w").definition
    assert parsed is not None

    assert "attributes" not in encode(parsed)
    assert digest(parsed) != digest(decode(encode(parsed) | {"attributes": ["customer"]}))


def values(variables: dict[str, Any], *attributes: str) -> dict[str, Any]:
    definition = Definition(name="w", blocks=(), connections=(), attributes=attributes)
    return attribute_values(definition, variables)


def test_the_values_are_those_of_the_variables_by_the_names_of_the_attributes() -> None:
    variables = {"Due Date": "today", "amount": 5, "rate": 0.5, "urgent": False, "other": 1}

    assert values(variables, "duedate", "amount", "rate", "urgent", "missing") == {
        "duedate": "today",
        "amount": 5,
        "rate": 0.5,
        "urgent": False,
    }
    assert values(variables) == {}


def test_values_that_nobody_can_search_for_are_left_out() -> None:
    variables: dict[str, Any] = {
        "a": "x" * 257,
        "b": None,
        "c": [1],
        "d": {"$blob": "sha256:"},
        "e": "x" * 256,
    }

    assert values(variables, *"abcde") == {"e": "x" * 256}
