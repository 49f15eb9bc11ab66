"""Runs that begin in the middle of a workflow, or end there."""

from typing import Any

import pytest

from support.gateways import APPROVAL, Server

CHAIN: dict[str, Any] = {
    "first": {"type": "function", "code": "return <start.n> + 1", "then": "second"},
    "second": {"type": "function", "code": "return <first.result> * 10", "then": "third"},
    "third": {"type": "variables", "set": {"got": "<second.result>", "n": "<start.n>"}},
}


def from_block(block_id: str, execution_id: str = "latest", **more: Any) -> dict[str, Any]:
    return {"runFromBlock": {"startBlockId": block_id, "executionId": execution_id}, **more}


async def ran(server: Server, execution_id: str) -> list[str]:
    events = await server.events(execution_id)
    return [event["data"]["blockId"] for event in events if event["type"] == "block:completed"]


async def refused(server: Server, workflow_id: str, body: object) -> str:
    before = await server.store.last_position()
    status, answer = await server.post(f"/api/workflows/{workflow_id}/execute", json=body)
    assert (status, await server.store.last_position()) == (400, before)
    return str(answer["error"])


@pytest.mark.parametrize("named", ["latest", "by id"])
async def test_a_run_from_a_block_takes_what_lies_before_it(server: Server, named: str) -> None:
    workflow_id = await server.deploy(CHAIN)
    source = await server.execute(workflow_id, json={"n": 4})
    source_id = "latest" if named == "latest" else source["executionId"]

    again = await server.execute(workflow_id, json=from_block("second", source_id))

    assert again["output"] == source["output"] == {"got": 50, "n": 4}
    assert await ran(server, again["executionId"]) == ["second", "third"]
    started = (await server.events(again["executionId"]))[0]["data"]
    assert started["source"]["executionId"] == source["executionId"]
    assert started["startBlockId"] == "second"


async def test_a_run_from_a_block_names_who_started_what_it_goes_on_from(server: Server) -> None:
    workflow_id = await server.deploy(CHAIN)
    source = await server.execute(workflow_id, json={"n": 4})

    again = await server.execute(workflow_id, json=from_block("second"))
    third = await server.execute(workflow_id, json=from_block("third", again["executionId"]))

    (first, *_), (started, *_) = [await server.events(each["executionId"]) for each in (source, third)]
    actor = first["data"]["actor"]
    who = actor["id"] if actor["type"] == "user" else f"{actor['type']}:{actor['id']}"
    assert started["data"]["source"]["startedBy"] == [who]


async def test_the_version_that_is_active_now_runs(server: Server) -> None:
    workflow_id = await server.deploy(CHAIN)
    await server.execute(workflow_id, json={"n": 4})
    changed = CHAIN | {"second": CHAIN["second"] | {"code": "return <first.result> * 100"}}
    await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": changed})

    again = await server.execute(workflow_id, json=from_block("second"))

    assert again["output"] == {"got": 500, "n": 4}


async def test_a_block_that_is_new_on_the_way_was_not_executed(server: Server) -> None:
    workflow_id = await server.deploy(CHAIN)
    await server.execute(workflow_id, json={"n": 4})
    changed = CHAIN | {
        "first": CHAIN["first"] | {"then": "between"},
        "between": {"type": "variables", "set": {"x": 1}, "then": "second"},
    }
    await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": changed})

    text = await refused(server, workflow_id, from_block("second"))

    assert text == "Upstream dependency not executed: between"


async def test_a_run_from_the_start_block_has_the_input_of_its_source(server: Server) -> None:
    workflow_id = await server.deploy(CHAIN)
    await server.execute(workflow_id, json={"n": 4})

    same = await server.execute(workflow_id, json=from_block("start"))
    other = await server.execute(workflow_id, json=from_block("start", n=1))

    assert (same["output"]["got"], other["output"]["got"]) == (50, 20)


async def test_variables_are_taken_as_the_source_left_them(server: Server) -> None:
    blocks = {
        "set": {"type": "variables", "set": {"total": 7}, "then": "use"},
        "use": {"type": "function", "code": "return <variable.total>"},
    }
    workflow_id = await server.deploy(blocks)
    await server.execute(workflow_id)

    assert (await server.execute(workflow_id, json=from_block("use")))["output"]["result"] == 7


async def test_large_outputs_are_taken_and_stay_large_values(server: Server) -> None:
    wide = {
        f"make{n}": {"type": "function", "code": f"return 'x{n}'.repeat(40000)", "then": "end"}
        for n in range(8)
    }
    end = {"end": {"type": "function", "code": "return <make0.result>.length + <make7.result>.length"}}
    workflow_id = await server.deploy(wide | end, start=list(wide))
    source = await server.execute(workflow_id)

    again = await server.execute(workflow_id, json=from_block("end"))

    assert again["output"]["result"] == source["output"]["result"] == 160_000


async def test_a_branch_that_was_not_taken_is_not_missed(server: Server) -> None:
    blocks = {
        "check": {"type": "condition", "cases": [{"when": "<start.n> > 1", "then": "a"}, {"else": "b"}]},
        "a": {"type": "variables", "set": {"got": "a"}, "then": "join"},
        "b": {"type": "variables", "set": {"got": "b"}, "then": "join"},
        "join": {"type": "function", "code": "return [<a.got>, <b.got>]"},
    }
    workflow_id = await server.deploy(blocks)
    await server.execute(workflow_id, json={"n": 2})

    again = await server.execute(workflow_id, json=from_block("join"))

    assert again["output"]["result"] == ["a", None]


async def test_a_pause_that_nobody_decided_was_not_executed(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    execution_id = (await server.execute(workflow_id))["executionId"]

    undecided = await refused(server, workflow_id, from_block("done"))
    await server.post(f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True})
    again = await server.execute(workflow_id, json=from_block("done"))

    assert undecided == "Upstream dependency not executed: approve"
    assert again["output"] == {"approved": True}


async def test_a_container_is_run_again_as_a_whole(server: Server) -> None:
    blocks = {
        "first": CHAIN["first"],
        "second": {
            "type": "loop",
            "for": 2,
            "blocks": {"step": {"type": "function", "code": "return <first.result> + <loop.index>"}},
        },
    }
    workflow_id = await server.deploy(blocks)
    source = await server.execute(workflow_id, json={"n": 1})

    again = await server.execute(workflow_id, json=from_block("second"))

    assert again["output"]["results"] == source["output"]["results"]
    assert await ran(server, again["executionId"]) == ["step", "step", "second"]
    inside = await refused(server, workflow_id, from_block("step"))
    assert inside == "Cannot run from block inside loop: second"


async def test_what_cannot_be_begun_with_is_400(server: Server) -> None:
    workflow_id = await server.deploy(CHAIN)
    other = await server.deploy(CHAIN)

    nothing = await refused(server, workflow_id, from_block("second"))
    source = await server.execute(workflow_id, json={"n": 4})
    unknown = await refused(server, workflow_id, from_block("nobody"))
    foreign = await refused(server, other, from_block("second", source["executionId"]))

    assert nothing == "No execution state found for workflow. Run the full workflow first."
    assert unknown == "Block not found in workflow: nobody"
    assert foreign.startswith(f"No execution state found for execution {source['executionId']}")


async def test_the_same_key_is_the_same_run(server: Server) -> None:
    workflow_id = await server.deploy(CHAIN)
    await server.execute(workflow_id, json={"n": 4})
    headers = {"Idempotency-Key": "once"}

    first = await server.execute(workflow_id, json=from_block("third"), headers=headers)
    second = await server.execute(workflow_id, json=from_block("third"), headers=headers)

    assert first == second


# To a block ---------------------------------------------------------------------------------------------


async def test_a_run_ends_after_the_first_end_of_a_block_in_a_container(server: Server) -> None:
    blocks = {
        "again": {
            "type": "loop",
            "for": 3,
            "blocks": {
                "step": {"type": "function", "code": "return <loop.index>", "then": "rest"},
                "rest": {"type": "variables", "set": {"x": 1}},
            },
            "then": "end",
        },
        "end": {"type": "variables", "set": {"x": 2}},
    }
    workflow_id = await server.deploy(blocks)

    body = await server.execute(workflow_id, json={"stopAfterBlockId": "step"})

    assert body["output"]["result"] == 0
    assert await ran(server, body["executionId"]) == ["start", "step"]


async def test_a_run_from_a_block_to_a_block(server: Server) -> None:
    workflow_id = await server.deploy(CHAIN)
    await server.execute(workflow_id, json={"n": 4})

    body = await server.execute(workflow_id, json=from_block("second", stopAfterBlockId="second"))

    assert body["output"]["result"] == 50
    assert await ran(server, body["executionId"]) == ["second"]
