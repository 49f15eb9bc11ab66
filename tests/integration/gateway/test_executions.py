import asyncio
from typing import Any

import pytest

from signoff.events.store.search import Search
from signoff.events.topics import DEFAULT_WORKSPACE
from support.gateways import APPROVAL, KEY, Server, serving, settings


async def paused(server: Server, **given: Any) -> tuple[str, str]:
    workflow_id = await server.deploy(APPROVAL)
    return workflow_id, (await server.execute(workflow_id, **given))["executionId"]


# Paused executions ----------------------------------------------------------------------------------


async def test_paused_executions_are_listed_newest_first_by_status(server: Server) -> None:
    workflow_id, first = await paused(server)
    second = (await server.execute(workflow_id))["executionId"]
    await server.post(f"/api/resume/{workflow_id}/{first}/approve", json={"approved": True})

    _, every = await server.get(f"/api/workflows/{workflow_id}/paused")
    _, open_ones = await server.get(f"/api/workflows/{workflow_id}/paused?status=paused,partially_resumed")

    assert [each["executionId"] for each in every["pausedExecutions"]] == [second, first]
    assert [each["status"] for each in every["pausedExecutions"]] == ["paused", "fully_resumed"]
    assert [each["executionId"] for each in open_ones["pausedExecutions"]] == [second]
    assert (await server.get(f"/api/workflows/{workflow_id}/paused?status=odd"))[0] == 400


async def test_the_detail_of_a_paused_execution_tells_its_points_and_its_queue(server: Server) -> None:
    workflow_id, execution_id = await paused(server, json={"amount": 9})

    status, detail = await server.get(f"/api/workflows/{workflow_id}/paused/{execution_id}")
    same = await server.get(f"/api/resume/{workflow_id}/{execution_id}")

    assert (status, detail) == same
    assert (detail["totalPauseCount"], detail["resumedCount"], detail["queue"]) == (1, 0, [])
    point = detail["pausePoints"][0]
    assert (point["contextId"], point["pauseKind"], point["resumeStatus"]) == ("approve", "human", "paused")
    assert point["resumeLinks"]["apiUrl"] == f"/api/resume/{workflow_id}/{execution_id}/approve"
    assert detail["executionSnapshot"]["eventId"] == len(await server.events(execution_id))


async def test_a_decided_point_tells_its_decision(server: Server) -> None:
    workflow_id, execution_id = await paused(server)
    _, resumed = await server.post(
        f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True}
    )

    _, body = await server.get(f"/api/resume/{workflow_id}/{execution_id}/approve")

    entry = body["pausePoint"]["latestResumeEntry"]
    assert (entry["newExecutionId"], entry["status"], entry["resumeInput"]) == (
        resumed["executionId"],
        "completed",
        {"approved": True},
    )
    assert (body["queue"], body["execution"]["resumedCount"]) == ([entry], 1)
    assert "activeResumeEntry" not in body


async def test_looking_at_a_pause_decides_nothing(server: Server) -> None:
    workflow_id, execution_id = await paused(server)
    before = await server.store.last_position()

    for path in (
        f"/api/resume/{workflow_id}/{execution_id}",
        f"/api/resume/{workflow_id}/{execution_id}/approve",
    ):
        assert (await server.get(path))[0] == 200

    assert await server.store.last_position() == before


async def test_what_never_paused_has_no_pause_to_show(server: Server) -> None:
    workflow_id = await server.deploy({"a": {"type": "variables", "set": {"x": 1}}})
    execution_id = (await server.execute(workflow_id))["executionId"]

    assert await server.get(f"/api/resume/{workflow_id}/{execution_id}") == (
        404,
        {"error": "Paused execution not found"},
    )
    assert await server.get(f"/api/resume/{workflow_id}/{execution_id}/a") == (
        404,
        {"error": "Pause context not found"},
    )


async def test_links_begin_with_the_public_address() -> None:
    async with serving(settings(public_url="https://signoff.example")) as server:
        workflow_id, execution_id = await paused(server)

        _, detail = await server.get(f"/api/workflows/{workflow_id}/paused/{execution_id}")
        _, job = await server.get(f"/api/jobs/{execution_id}")

        resume = f"https://signoff.example/api/resume/{workflow_id}/{execution_id}/approve"
        assert detail["pausePoints"][0]["resumeLinks"]["apiUrl"] == resume
        assert job["output"]["data"]["_resume"]["apiUrl"] == resume
        assert "https://signoff.example" not in str(await server.events(execution_id))


# Cancelling -----------------------------------------------------------------------------------------


async def test_a_paused_execution_is_cancelled_once(server: Server) -> None:
    workflow_id, execution_id = await paused(server)
    path = f"/api/workflows/{workflow_id}/executions/{execution_id}/cancel"

    answers = [await server.post(path) for _ in range(2)]

    assert answers == [
        (200, {"success": True, "executionId": execution_id, "reason": "recorded"}),
        (200, {"success": True, "executionId": execution_id, "reason": "already_cancelled"}),
    ]
    _, view = await server.get(f"/api/workflows/{workflow_id}/executions/{execution_id}")
    assert (view["status"], view["paused"]) == ("cancelled", None)


async def test_a_caller_that_waits_for_a_cancelled_run_is_told(server: Server) -> None:
    workflow_id = await server.deploy({"hold": {"type": "hold", "with": {"name": "cancelled"}}})
    call = asyncio.create_task(
        server.post(f"/api/workflows/{workflow_id}/execute", headers={"X-Execution-Id": "to-cancel"})
    )
    await server.gate.reached("cancelled")

    await server.post(f"/api/workflows/{workflow_id}/executions/to-cancel/cancel")

    status, body = await call
    assert (status, body["success"], body["error"]) == (200, False, "Workflow execution was cancelled")


async def test_a_finished_execution_cannot_be_cancelled(server: Server) -> None:
    workflow_id, execution_id = await paused(server)
    await server.post(f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True})

    assert await server.post(f"/api/workflows/{workflow_id}/executions/{execution_id}/cancel") == (
        409,
        {"error": "Execution cannot be cancelled while completed"},
    )


# State and history ----------------------------------------------------------------------------------


async def test_an_execution_is_shown_with_what_is_asked_for(server: Server) -> None:
    workflow_id, execution_id = await paused(server, json={"amount": 4})
    path = f"/api/workflows/{workflow_id}/executions/{execution_id}"

    _, plain = await server.get(path)
    _, full = await server.get(f"{path}?includeOutput=true&selectedOutputs=start.amount,approve.url")

    assert (plain["status"], plain["finalOutput"], plain["blockOutputs"]) == ("paused", None, None)
    assert plain["paused"]["contextId"] == "approve"
    assert full["finalOutput"]["data"]["operation"] == "human"
    assert full["blockOutputs"] == {
        "start.amount": 4,
        "approve.url": f"/resume/{workflow_id}/{execution_id}?contextId=approve",
    }


async def test_a_runs_id_finds_its_execution(server: Server) -> None:
    workflow_id, execution_id = await paused(server)
    _, resumed = await server.post(
        f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True}
    )

    _, view = await server.get(f"/api/workflows/{workflow_id}/executions/{resumed['executionId']}")
    _, job = await server.get(f"/api/jobs/{resumed['executionId']}")

    assert (view["executionId"], view["status"]) == (execution_id, "completed")
    assert (job["taskId"], job["output"]) == (resumed["executionId"], {"approved": True})


async def test_an_execution_of_another_workflow_is_not_found_under_this_one(server: Server) -> None:
    _, execution_id = await paused(server)
    other, _ = await paused(server)

    missing = (404, {"error": "Execution not found"})
    assert await server.get(f"/api/workflows/{other}/executions/{execution_id}") == missing
    assert await server.post(f"/api/workflows/{other}/executions/{execution_id}/cancel") == missing
    assert await server.get("/api/jobs/nobody") == (404, {"error": "Task not found"})


async def test_history_comes_in_pages_and_is_the_very_bytes_of_the_log(server: Server) -> None:
    _, execution_id = await paused(server)
    whole = await server.store.read(
        (await server.store.executions(Search(workspace_id=DEFAULT_WORKSPACE), limit=1))[0].log_id
    )

    pages: list[bytes] = []
    events: list[Any] = []
    after: int | None = 0
    while after is not None:
        path = f"/api/executions/{execution_id}/events?from={after}&limit=2"
        async with server.client.get(path, headers={"X-API-Key": KEY}) as response:
            pages.append(await response.read())
            page = await response.json()
        events += page["events"]
        after = page["nextFrom"]

    assert [event["eventId"] for event in events] == list(range(1, len(whole) + 1))
    assert all(recorded.state in b"".join(pages) for recorded in whole)
    _, some = await server.get(f"/api/executions/{execution_id}/events?from=1&to=3")
    assert ([event["eventId"] for event in some["events"]], some["nextFrom"]) == ([2, 3], None)


@pytest.mark.parametrize("query", ["from=-1", "limit=0", "limit=x", "to=1.5", "from=99999999999999999999"])
async def test_a_bad_page_is_refused(server: Server, query: str) -> None:
    _, execution_id = await paused(server)

    assert (await server.get(f"/api/executions/{execution_id}/events?{query}"))[0] == 400
