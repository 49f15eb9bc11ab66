"""The code of a definition is found in every spelling, with the path that its author knows."""

import json
from typing import Any

import pytest

from signoff.engine.definitions.codes import Code
from signoff.engine.definitions.parse import parse

END = {"type": "response"}
BODY = "const total = <start.amount>;\nreturn total * {{RATE}}"
SOURCE = "const total = __ref0;\nreturn total * __ref1"


def codes_of(document: Any) -> list[Code]:
    return parse(document, workflow_id="w").codes


def recipe(**block: Any) -> list[Code]:
    return codes_of({"input": {"amount": "number"}, "blocks": {"b": block, "end": END}})


def sim(block_type: str, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    blocks = [
        {"id": "start", "metadata": {"id": "start_trigger"}},
        {"id": "b", "metadata": {"id": block_type}, "config": {"params": params}, **more},
    ]
    return {"blocks": blocks, "connections": [{"source": "start", "target": "b"}]}


def state(block_type: str, params: dict[str, Any]) -> dict[str, Any]:
    subs = {name: {"id": name, "value": value} for name, value in params.items()}
    blocks = {
        "start": {"id": "start", "type": "start_trigger", "name": "Start"},
        "b": {"id": "b", "type": block_type, "name": "B", "subBlocks": subs},
    }
    return {"state": {"blocks": blocks, "edges": [{"source": "start", "target": "b"}]}}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"input": {}, "blocks": {"b": {"type": "function", "code": BODY}}}, "blocks.b.code"),
        (sim("function", {"code": BODY}), "blocks[1].config.params.code"),
        (
            sim("function", {"code": [{"content": line} for line in BODY.splitlines()]}),
            "blocks[1].config.params.code",
        ),
        (state("function", {"code": BODY}), "state.blocks.b.subBlocks.code.value"),
        (state("function", {"code": BODY})["state"], "blocks.b.subBlocks.code.value"),
    ],
    ids=["our own", "serialized", "serialized in parts", "exported", "bare state"],
)
def test_a_function_is_found_in_each_spelling(document: Any, path: str) -> None:
    (code,) = codes_of(document)
    assert (code.path, code.source, code.kind, code.language) == (path, SOURCE, "function", "javascript")
    assert code.names == {"__ref0", "__ref1"}
    assert code.references == {"__ref0": "<start.amount>", "__ref1": "{{RATE}}"}


CASES = [
    {"id": "a", "title": "if", "value": "<start.amount> > 1"},
    {"id": "b", "title": "else if", "value": " "},
    {"id": "c", "title": "else", "value": ""},
]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (
            {
                "input": {},
                "blocks": {
                    "b": {
                        "type": "condition",
                        "cases": [
                            {"when": "<start.amount> > 1", "then": "end"},
                            {"else": "end"},
                        ],
                    },
                    "end": END,
                },
            },
            "blocks.b.cases[0].when",
        ),
        (sim("condition", {"conditions": CASES}), "blocks[1].config.params.conditions[0].value"),
        (sim("condition", {"conditions": json.dumps(CASES)}), "blocks[1].config.params.conditions[0].value"),
        (
            state("condition", {"conditions": json.dumps(CASES)}),
            "state.blocks.b.subBlocks.conditions.value[0].value",
        ),
    ],
    ids=["our own", "serialized", "serialized as text", "exported"],
)
def test_a_case_is_found_in_each_spelling(document: Any, path: str) -> None:
    (code,) = codes_of(document)
    assert (code.path, code.source, code.kind) == (path, "__ref0 > 1", "condition")
    assert code.names == {"__ref0", "context"}


@pytest.mark.parametrize("kind", ["while", "doWhile"])
def test_the_condition_of_a_loop_is_found(kind: str) -> None:
    codes = recipe(type="loop", **{kind: "<loop.index> < 3"}, blocks={"a": END})
    assert [(code.path, code.source, code.kind) for code in codes] == [
        (f"blocks.b.{kind}", "__ref0 < 3", "condition")
    ]


def test_the_condition_of_a_loop_is_found_in_sims_entry() -> None:
    document = sim("loop", {})
    document["blocks"].append({"id": "in", "metadata": {"id": "response"}})
    document["loops"] = {"b": {"nodes": ["in"], "loopType": "doWhile", "doWhileCondition": "a <"}}
    assert [code.path for code in codes_of(document)] == ["loops.b.doWhileCondition"]


TOOL = {
    "type": "custom-tool",
    "title": "t",
    "schema": {"function": {"name": "t", "parameters": {"properties": {"fetch": {}, "a-b": {}}}}},
    "code": "return fetch + <start.amount>",
}


@pytest.mark.parametrize("schema", [TOOL["schema"], json.dumps(TOOL["schema"])])
def test_the_code_of_an_agents_tool_is_found_with_its_parameters(schema: Any) -> None:
    (code,) = recipe(type="agent", prompt="p", tools=[{"type": "api"}, TOOL | {"schema": schema}])
    assert (code.path, code.source) == ("blocks.b.tools[1].code", "return fetch + __ref0")
    assert code.names == {"params", "fetch", "__ref0"}


def test_the_tools_of_an_exported_agent_may_be_text() -> None:
    messages = [{"role": "user", "content": "p"}]
    (code,) = codes_of(state("agent", {"messages": messages, "tools": json.dumps([TOOL])}))
    assert code.path == "state.blocks.b.subBlocks.tools.value[0].code"


def test_python_is_python() -> None:
    (code,) = recipe(type="function", language="python", code="return 1")
    assert code.language == "python"


@pytest.mark.parametrize(
    "document",
    [
        sim("function", {"code": "  \n"}),
        sim("function", {"code": 5}),
        sim("function", {"code": "x", "language": "ruby"}),
        sim("function", {"code": "x"}, enabled=False),
        sim("function", {"code": "x", "triggerMode": True}),
        sim("condition", {"conditions": [5, CASES[2], CASES[0]]}),
        sim("agent", {"tools": [TOOL | {"usageControl": "none"}, {"type": "api", "code": "x"}, 5]}),
        sim("loop", {}) | {"loops": {"b": {"nodes": [], "loopType": "for", "whileCondition": "x"}}},
        sim("loop", {}, enabled=False) | {"loops": {"b": {"loopType": "while", "whileCondition": "x"}}},
        {"blocks": 5},
        None,
    ],
)
def test_what_never_runs_or_is_at_fault_otherwise_is_no_code(document: Any) -> None:
    assert codes_of(document) == []


def test_code_is_found_beside_faults() -> None:
    document = {"blocks": {"a": {"type": "function", "code": "x"}, "b": {"type": "nothing"}}}
    parsed = parse(document, workflow_id="w")
    assert parsed.definition is None
    assert [code.path for code in parsed.codes] == ["blocks.a.code"]


def test_what_is_said_of_variables_is_said_of_references() -> None:
    (code,) = recipe(type="function", code=" ".join(f"{{{{N{n}}}}}" for n in range(12)))
    assert code.as_written("unexpected '__ref1' and __ref11, not __ref12") == (
        "unexpected '{{N1}}' and {{N11}}, not __ref12"
    )


def test_a_name_that_the_code_has_already_is_no_variable() -> None:
    (code,) = recipe(type="function", code="__ref__ref__ = {{A}} + __ref")
    assert code.source == "__ref__ref__ = __ref___0 + __ref"


def test_code_made_of_prefixes_costs_one_look() -> None:
    (code,) = recipe(type="function", code="{{A}} __ref" + "_" * 2_000_000)
    assert list(code.references.values()) == ["{{A}}"]
