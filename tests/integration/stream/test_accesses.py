"""Who reads streams, and who is turned away, is noted for the access log; a token never is."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from integration.stream.test_feeds import ADAS, ADAS_KEY, HERE, THERE, TOKENS, _running, _world
from signoff.audit.accesses.gathering import Sight
from signoff.audit.accesses.recorder import AccessRecorder
from support.growing_logs import WORKFLOW, completed, until
from support.logs import logs_of_a_service
from support.stream_service import World

__all__ = ["logs_of_a_service"]


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Sight]:
    """What is noted, in order."""
    seen: list[Sight] = []
    monkeypatch.setattr(AccessRecorder, "note", lambda _, sight, *, since=None: seen.append(sight))
    return seen


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with _world() as world:
        yield world


async def test_a_stream_is_noted_when_it_begins_and_when_it_ends(world: World, noted: list[Sight]) -> None:
    log = await _running(world)
    async with world.stream(log.log_id, query="?from=1") as stream:
        await until(lambda: len(noted) == 1)
        await log.add(completed(), status="completed")
        await stream.to_end()

    await until(lambda: len(noted) == 2)
    began, ended = noted
    assert (began.kind, ended.kind) == ("read", "ended")
    assert (began.workspace_id, began.operation, began.about) == (str(HERE), "streamExecution", "events")
    assert dict(began.names) == {"workflowId": WORKFLOW, "executionId": str(log.log_id)}
    assert dict(began.filter) == {"from": "1"}


async def test_a_feed_is_noted_in_each_of_its_workspaces(world: World, noted: list[Sight]) -> None:
    async with world.feed(key=ADAS_KEY, query="?types=pause:*") as feed:
        await feed.begun()

    assert sorted(each.workspace_id for each in noted[:2]) == sorted([str(HERE), str(THERE)])
    assert [dict(each.filter) for each in noted[:2]] == 2 * [{"types": "pause:*"}]
    assert [each.actor.id for each in noted if each.actor] == [ADAS.id] * len(noted)


async def test_who_comes_by_a_token_is_noted_without_it(world: World, noted: list[Sight]) -> None:
    token, _ = TOKENS.for_feed(ADAS, {"workspaceId": [str(HERE)]})

    async with (
        aiohttp.ClientSession() as nameless,
        nameless.get(f"{world.url}/api/stream?token={token}") as feed,
        nameless.get(f"{world.url}/api/stream?token={token}x") as refused,
    ):
        assert (feed.status, refused.status) == (200, 401)

    assert (noted[0].auth_method, noted[0].workspace_id) == ("streamToken", str(HERE))
    (turned_away,) = [each for each in noted if each.refused is not None]
    assert turned_away.actor is None
    assert token not in repr(noted)


async def test_what_is_hidden_is_noted_as_hidden(world: World, noted: list[Sight]) -> None:
    theirs = await _running(world, THERE)
    await world.deploy(WORKFLOW)
    headers = {"X-Workspace-Id": "00000000-0000-0000-0000-000000000000"}

    for execution in (theirs.log_id, "never-was"):
        async with world.session.get(world.path(execution), headers=headers) as refused:
            assert refused.status == 404

    (only,) = noted
    assert only.refused is not None
    assert (only.refused.hidden, dict(only.names)["executionId"]) == (True, str(theirs.log_id))
