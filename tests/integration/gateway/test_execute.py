import asyncio
import io
import json

import pytest

from signoff.events.times import from_iso
from signoff.gateway.gateway import GATEWAY
from support.gateways import APPROVAL, KEY, Server, serving, settings
from support.growing_logs import until

FAILING = {"bad": {"type": "function", "code": "throw new Error('broken')"}}
FIELDS = {"say": {"type": "variables", "set": {"got": "<start.amount>"}}}


async def test_a_synchronous_call_answers_with_the_output(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS, input={"amount": "number"})

    body = await server.execute(workflow_id, json={"amount": "5"})

    assert (body["success"], body["output"]) == (True, {"got": 5})
    assert set(body) == {"success", "executionId", "output", "metadata"}
    assert set(body["metadata"]) == {"duration", "startTime", "endTime"}


async def test_the_body_less_the_fields_that_are_ours_is_the_input(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)

    body = await server.execute(workflow_id, json={"amount": 5, "triggerType": "webhook"})

    started = (await server.events(body["executionId"]))[0]["data"]
    assert (started["input"], started["trigger"]) == ({"amount": 5}, "webhook")


async def test_an_input_field_is_the_input_alone(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)

    body = await server.execute(workflow_id, json={"input": {"amount": 1}, "other": 2})

    assert (await server.events(body["executionId"]))[0]["data"]["input"] == {"amount": 1}


async def test_a_call_without_a_body_has_an_empty_input(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)

    assert (await server.execute(workflow_id))["output"] == {"got": None}


async def test_a_response_block_answers_without_an_envelope(server: Server) -> None:
    workflow_id = await server.deploy(
        {"say": {"type": "response", "data": {"a": 1}, "status": 201, "headers": {"X-A": "b"}}}
    )

    async with server.client.post(
        f"/api/workflows/{workflow_id}/execute", headers={"X-API-Key": KEY}
    ) as response:
        assert (response.status, await response.json(), response.headers["X-A"]) == (201, {"a": 1}, "b")


async def test_a_failed_block_is_500_with_its_error(server: Server) -> None:
    workflow_id = await server.deploy(FAILING)

    status, body = await server.post(f"/api/workflows/{workflow_id}/execute")

    assert (status, body["success"]) == (500, False)
    assert "broken" in body["error"]


async def test_an_asynchronous_run_may_ask_for_its_own_time_limit(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)
    headers = {"X-Execution-Mode": "async", "X-Execution-Timeout-Seconds": "7"}

    _, body = await server.post(f"/api/workflows/{workflow_id}/execute", headers=headers)

    started = (await server.events(body["executionId"]))[0]["data"]
    assert started["mode"] == "async"
    assert from_iso(started["timeoutAt"]) - from_iso(started["startTime"]) == pytest.approx(7.0)


async def test_a_synchronous_run_over_its_time_is_408() -> None:
    async with serving(settings(sync_timeout=0.2)) as server:
        workflow_id = await server.deploy({"late": {"type": "wait", "for": "1h"}})

        status, body = await server.post(f"/api/workflows/{workflow_id}/execute")

        assert (status, body["success"]) == (408, False)
        assert body["error"].startswith("Execution timed out after")


async def test_a_pause_answers_with_what_it_shows_and_where_to_resume(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)

    body = await server.execute(workflow_id, json={"amount": 7})

    data = body["output"]["data"]
    assert (body["success"], data["operation"], data["submission"]) == (True, "human", None)
    assert data["responseStructure"] == [{"name": "Amount", "type": "number", "value": 7}]
    assert data["_resume"]["apiUrl"] == f"/api/resume/{workflow_id}/{body['executionId']}/approve"


async def test_an_asynchronous_call_answers_at_once_and_its_job_can_be_asked_for(server: Server) -> None:
    workflow_id = await server.deploy({"hold": {"type": "hold", "with": {"name": "asynchronous"}}})

    status, body = await server.post(
        f"/api/workflows/{workflow_id}/execute", headers={"X-Execution-Mode": "async"}
    )
    _, during = await server.get(body["statusUrl"])
    server.gate.open("asynchronous")
    after = await server.ended_job(body["jobId"])

    assert (status, body["async"], body["message"]) == (202, True, "Workflow execution queued")
    assert (during["status"], after["status"], after["output"]) == (
        "processing",
        "completed",
        {"result": "asynchronous"},
    )


# Ids and keys ---------------------------------------------------------------------------------------


async def test_a_client_chosen_id_names_the_execution_everywhere(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)

    body = await server.execute(workflow_id, headers={"X-Execution-Id": "order:7.a-B_c"})

    assert body["executionId"] == "order:7.a-B_c"
    _, view = await server.get(f"/api/workflows/{workflow_id}/executions/order:7.a-B_c")
    assert view["executionId"] == "order:7.a-B_c"
    assert (await server.get("/api/jobs/order:7.a-B_c"))[1]["status"] == "completed"
    assert body["output"]["data"]["_resume"]["executionId"] == "order:7.a-B_c"


async def test_a_client_chosen_id_is_taken_once(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)
    headers = {"X-Execution-Id": "only-once"}
    await server.execute(workflow_id, headers=headers)

    status, body = await server.post(f"/api/workflows/{workflow_id}/execute", headers=headers)

    assert (status, body) == (
        409,
        {
            "error": "Execution ID has already been used",
            "code": "EXECUTION_ID_CONFLICT",
            "executionId": "only-once",
        },
    )


async def test_an_id_that_was_made_here_can_be_chosen_no_more(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    execution_id = (await server.execute(workflow_id))["executionId"]
    resume = f"/api/resume/{workflow_id}/{execution_id}/approve"
    _, resumed = await server.post(resume, json={"approved": True})

    for used in (execution_id, execution_id.upper(), resumed["executionId"]):
        headers = {"X-Execution-Id": used}
        status, body = await server.post(f"/api/workflows/{workflow_id}/execute", headers=headers)
        assert (status, body.get("code"), body.get("executionId")) == (409, "EXECUTION_ID_CONFLICT", used)


async def test_a_retry_with_the_same_key_gets_the_first_answer_and_runs_once(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)
    given = {"json": {"amount": 1}, "headers": {"Idempotency-Key": "retry"}}

    answers = [await server.execute(workflow_id, **given) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert (
        sum(event["type"] == "execution:started" for event in await server.events(answers[0]["executionId"]))
        == 1
    )


async def test_a_retry_while_the_first_still_runs_waits_for_the_same_end(server: Server) -> None:
    workflow_id = await server.deploy({"hold": {"type": "hold", "with": {"name": "retried"}}})
    given = {"headers": {"Idempotency-Key": "both"}}
    first = asyncio.create_task(server.execute(workflow_id, **given))
    await server.gate.reached("retried")
    second = asyncio.create_task(server.execute(workflow_id, **given))
    await until(lambda: len(server.client.app[GATEWAY].waiting) == 2)

    server.gate.open("retried")

    assert await first == await second


async def test_a_key_used_with_another_body_is_refused(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)
    headers = {"Idempotency-Key": "other body"}
    await server.execute(workflow_id, json={"amount": 1}, headers=headers)

    status, _ = await server.post(
        f"/api/workflows/{workflow_id}/execute", json={"amount": 2}, headers=headers
    )

    assert status == 409


# Bad requests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"stream": "yes"}, "stream"),
        ({"selectedOutputs": "a"}, "selectedOutputs"),
        ({"triggerType": "magic"}, "triggerType"),
        ({"base64MaxBytes": "x"}, "base64MaxBytes"),
        ({"stopAfterBlockId": "nobody"}, "stopAfterBlockId"),
        ({"selectedOutputs": ["nobody.x"]}, "selectedOutputs[0]"),
        ({"runFromBlock": {"startBlockId": "say"}}, "runFromBlock.executionId"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_recorded(server: Server, body: object, path: str) -> None:
    workflow_id = await server.deploy(FIELDS)
    before = await server.store.last_position()

    status, answer = await server.post(f"/api/workflows/{workflow_id}/execute", json=body)

    assert (status, [each["path"] for each in answer["details"]]) == (400, [path])
    assert await server.store.last_position() == before


@pytest.mark.parametrize("text", ["[1]", '"text"', "5", "{", '{"a": NaN}', "[" * 2_000 + "]" * 2_000])
async def test_a_body_that_is_no_plain_object_is_400(server: Server, text: str) -> None:
    workflow_id = await server.deploy(FIELDS)

    status, body = await server.post(f"/api/workflows/{workflow_id}/execute", data=text)

    assert status == 400
    assert body["error"]


async def test_a_body_of_eleven_mebibytes_is_413(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)

    status, body = await server.post(
        f"/api/workflows/{workflow_id}/execute", data=io.BytesIO(b" " * (11 * 1024 * 1024))
    )

    assert (status, "error" in body) == (413, True)


async def test_stopping_after_a_block_gives_its_output(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)

    body = await server.execute(workflow_id, json={"amount": 3, "stopAfterBlockId": "start"})

    assert body["output"] == {"amount": 3}


# Large values ---------------------------------------------------------------------------------------


async def test_a_large_value_goes_in_and_comes_out_whole(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)
    large = "x" * 700_000

    body = await server.execute(workflow_id, json={"amount": large})

    assert body["output"]["got"] == large
    events = await server.events(body["executionId"])
    reference = events[0]["data"]["input"]["amount"]
    assert reference["$blob"].startswith("sha256:")
    path = f"/api/executions/{body['executionId']}/blobs/{reference['$blob'].removeprefix('sha256:')}"
    assert await server.get(path) == (200, large)


async def test_a_users_own_dollar_fields_are_no_references(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)
    forged = {"$blob": "sha256:" + "0" * 64, "size": 1, "mediaType": "application/json"}

    body = await server.execute(workflow_id, json={"amount": forged})

    assert body["output"]["got"] == forged
    path = f"/api/executions/{body['executionId']}/blobs/{'0' * 64}"
    assert await server.get(path) == (404, {"error": "Value not found"})


# Streams --------------------------------------------------------------------------------------------


async def test_a_streamed_run_sends_selected_outputs_then_its_end(server: Server) -> None:
    workflow_id = await server.deploy(FIELDS)

    lines = await server.lines(
        f"/api/workflows/{workflow_id}/execute",
        json={"amount": [1, 2], "stream": True, "selectedOutputs": ["say.got", "start.amount"]},
    )

    chunks = [json.loads(line) for line in lines]
    assert chunks[:2] == [{"blockId": "start", "chunk": "[1,2]"}, {"blockId": "say", "chunk": "[1,2]"}]
    assert chunks[2] == {"event": "final", "data": {"success": True, "output": {"got": [1, 2]}}}
    assert lines[3:] == ['"[DONE]"']


async def test_a_streamed_run_that_fails_says_so(server: Server) -> None:
    workflow_id = await server.deploy(FAILING)

    lines = await server.lines(f"/api/workflows/{workflow_id}/execute", json={"stream": True})

    final = json.loads(lines[0])["data"]
    assert (final["success"], final["status"], "broken" in final["error"]) == (False, "failed", True)


async def test_a_streamed_run_that_pauses_ends_with_what_it_shows(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)

    lines = await server.lines(f"/api/workflows/{workflow_id}/execute", json={"stream": True})

    final = json.loads(lines[0])["data"]
    assert (final["status"], final["output"]["data"]["operation"]) == ("paused", "human")


async def test_a_reader_that_goes_away_cancels_nothing(server: Server) -> None:
    workflow_id = await server.deploy({"hold": {"type": "hold", "with": {"name": "left"}}})
    headers = {"X-API-Key": KEY, "X-Stream-Response": "true"}
    async with server.client.post(f"/api/workflows/{workflow_id}/execute", headers=headers) as response:
        execution_id = response.headers["X-Execution-Id"]
        await server.gate.reached("left")
        response.close()

    server.gate.open("left")

    assert (await server.ended_job(execution_id))["status"] == "completed"
