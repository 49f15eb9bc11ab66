"""What is changed at one gateway counts there at once, and everywhere else within about a second."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from access.conftest import Site
from support.clusters import SOON, Service
from support.executors import until
from support.sse import FeedStream, Stream

Change = Callable[[Site, str, str], Awaitable[object]]


async def _role_taken(site: Site, workspace_id: str, user_id: str) -> None:
    path = f"/api/workspaces/{workspace_id}/members/{user_id}"
    await site.a.do("PUT", path, json={"roles": ["auditor"]})


async def _member_removed(site: Site, workspace_id: str, user_id: str) -> None:
    await site.a.do("DELETE", f"/api/workspaces/{workspace_id}/members/{user_id}")


async def _user_disabled(site: Site, _: str, user_id: str) -> None:
    await site.a.do("PATCH", f"/api/users/{user_id}", json={"disabled": True})


async def _workspace_closed(site: Site, workspace_id: str, _: str) -> None:
    await site.a.do("DELETE", f"/api/workspaces/{workspace_id}")


@asynccontextmanager
async def _streams(site: Site, key: str, workspace_id: str) -> AsyncIterator[tuple[FeedStream, Stream]]:
    """An open feed and an open execution's stream, which wait for what comes next."""
    workflow_id, execution_id = await site.paused(workspace_id)
    headers = {"X-API-Key": key}
    path = f"/api/workflows/{workflow_id}/executions/{execution_id}/stream?follow=true"
    client = site.stream.client
    async with (
        client.get(f"/api/stream?workspaceId={workspace_id}", headers=headers) as fed,
        client.get(path, headers=headers) as streamed,
    ):
        feed, stream = FeedStream(fed), Stream(streamed)
        await feed.begun()
        await stream.events(1)
        yield feed, stream
        assert not stream.done


async def _writes(service: Service, key: str, workspace_id: str) -> int:
    """The status that somebody's attempt to change something is answered with."""
    path = f"/api/environment/NAME?workspaceId={workspace_id}"
    return (await service.call("PUT", path, key=key, json={"value": "new"}))[0]


async def test_a_new_key_is_good_at_once_where_it_was_made_and_soon_everywhere(site: Site) -> None:
    made = await site.a.do("POST", "/api/keys", json={"name": "ci", "roles": ["read"]})

    here, _ = await site.a.call("GET", "/api/workflows", key=made["key"])

    async def there() -> bool:
        return (await site.b.call("GET", "/api/workflows", key=made["key"]))[0] == 200

    async with asyncio.timeout(SOON):
        await until(there)
    assert here == 200


async def test_a_revoked_key_is_refused_and_what_it_has_open_ends(site: Site) -> None:
    workspace_id = await site.workspace()
    there = {"X-Workspace-Id": workspace_id}
    made = await site.a.do("POST", "/api/keys", json={"name": "ci", "roles": ["read"]}, headers=there)
    await site.everywhere()

    async with _streams(site, made["key"], workspace_id) as (feed, stream):
        await site.a.do("DELETE", f"/api/keys/{made['id']}", headers=there)
        here = await site.a.call("GET", "/api/workflows", key=made["key"])

        async def refused_there() -> bool:
            return (await site.b.call("GET", "/api/workflows", key=made["key"]))[0] == 401

        assert here == (401, {"error": "Invalid API key"})
        async with asyncio.timeout(SOON):
            await asyncio.gather(until(refused_there), feed.to_end(), stream.to_end())


@pytest.mark.parametrize(
    "change",
    [_member_removed, _user_disabled, _workspace_closed],
    ids=["no member any more", "disabled", "in a workspace that is closed"],
)
async def test_who_may_do_nothing_any_more_is_refused_and_what_they_have_open_ends(
    site: Site, change: Change
) -> None:
    workspace_id = await site.workspace()
    user_id, key = await site.member(workspace_id, "write")
    before = await _writes(site.b, key, workspace_id)

    async with _streams(site, key, workspace_id) as (feed, stream):
        await change(site, workspace_id, user_id)
        here = await _writes(site.a, key, workspace_id)

        async def refused_there() -> bool:
            return await _writes(site.b, key, workspace_id) == 401

        assert (before, here) == (200, 401)
        async with asyncio.timeout(SOON):
            await asyncio.gather(until(refused_there), feed.to_end(), stream.to_end())


async def test_a_role_that_is_taken_away_is_missing_everywhere_and_the_others_stay(site: Site) -> None:
    workspace_id = await site.workspace()
    user_id, key = await site.member(workspace_id, "write")

    await _role_taken(site, workspace_id, user_id)
    here = await _writes(site.a, key, workspace_id)

    async def refused_there() -> bool:
        return await _writes(site.b, key, workspace_id) == 403

    async with asyncio.timeout(SOON):
        await until(refused_there)
    assert here == 403
    assert (await site.b.call("GET", f"/api/executions?workspaceId={workspace_id}", key=key))[0] == 200
