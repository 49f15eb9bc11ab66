"""What the client makes of answers and refusals."""

import pytest
from aiohttp import web

from signoff.client import (
    BadAnswerError,
    Client,
    Detail,
    FromBlock,
    RefusedError,
    UnavailableError,
    UnreachableError,
)
from unit.client.conftest import Connect


def answering(body: object, status: int = 200, **headers: str) -> object:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response(
            body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return handler


async def test_ids_are_escaped_and_the_key_is_sent(connect: Connect) -> None:
    seen: list[web.Request] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"executionId": "e", "reason": "recorded"})

    client = await connect(serve)
    cancelled = await client.cancel("a/b", "e₍0₎")

    assert cancelled.reason == "recorded"
    assert seen[0].raw_path == "/api/workflows/a%2Fb/executions/e%E2%82%8D0%E2%82%8E/cancel"
    assert seen[0].headers["X-API-Key"] == "sk-test"


async def test_a_rollback_names_the_version_and_gives_the_one_that_is_active(connect: Connect) -> None:
    seen: list[tuple[str, object]] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append((request.path, await request.json()))
        return web.json_response({"workflowId": "w", "version": 1, "digest": "d", "deployedAt": "now"})

    active = await (await connect(serve)).rollback("w", 1)

    assert active.version == 1
    assert seen == [("/api/workflows/w/rollback", {"version": 1})]


async def test_a_start_asks_for_an_asynchronous_run_with_its_idempotency_key(connect: Connect) -> None:
    seen: list[tuple[str | None, str | None, object]] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append(
            (
                request.headers.get("X-Execution-Mode"),
                request.headers.get("Idempotency-Key"),
                await request.json(),
            )
        )
        return web.json_response(
            {"success": True, "async": True, "jobId": "e", "executionId": "e", "statusUrl": "/api/jobs/e"},
            status=202,
        )

    started = await (await connect(serve)).start("w", {"n": 1}, idempotency_key="k")

    assert started.execution_id == "e"
    assert seen == [("async", "k", {"input": {"n": 1}})]


async def test_a_start_from_a_block_names_it_and_leaves_the_input_to_the_source(connect: Connect) -> None:
    bodies: list[object] = []

    async def serve(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({"jobId": "e", "executionId": "e", "statusUrl": "/api/jobs/e"}, status=202)

    client = await connect(serve)
    await client.start("w", from_block=FromBlock(start_block_id="pay"), stop_after="pay")

    from_pay = {"startBlockId": "pay", "executionId": "latest"}
    assert bodies == [{"runFromBlock": from_pay, "stopAfterBlockId": "pay"}]


async def test_a_retry_gives_the_run_that_it_began(connect: Connect) -> None:
    seen: list[tuple[str, object]] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append((request.path, await request.json()))
        return web.json_response({"executionId": "e", "runId": "r", "statusUrl": "/api/jobs/r"}, status=202)

    retried = await (await connect(serve)).retry("e", reason="mended")

    assert (retried.execution_id, retried.run_id) == ("e", "r")
    assert seen == [("/api/executions/e/retry", {"reason": "mended"})]


async def test_every_fault_of_a_definition_is_in_the_refusal(connect: Connect) -> None:
    fault = {"path": "blocks.a.then", "message": "there is no block b", "hint": 'did you mean "c"?'}
    client = await connect(answering({"error": "The definition has faults", "details": [fault]}, 422))

    with pytest.raises(RefusedError) as caught:
        await client.deploy("w", b"{}")

    assert caught.value.details == (Detail("blocks.a.then", "there is no block b", 'did you mean "c"?'),)


async def test_an_unavailable_server_says_when_to_try_again_and_whether_it_may_have_recorded(
    connect: Connect,
) -> None:
    body = {"error": "No answer", "outcome": "unknown", "executionId": "e"}
    client = await connect(answering(body, 503, Retry_After="7"))

    with pytest.raises(UnavailableError) as caught:
        await client.start("w")

    assert (caught.value.retry_after, caught.value.unknown, caught.value.execution_id) == (7.0, True, "e")


async def test_a_failed_run_is_an_answer_and_not_an_error(connect: Connect) -> None:
    client = await connect(answering({"success": False, "executionId": "e", "error": "Pay: no"}, 500))

    answer = await client.execute("w", {})

    assert (answer.http_status, answer.execution_id, answer.body["error"]) == (500, "e", "Pay: no")


async def test_the_answer_of_a_response_block_is_given_as_it_is(connect: Connect) -> None:
    client = await connect(answering({"why": "teapot"}, 418, X_Execution_Id="e"))

    answer = await client.execute("w")

    assert (answer.http_status, answer.body, answer.execution_id) == (418, {"why": "teapot"}, "e")


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
    resumed = await (await connect(answering(body, status))).resume("w", "e", "c", {"approved": True})

    assert (resumed.run_id, resumed.status, resumed.queue_position) == expected


async def test_a_resume_that_answers_as_a_stream_names_the_run_to_follow(connect: Connect) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Execution-Id": "r"})
        await response.prepare(request)
        return response

    resumed = await (await connect(serve)).resume("w", "e", "c")

    assert (resumed.run_id, resumed.status) == ("r", "started")


async def test_an_answer_of_another_server_is_told_from_signoffs(connect: Connect) -> None:
    async def serve(_: web.Request) -> web.Response:
        return web.Response(text="<h1>It works!</h1>", content_type="text/html")

    client = await connect(serve)
    with pytest.raises(BadAnswerError, match="is the URL that of a Signoff server"):
        await client.status("w", "e")


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1/", "http://127.0.0.1:1"])
async def test_a_url_that_leads_nowhere_is_named(url: str) -> None:
    async with Client(url) as client:
        with pytest.raises(UnreachableError, match=url):
            await client.status("w", "e")
