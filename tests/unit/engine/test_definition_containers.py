"""Loops and parallels, in Sim's spelling and in ours."""

from typing import Any

import pytest

from signoff.engine.definitions.definition import Connection, Loop, Parallel, encode
from signoff.engine.definitions.parse import Parsed, parse

END = {"type": "response"}
STEP = {"type": "function", "code": "return 1"}


def block(block_id: str, block_type: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"id": block_id, "metadata": {"id": block_type}, "config": {"params": params or {}}}


def sim(
    loops: dict[str, Any], parallels: dict[str, Any] | None = None, edges: list[tuple[str, ...]] | None = None
) -> Parsed:
    """A start, a loop l, a parallel p, and the functions a and b."""
    return parse(
        {
            "blocks": [
                block("s", "start_trigger"),
                block("l", "loop"),
                block("p", "parallel"),
                block("a", "function", {"code": "return 1"}),
                block("b", "function", {"code": "return 1"}),
            ],
            "connections": [
                {"source": source, "target": target, "sourceHandle": handle}
                for source, target, handle in (
                    ("s", "l", "source"),
                    ("l", "a", "loop-start-source"),
                    ("l", "p", "loop-end-source"),
                    ("p", "b", "parallel-start-source"),
                    *(edges or ()),
                )
            ],
            "loops": loops,
            "parallels": {"p": {"id": "p", "nodes": ["b"]}} if parallels is None else parallels,
        },
        workflow_id="w",
    )


def loop_of(**entry: Any) -> Loop:
    parsed = sim({"l": {"nodes": ["a"], **entry}})
    assert parsed.definition is not None, parsed.faults
    return parsed.definition.loops[0]


def parallel_of(**entry: Any) -> Parallel:
    parsed = sim({"l": {"nodes": ["a"]}}, {"p": {"nodes": ["b"], **entry}})
    assert parsed.definition is not None, parsed.faults
    return parsed.definition.parallels[0]


def paths(parsed: Parsed) -> list[str]:
    assert parsed.definition is None
    return [fault.path for fault in parsed.faults]


@pytest.mark.parametrize(
    ("given", "iterations"), [(None, 1000), (0, 1000), ("", 1000), (3, 3), ("7", 7), (5.0, 5), (1000, 1000)]
)
def test_iterations_are_a_number_and_a_thousand_where_none_is_given(given: Any, iterations: int) -> None:
    assert loop_of(iterations=given) == Loop(id="l", nodes=("a",), kind="for", iterations=iterations)


def test_what_a_kind_of_loop_does_not_read_is_left_out() -> None:
    entry = {"iterations": 5000, "forEachItems": "<start.list>", "whileCondition": "true"}
    assert loop_of(loopType="forEach", **entry) == Loop(
        id="l", nodes=("a",), kind="forEach", items="<start.list>"
    )
    assert loop_of(loopType="while", **entry) == Loop(id="l", nodes=("a",), kind="while", condition="true")


@pytest.mark.parametrize(("given", "at_once"), [(None, 20), (0, 1), (-4, 1), (7, 7), ("9", 9), (500, 20)])
def test_the_size_of_a_batch_is_clamped(given: Any, at_once: int) -> None:
    assert parallel_of(batchSize=given).batch_size == at_once


@pytest.mark.parametrize(
    ("given", "count"), [(None, 1), (0, 0), ("12", 12), ("<s.n>", "<s.n>"), (10**6, 10**6)]
)
def test_a_parallel_has_any_number_of_branches(given: Any, count: Any) -> None:
    assert parallel_of(count=given).count == count


@pytest.mark.parametrize("items", [[1, 2], {"k": 1}, "[1, 2]", "['a', 'b']", "<s.list>", []])
def test_items_are_an_array_an_object_their_text_or_a_reference(items: Any) -> None:
    assert loop_of(loopType="forEach", forEachItems=items).items == items
    assert parallel_of(parallelType="collection", distribution=items).items == items


@pytest.mark.parametrize(
    ("loop", "path", "says"),
    [
        ({"iterations": 1001}, "loops.l.iterations", "exceeds the maximum of 1000 iterations"),
        ({"iterations": -1}, "loops.l.iterations", "must be a whole number"),
        ({"iterations": "many"}, "loops.l.iterations", "must be a whole number"),
        ({"iterations": True}, "loops.l.iterations", "must be a whole number"),
        ({"loopType": "until"}, "loops.l.loopType", "must be one of for, forEach, while, doWhile"),
        ({"loopType": "forEach"}, "loops.l.forEachItems", "ForEach loop collection is empty."),
        (
            {"loopType": "forEach", "forEachItems": ""},
            "loops.l.forEachItems",
            "ForEach loop collection is empty.",
        ),
        ({"loopType": "forEach", "forEachItems": "a, b"}, "loops.l.forEachItems", "must be an array"),
        ({"loopType": "forEach", "forEachItems": 5}, "loops.l.forEachItems", "must be an array"),
        ({"loopType": "forEach", "forEachItems": [0] * 1001}, "loops.l.forEachItems", "exceeds the maximum"),
        (
            {"loopType": "while", "whileCondition": 5},
            "loops.l.whileCondition",
            "must be a JavaScript expression",
        ),
        ({"nodes": []}, "loops.l.nodes", "holds no blocks"),
        ({"nodes": "a"}, "loops.l.nodes", "must be a list"),
        ({"nodes": ["a", 5]}, "loops.l.nodes[1]", "must be the id of a block"),
        ({"nodes": ["a", "nobody"]}, "loops.l.nodes[1]", 'there is no block "nobody"'),
        ({"nodes": ["a", "l"]}, "loops.l.nodes[1]", "cannot be inside itself"),
        ({"nodes": ["a", "s"]}, "loops.l.nodes[1]", "starts runs and cannot be inside"),
        ({"nodes": ["a", "b"]}, "parallels.p.nodes[0]", 'is already inside "l"'),
    ],
)
def test_a_loop_that_cannot_run_is_refused_at_its_place(loop: dict[str, Any], path: str, says: str) -> None:
    parsed = sim({"l": {"nodes": ["a"], **loop}})
    assert path in paths(parsed)
    assert says in next(fault.message for fault in parsed.faults if fault.path == path)


@pytest.mark.parametrize(
    ("parallel", "path"),
    [
        ({"count": -1}, "parallels.p.count"),
        ({"count": 1.5}, "parallels.p.count"),
        ({"count": "two"}, "parallels.p.count"),
        ({"parallelType": "collection"}, "parallels.p.distribution"),
        ({"parallelType": "both"}, "parallels.p.parallelType"),
        ({"batchSize": []}, "parallels.p.batchSize"),
    ],
)
def test_a_parallel_that_cannot_run_is_refused_at_its_place(parallel: dict[str, Any], path: str) -> None:
    assert paths(sim({"l": {"nodes": ["a"]}}, {"p": {"nodes": ["b"], **parallel}})) == [path]


def test_a_block_needs_its_entry_and_an_entry_its_block() -> None:
    parsed = sim({"m": {"nodes": ["a"]}, "a": {"nodes": ["b"]}}, {})
    assert [(fault.path, fault.message) for fault in parsed.faults if "nodes" not in fault.path] == [
        ("blocks[1].metadata.id", "a loop needs an entry under loops that says what it holds"),
        ("blocks[2].metadata.id", "a parallel needs an entry under parallels that says what it holds"),
        ("loops.m", 'there is no block "m" of type loop'),
        ("loops.a", 'the block "a" is of type function, not loop'),
    ]


def test_containers_that_hold_each_other_are_refused() -> None:
    parsed = sim({"l": {"nodes": ["a", "p"]}}, {"p": {"nodes": ["b", "l"]}})
    assert "parallels.p.nodes[1]" in paths(parsed) or "loops.l.nodes[1]" in paths(parsed)
    assert any("which is inside it" in fault.message for fault in parsed.faults)


def test_a_start_that_leads_to_nothing_inside_is_refused() -> None:
    parsed = sim({"l": {"nodes": ["a"]}}, {"p": {"nodes": ["b"]}}, edges=[])
    assert parsed.definition is not None
    moved = sim({"l": {"nodes": ["b"]}}, {"p": {"nodes": ["a"]}})
    assert paths(moved) == ["loops.l.nodes", "parallels.p.nodes"]
    assert moved.faults[0].hint == "connect its loop-start-source to its first block"


def test_edges_that_cross_a_border_are_ignored_with_a_warning() -> None:
    parsed = sim({"l": {"nodes": ["a"]}}, edges=[("a", "b", "source"), ("s", "a", "source")])
    assert parsed.definition is not None
    assert [warning.path for warning in parsed.warnings] == ["connections[4].target", "connections[5].target"]
    assert Connection("a", "b") not in parsed.definition.connections
    assert encode(parsed.definition)["loops"]["l"]["nodes"] == ["a"]


def test_the_end_of_a_container_may_be_written_as_its_source() -> None:
    parsed = sim({"l": {"nodes": ["a"]}}, edges=[("p", "l2", "source")][:0])
    assert parsed.definition is not None
    parsed = parse(
        {
            "blocks": [
                block("s", "start_trigger"),
                block("l", "loop"),
                block("a", "wait"),
                block("b", "wait"),
            ],
            "connections": [
                {"source": "s", "target": "l"},
                {"source": "l", "target": "a", "sourceHandle": "loop-start-source"},
                {"source": "l", "target": "b"},
                {"source": "l", "target": "b", "sourceHandle": "error"},
            ],
            "loops": {"l": {"nodes": ["a"]}},
        },
        workflow_id="w",
    )
    assert parsed.definition is not None
    assert [each.handle for each in parsed.definition.connections[1:]] == [
        "loop-start-source",
        "loop-end-source",
        "error",
    ]


def test_notes_are_dropped_from_what_holds_them() -> None:
    document = {
        "blocks": [block("s", "start_trigger"), block("l", "loop"), block("a", "wait"), block("n", "note")],
        "connections": [
            {"source": "s", "target": "l"},
            {"source": "l", "target": "a", "sourceHandle": "loop-start-source"},
        ],
        "loops": {"l": {"nodes": ["n", "a"]}},
    }
    parsed = parse(document, workflow_id="w")
    assert parsed.definition is not None
    assert parsed.definition.loops[0].nodes == ("a",)


def test_a_cycle_inside_a_container_is_refused() -> None:
    parsed = recipe(l=loop({"a": STEP | {"then": "b"}, "b": STEP | {"then": "a"}}))
    assert [(fault.path, fault.message) for fault in parsed.faults] == [
        ("blocks.l.blocks.b.then", "leads back: a → b → a")
    ]


# --- Our own spelling ---


def recipe(**blocks: Any) -> Parsed:
    return parse({"workflow": "w", "blocks": blocks}, workflow_id="w")


def loop(blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    kind = {} if more.keys() & {"for", "forEach", "while", "doWhile"} else {"for": 3}
    return {"type": "loop", "blocks": blocks, **kind, **more}


def test_a_loop_holds_its_blocks_and_starts_with_the_first() -> None:
    parsed = recipe(each=loop({"a": STEP | {"then": "b"}, "b": STEP}, then="done", catch="done"), done=END)
    assert parsed.definition is not None, parsed.faults
    assert (parsed.definition.loops, parsed.warnings) == (
        (Loop(id="each", nodes=("a", "b"), kind="for", iterations=3),),
        [],
    )
    assert [each.id for each in parsed.definition.blocks] == ["start", "each", "a", "b", "done"]
    assert parsed.definition.connections == (
        Connection("start", "each"),
        Connection("each", "done", "loop-end-source"),
        Connection("each", "done", "error"),
        Connection("each", "a", "loop-start-source"),
        Connection("a", "b"),
    )
    assert parse(encode(parsed.definition), workflow_id="x").definition == parsed.definition


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"forEach": "<start.list>"}, {"kind": "forEach", "items": "<start.list>"}),
        ({"forEach": [1, 2]}, {"kind": "forEach", "items": [1, 2]}),
        ({"while": "<loop.index> < 3"}, {"kind": "while", "condition": "<loop.index> < 3"}),
        ({"doWhile": True}, {"kind": "doWhile", "condition": "true"}),
    ],
)
def test_what_ends_a_loop_is_the_key_that_says_it(written: dict[str, Any], read: dict[str, Any]) -> None:
    parsed = recipe(each=loop({"a": STEP}, **written))
    assert parsed.definition is not None, parsed.faults
    assert parsed.definition.loops == (Loop(id="each", nodes=("a",), **read),)


def test_a_parallel_takes_a_number_or_a_collection() -> None:
    parsed = recipe(
        fan={
            "type": "parallel",
            "count": "<start.n>",
            "concurrency": 3,
            "blocks": {"a": STEP},
            "then": "all",
        },
        all={"type": "parallel", "forEach": {"k": 1}, "start": ["b", "c"], "blocks": {"b": STEP, "c": STEP}},
    )
    assert parsed.definition is not None, parsed.faults
    assert parsed.definition.parallels == (
        Parallel(id="fan", nodes=("a",), count="<start.n>", batch_size=3),
        Parallel(id="all", nodes=("b", "c"), kind="collection", items={"k": 1}),
    )


def test_containers_nest_to_a_depth_of_thirty_two() -> None:
    def nested(levels: int) -> dict[str, Any]:
        inner = {"a": STEP}
        for level in range(levels):
            inner = {f"l{level}": loop(inner)}
        return inner

    assert recipe(**nested(32)).definition is not None
    assert paths(recipe(**nested(33)))[0].startswith("blocks.l32.blocks.l31")


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"type": "loop", "blocks": {"a": STEP}}, "blocks.x"),
        (loop({"a": STEP}, **{"for": 3, "while": "true"}), "blocks.x.while"),
        (loop({"a": STEP}, **{"for": 0}), "blocks.x.for"),
        (loop({"a": STEP}, **{"for": 1001}), "blocks.x.for"),
        (loop({"a": STEP}, **{"for": "3"}), "blocks.x.for"),
        (loop({"a": STEP}, forEach=7), "blocks.x.forEach"),
        (loop({"a": STEP}, forEach="nothing"), "blocks.x.forEach"),
        (loop({"a": STEP}, **{"while": " "}), "blocks.x.while"),
        (loop({"a": STEP}, count=3), "blocks.x.count"),
        (loop({}), "blocks.x.blocks"),
        (loop({"a": 5}), "blocks.x.blocks.a"),
        (loop({"a": {"type": "wait"}}), "blocks.x.blocks.a.for"),
        (loop({"a": STEP}, start="b"), "blocks.x.start"),
        (loop({"a": {"type": "schedule", "cron": "0 0 * * *"}}), "blocks.x.blocks.a"),
        ({"type": "parallel", "blocks": {"a": STEP}}, "blocks.x"),
        ({"type": "parallel", "count": "few", "blocks": {"a": STEP}}, "blocks.x.count"),
        ({"type": "parallel", "count": 1, "concurrency": 21, "blocks": {"a": STEP}}, "blocks.x.concurrency"),
    ],
)
def test_a_container_that_cannot_run_is_refused_by_the_key(block: dict[str, Any], path: str) -> None:
    assert path in paths(recipe(x=block))


def test_ids_are_distinct_across_all_containers() -> None:
    assert paths(recipe(x=loop({"a": STEP}, then="a"), a=STEP)) == ["blocks.a", "blocks.a"]


@pytest.mark.parametrize("name", ["a_loop3", "a_loop0_loop12"])
def test_an_id_that_reads_as_an_iteration_is_refused(name: str) -> None:
    parsed = recipe(x=loop({"a": STEP}, then=name), **{name: STEP})
    assert [(fault.path, fault.hint) for fault in parsed.faults] == [
        (f"blocks.{name}", "give one of them another id")
    ]
    assert (
        recipe(x=loop({"b": STEP}, then=name), **{name: STEP | {"then": "a"}}, a=STEP).definition is not None
    )


def test_what_stands_in_a_container_that_is_reached_is_reached() -> None:
    inner = loop({"a": STEP})
    parsed = recipe(outer={"type": "parallel", "count": 2, "blocks": {"inner": inner}})
    assert (parsed.faults, parsed.warnings) == ([], [])


# --- References ---


def warned(inside: str, outside: str = "1") -> list[tuple[str, str]]:
    parsed = recipe(
        each=loop({"a": STEP | {"code": inside}}, forEach=[1], then="done"),
        done={"type": "response", "data": outside},
    )
    assert parsed.faults == []
    return [(warning.path, warning.message) for warning in parsed.warnings]


@pytest.mark.parametrize("field", ["index", "currentItem", "currentItem.name", "items"])
def test_inside_a_container_its_turn_may_be_asked_for(field: str) -> None:
    assert warned(f"return [<loop.{field}>, <each.{field}>]") == []


def test_outside_a_container_only_its_results_are_there() -> None:
    assert warned("1", "<each.results[0][0].result>") == []
    assert warned("1", "<each.index>") == [("blocks.done.data", "<each.index>: the block has no such field")]
    assert warned("1", "<loop.index>") == [
        ("blocks.done.data", "<loop.index> stands outside any loop and stays as text")
    ]
    assert warned("return <parallel.index>") == [
        ("blocks.each.blocks.a.code", "<parallel.index> stands outside any parallel and stays as text")
    ]
    assert warned("return <loop.size>") == [
        ("blocks.each.blocks.a.code", "<loop.size>: a turn has no such field")
    ]


def test_a_condition_may_ask_for_its_own_turn_and_a_collection_may_not() -> None:
    assert recipe(each=loop({"a": STEP}, **{"while": "<loop.index> < 3"})).warnings == []
    parsed = recipe(each=loop({"a": STEP}, forEach="<loop.items>"))
    assert [warning.path for warning in parsed.warnings] == ["blocks.each.forEach"]
