"""Sim's exported state, as a file and bare, becomes the internal form of its serialized workflow."""

import copy
from typing import Any

import pytest

from signoff.engine.definitions.definition import Connection, Loop, Parallel, Variable
from signoff.engine.definitions.parse import Parsed, parse


def sub(**values: Any) -> dict[str, Any]:
    return {key: {"id": key, "type": "short-input", "value": value} for key, value in values.items()}


def block(block_id: str, block_type: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": block_id,
        "type": block_type,
        "name": name or block_id,
        "position": {"x": 0, "y": 0},
        "enabled": True,
        "subBlocks": {},
        "outputs": {},
        "data": {},
        "triggerMode": False,
        "advancedMode": False,
        "horizontalHandles": True,
        **more,
    }


def edge(source: str, target: str, handle: str | None = None) -> dict[str, Any]:
    return {
        "id": f"{source}-{target}",
        "source": source,
        "target": target,
        "sourceHandle": handle,
        "targetHandle": "target",
        "type": "workflowEdge",
    }


APPROVAL: dict[str, Any] = {
    "version": "1.0",
    "exportedAt": "2026-01-01T00:00:00.000Z",
    "workflow": {"id": "0198", "name": "Approval", "description": ""},
    "state": {
        "blocks": {
            "start": block(
                "start",
                "start_trigger",
                subBlocks=sub(inputFormat=[{"id": "f", "name": "amount", "type": "number"}]),
                triggerMode=True,
            ),
            "ask": block(
                "ask",
                "human_in_the_loop",
                "Ask the boss",
                subBlocks=sub(
                    inputFormat=[{"id": "a", "name": "approved", "type": "boolean", "required": True}],
                    builderData=[{"id": "b", "name": "Amount", "type": "number", "value": "<start.amount>"}],
                    data="<nobody.x>",
                    notification=None,
                ),
            ),
            "n": block("n", "note", data={"parentId": "ask"}),
        },
        "edges": [edge("start", "ask", "source")],
        "loops": {},
        "parallels": {},
        "variables": {"v1": {"id": "v1", "name": "limit", "type": "number", "value": "10"}},
        "metadata": {"name": "Approval of the state"},
    },
}


def state(*blocks: dict[str, Any], edges: list[dict[str, Any]] | None = None, **more: Any) -> Parsed:
    """A bare state: a start block leads to the first of the others."""
    first = [edge("s", blocks[0]["id"])] if blocks else []
    every = {each["id"]: each for each in (block("s", "start_trigger"), *blocks)}
    return parse({"blocks": every, "edges": [*first, *(edges or [])], **more}, workflow_id="w")


def test_an_export_file_is_read() -> None:
    parsed = parse(APPROVAL, workflow_id="w")
    assert (parsed.faults, parsed.warnings) == ([], [])
    assert parsed.definition is not None
    assert parsed.definition.name == "Approval"
    assert [each.id for each in parsed.definition.blocks] == ["start", "ask"]
    ask = parsed.definition.blocks[1]
    assert (ask.type, ask.name) == ("human_in_the_loop", "Ask the boss")
    # Null values, and those of fields that the editor hides, are left out.
    assert set(ask.params) == {"inputFormat", "builderData"}
    assert parsed.definition.connections == (Connection("start", "ask"),)
    assert parsed.definition.variables == (Variable("v1", "limit", "number", "10"),)


def test_the_bare_state_says_its_name_in_its_metadata() -> None:
    parsed = parse(APPROVAL["state"], workflow_id="w")
    assert parsed.definition is not None
    assert parsed.definition.name == "Approval of the state"


def test_a_state_and_its_serialized_workflow_are_the_same_definition() -> None:
    serialized = {
        "name": "w",
        "blocks": [
            {"id": "s", "metadata": {"id": "start_trigger", "name": "s"}, "config": {"params": {}}},
            {
                "id": "c",
                "metadata": {"id": "condition", "name": "c"},
                "config": {"params": {"conditions": '[{"id": "c-if", "title": "if", "value": "true"}]'}},
                "retry": {"enabled": True, "maxTries": 2},
            },
            {
                "id": "e",
                "metadata": {"id": "response", "name": "e"},
                "config": {"params": {"dataMode": "json"}},
            },
        ],
        "connections": [
            {"source": "s", "target": "c"},
            {"source": "c", "target": "e", "sourceHandle": "condition-c-if"},
        ],
    }
    conditions = '[{"id": "c-if", "title": "if", "value": "true"}]'
    parsed = state(
        block("c", "condition", subBlocks=sub(conditions=conditions), retry={"enabled": True, "maxTries": 2}),
        block("e", "response", subBlocks=sub(dataMode="json", builderData=[])),
        edges=[edge("c", "e", "condition-c-if")],
    )
    assert parsed.definition == parse(serialized, workflow_id="w").definition


def test_containers_are_computed_from_the_blocks_data() -> None:
    parsed = state(
        block("l", "loop", data={"loopType": "forEach", "collection": "<s.list>", "count": 3}),
        block("p", "parallel", data={"parentId": "l", "extent": "parent", "count": 2, "batchSize": 4}),
        block("a", "wait", data={"parentId": "p", "extent": "parent"}),
        block("m", "loop", data={}),
        block("b", "wait", data={"parentId": "m"}),
        edges=[
            edge("l", "p", "loop-start-source"),
            edge("p", "a", "parallel-start-source"),
            edge("l", "m", "loop-end-source"),
            edge("m", "b", "loop-start-source"),
        ],
        loops={"gone": {"id": "gone", "nodes": ["x"]}},
    )
    assert parsed.definition is not None, parsed.faults
    assert parsed.definition.loops == (
        Loop(id="l", nodes=("p",), kind="forEach", items="<s.list>"),
        Loop(id="m", nodes=("b",), kind="for", iterations=5),
    )
    assert parsed.definition.parallels == (Parallel(id="p", nodes=("a",), count=2, batch_size=4),)


def test_stored_entries_count_only_where_no_block_is_a_container() -> None:
    parsed = state(block("a", "wait"), loops={"l": {"nodes": ["a"]}})
    assert parsed.faults[0].path == "loops.l"


def test_an_agent_of_before_there_were_messages_gets_them() -> None:
    parsed = state(
        block("a", "agent", subBlocks=sub(systemPrompt="Be brief.", userPrompt="<nobody.x>", model="m"))
    )
    assert parsed.definition is not None, parsed.faults
    assert parsed.definition.blocks[1].params == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "<nobody.x>"},
        ],
    }
    assert [each.path for each in parsed.warnings] == ["blocks.a.subBlocks.userPrompt.value"]


@pytest.mark.parametrize(
    ("asynchronous", "params"),
    [
        (None, {"timeValue": "5", "timeUnit": "minutes"}),
        (True, {"timeValue": "5", "timeUnitLong": "days", "async": True}),
    ],
)
def test_a_field_that_the_editor_hides_does_not_count(asynchronous: Any, params: dict[str, Any]) -> None:
    values = sub(timeValue="5", timeUnit="minutes", timeUnitLong="days", **{"async": asynchronous})
    parsed = state(block("w", "wait", subBlocks=values))
    assert parsed.definition is not None, parsed.faults
    assert parsed.definition.blocks[1].params == params


LOOP = block("l", "loop", data={"loopType": "forEach"})
CHILD = block("a", "wait", data={"parentId": "l"})


@pytest.mark.parametrize(
    ("blocks", "edges", "path"),
    [
        ([block("f", "function")], [], "blocks.f.subBlocks.code.value"),
        ([block("f", "function", subBlocks=sub(code=5))], [], "blocks.f.subBlocks.code.value"),
        (
            [block("h", "human_in_the_loop", subBlocks=sub(inputFormat=[{"name": "a", "type": "x"}]))],
            [],
            "blocks.h.subBlocks.inputFormat.value[0].type",
        ),
        ([block("f", "functoin")], [], "blocks.f.type"),
        ([block("f", "response", "loop")], [], "blocks.f.name"),
        ([block("a.b", "functoin")], [], 'blocks["a.b"].type'),
        ([block("f", "wait", enabled="yes")], [], "blocks.f.enabled"),
        ([block("f", "wait", retry={"enabled": True, "maxTries": []})], [], "blocks.f.retry.maxTries"),
        ([block("f", "wait")], [edge("f", "nobody")], "edges[1].target"),
        ([block("f", "wait")], [edge("f", "f")], "edges[1].target"),
        ([block("f", "wait")], [edge("f", "s", "condition-x")], "edges[1].sourceHandle"),
        ([LOOP, CHILD], [edge("l", "a", "loop-start-source")], "blocks.l.data.collection"),
        ([block("l", "loop", data={"count": "x"}), CHILD], [], "blocks.l.data.count"),
        ([block("l", "loop", data={"loopType": "x"}), CHILD], [], "blocks.l.data.loopType"),
        ([block("l", "loop", data=5), CHILD], [], "blocks.l.data"),
        ([LOOP], [], "blocks.l.nodes"),
        ([block("p", "parallel", data={"batchSize": "x"})], [], "blocks.p.data.batchSize"),
        ([block("a", "wait", data={"parentId": "a"})], [], None),
        ([block("l", "loop", data={"parentId": "l"})], [], "blocks.l.data.parentId"),
        ([block("t", "schedule", data={"parentId": "l"}), LOOP], [], "blocks.t.data.parentId"),
        ([block("f", "wait", subBlocks=[])], [], "blocks.f.subBlocks"),
    ],
)
def test_a_fault_is_named_where_it_stands_in_the_state(
    blocks: list[dict[str, Any]], edges: list[dict[str, Any]], path: str | None
) -> None:
    bare = state(*blocks, edges=edges)
    found = [fault.path for fault in bare.faults]
    assert path in found if path is not None else not found
    document = {"blocks": {each["id"]: each for each in (block("s", "start_trigger"), *blocks)}}
    file = parse({"state": document | {"edges": [edge("s", blocks[0]["id"]), *edges]}}, workflow_id="w")
    assert [fault.path for fault in file.faults] == [f"state.{each}" for each in found]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"state": 5}, "state"),
        ({"state": {}}, "state.blocks"),
        ({"state": {"blocks": []}}, "state.blocks"),
        ({"state": {"blocks": {"a": 5}}}, "state.blocks.a"),
        ({"state": {"blocks": {}, "edges": 5}}, "state.edges"),
        ({"state": {"blocks": {}, "edges": [5]}}, "state.edges[0]"),
        ({"state": {"blocks": {}, "edges": [], "variables": []}}, "state.variables"),
        ({"edges": []}, "blocks"),
    ],
)
def test_what_is_no_state_is_refused(document: dict[str, Any], path: str) -> None:
    assert path in [fault.path for fault in parse(document, workflow_id="w").faults]


def test_the_document_is_not_changed() -> None:
    document = copy.deepcopy(APPROVAL)
    parse(document, workflow_id="w")
    assert document == APPROVAL
