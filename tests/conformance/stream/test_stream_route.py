"""``GET /api/workflows/{id}/executions/{executionId}/stream``, as http-contract.md says."""

import asyncio
import socket
from uuid import UUID, uuid4

import aiohttp
import pytest

from signoff.events.ids import new_id
from signoff.events.topics import DEFAULT_WORKSPACE, EXECUTIONS, chosen_log_id, partition_of
from signoff.tail import reader as reader_module
from support.growing_logs import (
    LIMIT,
    WORKFLOW,
    GrowingLog,
    cancelled,
    completed,
    paused,
    resumed,
    started,
    step,
)
from support.stream_service import World


async def _finished(world: World) -> GrowingLog:
    log = world.ledger.log()
    await log.add(started(), step(), completed(), status="completed")
    return log


async def _running(world: World) -> GrowingLog:
    log = world.ledger.log()
    await log.add(started(), step(), status="running")
    return log


# --- What a stream is -------------------------------------------------------------------------------


async def test_a_stream_has_the_contracts_headers_and_frames(world: World) -> None:
    log = await _finished(world)

    async with world.stream(log.log_id) as stream:
        await stream.to_end()

    assert stream.response.status == 200
    assert {name: stream.response.headers[name] for name in ("Content-Type", "Cache-Control")} == {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-cache",
    }
    assert stream.response.headers["X-Accel-Buffering"] == "no"
    assert stream.response.headers["X-Execution-Id"] == str(log.log_id)
    assert stream.retry == 1000
    assert (stream.ids, stream.done) == ([1, 2, 3], True)


async def test_the_bytes_on_the_stream_in_the_log_and_on_the_topic_are_the_same(world: World) -> None:
    log = world.ledger.log()
    partition = partition_of(log.log_id)
    (_, begin) = (await world.bus.bounds(EXECUTIONS, [partition]))[partition]
    await log.add(started(), status="running")
    async with world.stream(log.log_id) as stream:
        await stream.events(1)
        await log.add(step(300), step(0), status="running")
        await log.add(completed(), status="completed")
        await stream.to_end()

    reader = await world.bus.reader(EXECUTIONS)
    await reader.assign({partition: begin})
    published: list[bytes] = []
    async with asyncio.timeout(LIMIT):
        while len(published) < 4:
            published += [message.value for message in await reader.poll(wait=1)]
    await reader.close()
    assert stream.raws == [event.state for event in await world.store.read(log.log_id)] == published


async def test_a_stream_is_live(world: World) -> None:
    log = await _running(world)

    async with world.stream(log.log_id) as stream:
        await stream.events(2)
        for count in range(3, 8):
            await log.add(step())
            await stream.events(count)
        await log.add(completed(), status="completed")
        await stream.to_end()

    assert stream.raws == log.raws
    assert stream.done


async def test_silence_is_filled_with_heartbeats(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module.Reader.read, "__kwdefaults__", {"wait": 0.02})
    log = await _running(world)

    async with world.stream(log.log_id) as stream:
        await stream.events(2)
        async with asyncio.timeout(LIMIT):
            while stream.heartbeats < 3:
                await stream._block()
        await log.add(completed(), status="completed")
        await stream.to_end()

    assert stream.ids == [1, 2, 3]


async def test_an_old_execution_is_replayed_byte_for_byte(world: World) -> None:
    log = await _finished(world)

    replays = []
    for _ in range(2):
        async with world.stream(log.log_id) as stream:
            replays.append(await stream.response.read())

    assert replays[0] == replays[1]


# --- Where it begins --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "last", "expected"),
    [
        ("?from=1", None, [2, 3]),
        ("?from=-1", None, [1, 2, 3]),
        ("?from=2.5", None, [1, 2, 3]),
        ("?from=two", None, [1, 2, 3]),
        ("?from=", None, [1, 2, 3]),
        ("?from=3", None, []),
        ("", "2", [3]),
        ("?from=0", "2", [3]),
        ("?from=2", "x", [1, 2, 3]),
    ],
)
async def test_a_stream_starts_after_its_cursor(
    world: World, query: str, last: str | None, expected: list[int]
) -> None:
    log = await _finished(world)

    async with world.stream(log.log_id, query=query, last=last) as stream:
        await stream.to_end()

    assert (stream.ids, stream.done) == (expected, True)


@pytest.mark.parametrize("cursor", ["4", "9" * 18, "9" * 19, "9" * 5000])
@pytest.mark.parametrize("by_header", [True, False])
async def test_a_cursor_past_the_end_is_409_with_the_last_event(
    world: World, cursor: str, by_header: bool
) -> None:
    log = await _finished(world)
    options = {"last": cursor} if by_header else {"query": f"?from={cursor}"}

    async with world.stream(log.log_id, **options) as stream:  # type: ignore[arg-type]
        body = await stream.response.json()

    assert stream.response.status == 409
    assert body == {"error": "Cursor is past the end of the log", "lastEventId": 3}


@pytest.mark.parametrize("status", ["completed", "paused"])
async def test_a_client_that_comes_back_to_the_end_is_told_to_stop(world: World, status: str) -> None:
    log = world.ledger.log()
    end = completed() if status == "completed" else paused()
    await log.add(started(), end, status=status)  # type: ignore[arg-type]

    async with world.stream(log.log_id, last=2) as again:
        await again.response.read()
    async with world.stream(log.log_id, query="?from=2") as asked:
        await asked.to_end()

    assert again.response.status == 204
    assert (asked.response.status, asked.ids, asked.done) == (200, [], True)


async def test_with_follow_a_client_that_comes_back_to_a_pause_waits_on(world: World) -> None:
    log = world.ledger.log()
    await log.add(started(), paused(), status="paused")

    async with world.stream(log.log_id, query="?follow=true", last=2) as stream:
        assert stream.response.status == 200
        await log.add(cancelled(), status="cancelled")
        await stream.to_end()

    assert (stream.ids, stream.done) == ([3], True)


# --- Which log --------------------------------------------------------------------------------------


async def test_a_runs_id_gives_that_runs_frames_as_they_are_in_the_roots_stream(world: World) -> None:
    log, run, later = world.ledger.log(), new_id(), new_id()
    await log.add(started(), paused(), resumed(run), (run, step()), (run, paused()), status="paused")
    await log.add(resumed(later), status="running")

    async with world.stream(run) as stream:
        await stream.to_end()
    async with world.stream(run, last=5) as again:
        await again.response.read()

    assert (stream.raws, stream.ids, stream.done) == (log.raws[2:5], [3, 4, 5], True)
    assert stream.response.headers["X-Execution-Id"] == str(log.log_id)
    assert again.response.status == 204


@pytest.mark.parametrize("chosen", ["order-4711", "a.b:c_d-E", str(uuid4()).upper()])
async def test_an_execution_is_found_by_the_id_that_its_client_chose(world: World, chosen: str) -> None:
    chosen = f"{chosen}{new_id().hex[-8:]}"
    log_id = chosen_log_id(str(DEFAULT_WORKSPACE), chosen)
    log = world.ledger.log(log_id=log_id, execution_id=chosen)
    await log.add(started(), completed(), status="completed")

    async with world.stream(chosen) as stream:
        await stream.to_end()

    assert stream.raws == log.raws
    assert stream.response.headers["X-Execution-Id"] == chosen


async def test_an_execution_of_another_workflow_is_403(world: World) -> None:
    log = await _finished(world)
    await world.deploy("other")

    async with world.session.get(world.path(log.log_id, workflow="other")) as response:
        body = await response.json()

    assert (response.status, body) == (403, {"error": "Execution does not belong to this workflow"})


@pytest.mark.parametrize("unknown", [str(uuid4()), "never", "%00", "..%2f..", "x" * 2000, "%ff"])
async def test_an_execution_that_never_was_is_404(world: World, unknown: str) -> None:
    await world.deploy(WORKFLOW)

    async with world.session.get(world.path(unknown)) as response:
        body = await response.json()

    assert (response.status, body) == (404, {"error": "Execution buffer not found or expired"})


@pytest.mark.parametrize("workflow", ["never", "%00", "%ff", "x" * 2000])
async def test_a_workflow_that_never_was_is_404(world: World, workflow: str) -> None:
    log = await _finished(world)

    async with world.session.get(world.path(log.log_id, workflow=workflow)) as response:
        body = await response.json()

    assert (response.status, body) == (404, {"error": "Workflow not found"})


async def test_another_workspaces_execution_is_as_if_it_never_was(world: World) -> None:
    await world.deploy(WORKFLOW)
    log = world.ledger.log(workspace=UUID(int=1))
    await log.add(started(), completed(), status="completed")

    async with world.session.get(world.path(log.log_id)) as response:
        assert response.status == 404


# --- Who ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "Unauthorized"),
        ({"X-API-Key": "wrong"}, "Invalid API key"),
        ({"Authorization": "Bearer wrong"}, "Invalid API key"),
    ],
)
async def test_without_a_good_key_nothing_is_told(world: World, headers: dict[str, str], error: str) -> None:
    log = await _finished(world)

    async with (
        aiohttp.ClientSession() as session,
        session.get(world.path(log.log_id), headers=headers) as response,
    ):
        assert (response.status, await response.json()) == (401, {"error": error})


async def test_other_methods_and_paths_are_answered_in_json(world: World) -> None:
    log = await _finished(world)

    async with world.session.head(world.path(log.log_id)) as head:
        pass
    async with world.session.options(world.path(log.log_id)) as options:
        pass
    async with world.session.post(world.path(log.log_id)) as post:
        refusal = await post.json()
    async with world.session.get(f"{world.url}/nowhere") as nowhere:
        not_found = await nowhere.json()

    assert (head.status, head.headers["Content-Type"]) == (200, "text/event-stream")
    assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    assert (post.status, post.headers["Allow"], refusal) == (
        405,
        "GET, HEAD, OPTIONS",
        {"error": "POST is not allowed here"},
    )
    assert (nowhere.status, not_found) == (404, {"error": "Not found"})


# --- Under load and at the end ------------------------------------------------------------------------


async def test_a_slow_client_gets_every_event_and_holds_back_nobody(world: World) -> None:
    log = await _running(world)

    async with world.stream(log.log_id, read_bufsize=16_384) as slow, world.stream(log.log_id) as quick:
        await slow.events(1)
        for _ in range(20):
            await log.add(*(step(20_000) for _ in range(20)))
        await log.add(completed(), status="completed")
        await quick.to_end()
        await slow.to_end()

    assert quick.raws == slow.raws == log.raws
    assert quick.done
    assert slow.done


async def test_a_storm_of_clients_that_come_back_is_served(world: World) -> None:
    log = world.ledger.log()
    await log.add(started(), *(step() for _ in range(20)), paused(), status="paused")

    async def come_back(last: int) -> tuple[int, list[bytes]]:
        async with world.stream(log.log_id, last=last) as stream:
            await stream.to_end()
        return stream.response.status, stream.raws

    answers = await asyncio.gather(*(come_back(number % 23) for number in range(300)))

    assert answers == [(204 if n % 23 == 22 else 200, log.raws[n % 23 :]) for n in range(300)]


async def test_a_client_that_goes_away_is_forgotten(world: World) -> None:
    log = await _running(world)
    async with world.stream(log.log_id) as stream:
        await stream.events(2)
        assert "signoff_stream_readers 1.0" in await world.metrics()
        stream.response.close()

    async with asyncio.timeout(LIMIT):
        while "signoff_stream_readers 0.0" not in await world.metrics():
            pass


async def test_a_service_that_stops_ends_streams_at_once_and_they_go_on_elsewhere(
    world: World,
) -> None:
    log = await _running(world)
    async with world.stream(log.log_id) as first:
        await first.events(2)
        begun = asyncio.get_running_loop().time()
        world.stop()
        await first.to_end()
        assert asyncio.get_running_loop().time() - begun < 1.0
        await asyncio.wait_for(world.service, LIMIT)
        await log.add(step())
    async with world.serving(), world.stream(log.log_id, last=first.ids[-1]) as second:
        await log.add(completed(), status="completed")
        await second.to_end()

    assert not first.done
    assert first.raws + second.raws == log.raws


async def test_a_client_that_reads_nothing_does_not_keep_the_service_from_stopping(world: World) -> None:
    log = await _running(world)
    await log.add(*(step(100_000) for _ in range(100)))
    host, port = world.url.removeprefix("http://").split(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, (host, int(port)))
        path = world.path(log.log_id).removeprefix(world.url)
        await loop.sock_sendall(
            client, f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: the-bootstrap-key\r\n\r\n".encode()
        )
        assert (await loop.sock_recv(client, 12)).startswith(b"HTTP/1.1 200")

        world.stop()

        await asyncio.wait_for(world.service, LIMIT)


async def test_the_service_is_ready_when_the_log_is(world: World) -> None:
    async with world.session.get(f"{world.url}/readyz") as ready:
        body = await ready.json()
    async with world.session.get(f"{world.url}/healthz") as alive:
        pass

    assert (ready.status, body) == (
        200,
        {
            "status": "ready",
            "checks": {"log": {"ok": True}, "directory": {"ok": True}, "topic": {"ok": True}},
        },
    )
    assert alive.status == 200
