"""Where a run may begin, and what it takes from the one before it."""

from typing import Any

import pytest

from signoff.engine.definitions.graph import Graph, compile_graph
from signoff.engine.definitions.parse import parse
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.run_from_block import before, check_start

BLOCKS: dict[str, Any] = {
    "check": {"type": "condition", "cases": [{"when": "true", "then": "a"}, {"else": "b"}]},
    "a": {"type": "variables", "set": {"x": 1}, "then": "join"},
    "b": {"type": "variables", "set": {"x": 2}, "then": "join"},
    "join": {"type": "variables", "set": {"y": 1}, "then": "last"},
    "last": {"type": "variables", "set": {"z": 1}},
}
NESTED: dict[str, Any] = {
    "each": {
        "type": "parallel",
        "forEach": "<start.items>",
        "blocks": {"again": {"type": "loop", "for": 2, "blocks": {"step": BLOCKS["last"]}}},
        "then": "last",
    },
    "last": BLOCKS["last"],
}


def graph(blocks: dict[str, Any]) -> Graph:
    parsed = parse({"blocks": blocks}, workflow_id="w")
    assert parsed.definition is not None, parsed.faults
    return compile_graph(parsed.definition)


def chosen(plan: Graph, case: int) -> dict[str, Any]:
    """The output of the condition with a case taken."""
    edge = plan.nodes["check"].edges[case]
    return {"selectedOption": edge.handle.removeprefix("condition-")}


def refusal(plan: Graph, start: str, outputs: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as caught:
        check_start(plan, start, outputs)
    assert (caught.value.status, caught.value.details[0].path) == (400, "runFromBlock.startBlockId")
    return str(caught.value)


def test_a_join_may_be_begun_with_when_the_branch_that_was_taken_ended() -> None:
    plan = graph(BLOCKS)

    check_start(plan, "join", {"start": {}, "check": chosen(plan, 0), "a": {"x": 1}})


def test_a_block_on_the_branch_that_was_not_taken_may_be_begun_with() -> None:
    plan = graph(BLOCKS)

    check_start(plan, "b", {"start": {}, "check": chosen(plan, 0)})


def test_a_block_before_it_that_never_ended_is_named() -> None:
    plan = graph(BLOCKS)

    text = refusal(plan, "last", {"start": {}, "check": chosen(plan, 1)})

    assert text == "Upstream dependency not executed: b"


def test_a_block_after_a_failure_that_an_error_edge_took_may_be_begun_with() -> None:
    plan = graph(
        {
            "bad": {"type": "function", "code": "throw 1", "catch": "mend", "then": "never"},
            "mend": BLOCKS["last"],
            "never": BLOCKS["last"],
        }
    )

    check_start(plan, "mend", {"start": {}, "bad": {"error": "1"}})


def test_an_unknown_or_disabled_block_is_not_found() -> None:
    plan = graph(BLOCKS | {"off": BLOCKS["last"] | {"enabled": False}})

    assert refusal(plan, "nobody", {}) == "Block not found in workflow: nobody"
    assert refusal(plan, "off", {}) == "Block not found in workflow: off"


def test_a_block_in_containers_is_refused_by_the_innermost_one() -> None:
    plan = graph(NESTED)

    assert refusal(plan, "step", {"start": {}}) == "Cannot run from block inside loop: again"
    assert refusal(plan, "again", {"start": {}}) == "Cannot run from block inside parallel: each"


def test_a_container_may_be_begun_with() -> None:
    check_start(graph(NESTED), "each", {"start": {}})


def test_what_comes_after_the_first_block_is_left_out() -> None:
    plan = graph(BLOCKS)
    outputs = {"start": {}, "check": chosen(plan, 0), "a": {"x": 1}, "join": {"y": 1}, "last": {"z": 1}}

    assert before(plan, "join", outputs).keys() == {"start", "check", "a"}


def test_what_is_in_a_container_goes_with_it() -> None:
    loop = {"again": {"type": "loop", "for": 2, "blocks": {"step": BLOCKS["last"]}, "then": "last"}}
    plan = graph(loop | {"last": BLOCKS["last"]})
    outputs = {"start": {}, "again": {"results": []}, "step": {"z": 1}, "last": {"z": 1}, "gone": 1}

    assert before(plan, "again", outputs).keys() == {"start"}
    assert before(plan, "last", outputs).keys() == {"start", "again", "step"}
