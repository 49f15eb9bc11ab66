"""v2: runs begun, followed, listed, stopped and decided on, each in one envelope."""

import json
from typing import Any

from support.gateways import APPROVAL, KEY, Server, serving, settings

DONE = {"done": {"type": "variables", "set": {"sum": "<start.amount>"}}}
FAILS = {"charge": {"type": "function", "code": "throw new Error('declined')"}}
HOLDS = {"hold": {"type": "hold", "with": {"name": "alone"}}}
TWO = {
    "both": {"type": "variables", "set": {}, "then": ["editor", "lawyer"]},
    "editor": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "hold"},
    "lawyer": {"type": "human_in_the_loop", "form": {"ok": "boolean"}},
    "hold": {"type": "hold", "with": {"name": "held"}},
}


def runs_of(workflow_id: str, rest: str = "") -> str:
    return f"/api/v2/workflows/{workflow_id}/runs{rest}"


async def run(server: Server, workflow_id: str, **given: Any) -> tuple[int, Any]:
    return await server.post(f"/api/v2/workflows/{workflow_id}/execute", **given)


async def begun(server: Server, workflow_id: str, **given: Any) -> dict[str, Any]:
    """Run a workflow; gives what is in the envelope."""
    status, body = await run(server, workflow_id, **given)
    assert status in (200, 202), body
    return dict(body["data"])


# Execute --------------------------------------------------------------------------------------------


async def test_a_run_is_answered_with_its_end(server: Server) -> None:
    workflow_id = await server.deploy(DONE)

    status, body = await run(server, workflow_id, json={"input": {"amount": 3}})

    data = body["data"]
    assert (status, data["status"], data["output"], data["error"]) == (200, "completed", {"sum": 3}, None)
    assert data["workflowId"] == workflow_id
    assert data["durationMs"] >= 0
    assert data["startedAt"] <= data["endedAt"]


async def test_the_header_names_the_run(server: Server) -> None:
    workflow_id = await server.deploy(DONE)

    async with server.client.post(
        f"/api/v2/workflows/{workflow_id}/execute", headers={"X-API-Key": KEY, "X-Run-Id": "mine"}
    ) as response:
        body = await response.json()

    assert response.headers["X-Run-Id"] == "mine"
    assert body["data"]["runId"] == "mine"


async def test_a_run_that_fails_is_no_error_of_the_request(server: Server) -> None:
    workflow_id = await server.deploy(FAILS)

    status, body = await run(server, workflow_id)

    data = body["data"]
    assert (status, data["status"]) == (200, "failed")
    assert data["error"]["code"] == "BLOCK_EXECUTION_FAILED"
    assert data["error"]["blockId"] == "charge"
    assert "declined" in data["error"]["message"]


async def test_a_run_that_pauses_shows_what_it_asks(server: Server) -> None:
    data = await begun(server, await server.deploy(APPROVAL), json={"input": {"amount": 3}})

    assert data["status"] == "paused"
    assert data["output"]["data"]["_resume"]["contextId"] == "approve"


async def test_an_id_can_be_used_once(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    await begun(server, workflow_id, headers={"X-Run-Id": "once"})

    status, body = await run(server, workflow_id, headers={"X-Run-Id": "once"})

    assert (status, body["error"]["code"]) == (409, "RUN_ID_CONFLICT")
    assert body["error"]["details"]["runId"] == "once"


async def test_a_retry_with_the_same_key_gets_the_first_answer(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    given = {"headers": {"Idempotency-Key": "one"}, "json": {"input": {"amount": 3}}}

    first = await run(server, workflow_id, **given)

    assert await run(server, workflow_id, **given) == first
    status, body = await run(server, workflow_id, headers=given["headers"], json={"input": {"amount": 4}})
    assert (status, body["error"]["code"]) == (409, "CONFLICT")


async def test_asynchronously_it_is_answered_with_where_its_state_is(server: Server) -> None:
    workflow_id = await server.deploy(HOLDS)

    status, body = await run(server, workflow_id, json={"async": True, "executionTimeoutSeconds": 60})

    assert status == 202
    assert body["data"]["statusUrl"].endswith(runs_of(workflow_id, f"/{body['data']['runId']}"))
    await server.gate.reached("alone")
    _, view = await server.get(body["data"]["statusUrl"])
    server.gate.open("alone")
    assert (view["data"]["status"], view["data"]["endedAt"], view["data"]["error"]) == ("running", None, None)


async def test_a_stream_has_the_selected_outputs_and_the_end(server: Server) -> None:
    workflow_id = await server.deploy({"words": {"type": "function", "code": "return 'hello'"}})

    lines = await server.lines(
        f"/api/v2/workflows/{workflow_id}/execute",
        json={"stream": True, "selectedOutputs": ["words.result"]},
    )

    chunk, final, end = map(json.loads, lines)
    assert chunk == {"blockId": "words", "chunk": "hello"}
    assert (final["event"], final["data"]["success"], end) == ("final", True, "[DONE]")


async def test_a_body_that_is_not_as_it_must_be_is_refused_by_name(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"inputs": {}}, "inputs"),
        ({"async": "yes"}, "async"),
        ({"async": True, "stream": True}, "stream"),
        ({"async": True, "selectedOutputs": ["a.b"]}, "selectedOutputs"),
        ({"executionTimeoutSeconds": 5}, "executionTimeoutSeconds"),
        ({"async": True, "executionTimeoutSeconds": 0}, "executionTimeoutSeconds"),
        ({"selectedOutputs": ["nobody.content"], "stream": True}, "selectedOutputs"),
    ]

    answers = [(await run(server, workflow_id, json=body), named) for body, named in bodies]

    for (status, answer), named in answers:
        assert (status, answer["error"]["code"]) == (400, "BAD_REQUEST")
        assert named in json.dumps(answer["error"])
    assert (await server.get(runs_of(workflow_id)))[1]["data"] == []


# Errors ---------------------------------------------------------------------------------------------


async def test_every_error_is_spelled_in_one_way(server: Server) -> None:
    execute = "/api/v2/workflows/nobody/execute"
    requests: list[tuple[str, str, dict[str, str], tuple[int, str]]] = [
        ("GET", "/api/v2/workflows", {"X-API-Key": "wrong"}, (401, "UNAUTHORIZED")),
        ("GET", "/api/v2/nothing", {}, (404, "NOT_FOUND")),
        ("GET", "/api/v2", {}, (404, "NOT_FOUND")),
        ("GET", "/api/v2/workflows/nobody", {}, (404, "NOT_FOUND")),
        ("PUT", "/api/v2/workflows", {}, (405, "METHOD_NOT_ALLOWED")),
        ("POST", execute, {"X-Run-Id": "a b"}, (400, "BAD_REQUEST")),
        ("POST", execute, {"X-Sim-Via": ",".join("a" * 25)}, (409, "CONFLICT")),
    ]

    for method, path, headers, expected in requests:
        status, body = await server.call(method, path, headers=headers)

        assert ((status, body["error"]["code"]), list(body)) == (expected, ["error"])
        assert body["error"]["message"]


async def test_a_body_that_is_too_large_is_told_so_in_the_same_way() -> None:
    async with serving(settings(max_body=100), executor=False) as server:
        status, body = await run(server, "nobody", data=b"x" * 200)

    assert (status, body["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_paths_of_v1_keep_their_own_spelling(server: Server) -> None:
    assert await server.get("/api/nothing") == (404, {"error": "Not found"})


# Looked at ------------------------------------------------------------------------------------------


async def test_a_run_is_shown_with_its_output_where_that_is_asked_for(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    run_id = (await begun(server, workflow_id, json={"input": {"amount": 3}}))["runId"]

    _, plain = await server.get(runs_of(workflow_id, f"/{run_id}"))
    _, full = await server.get(runs_of(workflow_id, f"/{run_id}?includeOutput=true&selectedOutputs=done.sum"))

    assert (plain["data"]["status"], plain["data"]["output"]) == ("completed", None)
    assert full["data"]["output"] == {"sum": 3}
    assert full["data"]["blockOutputs"] == {"done.sum": 3}


async def test_a_run_of_another_workflow_is_none_of_this_one(server: Server) -> None:
    run_id = (await begun(server, await server.deploy(DONE)))["runId"]
    other = await server.deploy(DONE)

    status, body = await server.get(runs_of(other, f"/{run_id}"))

    assert (status, body["error"]) == (404, {"code": "NOT_FOUND", "message": "Run not found"})


async def test_the_run_of_a_decision_is_shown_by_itself(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    root = (await begun(server, workflow_id))["runId"]
    _, resumed = await server.post(
        runs_of(workflow_id, f"/{root}/resume"), json={"contextId": "approve", "input": {"approved": True}}
    )
    run_id = resumed["data"]["runId"]

    _, single = await server.get(runs_of(workflow_id, f"/{run_id}?includeOutput=true"))
    _, whole = await server.get(runs_of(workflow_id, f"/{root}"))

    assert run_id != root
    assert (single["data"]["runId"], single["data"]["output"]) == (run_id, {"approved": True})
    assert whole["data"]["status"] == "completed"
    assert whole["data"]["startedAt"] < single["data"]["startedAt"]


async def test_runs_are_listed_by_pages_the_newest_first(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    ids = [(await begun(server, workflow_id))["runId"] for _ in range(3)]

    _, first = await server.get(runs_of(workflow_id, "?limit=2"))
    newer = (await begun(server, workflow_id))["runId"]
    _, second = await server.get(runs_of(workflow_id, f"?limit=2&cursor={first['nextCursor']}"))

    assert [each["runId"] for each in first["data"]] == [ids[2], ids[1]]
    assert ([each["runId"] for each in second["data"]], second["nextCursor"]) == ([ids[0]], None)
    assert newer not in ids


async def test_runs_are_filtered_by_state_trigger_and_time(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    paused = await begun(server, workflow_id)
    _, view = await server.get(runs_of(workflow_id, f"/{paused['runId']}"))
    moment = view["data"]["startedAt"]

    async def count(query: str) -> int:
        status, body = await server.get(runs_of(workflow_id, f"?{query}"))
        assert status == 200, body
        return len(body["data"])

    assert [await count("status=paused"), await count("status=completed")] == [1, 0]
    assert [await count("trigger=api"), await count("trigger=schedule")] == [1, 0]
    assert [await count(f"from={moment}"), await count(f"to={moment}")] == [1, 1]
    assert await count("from=2999-01-01T00:00:00Z") == 0


async def test_a_query_that_is_not_as_it_must_be_is_refused_by_name(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    far = "eyJrZXkiOjFlOTksImxvZ19pZCI6IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJ9"
    queries = [
        ("startDate=2026-01-01T00:00:00Z", "startDate"),
        ("status=queued", "status"),
        ("from=yesterday", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("limit=0", "limit"),
        ("cursor=nonsense", "cursor"),
        (f"cursor={far}", "cursor"),
    ]

    for query, named in queries:
        status, body = await server.get(runs_of(workflow_id, f"?{query}"))

        assert (status, body["error"]["code"]) == (400, "BAD_REQUEST"), query
        assert named in body["error"]["message"]


# Stopped and decided on -----------------------------------------------------------------------------


async def test_a_run_is_stopped_once(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    run_id = (await begun(server, workflow_id))["runId"]
    path = runs_of(workflow_id, f"/{run_id}/cancel")

    _, first = await server.post(path)
    _, again = await server.post(path)

    assert first["data"] == {
        "success": True,
        "runId": run_id,
        "durablyRecorded": True,
        "pausedCancelled": True,
        "reason": "recorded",
    }
    assert (again["data"]["reason"], again["data"]["pausedCancelled"]) == ("already_cancelled", False)
    _, view = await server.get(runs_of(workflow_id, f"/{run_id}"))
    assert (view["data"]["status"], view["data"]["error"]["code"]) == ("cancelled", "CANCELLED")


async def test_stopping_a_run_with_the_same_key_again_gets_the_first_answer(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    path = runs_of(workflow_id, f"/{(await begun(server, workflow_id))['runId']}/cancel")
    headers = {"Idempotency-Key": "once"}

    first = await server.post(path, headers=headers)

    assert first[1]["data"]["pausedCancelled"]
    assert await server.post(path, headers=headers) == first


async def test_stopping_a_run_that_has_ended_changes_nothing(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    run_id = (await begun(server, workflow_id))["runId"]

    status, body = await server.post(runs_of(workflow_id, f"/{run_id}/cancel"))

    assert (status, body["data"]["reason"], body["data"]["durablyRecorded"]) == (200, "already_ended", False)


async def test_a_decision_runs_what_follows_and_answers_with_its_end(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    root = (await begun(server, workflow_id))["runId"]

    status, body = await server.post(
        runs_of(workflow_id, f"/{root}/resume"), json={"contextId": "approve", "input": {"approved": True}}
    )

    assert (status, body["data"]["status"], body["data"]["output"]) == (200, "completed", {"approved": True})


async def test_a_decision_on_an_asynchronous_run_is_answered_at_once(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    root = (await begun(server, workflow_id, json={"async": True}))["runId"]
    await server.ended_job(root)

    status, body = await server.post(
        runs_of(workflow_id, f"/{root}/resume"), json={"contextId": "approve", "input": {"approved": True}}
    )

    assert status == 202
    assert body["data"]["statusUrl"].endswith(runs_of(workflow_id, f"/{body['data']['runId']}"))
    assert "queuePosition" not in body["data"]


async def test_a_decision_on_a_streamed_run_is_streamed(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    path = f"/api/v2/workflows/{workflow_id}/execute"
    async with server.client.post(path, headers={"X-API-Key": KEY}, json={"stream": True}) as response:
        root = response.headers["X-Run-Id"]
        await response.read()

    lines = await server.lines(
        runs_of(workflow_id, f"/{root}/resume"), json={"contextId": "approve", "input": {"approved": True}}
    )

    assert json.loads(lines[-2])["data"]["output"] == {"approved": True}


async def test_a_decision_that_waits_for_its_turn_is_told_its_place(server: Server) -> None:
    workflow_id = await server.deploy(TWO)
    root = (await begun(server, workflow_id, json={"async": True}))["runId"]
    await server.ended_job(root)
    path = runs_of(workflow_id, f"/{root}/resume")
    await server.post(path, json={"contextId": "editor", "input": {"ok": True}})
    await server.gate.reached("held")

    status, body = await server.post(path, json={"contextId": "lawyer", "input": {"ok": True}})

    assert (status, body["data"]["queuePosition"]) == (202, 1)
    _, view = await server.get(body["data"]["statusUrl"])
    assert (view["data"]["status"], view["data"]["startedAt"]) == ("queued", None)
    server.gate.open("held")
    assert (await server.ended_job(body["data"]["runId"]))["status"] == "completed"


async def test_a_decision_that_cannot_be_taken_leaves_the_pause(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    root = (await begun(server, workflow_id))["runId"]
    bodies: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"input": {}}, (400, "BAD_REQUEST")),
        ({"contextId": "approve", "submission": {}}, (400, "BAD_REQUEST")),
        ({"contextId": "nobody"}, (404, "NOT_FOUND")),
        ({"contextId": "approve", "input": {"comments": 5}}, (422, "UNPROCESSABLE_ENTITY")),
    ]

    for body, expected in bodies:
        status, answer = await server.post(runs_of(workflow_id, f"/{root}/resume"), json=body)

        assert (status, answer["error"]["code"]) == expected
    _, view = await server.get(runs_of(workflow_id, f"/{root}"))
    assert (view["data"]["status"], view["data"]["paused"]["contextId"]) == ("paused", "approve")
