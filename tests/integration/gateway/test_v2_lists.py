"""v2: workflows and their versions, logs, and who changed what; v1's schedules and versions."""

from typing import Any

from support.gateways import APPROVAL, Server

DONE = {"done": {"type": "variables", "set": {"sum": "<start.amount>"}}}
FAILS = {
    "quote": {"type": "function", "code": "return 3", "then": "charge"},
    "charge": {"type": "function", "code": "throw new Error('declined')"},
}
NIGHTLY = {
    "nightly": {"type": "schedule", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "then": "done"},
    "done": {"type": "variables", "set": {"ran": True}},
}


async def data(server: Server, path: str) -> Any:
    """What is in the envelope of a read."""
    status, body = await server.get(path)
    assert status == 200, body
    return body["data"]


async def deployed(server: Server, workflow_id: str, definition: Any = None) -> Any:
    """Deploy by v2; gives what is in the envelope."""
    body = {} if definition is None else {"definition": definition}
    status, answer = await server.post(f"/api/v2/workflows/{workflow_id}/deploy", json=body)
    assert status == 200, answer
    return answer["data"]


# Workflows ------------------------------------------------------------------------------------------


async def test_a_workflow_is_deployed_and_shown_with_its_input(server: Server) -> None:
    made = await deployed(server, "refunds", {"input": {"amount": "number"}, "blocks": DONE})

    shown = await data(server, "/api/v2/workflows/refunds")

    assert (made["version"], made["isDeployed"]) == (1, True)
    assert (shown["id"], shown["version"], shown["digest"]) == ("refunds", 1, made["digest"])
    assert [(each["name"], each["type"]) for each in shown["inputs"]] == [("amount", "number")]
    assert [each["id"] for each in await data(server, "/api/v2/workflows")] == ["refunds"]


async def test_a_definition_with_faults_is_told_by_their_places(server: Server) -> None:
    definition = {"blocks": {"done": {"type": "nothing"}}}

    status, body = await server.post("/api/v2/workflows/w/deploy", json={"definition": definition})

    assert (status, body["error"]["code"]) == (422, "UNPROCESSABLE_ENTITY")
    assert body["error"]["details"][0]["path"].startswith("blocks")


async def test_without_a_definition_the_newest_version_is_activated_again(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": APPROVAL})
    await server.call("DELETE", f"/api/workflows/{workflow_id}")

    made = await deployed(server, workflow_id)

    assert made["version"] == 2
    assert (await data(server, f"/api/v2/workflows/{workflow_id}"))["isDeployed"] is True


async def test_a_rollback_without_a_version_goes_to_the_one_before(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    await deployed(server, workflow_id, {"blocks": APPROVAL})
    path = f"/api/v2/workflows/{workflow_id}/rollback"

    _, back = await server.post(path)
    _, again = await server.post(path)
    status, missing = await server.post(path, json={"version": 7})

    assert [back["data"]["version"], again["data"]["version"]] == [1, 2]
    assert (status, missing["error"]["code"]) == (404, "NOT_FOUND")


async def test_versions_are_listed_by_pages_the_newest_first(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    await deployed(server, workflow_id, {"blocks": APPROVAL})
    await deployed(server, workflow_id, {"blocks": FAILS})

    for path, name in ((f"/api/v2/workflows/{workflow_id}/versions", "data"), (
        f"/api/workflows/{workflow_id}/versions", "versions"
    )):  # fmt: skip
        _, first = await server.get(f"{path}?limit=2")
        _, rest = await server.get(f"{path}?limit=2&cursor={first['nextCursor']}")

        assert [(each["version"], each["isActive"]) for each in first[name]] == [(3, True), (2, False)]
        assert ([each["version"] for each in rest[name]], rest["nextCursor"]) == ([1], None)
        assert (await server.get(f"{path}?cursor=nonsense"))[0] == 400


# Logs -----------------------------------------------------------------------------------------------


async def test_a_log_tells_what_each_block_did(server: Server) -> None:
    workflow_id = await server.deploy(FAILS)
    _, body = await server.post(f"/api/v2/workflows/{workflow_id}/execute")

    log = await data(server, f"/api/v2/logs/{body['data']['runId']}")

    assert (log["status"], log["level"], log["error"]["blockId"]) == ("failed", "error", "charge")
    assert [(span["blockId"], span["status"]) for span in log["traceSpans"]] == [
        ("start", "success"),
        ("quote", "success"),
        ("charge", "error"),
    ]
    assert log["traceSpans"][1]["output"] == {"result": 3, "stdout": ""}
    assert "declined" in log["traceSpans"][2]["errorMessage"]
    assert log["truncated"] is False


async def test_the_log_of_a_decisions_run_has_its_blocks_only(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    _, body = await server.post(f"/api/v2/workflows/{workflow_id}/execute")
    root = body["data"]["runId"]
    _, body = await server.post(
        f"/api/v2/workflows/{workflow_id}/runs/{root}/resume",
        json={"contextId": "approve", "input": {"approved": True}},
    )

    log = await data(server, f"/api/v2/logs/{body['data']['runId']}")

    assert (log["runId"], log["finalOutput"]) == (body["data"]["runId"], {"approved": True})
    assert [span["blockId"] for span in log["traceSpans"]][-1] == "done"
    assert len((await data(server, f"/api/v2/logs/{root}"))["traceSpans"]) >= len(log["traceSpans"])


async def test_logs_are_filtered_and_shown_as_far_as_is_asked_for(server: Server) -> None:
    good, bad = await server.deploy(DONE), await server.deploy(FAILS)
    await server.post(f"/api/v2/workflows/{good}/execute", json={"input": {"amount": 3}})
    _, failed = await server.post(f"/api/v2/workflows/{bad}/execute")

    async def found(query: str) -> list[str]:
        return [each["workflowId"] for each in await data(server, f"/api/v2/logs?{query}")]

    assert await found("") == [bad, good]
    assert await found("order=asc") == [good, bad]
    assert await found(f"workflowIds={good},nobody") == [good]
    assert [await found("level=error"), await found("level=info")] == [[bad], [good]]
    assert [await found("triggers=api,chat"), await found("triggers=chat")] == [[bad, good], []]
    assert [await found("minDurationMs=60000"), len(await found("maxDurationMs=60000"))] == [[], 2]
    assert await found(f"executionId={failed['data']['runId']}") == [bad]
    assert await found(f"runId={failed['data']['runId']}&level=info") == []
    assert await found("endDate=2020-01-01T00:00:00Z") == []
    (basic,) = await data(server, f"/api/v2/logs?workflowIds={good}")
    (full,) = await data(
        server, f"/api/v2/logs?workflowIds={good}&includeFinalOutput=true&includeTraceSpans=true"
    )
    assert {"workflow", "finalOutput", "traceSpans"}.isdisjoint(basic)
    assert (full["finalOutput"], full["workflow"]["id"]) == ({"sum": 3}, good)
    assert [span["blockId"] for span in full["traceSpans"]] == ["start", "done"]


async def test_logs_come_by_pages(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    for _ in range(3):
        await server.post(f"/api/v2/workflows/{workflow_id}/execute")

    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        _, page = await server.get(f"/api/v2/logs?limit=2&maxDurationMs=60000&cursor={cursor}")
        seen += [each["runId"] for each in page["data"]]
        cursor = page["nextCursor"]

    assert len(seen) == len(set(seen)) == 3


# Who changed what -----------------------------------------------------------------------------------


async def test_the_audit_log_tells_who_changed_what_the_newest_first(server: Server) -> None:
    workflow_id = await server.deploy(NIGHTLY, workflow="Nightly report")
    await server.call("PATCH", f"/api/schedules/{workflow_id}/nightly", json={"enabled": False})
    other = await server.deploy(DONE)
    await server.call("DELETE", f"/api/workflows/{workflow_id}")

    entries = await data(server, "/api/v2/audit-logs")

    assert [(each["action"], each["resourceId"]) for each in entries] == [
        ("workflow.undeployed", workflow_id),
        ("workflow.deployed", other),
        ("schedule.switched", "nightly"),
        ("workflow.deployed", workflow_id),
    ]
    assert (entries[3]["actorId"], entries[3]["resourceName"]) == ("bootstrap", "Nightly report")
    assert entries[2]["metadata"] == {"blockId": "nightly", "enabled": False}
    assert "definition" not in entries[3]["metadata"]


async def test_the_audit_log_is_filtered_and_comes_by_pages(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    await deployed(server, workflow_id, {"blocks": APPROVAL})
    await server.call("DELETE", f"/api/workflows/{workflow_id}")
    path = "/api/v2/audit-logs"

    _, first = await server.get(f"{path}?limit=2")
    _, rest = await server.get(f"{path}?limit=2&cursor={first['nextCursor']}")

    assert [each["action"] for each in first["data"]] == ["workflow.undeployed", "workflow.deployed"]
    assert ([each["metadata"]["version"] for each in rest["data"]], rest["nextCursor"]) == ([1], None)
    moment = first["data"][0]["createdAt"]
    assert len(await data(server, f"{path}?action=workflow.deployed")) == 2
    assert len(await data(server, f"{path}?actor=bootstrap&resourceType=workflow")) == 3
    assert len(await data(server, f"{path}?actor=nobody")) == 0
    assert [
        len(await data(server, f"{path}?from={moment}")),
        len(await data(server, f"{path}?to={moment}")),
    ] == [
        1,
        3,
    ]


# Schedules ------------------------------------------------------------------------------------------


async def test_schedules_are_listed_with_when_they_are_due(server: Server) -> None:
    workflow_id = await server.deploy(NIGHTLY)
    await server.deploy(DONE)

    _, body = await server.get("/api/schedules")

    (item,) = body["schedules"]
    assert (item["workflowId"], item["blockId"]) == (workflow_id, "nightly")
    assert (item["cron"], item["timezone"], item["enabled"]) == ("0 3 * * *", "Europe/Berlin", True)
    assert (item["nextRunAt"] > "2026", item["lastRunAt"], body["nextCursor"]) == (True, None, None)


async def test_a_schedule_that_is_switched_off_stays_off_in_later_versions(server: Server) -> None:
    workflow_id = await server.deploy(NIGHTLY)

    status, off = await server.call("PATCH", f"/api/schedules/{workflow_id}/nightly", json={"enabled": False})
    await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": {**NIGHTLY, **DONE}})

    assert (status, off["enabled"], off["nextRunAt"]) == (200, False, None)
    _, body = await server.get("/api/schedules")
    assert [each["enabled"] for each in body["schedules"]] == [False]
    _, on = await server.call("PATCH", f"/api/schedules/{workflow_id}/nightly", json={"enabled": True})
    assert on["nextRunAt"] is not None


async def test_what_is_no_schedule_cannot_be_switched(server: Server) -> None:
    workflow_id = await server.deploy(NIGHTLY)
    path = f"/api/schedules/{workflow_id}"

    assert (await server.call("PATCH", f"{path}/done", json={"enabled": False}))[0] == 404
    assert (await server.call("PATCH", "/api/schedules/nobody/nightly", json={"enabled": False}))[0] == 404
    assert (await server.call("PATCH", f"{path}/nightly", json={"on": False}))[0] == 400
    await server.call("DELETE", f"/api/workflows/{workflow_id}")
    assert (await server.call("PATCH", f"{path}/nightly", json={"enabled": False}))[0] == 404


async def test_a_switch_is_done_once_for_a_key(server: Server) -> None:
    workflow_id = await server.deploy(NIGHTLY)
    path = f"/api/schedules/{workflow_id}/nightly"
    key = {"Idempotency-Key": "one"}

    first = await server.call("PATCH", path, headers=key, json={"enabled": False})

    assert await server.call("PATCH", path, headers=key, json={"enabled": False}) == first
    assert (await server.call("PATCH", path, headers=key, json={"enabled": True}))[0] == 409
