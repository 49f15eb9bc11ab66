"""Sim's serialized workflow becomes the internal form."""

import json
from pathlib import Path
from typing import Any

import pytest

from signoff.engine.definitions.definition import Block, Connection, Retry, Variable, digest, encode
from signoff.engine.definitions.parse import Parsed, parse

FIXTURES = Path(__file__).parent / "fixtures"


def sim(*blocks: dict[str, Any], connections: list[dict[str, Any]] | None = None, **more: Any) -> Parsed:
    return parse({"blocks": list(blocks), "connections": connections or [], **more}, workflow_id="w")


def block(
    block_id: str, block_type: str, params: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    return {"id": block_id, "metadata": {"id": block_type}, "config": {"params": params or {}}, **more}


START = block("s", "start_trigger")


def blocks_of(parsed: Parsed) -> dict[str, Block]:
    assert parsed.definition is not None, parsed.faults
    return {each.id: each for each in parsed.definition.blocks}


def paths(parsed: Parsed) -> list[str]:
    assert parsed.definition is None
    return [fault.path for fault in parsed.faults]


def test_the_example_of_the_format_has_no_fault_and_no_warning() -> None:
    document = json.loads((FIXTURES / "sim_double.json").read_text())
    parsed = parse(document, workflow_id="double")
    assert (parsed.faults, parsed.warnings) == ([], [])
    assert parsed.definition is not None
    assert parsed.definition.name == "double"
    assert parsed.definition.blocks[1] == Block(
        id="double",
        type="function",
        name="Double It",
        params={"language": "javascript", "code": "return <start.amount> * 2"},
        outputs={"result": {"type": "json"}, "stdout": {"type": "string"}},
    )
    assert parsed.definition.connections == (Connection("start", "double", "source"),)


def test_encoding_and_reading_again_gives_an_equal_definition_with_the_same_digest() -> None:
    definition = parse(json.loads((FIXTURES / "sim_double.json").read_text()), workflow_id="w").definition
    assert definition is not None
    again = parse(json.loads(json.dumps(encode(definition))), workflow_id="other").definition
    assert again == definition
    assert digest(again) == digest(definition)
    assert digest(definition).startswith("sha256:")


@pytest.mark.parametrize(
    "handle", [None, "", "source", "source-right", "source-left", "source-top", "source-bottom"]
)
def test_old_and_missing_handles_are_source(handle: str | None) -> None:
    parsed = sim(
        START,
        block("r", "response"),
        connections=[{"source": "s", "target": "r", "sourceHandle": handle}],
    )
    assert parsed.definition is not None
    assert parsed.definition.connections == (Connection("s", "r", "source"),)


def test_missing_handles_of_a_condition_are_completed_by_position() -> None:
    cases = json.dumps(
        [{"id": "yes", "title": "if", "value": "true"}, {"id": "no", "title": "else", "value": ""}]
    )
    parsed = sim(
        START,
        block("c", "condition", {"conditions": cases}),
        block("a", "response"),
        block("b", "response"),
        connections=[
            {"source": "s", "target": "c"},
            {"source": "c", "target": "a"},
            {"source": "c", "target": "b"},
        ],
    )
    assert parsed.definition is not None
    assert [each.handle for each in parsed.definition.connections] == [
        "source",
        "condition-yes",
        "condition-no",
    ]


def test_conditions_and_code_kept_as_text_in_text_are_opened() -> None:
    blocks = blocks_of(
        sim(
            START,
            block("c", "condition", {"conditions": '[{"id": "x", "title": "if", "value": "1"}]'}),
            block("f", "function", {"code": [{"content": "const a = 1"}, {"content": "return a"}]}),
        )
    )
    assert blocks["c"].params["conditions"] == [{"id": "x", "title": "if", "value": "1"}]
    assert blocks["f"].params["code"] == "const a = 1\nreturn a"


def test_retry_values_out_of_range_are_clamped() -> None:
    retry = {"enabled": True, "maxTries": 99, "waitBetweenTriesMs": "-5", "backoff": 0}
    blocks = blocks_of(sim(START, block("a", "api", retry=retry), block("b", "api", retry={"maxTries": 5})))
    assert blocks["a"].retry == Retry(max_tries=10, wait_ms=0, backoff=1.0)
    assert blocks["b"].retry is None


def test_triggers_and_pauses_are_never_retried() -> None:
    blocks = blocks_of(
        sim(START | {"retry": {"enabled": True}}, block("h", "human_in_the_loop", retry={"enabled": True}))
    )
    assert blocks["s"].retry is None
    assert blocks["h"].retry is None


def test_trigger_mode_makes_any_block_a_trigger() -> None:
    blocks = blocks_of(sim(START, block("f", "function", {"code": "", "triggerMode": True})))
    assert (blocks["s"].trigger, blocks["f"].trigger) == (True, True)


def test_a_disabled_block_is_kept_and_its_parameters_are_not_checked() -> None:
    parsed = sim(START, block("x", "slack", enabled=False))
    assert parsed.faults == []
    assert blocks_of(parsed)["x"].enabled is False


def test_notes_are_dropped() -> None:
    assert list(blocks_of(sim(START, block("n", "note"), block("m", "note", {"name": "n"})))) == ["s"]


def test_variables_and_name_stand_at_top_level() -> None:
    parsed = sim(
        START, name="Named", variables={"v1": {"id": "v1", "name": "limit", "type": "number", "value": "10"}}
    )
    assert parsed.definition is not None
    assert parsed.definition.name == "Named"
    assert parsed.definition.variables == (Variable("v1", "limit", "number", "10"),)


def test_every_fault_is_reported_with_its_place() -> None:
    parsed = sim(
        START,
        block("s", "function", {"code": "1", "language": "shell"}),
        block("c", "condition", {"conditions": '[{"id": "c1", "title": "if", "value": "1"}]'}),
        {"id": 7, "metadata": {}},
        block("x", "functoin"),
        5,  # type: ignore[arg-type]
        connections=[
            {"source": "c", "target": "s", "sourceHandle": "condition-c2"},
            {"source": "c", "target": "gone", "sourceHandle": "loop-end-source"},
            "no",  # type: ignore[list-item]
        ],
        loops={"l1": {"nodes": ["c"]}},
    )
    assert sorted(paths(parsed)) == sorted(
        [
            "blocks[1].id",
            "blocks[1].metadata.name",
            "blocks[1].config.params.language",
            "blocks[3].id",
            "blocks[3].metadata.id",
            "blocks[4].metadata.id",
            "blocks[5]",
            "connections[0].sourceHandle",
            "connections[1].sourceHandle",
            "connections[1].target",
            "connections[2]",
            "loops.l1",
        ]
    )
    assert {fault.path: fault.hint for fault in parsed.faults}[
        "blocks[4].metadata.id"
    ] == 'did you mean "function"?'


def test_a_language_that_no_sandbox_runs_is_refused_with_what_to_use() -> None:
    fault = sim(START, block("f", "function", {"code": "x", "language": "shell"})).faults[0]
    assert fault.message == 'language "shell" is not available here'
    assert fault.hint == "use javascript or python"


def test_names_that_references_use_are_refused() -> None:
    for name in ("Loop", "par.allel", "Variable"):
        parsed = sim(START, block("f", "response") | {"metadata": {"id": "response", "name": name}})
        assert paths(parsed) == ["blocks[1].metadata.name"]


def test_names_equal_after_normalising_are_a_fault() -> None:
    parsed = sim(
        START,
        block("a", "response") | {"metadata": {"id": "response", "name": "Send It"}},
        block("b", "response") | {"metadata": {"id": "response", "name": "send.it"}},
    )
    assert paths(parsed) == ["blocks[2].metadata.name"]


def test_every_edge_that_closes_a_cycle_is_named() -> None:
    parsed = sim(
        START,
        block("a", "response"),
        block("b", "response"),
        connections=[
            {"source": "s", "target": "a"},
            {"source": "a", "target": "b"},
            {"source": "b", "target": "a"},
            {"source": "b", "target": "b"},
        ],
    )
    assert [(fault.path, fault.message) for fault in parsed.faults] == [
        ("connections[2].target", "leads back: a → b → a"),
        ("connections[3].target", "leads back: b → b"),
    ]


def test_a_definition_without_start_block_is_refused() -> None:
    assert paths(sim(block("r", "response"))) == ["blocks"]


def test_fields_that_steer_the_engine_are_refused() -> None:
    field = {"name": "selectedOption", "type": "string"}
    assert paths(sim(block("s", "start_trigger", {"inputFormat": [field]}))) == [
        "blocks[0].config.params.inputFormat[0]"
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"timeValue": "31", "timeUnitLong": "days", "async": True}, "Wait time exceeds maximum of 30 days"),
        ({"timeValue": "0"}, "Wait amount must be a positive number"),
        ({"timeUnit": "fortnights"}, "Unknown wait unit: fortnights"),
    ],
)
def test_a_wait_out_of_range_is_refused(params: dict[str, Any], message: str) -> None:
    parsed = sim(START, block("w", "wait", params))
    assert [(fault.path, fault.message) for fault in parsed.faults] == [
        ("blocks[1].config.params.timeValue", message)
    ]


def test_a_wait_that_a_reference_sets_is_checked_when_it_runs() -> None:
    assert sim(START, block("w", "wait", {"timeValue": "<start.seconds>"})).faults == []


def test_unreached_blocks_and_edges_written_twice_are_warnings() -> None:
    edge = {"source": "s", "target": "a"}
    parsed = sim(START, block("a", "response"), block("b", "response"), connections=[edge, edge])
    assert [fault.path for fault in parsed.warnings] == ["connections[1].target", "blocks[2].id"]
    assert parsed.definition is not None
    assert len(parsed.definition.connections) == 1
