"""When a request is sent again, and when not."""

import asyncio

import pytest
from aiohttp import web

from signoff.client import (
    AsyncClient,
    InvalidRequestError,
    RateLimitedError,
    Request,
    TimedOutError,
    UnavailableError,
    UnreachableError,
)
from signoff.client.refusals import refusal
from signoff.client.retries import LONGEST_PAUSE, Retries, pause_after
from unit.client.conftest import Recorder, Serve

STARTED = (202, {"executionId": "e", "jobId": "e", "statusUrl": "/api/jobs/e"}, {})
NOW = {"Retry-After": "0"}


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_is_refused_for_now_is_asked_again_under_the_same_key(serve: Serve, status: int) -> None:
    server = Recorder((status, {"error": "later"}, NOW), STARTED)

    async with AsyncClient(await serve(server)) as client:
        execution = await client.executions.start("w", {"n": 1})

    keys = [headers["Idempotency-Key"] for headers in server.headers]
    assert execution.id == "e"
    assert (len(keys), len(set(keys))) == (2, 1)
    assert server.bodies == [{"input": {"n": 1}}] * 2


async def test_two_calls_have_two_keys_and_reads_have_none(serve: Serve) -> None:
    server = Recorder(STARTED, STARTED, {"isDeployed": True})

    async with AsyncClient(await serve(server)) as client:
        await client.executions.start("w")
        await client.executions.start("w")
        await client.workflows.status("w")

    first, second, read = (headers.get("Idempotency-Key") for headers in server.headers)
    assert first != second
    assert read is None


async def test_an_outcome_that_is_unknown_is_asked_for_under_the_same_key(serve: Serve) -> None:
    unknown = (503, {"error": "?", "outcome": "unknown", "executionId": "e"}, NOW)
    server = Recorder(unknown, STARTED)

    async with AsyncClient(await serve(server)) as client:
        assert (await client.executions.start("w", idempotency_key="k")).id == "e"

    assert [headers["Idempotency-Key"] for headers in server.headers] == ["k", "k"]


async def test_a_connection_that_breaks_off_is_made_again(serve: Serve) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"isDeployed": True})

    async with AsyncClient(await serve(handler)) as client:
        assert (await client.workflows.status("w")).is_deployed

    assert asked == 2


async def test_what_is_refused_for_good_is_asked_once(serve: Serve) -> None:
    server = Recorder((422, {"error": "no"}, {}))

    async with AsyncClient(await serve(server)) as client:
        with pytest.raises(InvalidRequestError):
            await client.executions.start("w")

    assert len(server.asked) == 1


async def test_retries_end_after_their_number(serve: Serve) -> None:
    server = Recorder((503, {"error": "away"}, NOW))

    async with AsyncClient(await serve(server), max_retries=1) as client:
        with pytest.raises(UnavailableError, match="away"):
            await client.workflows.status("w")

    assert len(server.asked) == 2


async def test_a_pause_that_is_longer_than_the_time_left_is_not_begun(serve: Serve) -> None:
    server = Recorder((429, {"error": "too often"}, {"Retry-After": "60"}))

    async with AsyncClient(await serve(server), timeout=5) as client:
        async with asyncio.timeout(2):
            with pytest.raises(RateLimitedError) as caught:
                await client.workflows.status("w")

    assert caught.value.retry_after == 60
    assert len(server.asked) == 1


async def test_a_server_that_never_answers_is_given_up_in_time(serve: Serve) -> None:
    released = asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with AsyncClient(await serve(handler), timeout=0.2) as client:
        with pytest.raises(TimedOutError, match=r"no answer to GET /api/workflows/w/status within 0\.2 s"):
            await client.workflows.status("w")
    released.set()


@pytest.mark.parametrize("timeout", [0, -1])
async def test_no_time_is_a_limit_too(serve: Serve, timeout: float) -> None:  # noqa: ASYNC109 - of the client
    released = asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with AsyncClient(await serve(handler), timeout=timeout) as client, asyncio.timeout(5):
        with pytest.raises(TimedOutError):
            await client.workflows.status("w")
        with pytest.raises(TimedOutError):
            await client.executions.run("w", timeout=timeout)
    released.set()


def test_the_back_off_grows_to_a_bound_and_is_spread() -> None:
    error = UnreachableError("away")
    pauses = [[pause_after(failures, error) for _ in range(50)] for failures in range(1, 12)]

    assert all(0.125 <= pause <= 0.25 for pause in pauses[0])
    assert max(max(each) for each in pauses) <= LONGEST_PAUSE
    assert min(pauses[-1]) >= LONGEST_PAUSE / 2
    assert len(set(pauses[-1])) > 1


def test_what_the_server_asks_for_is_waited_at_least() -> None:
    assert pause_after(1, UnavailableError(503, "away", retry_after=3.0)) == 3.0


def test_after_the_last_try_there_is_no_pause() -> None:
    assert Retries(2).pause(3, UnreachableError("away")) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", 1.0), (None, 1.0)],
)
def test_a_server_names_the_pause_in_seconds_or_by_a_moment(header: str | None, seconds: float) -> None:
    headers = {} if header is None else {"Retry-After": header}

    error = refusal(503, headers, b"<h1>Bad gateway</h1>", Request("GET", "/"))

    assert isinstance(error, UnavailableError)
    assert error.retry_after == seconds
    assert error.message == "the server answered 503 without saying why"
