import asyncio
import json
from typing import Any

import pytest

from support.gateways import APPROVAL, KEY, Server

TWO = {
    "both": {"type": "variables", "set": {}, "then": ["editor", "lawyer"]},
    "editor": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "hold"},
    "lawyer": {"type": "human_in_the_loop", "form": {"ok": "boolean"}},
    "hold": {"type": "hold", "with": {"name": "held"}},
}
"""Two points; what follows the first one takes as long as the test wants."""


async def paused(server: Server, blocks: dict[str, Any] = APPROVAL, **given: Any) -> str:
    """Run a new workflow to its pause; gives the path that resumes it."""
    workflow_id = await server.deploy(blocks)
    body = await server.execute(workflow_id, **given)
    return f"/api/resume/{workflow_id}/{body['executionId']}"


async def test_a_decision_runs_what_follows_and_answers_with_its_end(server: Server) -> None:
    path = await paused(server)

    status, body = await server.post(f"{path}/approve", json={"approved": True, "comments": "fine"})

    assert status == 200
    assert (body["success"], body["status"], body["output"], body["error"]) == (
        True,
        "completed",
        {"approved": True},
        None,
    )
    assert body["executionId"] != path.rsplit("/", 1)[1]


@pytest.mark.parametrize(
    "body",
    [{"input": {"approved": "true"}}, {"submission": {"approved": True}}, {"input": '{"approved": true}'}],
)
async def test_a_decision_may_be_wrapped(server: Server, body: dict[str, Any]) -> None:
    path = await paused(server)

    assert (await server.post(f"{path}/approve", json=body))[1]["output"] == {"approved": True}


async def test_an_input_of_null_counts_as_left_out(server: Server) -> None:
    path = await paused(server)

    _, body = await server.post(f"{path}/approve", json={"input": None, "approved": True})

    assert body["output"] == {"approved": True}


async def test_an_input_that_does_not_fit_the_form_is_422_by_field_and_leaves_the_pause(
    server: Server,
) -> None:
    path = await paused(server)

    status, body = await server.post(f"{path}/approve", json={"comments": 5})

    assert (status, [each["path"] for each in body["details"]]) == (422, ["approved"])
    assert (await server.post(f"{path}/approve", json={"approved": False}))[0] == 200


async def test_a_point_is_decided_once_and_the_loser_learns_who_won(server: Server) -> None:
    path = await paused(server)

    answers = await asyncio.gather(
        *(server.post(f"{path}/approve", json={"approved": True}) for _ in range(5))
    )

    losers = [body for status, body in answers if status == 409]
    assert len(losers) == 4
    assert {each["error"] for each in losers} == {"Pause point already resumed or in progress"}
    assert all(each["resumedBy"]["id"] == "bootstrap" and each["eventId"] for each in losers)


async def test_a_retry_with_the_same_key_gets_the_first_answer(server: Server) -> None:
    path = await paused(server)
    given = {"json": {"approved": True}, "headers": {"Idempotency-Key": "decide"}}

    answers = [await server.post(f"{path}/approve", **given) for _ in range(3)]

    assert answers[0][0] == 200
    assert answers[0] == answers[1] == answers[2]


async def test_a_key_used_with_another_decision_is_refused(server: Server) -> None:
    path = await paused(server)
    headers = {"Idempotency-Key": "decide"}
    await server.post(f"{path}/approve", json={"approved": True}, headers=headers)

    assert (await server.post(f"{path}/approve", json={"approved": False}, headers=headers))[0] == 409


async def test_a_decision_on_other_content_than_is_current_is_412_with_the_current_digest(
    server: Server,
) -> None:
    path = await paused(server)
    async with server.client.get(f"{path}/approve", headers={"X-API-Key": KEY}) as response:
        tag = response.headers["ETag"]

    status, body = await server.post(
        f"{path}/approve", json={"approved": True}, headers={"If-Match": '"sha256:stale"'}
    )
    after, _ = await server.post(f"{path}/approve", json={"approved": True}, headers={"If-Match": tag})

    assert (status, f'"{body["contentDigest"]}"', after) == (412, tag, 200)


async def test_what_is_not_there_is_404_in_the_contracts_words(server: Server) -> None:
    path = await paused(server)
    workflow_id, execution_id = path.split("/")[3:]
    unknown = (404, {"error": "Paused execution not found or already resumed"})

    assert await server.post(f"/api/resume/{workflow_id}/nobody/approve", json={}) == unknown
    assert await server.post(f"/api/resume/other/{execution_id}/approve", json={}) == unknown
    assert await server.post(f"{path}/nowhere", json={}) == (
        404,
        {"error": "Pause point not found for execution"},
    )


async def test_a_decision_on_a_cancelled_execution_is_refused(server: Server) -> None:
    path = await paused(server)
    workflow_id, execution_id = path.split("/")[3:]
    await server.post(f"/api/workflows/{workflow_id}/executions/{execution_id}/cancel")

    assert await server.post(f"{path}/approve", json={"approved": True}) == (
        409,
        {"error": "Paused execution is not resumable"},
    )


async def test_a_decision_while_another_runs_is_queued_and_runs_after_it(server: Server) -> None:
    path = await paused(server, TWO)
    first = asyncio.create_task(server.post(f"{path}/editor", json={"ok": True}))
    await server.gate.reached("held")

    given = {"json": {"ok": True}, "headers": {"Idempotency-Key": "lawyer"}}
    status, queued = await server.post(f"{path}/lawyer", **given)
    again = await server.post(f"{path}/lawyer", **given)
    _, pending = await server.get(f"/api/jobs/{queued['executionId']}")
    _, point = await server.get(f"{path}/lawyer")
    server.gate.open("held")
    await first

    assert (status, queued["status"], queued["queuePosition"]) == (200, "queued", 1)
    assert again == (200, queued)
    assert pending["status"] == "pending"
    assert (point["pausePoint"]["resumeStatus"], point["pausePoint"]["queuePosition"]) == ("queued", 1)
    assert (await server.ended_job(queued["executionId"]))["status"] == "completed"


async def test_a_run_that_leaves_other_points_open_answers_paused_with_those(server: Server) -> None:
    path = await paused(server, TWO)

    _, body = await server.post(f"{path}/lawyer", json={"ok": True})

    assert (body["success"], body["status"]) == (True, "paused")
    assert body["output"]["data"]["_resume"]["contextId"] == "editor"


async def test_a_resumed_run_that_fails_answers_200_without_success(server: Server) -> None:
    blocks = {
        "ask": {"type": "human_in_the_loop", "then": "bad"},
        "bad": {"type": "function", "code": "throw new Error('broken')"},
    }
    path = await paused(server, blocks)

    status, body = await server.post(f"{path}/ask", json={})

    assert (status, body["success"], body["status"]) == (200, False, "failed")
    assert "broken" in body["error"]


async def test_an_execution_begun_asynchronously_is_resumed_so(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    _, begun = await server.post(
        f"/api/workflows/{workflow_id}/execute", headers={"X-Execution-Mode": "async"}
    )
    await server.ended_job(begun["jobId"])

    status, body = await server.post(
        f"/api/resume/{workflow_id}/{begun['executionId']}/approve", json={"approved": True}
    )

    assert (status, body["message"], body["jobId"]) == (202, "Resume execution queued", body["executionId"])
    assert (await server.ended_job(body["jobId"]))["output"] == {"approved": True}


async def test_an_execution_begun_as_a_stream_is_resumed_as_one(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    lines = await server.lines(f"/api/workflows/{workflow_id}/execute", json={"stream": True})
    resume = json.loads(lines[0])["data"]["output"]["data"]["_resume"]["apiUrl"]

    lines = await server.lines(resume, json={"approved": True})

    assert json.loads(lines[0]) == {"event": "final", "data": {"success": True, "output": {"approved": True}}}
    assert lines[1:] == ['"[DONE]"']


async def test_an_input_nested_too_deep_inside_a_text_is_400(server: Server) -> None:
    path = await paused(server)

    assert (await server.post(f"{path}/approve", json={"input": "[" * 200 + "]" * 200}))[0] == 400


async def test_json_inside_a_text_keeps_its_dollar_fields(server: Server) -> None:
    blocks = {
        "ask": {"type": "human_in_the_loop", "form": {"note": "string"}, "then": "done"},
        "done": {"type": "variables", "set": {"got": "<ask.resumeInput>"}},
    }
    workflow_id = await server.deploy(blocks)
    execution_id = (await server.execute(workflow_id))["executionId"]

    _, body = await server.post(
        f"/api/resume/{workflow_id}/{execution_id}/ask", json='{"$ref": {"$blob": 1}}'
    )

    assert body["output"]["got"] == {"$ref": {"$blob": 1}}
