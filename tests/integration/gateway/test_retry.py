"""An operator tries a failed execution again."""

from typing import Any

from support.gateways import Server


def blocks(name: str) -> dict[str, Any]:
    return {
        "before": {"type": "variables", "set": {"x": 1}, "then": "work"},
        "work": {"type": "fussy", "with": {"name": name}, "then": "after"},
        "after": {"type": "variables", "set": {"got": "<work.result>"}},
    }


async def failed(server: Server, name: str) -> tuple[str, str]:
    workflow_id = await server.deploy(blocks(name))
    status, body = await server.post(f"/api/workflows/{workflow_id}/execute")
    assert status == 500, body
    return workflow_id, body["executionId"]


async def test_a_failed_execution_is_tried_again_from_what_failed(server: Server) -> None:
    workflow_id, execution_id = await failed(server, "retried")
    server.gate.open("retried")

    status, body = await server.post(f"/api/executions/{execution_id}/retry", json={"reason": "mended"})

    assert (status, set(body)) == (202, {"executionId", "runId", "statusUrl"})
    assert body["executionId"] == execution_id != body["runId"]
    assert (await server.ended_job(body["runId"]))["output"] == {"got": "retried"}
    _, view = await server.get(f"/api/workflows/{workflow_id}/executions/{execution_id}")
    assert (view["status"], view["error"]) == ("completed", None)
    events = await server.events(execution_id)
    started = [event["data"]["blockId"] for event in events if event["type"] == "block:started"]
    assert started == ["start", "before", "work", "work", "after"]
    (reopened,) = [event["data"] for event in events if event["type"] == "execution:reopened"]
    assert (reopened["reason"], reopened["actor"]["id"]) == ("mended", "bootstrap")


async def test_a_retry_that_fails_may_be_tried_again(server: Server) -> None:
    _, execution_id = await failed(server, "twice")
    _, first = await server.post(f"/api/executions/{execution_id}/retry")
    assert (await server.ended_job(first["runId"]))["status"] == "failed"
    server.gate.open("twice")

    status, second = await server.post(f"/api/executions/{execution_id}/retry")

    assert (status, (await server.ended_job(second["runId"]))["status"]) == (202, "completed")


async def test_the_same_key_is_the_same_retry(server: Server) -> None:
    _, execution_id = await failed(server, "keyed")
    headers = {"Idempotency-Key": "once"}
    path = f"/api/executions/{execution_id}/retry"

    first = await server.post(path, headers=headers, json={"reason": "a"})
    await server.ended_job(first[1]["runId"])
    second = await server.post(path, headers=headers, json={"reason": "a"})
    other = await server.post(path, headers=headers, json={"reason": "b"})

    assert (first[0], first) == (202, second)
    assert other[0] == 409


async def test_only_a_failed_execution_can_be_retried(server: Server) -> None:
    workflow_id = await server.deploy({"a": {"type": "variables", "set": {"x": 1}}})
    execution_id = (await server.execute(workflow_id))["executionId"]

    status, body = await server.post(f"/api/executions/{execution_id}/retry")

    assert (status, body["error"]) == (409, "Only a failed execution can be retried; it is completed")
    assert (await server.post("/api/executions/nobody/retry"))[0] == 404


async def test_a_reason_that_is_no_text_is_400(server: Server) -> None:
    _, execution_id = await failed(server, "reason")

    status, body = await server.post(f"/api/executions/{execution_id}/retry", json={"reason": 5})

    assert (status, body["details"][0]["path"]) == (400, "reason")


async def test_a_field_that_nobody_knows_is_refused_by_name(server: Server) -> None:
    _, execution_id = await failed(server, "strict")

    status, body = await server.post(f"/api/executions/{execution_id}/retry", json={"why": "mended"})

    assert (status, body["details"][0]["path"]) == (400, "why")
