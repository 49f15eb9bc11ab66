"""Our own spelling becomes the internal form."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from signoff.engine.definitions.definition import Block, Connection, Definition, Retry, Variable, encode
from signoff.engine.definitions.parse import Parsed, parse

FIXTURES = Path(__file__).parent / "fixtures"


def refund() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FIXTURES / "refund.yaml").read_text())
    return document


def recipe(types: tuple[str, ...] = (), /, **blocks: Any) -> Parsed:
    return parse({"workflow": "w", "blocks": blocks}, types=dict.fromkeys(types), workflow_id="id")


def definition_of(parsed: Parsed) -> Definition:
    assert parsed.definition is not None, parsed.faults
    return parsed.definition


def last_block(parsed: Parsed) -> Block:
    return definition_of(parsed).blocks[-1]


def faults(parsed: Parsed) -> list[tuple[str, str | None]]:
    assert parsed.definition is None
    return [(fault.path, fault.hint) for fault in parsed.faults]


def test_the_refund_workflow_has_no_fault_and_no_warning() -> None:
    parsed = parse(refund(), workflow_id="w")
    assert (parsed.faults, parsed.warnings) == ([], [])
    definition = definition_of(parsed)
    assert definition.name == "refund-approval"
    assert [block.id for block in definition.blocks] == [
        "start",
        "check",
        "approve",
        "decided",
        "pay",
        "refuse",
    ]
    assert definition.connections == (
        Connection("start", "check"),
        Connection("check", "pay", "condition-case-1"),
        Connection("check", "approve", "condition-else"),
        Connection("approve", "decided"),
        Connection("decided", "pay", "condition-case-1"),
        Connection("decided", "refuse", "condition-else"),
        Connection("pay", "refuse", "error"),
    )
    assert definition.blocks[4].retry == Retry(max_tries=5)


def test_the_refund_workflow_survives_encoding() -> None:
    definition = definition_of(parse(refund(), workflow_id="w"))
    assert definition_of(parse(encode(definition), workflow_id="other")) == definition


def test_the_document_is_neither_changed_nor_shared() -> None:
    document = refund()
    definition = definition_of(parse(document, workflow_id="w"))
    assert document == refund()
    document["blocks"]["pay"]["body"]["amount"] = "changed"
    assert definition.blocks[4].params["body"] == {"amount": "<start.amount>"}


def test_the_input_becomes_the_start_block() -> None:
    start = definition_of(parse(refund(), workflow_id="w")).blocks[0]
    assert start == Block(
        id="start",
        type="start_trigger",
        name="Start",
        trigger=True,
        params={
            "inputFormat": [
                {"id": "amount", "name": "amount", "type": "number", "required": True},
                {"id": "customer", "name": "customer", "type": "string"},
            ]
        },
    )


def test_start_names_the_blocks_that_it_leads_to() -> None:
    end = {"type": "response"}
    parsed = parse({"blocks": {"a": end, "b": end, "c": end}, "start": ["b", "c"]}, workflow_id="w")
    assert definition_of(parsed).connections == (Connection("start", "b"), Connection("start", "c"))
    assert [warning.path for warning in parsed.warnings] == ["blocks.a"]


def test_a_trigger_among_the_blocks_takes_the_place_of_the_input() -> None:
    parsed = recipe(go={"type": "manual_trigger", "then": "end"}, end={"type": "response"})
    assert [block.id for block in definition_of(parsed).blocks] == ["go", "end"]


def test_a_name_that_is_written_is_used_for_references() -> None:
    parsed = recipe(
        f={"type": "function", "name": "Add Up", "code": "return 1", "then": "end"},
        end={"type": "response", "data": "<addup.result>"},
    )
    assert parsed.warnings == []


def test_a_wait_is_written_as_a_duration() -> None:
    assert last_block(recipe(w={"type": "wait", "for": "1.5h", "async": True})).params == {
        "timeValue": 1.5,
        "timeUnit": "hours",
        "async": True,
    }


def test_variables_are_typed_by_their_values_and_references_keep_theirs() -> None:
    params = last_block(
        recipe(
            v={
                "type": "variables",
                "set": {"a": 1, "b": True, "c": "<start.x>", "d": {"type": "array", "value": "[]"}},
            }
        )
    ).params
    assert params["variables"] == [
        {"variableName": "a", "type": "number", "value": 1},
        {"variableName": "b", "type": "boolean", "value": True},
        {"variableName": "c", "value": "<start.x>"},
        {"variableName": "d", "type": "array", "value": "[]"},
    ]


def test_workflow_variables_stand_at_top_level() -> None:
    parsed = parse({"blocks": {"r": {"type": "response"}}, "variables": {"limit": 10}}, workflow_id="w")
    assert definition_of(parsed).variables == (Variable("limit", "limit", "number", 10),)


def test_a_registered_python_block_takes_its_parameters_under_with() -> None:
    block = last_block(recipe(("charge",), c={"type": "charge", "with": {"amount": "<start.amount>"}}))
    assert (block.type, block.params) == ("charge", {"amount": "<start.amount>"})


def test_a_time_limit_is_written_as_a_duration() -> None:
    assert last_block(recipe(f={"type": "function", "code": "", "timeout": "2s"})).params["timeout"] == 2000


def test_all_faults_of_a_workflow_are_reported_at_once() -> None:
    document = refund()
    blocks = document["blocks"]
    blocks["approve"] |= {"then": "decidd", "forms": {}}
    blocks["approve"]["form"]["error"] = "string"
    blocks["approve"]["form"]["size"] = "numbr"
    blocks["approve"]["deadline"]["default"] = {"approved": "maybe"}
    blocks["pay"] |= {"method": "SEND", "retry": {"maxTries": 50}}
    blocks["refuse"]["then"] = "check"
    blocks["check"]["then"] = "pay"
    blocks["nap"] = {"type": "wayt"}
    document["inputs"] = {}
    assert sorted(faults(parse(document, workflow_id="w"))) == [
        ("blocks.approve.deadline.default.approved", None),
        ("blocks.approve.form.error", "use another name"),
        ("blocks.approve.form.size", 'did you mean "number"?'),
        ("blocks.approve.forms", 'did you mean "form"?'),
        ("blocks.approve.then", 'did you mean "decided"?'),
        ("blocks.check.then", None),
        ("blocks.nap.type", 'did you mean "wait"?'),
        ("blocks.pay.method", None),
        ("blocks.pay.retry.maxTries", None),
        ("blocks.refuse.then", None),
        ("inputs", 'did you mean "input"?'),
    ]


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({}, "blocks.b.type"),
        (5, "blocks.b"),
        ({"type": "function"}, "blocks.b.code"),
        ({"type": "api"}, "blocks.b.url"),
        ({"type": "api", "url": "ftp://x"}, "blocks.b.url"),
        ({"type": "api", "url": "http://x", "timeout": 5}, "blocks.b.timeout"),
        ({"type": "wait", "for": "soon"}, "blocks.b.for"),
        ({"type": "wait", "for": "31d"}, "blocks.b.for"),
        ({"type": "response", "status": 99}, "blocks.b.status"),
        ({"type": "condition"}, "blocks.b.cases"),
        ({"type": "condition", "cases": []}, "blocks.b.cases"),
        ({"type": "condition", "cases": [{"when": 3}]}, "blocks.b.cases[0].when"),
        ({"type": "condition", "cases": [{"if": "x", "else": None}]}, "blocks.b.cases[0].if"),
        ({"type": "variables"}, "blocks.b.set"),
        ({"type": "variables", "set": {"n": {"type": "number", "value": "x"}}}, "blocks.b.set.n"),
        ({"type": "human_in_the_loop", "show": []}, "blocks.b.show"),
        ({"type": "human_in_the_loop", "form": {"a": 1}}, "blocks.b.form.a"),
        ({"type": "human_in_the_loop", "assignees": []}, "blocks.b.assignees"),
        ({"type": "human_in_the_loop", "assignees": [1]}, "blocks.b.assignees[0]"),
        ({"type": "human_in_the_loop", "deadline": {"after": "0s"}}, "blocks.b.deadline.after"),
        ({"type": "human_in_the_loop", "deadline": {"after": "1s", "x": 1}}, "blocks.b.deadline.x"),
        ({"type": "human_in_the_loop", "retry": {}}, "blocks.b.retry"),
        ({"type": "response", "then": ["b2", 5]}, "blocks.b.then[1]"),
        ({"type": "response", "name": "loop"}, "blocks.b.name"),
        ({"type": "response", "enabled": "yes"}, "blocks.b.enabled"),
        ({"type": "loop"}, "blocks.b.blocks"),
    ],
)
def test_what_is_wrong_with_a_block_is_named_by_its_path(block: Any, path: str) -> None:
    assert path in [fault[0] for fault in faults(recipe(b=block, b2={"type": "response"}))]


def test_a_block_may_not_take_the_id_of_the_start_block() -> None:
    assert ("blocks.start", None) in faults(recipe(start={"type": "response"}))


def test_references_to_unknown_names_and_fields_are_warnings() -> None:
    document = copy.deepcopy(refund())
    document["blocks"]["pay"]["body"] = {
        "a": "<aprove.approved>",
        "b": ["<start.amout>"],
        "c": "<variable.limit>",
        "d": "<br/> <b>bold</b> 1 < 2",
    }
    parsed = parse(document, workflow_id="w")
    assert parsed.faults == []
    assert [(each.path, each.hint) for each in parsed.warnings] == [
        ("blocks.pay.body.a", 'did you mean "approve"?'),
        ("blocks.pay.body.b[0]", 'did you mean "amount"?'),
        ("blocks.pay.body.c", None),
    ]


def test_a_warning_inside_a_case_names_the_case() -> None:
    parsed = recipe(
        c={"type": "condition", "cases": [{"when": "<nobody.x>", "then": "end"}]}, end={"type": "response"}
    )
    assert [each.path for each in parsed.warnings] == ["blocks.c.cases[0].when"]


def test_a_variable_that_some_block_sets_is_known() -> None:
    parsed = recipe(
        v={"type": "variables", "set": {"Max Limit": 1}, "then": "end"},
        end={"type": "response", "data": "<variable.maxlimit>"},
    )
    assert parsed.warnings == []


def test_a_condition_may_pass_any_field_on() -> None:
    parsed = recipe(
        c={"type": "condition", "cases": [{"when": "true", "then": "end"}]},
        end={"type": "response", "data": "<c.amount>"},
    )
    assert parsed.warnings == []
