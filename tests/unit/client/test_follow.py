"""Following a stream: every event once and in order, whatever happens to connections."""

import asyncio

import pytest
from aiohttp import web

from signoff.client import Client, RefusedError, StreamEvent, UnreachableError
from unit.client.conftest import Connect


def frame(event_id: int, kind: str = "block:completed") -> bytes:
    data = (
        b'{"type":"%s","eventId":%d,"executionId":"e","workflowId":"w",'
        b'"timestamp":"2026-01-01T00:00:00.000000Z","causationId":"c","data":{"n":%d}}'
    )
    return b"id: %d\ndata: " % event_id + data % (kind.encode(), event_id, event_id) + b"\n\n"


async def stream(request: web.Request, *chunks: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"retry: 10\n\n")
    for chunk in chunks:
        await response.write(chunk)
    return response


async def collect(client: Client, **options: int) -> list[StreamEvent]:
    return [event async for event in client.follow("w", "e", **options)]


async def test_a_stream_is_read_until_done(connect: Connect) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await stream(request, frame(1), frame(2), b"data: [DONE]\n\n")

    events = await collect(await connect(serve))

    assert [event.event_id for event in events] == [1, 2]
    assert events[1].data == {"n": 2}
    assert events[1].raw == frame(2).removeprefix(b"id: 2\ndata: ").removesuffix(b"\n\n")


async def test_a_broken_stream_goes_on_after_the_last_event_without_repeating_any(connect: Connect) -> None:
    cursors: list[str | None] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        cursors.append(request.headers.get("Last-Event-ID"))
        if len(cursors) == 1:
            return await stream(request, frame(1), frame(2), frame(3)[:40])
        return await stream(request, frame(2), frame(3), b"data: [DONE]\n\n")

    events = await collect(await connect(serve))

    assert [event.event_id for event in events] == [1, 2, 3]
    assert cursors == [None, "2"]


async def test_a_server_that_is_away_for_a_moment_is_asked_again(connect: Connect) -> None:
    asked = 0

    async def serve(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked == 1:
            return web.json_response({"error": "no database"}, status=503, headers={"Retry-After": "0"})
        return await stream(request, frame(1), b"data: [DONE]\n\n")

    assert [event.event_id for event in await collect(await connect(serve))] == [1]
    assert asked == 2


async def test_nothing_more_to_come_ends_the_reading(connect: Connect) -> None:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    assert await collect(await connect(serve), after=7) == []


async def test_following_through_pauses_is_asked_of_the_server(connect: Connect) -> None:
    queries: list[str] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        queries.append(request.query_string)
        return await stream(request, b"data: [DONE]\n\n")

    await collect(await connect(serve), through_pauses=True)

    assert queries == ["follow=true"]


async def test_a_refusal_ends_the_reading_with_its_reason(connect: Connect) -> None:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "Execution buffer not found or expired"}, status=404)

    with pytest.raises(RefusedError, match="not found") as caught:
        await collect(await connect(serve))

    assert caught.value.status == 404


async def test_a_server_that_stays_away_is_given_up_after_the_patience() -> None:
    async with Client("http://127.0.0.1:1", patience=0.3) as client:
        with pytest.raises(UnreachableError, match=r"no server answers at http://127\.0\.0\.1:1"):
            async with asyncio.timeout(10):
                await collect(client)
