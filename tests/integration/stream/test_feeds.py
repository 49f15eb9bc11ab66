"""Feeds of the stream service: requests, refusals, permissions and stream tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from signoff.access.keys.making import digest_of
from signoff.access.keys.tokens import LIFETIME, StreamTokens
from signoff.access.secrets.sealing import Sealer
from signoff.access.signing_in.sessions import COOKIE, Session, Sessions
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import DEFAULT_WORKSPACE, EXECUTIONS, PARTITIONS
from signoff.events.types import (
    SYSTEM,
    Actor,
    KeyCreated,
    KeyRevoked,
    MemberRemoved,
    MemberSet,
    UserAdded,
    UserDisabled,
    WorkspaceCreated,
)
from signoff.stream import permits as permits_module
from signoff.tail import feed as feed_module
from signoff.tail.cursors import LABEL, Cursors
from support.growing_logs import LIMIT, GrowingLog, Ledger, completed, notified, started, step, until
from support.logs import logs_of_a_service
from support.sse import FeedStream, Stream
from support.stream_service import KEY, SECRETS, SETTINGS, World

__all__ = ["logs_of_a_service"]

HERE, THERE = uuid4(), uuid4()
ADA = Actor(type="user", id="ada")
ADAS = Actor(type="apiKey", id="ada-key")
ADAS_KEY = "signoff_the-key-of-ada"
HERES_KEY = "signoff_the-key-of-here"
TOKENS = StreamTokens(Sealer(SECRETS))
CURSORS = Cursors(Sealer(SECRETS).keys_for(LABEL))


@asynccontextmanager
async def _world(**settings: Any) -> AsyncIterator[World]:
    store, bus = MemoryStore(), MemoryBus()
    await store.migrate(partitions=PARTITIONS)
    await bus.create({EXECUTIONS: PARTITIONS}, configs={})
    given = type(SETTINGS)(bootstrap_api_key=KEY, port=0, **settings)
    world = World(store, bus, await Ledger.open(store, bus), given)
    async with world.serving():
        await world.know(
            WorkspaceCreated(actor=SYSTEM, workspace_id=str(HERE), name="here"),
            WorkspaceCreated(actor=SYSTEM, workspace_id=str(THERE), name="there"),
            UserAdded(actor=SYSTEM, user_id="ada"),
            MemberSet(actor=SYSTEM, workspace_id=str(HERE), user_id="ada", roles=["read"]),
            MemberSet(actor=SYSTEM, workspace_id=str(THERE), user_id="ada", roles=["admin"]),
            KeyCreated(actor=SYSTEM, key_id="ada-key", name="a", digest=digest_of(ADAS_KEY), user_id="ada"),
            KeyCreated(
                actor=SYSTEM, key_id="here-key", name="h", digest=digest_of(HERES_KEY),
                workspace_id=str(HERE), owner_id="ada", roles=["read"],
            ),
        )  # fmt: skip
        yield world
    await bus.close()
    await store.close()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A running service that knows Ada, who is in two workspaces, and a key of one of these."""
    async with _world() as world:
        yield world


async def _running(world: World, workspace: UUID = HERE) -> GrowingLog:
    log = world.ledger.log(workspace=workspace)
    await log.add(started(workspace), status="running")
    return log


@asynccontextmanager
async def _nameless(world: World, path: str, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask without any key."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{world.url}{path}", headers=headers) as response,
    ):
        yield response


async def _refusal(world: World, path: str, **headers: str) -> tuple[int, Any]:
    async with _nameless(world, path, **headers) as response:
        return response.status, (await response.json())


# --- What is asked ----------------------------------------------------------------------------------


async def test_a_feed_has_the_contracts_headers(world: World) -> None:
    async with world.feed() as feed:
        await feed.begun()

    assert feed.response.headers["Content-Type"] == "text/event-stream"
    assert feed.response.headers["Cache-Control"] == "no-cache"
    async with world.session.head(f"{world.url}/api/stream") as head:
        assert (head.status, head.headers["Content-Type"]) == (200, "text/event-stream")


async def test_a_feed_of_one_workspace_is_asked_by_query_or_header(world: World) -> None:
    named = {"X-Workspace-Id": str(HERE)}
    async with (
        world.feed(key=ADAS_KEY, query=f"?workspaceId={HERE}") as one,
        world.feed(key=ADAS_KEY, **named) as other,
    ):
        await one.begun()
        await other.begun()
        await _running(world, THERE)
        log = await _running(world, HERE)
        await one.events(1)
        await other.events(1)

    assert one.raws == other.raws == log.raws


async def test_filters_are_repeated_or_by_commas(world: World) -> None:
    query = "?types=pause:*&types=execution:started,execution:completed&workflowId=refund"
    async with world.feed(query=query) as feed:
        await feed.begun()
        log = await _running(world, DEFAULT_WORKSPACE)
        await log.add(step(), notified(), completed(), status="completed")
        await feed.events(3)

    assert feed.raws == [log.raws[0], *log.raws[2:]]


async def test_a_cursor_may_stand_in_the_query_and_the_header_wins(world: World) -> None:
    logs = [await _running(world) for _ in range(3)]
    begin = await world.store.last_position() - 3
    first, second = CURSORS.at_event(begin + 1), CURSORS.at_event(begin + 2)
    async with world.feed(query=f"?cursor={first}") as by_query:
        await by_query.events(2)
    async with world.feed(query=f"?cursor={first}", last=second) as by_both:
        await by_both.events(1)

    assert by_query.raws == [logs[1].raws[0], logs[2].raws[0]]
    assert by_both.raws == logs[2].raws


async def test_silence_is_filled_with_heartbeats_whose_cursor_moves_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module.Feed.read, "__kwdefaults__", {"wait": 0.02})
    async with world.feed(query="?types=pause:*") as feed:
        await feed.begun()
        await _running(world)
        async with asyncio.timeout(LIMIT):
            while CURSORS.position(feed.cursor) < await world.store.last_position():
                assert await feed.next()

    assert feed.heartbeats > 0
    assert feed.raws == []


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("?types=block:complete", 400, "did you mean block:completed"),
        ("?status=done", 400, "status must be"),
        ("?workspaceId=mine", 400, "workspaceId must be a UUID"),
        ("?cursor=17", 400, "cursor is none of this server's"),
        (f"?workspaceId={uuid4()}", 404, "Workspace not found"),
        (f"?cursor={CURSORS.at_event(10**6)}", 409, "Cursor is past the end of the log"),
    ],
)
async def test_a_feed_that_cannot_be_given_is_refused(
    world: World, query: str, status: int, says: str
) -> None:
    async with world.feed(query=query) as feed:
        body = await feed.response.json()

    assert feed.response.status == status
    assert says in body["error"]
    if status == 409:
        assert CURSORS.position(body["lastEventId"]) == await world.store.last_position()


async def test_a_workspace_has_only_so_many_streams() -> None:
    async with _world(workspace_streams=1) as world:
        log = await _running(world)
        async with world.feed(key=HERES_KEY) as feed:
            await feed.begun()
            async with world.feed(key=HERES_KEY) as second:
                assert (second.response.status, second.response.headers["Retry-After"]) == (429, "1")
            async with world.stream(log.log_id, query=f"?workspaceId={HERE}") as stream:
                assert stream.response.status == 429
        async with asyncio.timeout(LIMIT):
            while "signoff_stream_feeds 0.0" not in await world.metrics():
                pass
        async with world.feed(key=HERES_KEY) as feed:
            await feed.begun()


# --- Who asks ---------------------------------------------------------------------------------------


async def test_strangers_get_no_feed(world: World) -> None:
    assert await _refusal(world, "/api/stream") == (401, {"error": "Unauthorized"})
    assert await _refusal(world, "/api/stream", **{"X-API-Key": "x"}) == (401, {"error": "Invalid API key"})


async def test_a_workspaces_key_has_its_workspace_alone(world: World) -> None:
    async with world.feed(key=HERES_KEY) as feed:
        await feed.begun()
        await _running(world, THERE)
        log = await _running(world, HERE)
        await feed.events(1)
    async with world.feed(key=HERES_KEY, query=f"?workspaceId={THERE}") as refused:
        assert refused.response.status == 403

    assert feed.raws == log.raws


async def test_a_revoked_key_ends_its_feeds_and_its_streams(world: World) -> None:
    log = await _running(world)
    async with (
        world.feed(key=HERES_KEY) as feed,
        world.session.get(world.path(log.log_id), headers={"X-API-Key": HERES_KEY}) as response,
    ):
        stream = Stream(response)
        await feed.begun()
        await stream.events(1)
        await world.know(KeyRevoked(actor=SYSTEM, key_id="here-key"))
        await feed.to_end()
        await stream.to_end()

    assert not stream.done
    async with world.feed(key=HERES_KEY, last=feed.cursor) as again:
        assert again.response.status == 401


async def test_a_lost_membership_ends_the_stream_of_an_execution_there(world: World) -> None:
    lost, kept = await _running(world, HERE), await _running(world, THERE)
    headers = {"X-API-Key": ADAS_KEY}
    paths = [world.path(lost.log_id, query=f"?workspaceId={HERE}")]
    paths += [world.path(kept.log_id, query=f"?workspaceId={THERE}")]
    async with (
        world.session.get(paths[0], headers=headers) as here,
        world.session.get(paths[1], headers=headers) as there,
    ):
        ended, going_on = Stream(here), Stream(there)
        await ended.events(1)
        await going_on.events(1)
        await world.know(MemberRemoved(actor=SYSTEM, workspace_id=str(HERE), user_id="ada"))
        await ended.to_end()
        await kept.add(completed(), status="completed")
        await going_on.to_end()

    assert (ended.done, going_on.done) == (False, True)


async def test_a_session_that_ends_takes_its_feed_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(permits_module.Permits.__init__, "__kwdefaults__", {"every": 0.02})
    async with _world() as world:
        sessions = Sessions(world.store.records)
        token = await sessions.begin(Session(user_id="ada", method="password", signed_in_at=2e9))
        async with _nameless(world, "/api/stream", Cookie=f"{COOKIE}={token}") as response:
            feed = FeedStream(response)
            await feed.begun()
            await sessions.end(token)
            await feed.to_end()
        async with _nameless(world, "/api/stream", Cookie=f"{COOKIE}={token}") as again:
            assert again.status == 401


async def test_a_role_lost_between_being_let_in_and_the_first_event_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_position = world.store.last_position

    async def slow() -> int:
        await world.know(KeyRevoked(actor=SYSTEM, key_id="here-key"))
        return await last_position()

    monkeypatch.setattr(world.store, "last_position", slow)
    async with world.feed(key=HERES_KEY) as feed:
        assert feed.response.status == 401


# --- Stream tokens ----------------------------------------------------------------------------------


async def test_a_token_opens_the_feed_that_it_is_for_in_the_name_of_its_maker(world: World) -> None:
    token, _ = TOKENS.for_feed(ADAS, {"types": ["pause:*"], "workspaceId": [str(HERE)]})
    async with _nameless(world, f"/api/stream?token={token}") as response:
        feed = FeedStream(response)
        await feed.begun()
        await (await _running(world, THERE)).add(notified())
        log = await _running(world, HERE)
        await log.add(notified())
        await feed.events(1)

    assert feed.raws == log.raws[1:]


@pytest.mark.parametrize("actor", [ADA, ADAS, Actor(type="apiKey", id="bootstrap")])
async def test_a_token_opens_the_stream_of_one_execution(world: World, actor: Actor) -> None:
    log = await _running(world)
    await log.add(completed(), status="completed")
    token, _ = TOKENS.for_execution(actor, workspace_id=HERE, log_id=log.log_id)
    path = world.path(log.log_id, query=f"?token={token}").removeprefix(world.url)
    async with _nameless(world, path) as response:
        stream = Stream(response)
        await stream.to_end()

    assert stream.raws == log.raws


async def test_a_token_reads_nothing_else(world: World) -> None:
    mine, other = await _running(world), await _running(world)
    one, _ = TOKENS.for_execution(ADAS, workspace_id=HERE, log_id=mine.log_id)
    all_, _ = TOKENS.for_feed(ADAS, {})
    elsewhere = (403, {"error": "The token is for another stream"})
    others = world.path(other.log_id).removeprefix(world.url)

    assert await _refusal(world, f"{others}?token={one}") == elsewhere
    assert await _refusal(world, f"{others}?token={all_}") == elsewhere
    assert await _refusal(world, f"/api/stream?token={one}") == elsewhere
    status, body = await _refusal(world, f"/api/stream?token={all_}&types=pause:*")
    assert (status, body["error"]) == (400, "The token says what the feed has: leave out types")


async def test_a_token_gives_no_more_than_its_maker_has_now(world: World) -> None:
    log = await _running(world)
    one, _ = TOKENS.for_execution(ADA, workspace_id=HERE, log_id=log.log_id)
    feed, _ = TOKENS.for_feed(ADA, {"workspaceId": [str(HERE)]})
    path = world.path(log.log_id, query=f"?token={one}").removeprefix(world.url)

    await world.know(MemberRemoved(actor=SYSTEM, workspace_id=str(HERE), user_id="ada"))
    assert (await _refusal(world, path))[0] == 403
    assert (await _refusal(world, f"/api/stream?token={feed}"))[0] == 404

    await world.know(UserDisabled(actor=SYSTEM, user_id="ada"))
    assert (await _refusal(world, path))[0] == 401
    assert (await _refusal(world, f"/api/stream?token={feed}"))[0] == 401


async def test_a_feed_outlives_its_token_but_not_its_key_and_a_late_connection_is_401(world: World) -> None:
    late, _ = StreamTokens(Sealer(SECRETS), clock=lambda: 0.0).for_feed(ADAS, {})
    refused = await _refusal(world, f"/api/stream?token={late}")
    assert refused == (401, {"error": "Stream token expired; ask for a new one"})

    token, expires_at = TOKENS.for_feed(ADAS, {})
    async with _nameless(world, f"/api/stream?token={token}") as response:
        feed = FeedStream(response)
        await feed.begun()
        await world.know(KeyRevoked(actor=SYSTEM, key_id="ada-key"))
        await feed.to_end()
    assert expires_at - LIFETIME > 0


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 200])
async def test_what_is_no_token_opens_nothing_whatever_else_is_sent(world: World, token: str) -> None:
    status, body = await _refusal(world, f"/api/stream?token={token}", **{"X-API-Key": KEY})

    assert (status, body) == (401, {"error": "Invalid stream token"})


async def test_a_token_is_in_no_log_and_no_metric(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await _running(world)
    one, _ = TOKENS.for_execution(ADAS, workspace_id=HERE, log_id=log.log_id)
    feed, _ = TOKENS.for_feed(ADAS, {})
    path = world.path(log.log_id, query=f"?token={one}").removeprefix(world.url)
    answers = [
        await _refusal(world, f"/api/stream?token={feed}&cursor=17"),
        await _refusal(world, f"/api/stream?token={feed}x"),
        await _refusal(world, f"/nowhere?token={feed}"),
    ]
    async with _nameless(world, f"/api/stream?token={feed}") as response:
        await FeedStream(response).begun()
        await world.know(KeyRevoked(actor=SYSTEM, key_id="ada-key"))
    answers.append(await _refusal(world, path))

    monkeypatch.setattr("signoff.stream.callers.StreamTokens.read", lambda *_: 1 / 0)
    answers += [await _refusal(world, f"/api/stream?token={feed}"), await _refusal(world, path)]
    metrics = await world.metrics()

    assert [status for status, _ in answers] == [400, 401, 404, 401, 500, 500]
    assert caplog.text.count("unexpected error") == 2
    for token in (one, feed):
        assert token[:40] not in caplog.text + metrics + str(answers)


async def test_feeds_end_when_the_service_stops(world: World) -> None:
    async with world.feed() as feed:
        await feed.begun()
        world.stop()
        await feed.to_end()
        await asyncio.wait_for(world.service, LIMIT)
    await until(world.service.done)
