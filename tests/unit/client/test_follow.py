"""Following streams: every event once and in order, whatever happens to connections."""

import asyncio

import pytest
from aiohttp import web

from signoff.client import AsyncClient, AuthenticationError, RefusedError, StreamEvent, UnreachableError
from unit.client.conftest import Connect, Serve

DONE = b"data: [DONE]\n\n"


def frame(event_id: int, kind: str = "block:completed", *, cursor: str | None = None) -> bytes:
    data = (
        b'{"type":"%s","eventId":%d,"executionId":"e","workflowId":"w",'
        b'"timestamp":"2026-01-01T00:00:00.000000Z","causationId":"c","data":{"n":%d}}'
    )
    name = (cursor or str(event_id)).encode()
    return b"id: %s\ndata: " % name + data % (kind.encode(), event_id, event_id) + b"\n\n"


async def stream(request: web.Request, *chunks: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"retry: 10\n\n")
    for chunk in chunks:
        await response.write(chunk)
    return response


async def collect(client: AsyncClient, *, after: int = 0, through_pauses: bool = False) -> list[StreamEvent]:
    execution = client.executions.handle("e", workflow_id="w")
    return [event async for event in execution.follow(after=after, through_pauses=through_pauses)]


async def test_a_stream_is_read_until_done(connect: Connect) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await stream(request, frame(1), frame(2), DONE)

    events = await collect(await connect(handler))

    assert [event.event_id for event in events] == [1, 2]
    assert events[1].data == {"n": 2}
    assert events[1].raw == frame(2).removeprefix(b"id: 2\ndata: ").removesuffix(b"\n\n")


async def test_a_broken_stream_goes_on_after_the_last_event_without_repeating_any(connect: Connect) -> None:
    cursors: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        cursors.append(request.headers.get("Last-Event-ID"))
        if len(cursors) == 1:
            return await stream(request, frame(1), frame(2), frame(3)[:40])
        return await stream(request, frame(2), frame(3), DONE)

    events = await collect(await connect(handler))

    assert [event.event_id for event in events] == [1, 2, 3]
    assert cursors == [None, "2"]


async def test_a_server_that_is_away_for_a_moment_is_asked_again(connect: Connect) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked == 1:
            return web.json_response({"error": "no database"}, status=503, headers={"Retry-After": "0"})
        return await stream(request, frame(1), DONE)

    assert [event.event_id for event in await collect(await connect(handler))] == [1]
    assert asked == 2


async def test_a_slow_reader_meets_a_cut_connection_with_all_its_patience(serve: Serve) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return await stream(request, frame(1)) if asked == 1 else await stream(request, frame(2), DONE)

    seen = []
    async with AsyncClient(await serve(handler), patience=0.2) as client:
        async for event in client.executions.handle("e", workflow_id="w").follow():
            seen.append(event.event_id)
            await asyncio.sleep(0.3)  # longer than the patience: that is what is tested

    assert seen == [1, 2]


async def test_nothing_more_to_come_ends_the_reading(connect: Connect) -> None:
    cursors: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        cursors.append(request.headers.get("Last-Event-ID"))
        return web.Response(status=204)

    assert await collect(await connect(handler), after=7) == []
    assert cursors == ["7"]


async def test_following_through_pauses_is_asked_of_the_server(connect: Connect) -> None:
    queries: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        queries.append(request.query_string)
        return await stream(request, DONE)

    await collect(await connect(handler), through_pauses=True)

    assert queries == ["follow=true"]


async def test_a_refusal_ends_the_reading_with_its_reason(connect: Connect) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "Execution buffer not found or expired"}, status=404)

    with pytest.raises(RefusedError, match="not found") as caught:
        await collect(await connect(handler))

    assert caught.value.status == 404


async def test_a_server_that_stays_away_is_given_up_after_the_patience() -> None:
    async with AsyncClient("http://127.0.0.1:1", patience=0.3) as client:
        with pytest.raises(UnreachableError, match=r"no server answers at http://127\.0\.0\.1:1"):
            async with asyncio.timeout(10):
                await collect(client)


async def test_a_feed_goes_on_after_its_cursor_and_says_nothing_of_itself(connect: Connect) -> None:
    cursors: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        cursors.append(request.headers.get("Last-Event-ID"))
        if len(cursors) == 1:
            opened = b'id: c0\ndata: {"type":"feed:opened"}\n\n'
            return await stream(request, opened, frame(5, cursor="c1"), b"id: c2\n\n")
        return await stream(request, frame(1, cursor="c3"))

    seen = []
    async for event in (await connect(handler)).feed(cursor="before"):
        seen.append((event.event_id, event.cursor))
        if len(seen) == 2:
            break

    assert seen == [(5, "c1"), (1, "c3")]
    assert cursors == ["before", "c2"]


async def test_a_feed_is_asked_for_by_its_filters(connect: Connect) -> None:
    queries: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        queries.append(request.query_string)
        return await stream(request, frame(1))

    client = await connect(handler)
    feed = client.feed(types=["pause:*"], workflows=["a", "b"], states=["paused"], execution_id="e")
    await anext(feed)
    await feed.aclose()

    assert queries == ["types=pause:*&workflowId=a&workflowId=b&status=paused&executionId=e"]


async def test_a_feed_ends_with_the_key_that_opened_it(connect: Connect) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked > 1:
            return web.json_response({"error": "Invalid API key"}, status=401)
        return await stream(request, frame(1))

    feed = (await connect(handler)).feed()
    await anext(feed)
    with pytest.raises(AuthenticationError):
        await asyncio.wait_for(anext(feed), 10)
