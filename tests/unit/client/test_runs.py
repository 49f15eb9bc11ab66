"""Synchronous runs and decisions: what their answers become."""

import pytest
from aiohttp import web

from signoff.client import (
    AsyncClient,
    ConflictError,
    ContentChangedError,
    FormError,
    NotAllowedError,
    Winner,
)
from unit.client.conftest import Connect, Recorder, Serve, answering


async def test_a_completed_run_gives_its_output(connect: Connect) -> None:
    body = {"success": True, "executionId": "e", "output": {"n": 1}}

    answer = await (await connect(answering(body))).executions.run("w", {})

    assert (answer.success, answer.output, answer.error, answer.execution_id) == (True, {"n": 1}, None, "e")


async def test_a_failed_run_is_an_answer_and_not_an_error(connect: Connect) -> None:
    client = await connect(answering({"success": False, "executionId": "e", "error": "Pay: no"}, 500))

    answer = await client.executions.run("w", {})

    assert (answer.http_status, answer.success, answer.error) == (500, False, "Pay: no")


@pytest.mark.parametrize("status", [418, 503])
async def test_the_answer_of_a_response_block_is_given_as_it_is_and_asked_for_once(
    connect: Connect, status: int
) -> None:
    server = Recorder((status, {"why": "teapot"}, {"X-Execution-Id": "e"}))

    answer = await (await connect(server)).executions.run("w")

    assert (answer.http_status, answer.output, answer.success) == (status, {"why": "teapot"}, False)
    assert (answer.execution_id, len(server.asked)) == ("e", 1)


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (
            {"status": "queued", "executionId": "r", "queuePosition": 2, "message": ""},
            200,
            ("r", "queued", 2),
        ),
        ({"success": True, "status": "paused", "executionId": "r", "output": {}}, 200, ("r", "paused", None)),
        ({"success": True, "async": True, "jobId": "r", "executionId": "e"}, 202, ("r", "started", None)),
    ],
)
async def test_a_resume_tells_what_became_of_the_decision(
    connect: Connect, body: object, status: int, expected: tuple[str, str, int | None]
) -> None:
    client = await connect(answering(body, status))

    resumed = await client.pauses.resume("w", "e", "c", {"approved": True})

    assert (resumed.run_id, resumed.status, resumed.queue_position) == expected


async def test_a_resume_that_answers_as_a_stream_names_the_run_to_follow(connect: Connect) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Execution-Id": "r"})
        await response.prepare(request)
        return response

    resumed = await (await connect(handler)).pauses.resume("w", "e", "c")

    assert (resumed.run_id, resumed.status) == ("r", "started")


async def test_a_decision_names_the_content_that_its_maker_saw(connect: Connect) -> None:
    point = {
        "contextId": "c", "blockId": "b", "pauseKind": "human", "resumeStatus": "paused",
        "resumeLinks": {"apiUrl": "a", "uiUrl": "u"}, "response": {}, "contentDigest": "seen",
    }  # fmt: skip
    changed = (412, {"error": "The content has changed", "contentDigest": "other"}, {})
    server = Recorder({"pausePoint": point}, changed)
    client = await connect(server)

    seen = await client.pauses.point("w", "e", "c")
    with pytest.raises(ContentChangedError) as caught:
        await client.pauses.resume("w", "e", "c", {}, content_digest=seen.content_digest)

    assert server.headers[1]["If-Match"] == '"seen"'
    assert caught.value.content_digest == "other"


async def test_a_failed_point_is_tried_again_as_it_was_decided(connect: Connect) -> None:
    server = Recorder({"executionId": "r", "status": "started"})

    await (await connect(server)).pauses.resume("w", "e", "c", retry=True)

    assert server.asked == [("POST", "/api/resume/w/e/c?retry=true")]
    assert server.bodies == [{}]


async def test_a_decision_may_come_before_its_pause_point(connect: Connect) -> None:
    held = {"status": "held", "heldId": "h", "expiresAt": "2026-08-02T09:00:00.000000Z"}
    server = Recorder((202, held, {}))

    resumed = await (await connect(server)).pauses.resume(
        "w", "e", "c", {"approved": True}, early=True, hold_seconds=60
    )

    assert server.asked == [("POST", "/api/resume/w/e/c?early=true&expiresInSeconds=60")]
    assert (resumed.status, resumed.run_id, resumed.held_id) == ("held", None, "h")


async def test_one_decision_of_several_says_what_they_have_come_to(connect: Connect) -> None:
    recorded = {
        "status": "recorded", "verdict": "approved", "approvals": 1, "rejections": 0, "required": 2,
        "eventId": 7,
    }  # fmt: skip

    resumed = await (await connect(answering(recorded))).pauses.resume("w", "e", "c", {"approved": True})

    assert (resumed.status, resumed.run_id, resumed.event_id) == ("recorded", None, 7)
    assert (resumed.verdict, resumed.approvals, resumed.required) == ("approved", 1, 2)


async def test_a_misfit_names_its_fields(connect: Connect) -> None:
    misfit = {"error": "It does not fit", "details": [{"path": "amount", "message": "must be a number"}]}

    with pytest.raises(FormError) as caught:
        await (await connect(answering(misfit, 422))).pauses.resume("w", "e", "c", {"amount": "much"})

    assert caught.value.fields == {"amount": "must be a number"}


async def test_whoever_is_too_late_is_told_who_won(connect: Connect) -> None:
    ann = {"type": "user", "id": "u", "name": "Ann"}
    taken = {"error": "Already resumed", "eventId": 6, "resumedBy": ann, "resumedAt": "now"}

    with pytest.raises(ConflictError) as caught:
        await (await connect(answering(taken, 409))).pauses.resume("w", "e", "c", {})

    assert caught.value.winner == Winner(6, ann, "now")


@pytest.mark.parametrize(("status", "code"), [(403, "SELF_APPROVAL"), (401, "CODE_REQUIRED")])
async def test_a_refusal_of_the_person_is_told_from_one_of_their_key(
    connect: Connect, status: int, code: str
) -> None:
    client = await connect(answering({"error": "not you", "code": code}, status))

    with pytest.raises(NotAllowedError) as caught:
        await client.pauses.resume("w", "e", "c", {})

    assert caught.value.code == code
    assert "key" not in str(caught.value)


async def test_a_run_has_a_time_limit_of_its_own(serve: Serve) -> None:
    server = Recorder({"success": True, "executionId": "e", "output": None})

    async with AsyncClient(await serve(server), timeout=0.0001) as client:
        answer = await client.executions.run("w", timeout=5)

    assert answer.success
