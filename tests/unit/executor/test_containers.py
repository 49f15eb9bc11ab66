"""Loops and parallels as the executor runs them: real code, real conditions, real references."""

import asyncio
from collections import Counter
from typing import Any

from signoff.engine.folding.places import path_of, turns_of
from signoff.events.types import Event
from signoff.executor.blocks.base import Tools
from support.executor_faults import FaultyStore
from support.executors import Site, of_type, until
from support.stores import Clock


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


NESTED = sim(
    ("l", "loop", {}),
    ("p", "parallel", {}),
    ("c", "condition", {"conditions": [{"id": "even", "title": "if", "value": "<parallel.index> % 2 == 0"}]}),
    ("f", "function", code("`${<loop.index>}${<parallel.currentItem>}`")),
    ("w", "wait", {"timeValue": 0.01, "timeUnit": "seconds"}),
    ("after", "function", code("<l.results>")),
    edges=[
        ("start", "l"),
        ("l", "p", "loop-start-source"),
        ("p", "c", "parallel-start-source"),
        ("c", "f", "condition-even"),
        ("f", "w"),
        ("l", "after", "loop-end-source"),
    ],
    loops={"l": {"id": "l", "nodes": ["p"], "loopType": "while", "whileCondition": "<loop.index> < 2"}},
    parallels={
        "p": {
            "id": "p",
            "nodes": ["c", "f", "w"],
            "parallelType": "collection",
            "distribution": ["a", "b", "c"],
            "batchSize": 2,
        }
    },
)


async def test_wherever_its_executor_dies_a_nest_of_containers_gives_the_same(tools: Tools) -> None:
    site = await Site.in_memory(tools)
    async with site.executor():
        whole = await site.run(await site.deploy(NESTED))
    await site.close()
    results = output(whole)["result"]
    assert [[len(branch) for branch in turn[0]["results"]] for turn in results] == [[3, 1, 3]] * 2

    some_at_once = asyncio.Semaphore(8)  # else a slow machine keeps none of their leases

    async def crash(appends: int) -> bool:
        async with some_at_once:
            return await crash_after(appends, whole, tools)

    crashed = await asyncio.gather(*map(crash, range(1, 45)))

    assert crashed[:10] == [True] * 10
    assert crashed[-1] is False, "the last of these executors should have come to the end"


async def crash_after(appends: int, whole: list[Event], tools: Tools) -> bool:
    """Run the nest, let its executor vanish after some appends, and another one go on."""
    clock = Clock()
    site = await Site.in_memory(tools, clock=clock)
    store = FaultyStore(site.store)
    async with site.executor(store=store):
        workflow = await site.deploy(NESTED)
        store.lasting = appends
        sent = await site.start(workflow)

        async def over() -> bool:
            return store.away or "execution:completed" in await site.kinds(sent.log_id)

        await until(over, limit=90)
    before = await site.events(sent.log_id)
    clock.now += 10
    async with site.executor():
        await site.until_event(sent.log_id, "execution:completed", limit=90)
    events = await site.events(sent.log_id)
    assert without_durations(output(events)["result"]) == without_durations(output(whole)["result"])
    assert [*Counter(ends(events)).values()] == [1] * len(ends(whole))
    assert not set(ends(before)) & set(starts(events[len(before) :])), "a finished block ran again"
    await site.close()
    return store.away


def instance(event: Event) -> str:
    return str(event.data.block_id) + path_of(turns_of(event.data))


def ends(events: list[Event]) -> list[str]:
    return [instance(event) for event in events if event.type == "block:completed"]


def starts(events: list[Event]) -> list[str]:
    return [instance(event) for event in events if event.type == "block:started"]


def without_durations(value: Any) -> Any:
    """Results without how long a wait took."""
    if isinstance(value, dict):
        return {key: without_durations(each) for key, each in value.items() if key != "waitDuration"}
    return [without_durations(each) for each in value] if isinstance(value, list) else value
