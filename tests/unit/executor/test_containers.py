"""Loops and parallels as the executor runs them: real code, real conditions, real references."""

from typing import Any

from signoff.events.types import Event
from support.executors import Site, of_type


def sim(
    *blocks: tuple[str, str, dict[str, Any]], edges: list[tuple[str, ...]], **containers: Any
) -> dict[str, Any]:
    """A workflow in Sim's serialized form: blocks as (id, type, params), edges as (from, to[, handle])."""
    start = ("start", "start_trigger", {})
    return {
        "version": "1.0",
        "blocks": [
            {
                "id": name,
                "enabled": True,
                "metadata": {"id": kind, "name": name},
                "config": {"tool": "", "params": params},
                "inputs": {},
                "outputs": {},
            }
            for name, kind, params in (start, *blocks)
        ],
        "connections": [
            {"source": edge[0], "target": edge[1], "sourceHandle": edge[2] if len(edge) > 2 else "source"}
            for edge in edges
        ],
        "loops": {},
        "parallels": {},
        **containers,
    }


def code(text: str) -> dict[str, Any]:
    return {"code": f"return {text}"}


def output(events: list[Event]) -> Any:
    assert events[-1].type == "execution:completed", events[-1]
    return events[-1].data.output


async def test_a_loop_over_a_collection_gives_each_iterations_outputs(site: Site) -> None:
    async with site.executor():
        workflow = await site.deploy(
            sim(
                ("l", "loop", {}),
                ("f", "function", code("[<loop.index>, <loop.currentItem>, <loop.items>.length]")),
                edges=[("start", "l"), ("l", "f", "loop-start-source")],
                loops={
                    "l": {"id": "l", "nodes": ["f"], "loopType": "forEach", "forEachItems": "<start.list>"}
                },
            )
        )
        events = await site.run(workflow, {"list": ["a", "b"]})
    first, second = [[0, "a", 2], [1, "b", 2]]
    assert output(events) == {
        "results": [[{"result": first, "stdout": ""}], [{"result": second, "stdout": ""}]]
    }


async def test_a_while_loop_runs_as_long_as_its_condition_holds(site: Site) -> None:
    async with site.executor():
        workflow = await site.deploy(
            sim(
                ("l", "loop", {}),
                ("f", "function", code("<loop.index> * 10")),
                ("after", "function", code("<l.results>.map(([{result}]) => result)")),
                edges=[("start", "l"), ("l", "f", "loop-start-source"), ("l", "after", "loop-end-source")],
                loops={
                    "l": {
                        "id": "l",
                        "nodes": ["f"],
                        "loopType": "while",
                        "whileCondition": "<loop.index> < 3",
                    }
                },
            )
        )
        events = await site.run(workflow)
    assert output(events)["result"] == [0, 10, 20]


async def test_an_iteration_reads_what_the_one_before_it_gave(site: Site) -> None:
    async with site.executor():
        workflow = await site.deploy(
            sim(
                ("l", "loop", {}),
                ("sum", "function", code("(<sum.result> ?? 0) + <loop.currentItem>")),
                ("after", "function", code("<sum.result>")),
                edges=[("start", "l"), ("l", "sum", "loop-start-source"), ("l", "after", "loop-end-source")],
                loops={"l": {"id": "l", "nodes": ["sum"], "loopType": "forEach", "forEachItems": [1, 2, 3]}},
            )
        )
        events = await site.run(workflow)
    assert output(events)["result"] == 6


async def test_branches_of_nested_containers_see_their_own_turns_and_outputs(site: Site) -> None:
    async with site.executor():
        workflow = await site.deploy(
            sim(
                ("l", "loop", {}),
                ("p", "parallel", {}),
                ("f", "function", code("`${<loop.index>}${<parallel.currentItem>}`")),
                ("g", "function", code("<f.result> + '!'")),
                edges=[
                    ("start", "l"),
                    ("l", "p", "loop-start-source"),
                    ("p", "f", "parallel-start-source"),
                    ("f", "g"),
                ],
                loops={"l": {"id": "l", "nodes": ["p"], "loopType": "for", "iterations": 2}},
                parallels={
                    "p": {
                        "id": "p",
                        "nodes": ["f", "g"],
                        "parallelType": "collection",
                        "distribution": ["a", "b"],
                    }
                },
            )
        )
        events = await site.run(workflow)
    results = output(events)["results"]
    assert [[[b["result"] for b in branch] for branch in turn[0]["results"]] for turn in results] == [
        [["0a", "0a!"], ["0b", "0b!"]],
        [["1a", "1a!"], ["1b", "1b!"]],
    ]
    place = next(e.data for e in events if e.type == "block:started" and e.data.block_id == "g")
    assert (place.iteration_type, place.iteration_container_id) == ("parallel", "p")
    assert [turn.iteration_container_id for turn in place.parent_iterations] == ["l"]


async def test_a_loop_that_is_too_long_when_it_runs_fails(site: Site) -> None:
    async with site.executor():
        workflow = await site.deploy(
            sim(
                ("l", "loop", {}),
                ("f", "function", code("1")),
                edges=[("start", "l"), ("l", "f", "loop-start-source")],
                loops={
                    "l": {"id": "l", "nodes": ["f"], "loopType": "forEach", "forEachItems": "<start.list>"}
                },
            )
        )
        events = await site.run(workflow, {"list": list(range(1001))})
    assert events[-1].data.error == 'l: Loop "l" exceeds the maximum of 1000 iterations'


async def test_a_parallel_runs_no_more_branches_at_once_than_it_may(site: Site) -> None:
    async with site.executor():
        workflow = await site.deploy(
            sim(
                ("p", "parallel", {}),
                ("f", "function", code("<parallel.index>")),
                edges=[("start", "p"), ("p", "f", "parallel-start-source")],
                parallels={
                    "p": {"id": "p", "nodes": ["f"], "parallelType": "count", "count": 50, "batchSize": 3}
                },
            )
        )
        events = await site.run(workflow)
    assert [branch[0]["result"] for branch in output(events)["results"]] == list(range(50))
    at_work = most = 0
    for event in events:
        if getattr(event.data, "block_id", "") == "f":
            at_work += {"block:started": 1, "block:completed": -1}[event.type]
            most = max(most, at_work)
    assert most == 3
    assert len(of_type(events, "parallel:branch")) == 50
