"""Many executions are cancelled or retried at once."""

import json
from typing import Any

import pytest

from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import ExecutionRow
from signoff.events.store.search import Place, Search
from support.gateways import APPROVAL, KEY, Server


async def paused(server: Server, count: int) -> tuple[str, list[str]]:
    """A workflow with executions that wait for a decision, the oldest first."""
    workflow_id = await server.deploy(APPROVAL)
    return workflow_id, [(await server.execute(workflow_id))["executionId"] for _ in range(count)]


async def failed(server: Server, gate: str, count: int) -> tuple[str, list[str]]:
    workflow_id = await server.deploy({"work": {"type": "fussy", "with": {"name": gate}}})
    answers = [await server.post(f"/api/workflows/{workflow_id}/execute") for _ in range(count)]
    return workflow_id, [body["executionId"] for _, body in answers]


async def bulk(server: Server, action: str, where: dict[str, Any], **more: Any) -> Any:
    headers = more.pop("headers", {})
    status, body = await server.post(
        "/api/executions/bulk", json={"action": action, "filter": where, **more}, headers=headers
    )
    assert status == 200, body
    return body


def results(body: Any) -> dict[str, str]:
    return {each["executionId"]: each["result"] for each in body["results"]}


async def statuses(server: Server, workflow_id: str) -> set[str]:
    _, body = await server.get(f"/api/executions?workflowId={workflow_id}&limit=1000")
    return {each["status"] for each in body["executions"]}


async def test_everything_that_a_filter_finds_is_cancelled_and_nothing_else(server: Server) -> None:
    workflow_id, mine = await paused(server, 40)
    other, _ = await paused(server, 1)

    body = await bulk(server, "cancel", {"workflowId": [workflow_id]}, reason="recalled")

    assert {each: body[each] for each in ("done", "dryRun", "total", "succeeded", "refused")} == {
        "done": True,
        "dryRun": False,
        "total": 40,
        "succeeded": 40,
        "refused": 0,
    }
    assert results(body) == dict.fromkeys(mine, "cancelled")
    assert await statuses(server, workflow_id) == {"cancelled"}
    assert await statuses(server, other) == {"paused"}
    assert (await server.events(mine[0]))[-1]["data"]["reason"] == "recalled"


async def test_failed_executions_are_retried_with_their_new_runs(server: Server) -> None:
    workflow_id, mine = await failed(server, "later", 3)
    server.gate.open("later")

    body = await bulk(server, "retry", {"workflowId": [workflow_id], "error": "not yet"})

    assert results(body) == dict.fromkeys(mine, "retried")
    for each in body["results"]:
        assert (await server.ended_job(each["runId"]))["status"] == "completed"


async def test_a_dry_run_only_says_what_is_meant(server: Server) -> None:
    workflow_id, mine = await paused(server, 2)

    body = await bulk(server, "cancel", {"workflowId": [workflow_id]}, dryRun=True)

    assert (body["total"], body["succeeded"], results(body)) == (2, 0, dict.fromkeys(mine, "matched"))
    assert await statuses(server, workflow_id) == {"paused"}


async def test_no_more_than_the_limit_are_taken_the_newest_first(server: Server) -> None:
    workflow_id, mine = await paused(server, 3)

    body = await bulk(server, "cancel", {"workflowId": [workflow_id]}, limit=2)

    assert results(body).keys() == set(mine[1:])


async def test_only_what_the_action_can_change_is_taken(server: Server) -> None:
    await paused(server, 1)
    await failed(server, "never", 1)

    assert (await bulk(server, "cancel", {"status": ["failed"]}))["total"] == 0
    assert (await bulk(server, "retry", {"status": ["paused"]}))["total"] == 0
    assert (await bulk(server, "cancel", {"status": ["failed", "paused"]}))["total"] == 1


async def test_the_same_key_retries_no_execution_twice(server: Server) -> None:
    workflow_id, (execution_id,) = await failed(server, "never again", 1)
    headers = {"Idempotency-Key": "once"}
    first = await bulk(server, "retry", {"workflowId": [workflow_id]}, headers=headers)
    await server.ended_job(first["results"][0]["runId"])

    second = await bulk(server, "retry", {"workflowId": [workflow_id]}, headers=headers)
    other = await bulk(server, "retry", {"workflowId": [workflow_id]}, headers=headers, reason="another")

    assert second == first
    assert (other["refused"], other["results"][0]["result"]) == (1, "refused")
    reopened = [each for each in await server.events(execution_id) if each["type"] == "execution:reopened"]
    assert len(reopened) == 1


async def test_a_stream_tells_of_each_and_then_of_all(server: Server) -> None:
    workflow_id, mine = await paused(server, 3)

    async with server.client.post(
        "/api/executions/bulk",
        headers={"X-API-Key": KEY, "Accept": "text/event-stream"},
        json={"action": "cancel", "filter": {"workflowId": [workflow_id]}},
    ) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        frames = (await response.text()).split("\n\n")

    *told, end, done, rest = [frame.removeprefix("data: ") for frame in frames]
    assert {(each["executionId"], each["result"]) for each in map(json.loads, told)} == {
        (execution_id, "cancelled") for execution_id in mine
    }
    assert json.loads(end) == {"done": True, "dryRun": False, "total": 3, "succeeded": 3, "refused": 0}
    assert (done, rest) == ("[DONE]", "")


async def test_a_log_that_goes_away_meanwhile_is_told_with_what_was_done(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow_id, mine = await paused(server, 3)
    monkeypatch.setattr("signoff.gateway.executions.bulk._PAGE", 2)
    read = server.store.executions

    async def fail_later(
        search: Search, *, after: Place | None = None, limit: int = 100
    ) -> list[ExecutionRow]:
        if after is not None:
            raise StoreUnavailableError("away")
        return await read(search, limit=limit)

    monkeypatch.setattr(server.store, "executions", fail_later)
    body = await bulk(server, "cancel", {"workflowId": [workflow_id]})

    assert (body["done"], body["error"]) == (False, "Service temporarily unavailable")
    assert results(body) == dict.fromkeys(mine[1:], "cancelled")


async def test_a_body_that_is_not_understood_changes_nothing(server: Server) -> None:
    workflow_id, _ = await paused(server, 1)

    for body, named in (
        ({}, "action"),
        ({"action": "cancel"}, "filter"),
        ({"action": "delete", "filter": {}}, "action"),
        ({"action": "cancel", "filter": {"workflow": ["x"]}}, "workflow"),
        ({"action": "cancel", "filter": {"workflowId": "x"}}, "filter.workflowId"),
        ({"action": "cancel", "filter": {"attribute": ["x"]}}, "attribute[0]"),
        ({"action": "cancel", "filter": {}, "limit": 10_001}, "limit"),
        ({"action": "cancel", "filter": {}, "dryrun": True}, "dryrun"),
    ):
        status, answer = await server.post("/api/executions/bulk", json=body)
        assert (status, named in answer["error"]) == (400, True), (body, answer)
    assert await statuses(server, workflow_id) == {"paused"}
