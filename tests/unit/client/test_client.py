"""What the client sends, and what it makes of answers and refusals."""

import pytest
from aiohttp import web

from signoff.client import (
    AsyncClient,
    AuthenticationError,
    BadAnswerError,
    ConfigurationError,
    ConflictError,
    ContentChangedError,
    Detail,
    FromBlock,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RefusedError,
    ServerError,
    UnavailableError,
    UnreachableError,
)
from unit.client.conftest import Connect, Recorder, Serve, answering

DEPLOYED = {"workflowId": "w", "version": 1, "digest": "d", "deployedAt": "now"}
STARTED = (202, {"executionId": "e", "jobId": "e", "statusUrl": "/api/jobs/e"}, {})


async def test_ids_are_escaped_and_the_key_is_sent(connect: Connect) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"executionId": "e", "reason": "recorded"})

    client = await connect(handler)
    cancelled = await client.executions.handle("e₍0₎", workflow_id="a/b").cancel()

    assert cancelled.reason == "recorded"
    assert seen[0].raw_path == "/api/workflows/a%2Fb/executions/e%E2%82%8D0%E2%82%8E/cancel"
    assert seen[0].headers["X-API-Key"] == "sk-test"


@pytest.mark.parametrize("nothing", ["", ".", ".."])
async def test_what_names_nothing_leads_to_no_other_route(connect: Connect, nothing: str) -> None:
    server = Recorder({})
    client = await connect(server)

    with pytest.raises(ConfigurationError, match="is no id and no name"):
        await client.users.keys(nothing).create("a key", roles=["read"])
    with pytest.raises(ConfigurationError, match="is no id and no name"):
        await client.executions.handle(nothing, workflow_id="w").cancel()

    assert server.asked == []


async def test_a_header_that_cannot_be_one_is_named_and_its_value_is_not_shown(connect: Connect) -> None:
    client = await connect(Recorder(STARTED))

    async with AsyncClient("http://127.0.0.1:1", "sk-secret\n") as other:
        with pytest.raises(ConfigurationError, match="X-API-Key holds a line break") as caught:
            await other.workflows.status("w")
    with pytest.raises(ConfigurationError, match="Idempotency-Key holds a line break"):
        await client.executions.start("w", idempotency_key="a\r\nX-API-Key: another")

    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("used", [True, False])
async def test_a_closed_async_client_says_so(connect: Connect, used: bool) -> None:
    client = await connect(Recorder({"isDeployed": True}))
    if used:
        await client.workflows.status("w")
    await client.close()

    with pytest.raises(ConfigurationError, match="the client is closed: make another one"):
        await client.workflows.status("w")


async def test_the_environment_says_where_the_server_is_and_who_asks(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Recorder({"isDeployed": True})
    monkeypatch.setenv("SIGNOFF_URL", await serve(server))
    monkeypatch.setenv("SIGNOFF_API_KEY", "sk-environment")

    async with AsyncClient(workspace="ws", headers={"X-Team": "red"}) as client:
        status = await client.workflows.status("w")

    assert status.is_deployed
    sent = server.headers[0]
    assert (sent["X-API-Key"], sent["X-Workspace-Id"], sent["X-Team"]) == ("sk-environment", "ws", "red")


async def test_a_key_is_shown_in_no_text_of_the_client() -> None:
    async with AsyncClient("http://127.0.0.1:1", "sk-secret") as client:
        assert "sk-secret" not in repr(client)


async def test_a_key_is_not_sent_along_a_redirect(connect: Connect, serve: Serve) -> None:
    elsewhere = Recorder({})
    url = await serve(elsewhere)
    client = await connect(answering({}, 302, Location=f"{url}/login"))

    with pytest.raises(BadAnswerError, match=r"a redirect to .*: give the URL that it leads to"):
        await client.workflows.status("w")

    assert elsewhere.asked == []


async def test_a_start_asks_for_an_asynchronous_run_with_its_idempotency_key(connect: Connect) -> None:
    server = Recorder(STARTED)

    execution = await (await connect(server)).executions.start(
        "w", {"n": 1}, execution_id="mine", timeout_seconds=60, idempotency_key="k"
    )

    assert (execution.id, execution.workflow_id, execution.status_url) == ("e", "w", "/api/jobs/e")
    assert server.bodies == [{"input": {"n": 1}}]
    sent = server.headers[0]
    assert (sent["X-Execution-Mode"], sent["Idempotency-Key"]) == ("async", "k")
    assert (sent["X-Execution-Id"], sent["X-Execution-Timeout-Seconds"]) == ("mine", "60")


async def test_a_start_from_a_block_names_it_and_leaves_the_input_to_the_source(connect: Connect) -> None:
    server = Recorder(STARTED)

    client = await connect(server)
    await client.executions.start("w", from_block=FromBlock(start_block_id="pay"), stop_after="pay")

    from_pay = {"startBlockId": "pay", "executionId": "latest"}
    assert server.bodies == [{"runFromBlock": from_pay, "stopAfterBlockId": "pay"}]


async def test_every_fault_of_a_definition_is_in_the_refusal_and_in_its_text(connect: Connect) -> None:
    fault = {"path": "blocks.a.then", "message": "there is no block b", "hint": 'did you mean "c"?'}
    client = await connect(answering({"error": "The definition has faults", "details": [fault]}, 422))

    with pytest.raises(InvalidRequestError) as caught:
        await client.workflows.deploy("w", "blocks: {}")

    assert caught.value.details == (Detail("blocks.a.then", "there is no block b", 'did you mean "c"?'),)
    assert str(caught.value) == (
        "The definition has faults (PUT /api/workflows/w was answered with 422)\n"
        '  blocks.a.then: there is no block b (did you mean "c"?)'
    )


async def test_a_refusal_of_v2_is_read_like_one_of_v1(connect: Connect) -> None:
    body = {"error": {"code": "RUN_ID_CONFLICT", "message": "used before", "details": [{"path": "x"}]}}
    client = await connect(answering(body, 409))

    with pytest.raises(ConflictError) as caught:
        await client.usage()

    assert (caught.value.code, caught.value.message) == ("RUN_ID_CONFLICT", "used before")
    assert caught.value.details == (Detail("x"),)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (412, ContentChangedError),
        (413, InvalidRequestError),
        (418, RefusedError),
        (422, InvalidRequestError),
        (429, RateLimitedError),
        (500, ServerError),
        (503, UnavailableError),
    ],
)
async def test_each_status_has_its_error(serve: Serve, status: int, kind: type[RefusedError]) -> None:
    url = await serve(answering({"error": "no", "eventId": 7}, status))

    async with AsyncClient(url, max_retries=0) as client:
        with pytest.raises(RefusedError) as caught:
            await client.usage()

    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.message, caught.value.body["eventId"]) == (status, "no", 7)
    assert str(caught.value.request) == "GET /api/users/me/usage-limits"


async def test_an_unavailable_server_says_when_to_try_again_and_whether_it_may_have_recorded(
    serve: Serve,
) -> None:
    body = {"error": "No answer", "outcome": "unknown", "executionId": "e"}
    url = await serve(answering(body, 503, Retry_After="7"))

    async with AsyncClient(url, timeout=3) as client:
        with pytest.raises(UnavailableError) as caught:
            await client.executions.start("w")

    assert (caught.value.retry_after, caught.value.unknown, caught.value.execution_id) == (7.0, True, "e")


async def test_an_answer_of_another_server_is_told_from_signoffs(connect: Connect) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="<h1>It works!</h1>", content_type="text/html")

    client = await connect(handler)
    with pytest.raises(BadAnswerError, match="is the URL that of a Signoff server"):
        await client.workflows.status("w")


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1/", "http://"])
def test_a_url_that_is_none_of_http_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{url}' is not a URL"):
        AsyncClient(url)


async def test_a_url_where_nobody_listens_is_named() -> None:
    async with AsyncClient("http://127.0.0.1:1", max_retries=0) as client:
        with pytest.raises(UnreachableError, match=r"no server answers at http://127\.0\.0\.1:1"):
            await client.usage()
