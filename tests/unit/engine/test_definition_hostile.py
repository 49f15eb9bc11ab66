"""No document makes the reader raise, and none makes it work for long."""

import datetime
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.engine.definitions.catalog import BLOCK_TYPES
from signoff.engine.definitions.definition import digest, encode
from signoff.engine.definitions.parse import parse
from signoff.engine.recipe.keys import BLOCK_KEYS, FIELD_KEYS, RETRY_KEYS, TOP_KEYS
from signoff.engine.recipe.reader import SPELLINGS

OWN_KEYS = {
    *TOP_KEYS,
    *BLOCK_KEYS,
    *RETRY_KEYS,
    *FIELD_KEYS,
    *(key for each in SPELLINGS.values() for key in each.keys),
}
KEYS = st.sampled_from(
    [
        *sorted(OWN_KEYS),
        *(
            "blocks",
            "connections",
            "id",
            "metadata",
            "config",
            "params",
            "type",
            "name",
            "title",
            "value",
            "source",
            "target",
        ),
        *(
            "sourceHandle",
            "conditions",
            "inputFormat",
            "loops",
            "parallels",
            "nodes",
            "loopType",
            "parallelType",
            "iterations",
        ),
        *(
            "forEachItems",
            "distribution",
            "batchSize",
            "whileCondition",
            "state",
            "edges",
            "subBlocks",
            "data",
            "parentId",
        ),
        *(
            "collection",
            "scheduleType",
            "dailyTime",
            "triggerMode",
            "inputMapping",
            "workflowId",
            "role",
            "range",
            "schema",
        ),
        *("when", "else", "after", "", "a b", "start.x"),
    ]
)
TEXTS = st.sampled_from(
    [*BLOCK_TYPES, "a", "b", "start", "<a.b>", "{{X}}", "10s", "condition-x", "[{}]", "[[1]]"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=30,
)


@given(JSON)
def test_no_json_makes_it_raise(document: Any) -> None:
    parsed = parse(document, workflow_id="w")
    assert (parsed.definition is None) == bool(parsed.faults)


def near_blocks(params: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"type": st.sampled_from(list(BLOCK_TYPES))}, optional={"then": TEXTS}
    ).flatmap(lambda block: st.dictionaries(KEYS, params, max_size=4).map(lambda more: more | block))


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), near_blocks(JSON), max_size=3))
def test_no_nearly_right_recipe_makes_it_raise(blocks: dict[str, Any]) -> None:
    parsed = parse({"workflow": "w", "blocks": blocks}, workflow_id="w")
    assert (parsed.definition is None) == bool(parsed.faults)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.sampled_from(["a", "b", "c", 1, None]),
                "metadata": st.fixed_dictionaries({"id": st.sampled_from(list(BLOCK_TYPES))}),
                "config": st.fixed_dictionaries({"params": st.dictionaries(KEYS, JSON, max_size=4)}),
            },
            optional={"retry": JSON, "outputs": JSON},
        ),
        max_size=3,
    ),
    st.lists(
        st.fixed_dictionaries({"source": TEXTS, "target": TEXTS}, optional={"sourceHandle": TEXTS}),
        max_size=3,
    ),
)
def test_no_nearly_right_serialized_workflow_makes_it_raise(
    blocks: list[Any], connections: list[Any]
) -> None:
    parsed = parse({"blocks": blocks, "connections": connections}, workflow_id="w")
    assert (parsed.definition is None) == bool(parsed.faults)


CHILD = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "c", "a_loop1", 1]), "type": st.sampled_from(list(BLOCK_TYPES))},
    optional={
        "name": TEXTS,
        "subBlocks": st.dictionaries(KEYS, st.fixed_dictionaries({"value": JSON}), max_size=3) | JSON,
        "data": st.dictionaries(KEYS, JSON, max_size=3)
        | st.fixed_dictionaries({"parentId": st.sampled_from(["a", "b", "c"])})
        | JSON,
    },
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), CHILD, max_size=3),
    st.lists(
        st.fixed_dictionaries({"source": TEXTS, "target": TEXTS}, optional={"sourceHandle": TEXTS}),
        max_size=3,
    ),
    st.dictionaries(KEYS, JSON, max_size=2),
)
def test_no_nearly_right_state_makes_it_raise(blocks: Any, edges: list[Any], more: dict[str, Any]) -> None:
    parsed = parse({**more, "state": {"blocks": blocks, "edges": edges}}, workflow_id="w")
    assert (parsed.definition is None) == bool(parsed.faults)


ENTRY = st.fixed_dictionaries(
    {"nodes": st.lists(st.sampled_from(["a", "b", "c", "s"]), max_size=3) | JSON},
    optional={
        "loopType": st.sampled_from(["for", "forEach", "while", "doWhile"]) | JSON,
        "parallelType": st.sampled_from(["count", "collection"]) | JSON,
        **dict.fromkeys(
            ("iterations", "forEachItems", "whileCondition", "doWhileCondition", "count", "distribution"),
            JSON,
        ),
    },
)


@given(
    st.lists(st.sampled_from(["loop", "parallel", "wait"]), min_size=3, max_size=3),
    st.dictionaries(st.sampled_from(["a", "b", "c", "s"]), ENTRY, max_size=3),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), ENTRY, max_size=3),
)
def test_no_nearly_right_containers_make_it_raise(
    types: list[str], loops: dict[str, Any], parallels: dict[str, Any]
) -> None:
    blocks = [{"id": "s", "metadata": {"id": "start_trigger"}}] + [
        {"id": block_id, "metadata": {"id": block_type}}
        for block_id, block_type in zip("abc", types, strict=True)
    ]
    connections = [
        {"source": source, "target": target, "sourceHandle": f"{kind}-start-source"}
        for source in "abc"
        for target in "abc"
        for kind in ("loop", "parallel")
    ]
    document = {"blocks": blocks, "connections": connections, "loops": loops, "parallels": parallels}
    parsed = parse(document, workflow_id="w")
    assert (parsed.definition is None) == bool(parsed.faults)


def test_ten_thousand_containers_in_each_other_are_one_fault() -> None:
    count = 10_000
    blocks = [
        {"id": "s", "metadata": {"id": "start_trigger"}},
        {"id": f"l{count}", "metadata": {"id": "wait"}},
    ]
    blocks += [{"id": f"l{index}", "metadata": {"id": "loop"}} for index in range(count)]
    loops = {f"l{index}": {"nodes": [f"l{index + 1}"]} for index in range(count)}
    connections = [{"source": "s", "target": "l0"}]
    connections += [
        {"source": f"l{index}", "target": f"l{index + 1}", "sourceHandle": "loop-start-source"}
        for index in range(count)
    ]
    document = {"blocks": blocks, "connections": connections, "loops": loops}
    assert [fault.message for fault in parse(document, workflow_id="w").faults] == [
        "is nested too deeply: at most 32 containers"
    ]


def test_of_a_million_warnings_a_thousand_are_kept() -> None:
    text = "".join(f"<nobody{index}.x>" for index in range(100_000))
    parsed = parse({"blocks": {"r": {"type": "response", "data": [text, text]}}}, workflow_id="w")
    assert len(parsed.warnings) == 1000


DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=60)
@given(
    st.lists(DATA, min_size=1, max_size=4),
    st.sampled_from([None, {"maxTries": 2}, {"backoff": 1.5}]),
    st.dictionaries(st.sampled_from(["limit", "who", "list"]), DATA, max_size=2),
)
def test_what_was_read_survives_encoding(data: list[Any], retry: Any, variables: dict[str, Any]) -> None:
    blocks = {
        f"b{index}": {"type": "charge", "with": {"value": value}, "retry": retry, "then": f"b{index + 1}"}
        for index, value in enumerate(data)
    } | {f"b{len(data)}": {"type": "response", "data": data[0]}}
    parsed = parse({"blocks": blocks, "variables": variables}, types={"charge": None}, workflow_id="w")
    assert parsed.definition is not None, parsed.faults
    again = parse(encode(parsed.definition), types={"charge": None}, workflow_id="x").definition
    assert again == parsed.definition
    assert digest(again) == digest(parsed.definition)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, "must be a finite number"),
        (-math.inf, "must be a finite number"),
        (2**64, "is a whole number of over 64 bits"),
        ("\ud800", "holds half of a surrogate pair, which is no character"),
        (datetime.date(2024, 1, 1), "is a date, which JSON does not have"),
        ({1: 2}, "has a key that is a int"),
    ],
)
def test_what_json_cannot_hold_is_a_fault_at_its_place(value: Any, message: str) -> None:
    document = {"blocks": {"r": {"type": "response", "data": {"x": value}}}}
    fault = parse(document, workflow_id="w").faults[0]
    assert (fault.path, fault.message) == ("blocks.r.data.x", message)


def test_a_document_of_two_thousand_levels_is_a_fault() -> None:
    parsed = parse({"blocks": {"r": {"type": "response", "data": nested(2000)}}}, workflow_id="w")
    assert [fault.message for fault in parsed.faults] == [
        "is nested too deeply: a definition has at most 100 levels"
    ]


def test_the_deepest_recipe_that_is_accepted_survives_encoding() -> None:
    document = {"blocks": {"h": {"type": "human_in_the_loop", "show": {"x": nested(92)}}}}
    definition = parse(document, workflow_id="w").definition
    assert definition is not None
    assert parse(encode(definition), workflow_id="w").definition == definition


def test_json_text_inside_a_document_is_bounded_as_well() -> None:
    text = '[{"id": "c", "title": "if", "value": ' + "[" * 500 + "]" * 500 + "}]"
    blocks = [
        {"id": "s", "metadata": {"id": "start_trigger"}},
        {"id": "c", "metadata": {"id": "condition"}, "config": {"params": {"conditions": text}}},
    ]
    assert parse({"blocks": blocks, "connections": []}, workflow_id="w").definition is None


def test_aliases_that_write_a_billion_values_are_cut_short() -> None:
    bomb: Any = "ha"
    for _ in range(12):
        bomb = [bomb] * 10
    parsed = parse({"blocks": {"r": {"type": "response", "data": bomb}}}, workflow_id="w")
    assert [fault.message for fault in parsed.faults] == ["the definition holds more than 250000 values"]


def test_a_document_that_holds_itself_is_a_fault() -> None:
    document: dict[str, Any] = {"blocks": {}}
    document["blocks"]["r"] = document
    assert parse(document, workflow_id="w").faults


def test_many_dangling_and_cyclic_edges_are_reported_in_bounded_time() -> None:
    count = 5000
    blocks = [{"id": "s", "metadata": {"id": "start_trigger"}}] + [
        {"id": f"b{index}", "metadata": {"id": "response"}} for index in range(count)
    ]
    connections = [{"source": "s", "target": "b0"}]
    connections += [{"source": f"b{index}", "target": f"b{index + 1}"} for index in range(count)]
    connections += [{"source": f"b{index}", "target": "b0"} for index in range(count)]
    faults = parse({"blocks": blocks, "connections": connections}, workflow_id="w").faults
    assert len(faults) == count + 1
