"""What a definition compiles to, and what the end of a block changes there."""

import pytest

from signoff.engine.definitions.definition import Block, Connection, Definition
from signoff.engine.definitions.graph import Graph, Settled, compile_graph, has_successor, settle
from signoff.events.types import Json
from support.bdd import workflow


def ends(graph: Graph, *endings: tuple[str, Json] | str) -> list[list[str]]:
    """What is ready after each block in turn; a pair gives its output, ``!`` before a name fails it."""
    left: dict[str, int] = {}
    reached: set[str] = set()
    ready: list[list[str]] = []
    for ending in endings:
        name, output = (ending, None) if isinstance(ending, str) else ending
        settled = settle(
            graph,
            name.removeprefix("!"),
            output=output,
            failed=name[0] == "!",
            open_edges=left,
            reached=reached,
        )
        left.update(settled.open_edges)
        reached |= settled.reached
        ready.append(settled.ready)
    return ready


def chosen(case: str | None) -> tuple[str, Json]:
    return "check", {"selectedOption": case}


def test_only_blocks_that_are_reachable_from_the_entry_exist() -> None:
    graph = workflow("start > a", "island > b")
    assert set(graph.nodes) == {"start", "a"}


def test_an_edge_from_an_unreachable_block_is_not_waited_for() -> None:
    graph = workflow("start > a > join", "island > join")
    assert ends(graph, "start", "a") == [["a"], ["join"]]


def test_a_disabled_block_and_what_only_it_leads_to_do_not_exist() -> None:
    graph = workflow("start > a > b", "start > c", off=["a"])
    assert set(graph.nodes) == {"start", "c"}


def test_a_disabled_block_does_not_hold_a_join_up() -> None:
    graph = workflow("start > a > join", "start > b > join", off=["a"])
    assert ends(graph, "start", "b") == [["b"], ["join"]]


def test_a_disabled_error_handler_handles_nothing() -> None:
    graph = workflow("start > a !> rescue", off=["rescue"])
    assert not graph.nodes["a"].handles_error


def test_a_definition_without_an_enabled_start_block_cannot_run() -> None:
    blocks = (Block(id="a", type="function", name="A", params={}),)
    with pytest.raises(ValueError, match="no start block"):
        compile_graph(Definition(name="w", blocks=blocks, connections=()))


def test_an_edge_that_is_drawn_twice_counts_once() -> None:
    graph = workflow("start > a", "start > a")
    assert graph.nodes["a"].incoming == 1
    assert ends(graph, "start") == [["a"]]


def test_a_join_waits_for_every_branch() -> None:
    graph = workflow("start > a > join", "start > b > join")
    assert ends(graph, "start", "b", "a") == [["a", "b"], [], ["join"]]


def test_a_join_behind_a_condition_waits_for_the_branch_taken_only() -> None:
    graph = workflow("start > check yes> a > join", "check no> b > join", check="condition")
    assert ends(graph, "start", chosen("yes"), "a") == [["check"], ["a"], ["join"]]


def test_deactivation_cascades_over_blocks_that_never_run() -> None:
    graph = workflow("start > check yes> a > b > c > join", "check no> d > join", check="condition")
    assert ends(graph, "start", chosen("no"), "d") == [["check"], ["d"], ["join"]]


def test_a_block_with_every_incoming_edge_dead_never_runs() -> None:
    graph = workflow("start > check yes> a > c", "check no> b", check="condition")
    assert ends(graph, "start", chosen("no")) == [["check"], ["b"]]


def test_deactivation_stops_at_a_block_that_another_branch_may_reach() -> None:
    graph = workflow("start > check yes> a > join", "start > b > join > end", check="condition")
    assert ends(graph, "start", chosen(None), "b") == [["check", "b"], [], ["join"]]


def test_a_join_that_was_reached_starts_when_its_last_edge_dies() -> None:
    graph = workflow("start > check yes> join", "start > b > join", check="condition")
    assert ends(graph, "start", "b", chosen(None)) == [["check", "b"], [], ["join"]]


def test_a_diamond_in_a_dead_branch_dies_once_and_as_a_whole() -> None:
    graph = workflow(
        "start > check yes> a > b > d > join", "a > c > d", "check no> e > join", check="condition"
    )
    assert ends(graph, "start", chosen("no"), "e") == [["check"], ["e"], ["join"]]


def test_two_cases_that_lead_to_the_same_block_start_it_once() -> None:
    graph = workflow("start > check yes> a", "check no> a", check="condition")
    assert ends(graph, "start", chosen("no")) == [["check"], ["a"]]


def test_success_and_failure_that_lead_to_the_same_block_start_it_once() -> None:
    graph = workflow("start > a > next", "a !> next")
    assert ends(graph, "start", "a") == [["a"], ["next"]]
    assert ends(graph, "start", "!a") == [["a"], ["next"]]


def test_a_condition_without_a_selected_case_takes_no_edge() -> None:
    graph = workflow("start > check yes> a", "check no> b", check="condition")
    assert ends(graph, "start", chosen(None)) == [["check"], []]


def test_an_output_that_is_no_object_selects_no_case() -> None:
    graph = workflow("start > check yes> a", check="condition")
    assert ends(graph, "start", ("check", "yes")) == [["check"], []]


def test_a_plain_edge_of_a_condition_is_taken_whatever_it_selects() -> None:
    graph = workflow("start > check yes> a", "check > always", check="condition")
    assert ends(graph, "start", chosen(None)) == [["check"], ["always"]]


def test_a_failure_takes_error_edges_only() -> None:
    graph = workflow("start > a > next", "a !> rescue")
    assert ends(graph, "start", "!a") == [["a"], ["rescue"]]


def test_a_success_takes_no_error_edge_and_kills_what_is_behind_it() -> None:
    graph = workflow("start > a > next > join", "a !> rescue > join")
    assert ends(graph, "start", "a", "next") == [["a"], ["next"], ["join"]]


def test_settling_tells_only_what_changed() -> None:
    graph = workflow("start > a > join", "start > b > join")
    settled = settle(graph, "a", output=None, failed=False, open_edges={}, reached=set())
    assert settled == Settled({"join": 1}, {"join"}, [])


def test_a_block_with_nothing_but_an_error_edge_has_a_successor() -> None:
    graph = workflow("start > a !> rescue")
    assert [has_successor(graph, name) for name in ("a", "rescue")] == [True, False]


def test_the_entry_is_the_foremost_start_block() -> None:
    blocks = (
        Block(id="old", type="starter", name="Old", params={}),
        Block(id="new", type="start_trigger", name="New", params={}),
    )
    connections = (Connection("old", "a"),)
    graph = compile_graph(Definition(name="w", blocks=blocks, connections=connections))
    assert graph.entry == "new"
