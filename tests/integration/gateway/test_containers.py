"""Executions with loops, parallels and children, as callers see them."""

from typing import Any

from support.executors import until
from support.gateways import APPROVAL, Server

ASK: dict[str, Any] = {"ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}}}
NESTED: dict[str, Any] = {
    "again": {
        "type": "loop",
        "for": 2,
        "blocks": {"each": {"type": "parallel", "count": 2, "blocks": ASK}},
    }
}


async def points(server: Server, workflow_id: str, execution_id: str) -> list[Any]:
    _, detail = await server.get(f"/api/workflows/{workflow_id}/paused/{execution_id}")
    return list(detail["pausePoints"])


async def test_a_point_tells_the_turns_that_it_is_in(server: Server) -> None:
    workflow_id = await server.deploy(NESTED)
    execution_id = (await server.execute(workflow_id))["executionId"]

    first, second = await points(server, workflow_id, execution_id)

    assert (first["contextId"], second["contextId"]) == ("ask_loop0₍0₎", "ask_loop0₍1₎")
    assert first["loopScope"] == second["loopScope"] == {"loopId": "again", "iteration": 0}
    assert second["parallelScope"] == {"parallelId": "each", "branchIndex": 1, "branchTotal": 2}
    assert first["resumeLinks"]["apiUrl"] == f"/api/resume/{workflow_id}/{execution_id}/ask_loop0₍0₎"


async def test_a_point_outside_of_containers_has_no_scope(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    execution_id = (await server.execute(workflow_id))["executionId"]

    (point,) = await points(server, workflow_id, execution_id)

    assert "loopScope" not in point
    assert "parallelScope" not in point


async def test_every_point_of_a_nest_is_decided_in_any_order(server: Server) -> None:
    workflow_id = await server.deploy(NESTED)
    execution_id = (await server.execute(workflow_id))["executionId"]
    path = f"/api/resume/{workflow_id}/{execution_id}"

    for context_id in ("ask_loop0₍1₎", "ask_loop0₍0₎", "ask_loop1₍0₎", "ask_loop1₍1₎"):
        status, body = await server.post(f"{path}/{context_id}", json={"ok": True})
        assert (status, body["success"]) == (200, True)

    _, view = await server.get(f"/api/workflows/{workflow_id}/executions/{execution_id}")
    assert (view["status"], view["paused"]) == ("completed", None)
    assert {point["resumeStatus"] for point in await points(server, workflow_id, execution_id)} == {"resumed"}


async def test_the_output_of_a_block_in_a_parallel_is_one_for_each_branch(server: Server) -> None:
    inner = {"step": {"type": "function", "code": "return <parallel.index> * 2"}}
    blocks = {"each": {"type": "parallel", "count": 12, "blocks": inner}}
    workflow_id = await server.deploy(blocks)
    execution_id = (await server.execute(workflow_id))["executionId"]

    _, view = await server.get(
        f"/api/workflows/{workflow_id}/executions/{execution_id}?selectedOutputs=step.result,each.results[1]"
    )

    assert view["blockOutputs"]["step.result"] == [index * 2 for index in range(12)]
    assert view["blockOutputs"]["each.results[1]"] == [{"result": 2, "stdout": ""}]


async def test_a_point_of_a_child_leads_to_the_childs_execution(server: Server) -> None:
    child_id = await server.deploy(ASK)
    parent_id = await server.deploy({"call": {"type": "workflow", "workflow": child_id}})
    execution_id = (await server.execute(parent_id))["executionId"]

    (point,) = await points(server, parent_id, execution_id)

    links = point["resumeLinks"]
    assert (point["pauseKind"], links["workflowId"]) == ("child", child_id)
    (asked,) = await points(server, child_id, links["executionId"])
    assert asked["contextId"] == "ask"
    assert (await server.get(links["apiUrl"]))[1]["executionId"] == links["executionId"]
    await server.post(f"{links['apiUrl']}/ask", json={"ok": True})

    async def completed() -> bool:
        _, view = await server.get(f"/api/workflows/{parent_id}/executions/{execution_id}")
        return bool(view["status"] == "completed")

    await until(completed)


async def test_a_failed_block_in_a_loop_is_named_and_tried_again_in_its_turn(server: Server) -> None:
    inner = {"work": {"type": "fussy", "with": {"name": "in a loop"}}}
    workflow_id = await server.deploy({"again": {"type": "loop", "for": 2, "blocks": inner}})
    status, failed = await server.post(f"/api/workflows/{workflow_id}/execute")
    server.gate.open("in a loop")

    _, retried = await server.post(f"/api/executions/{failed['executionId']}/retry")

    assert (status, failed["error"].startswith("work:")) == (500, True)
    output = (await server.ended_job(retried["runId"]))["output"]
    assert [turn[0]["result"] for turn in output["results"]] == ["in a loop", "in a loop"]
