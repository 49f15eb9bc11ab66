"""A new ``SIGNOFF_SECRET_KEY``: services are restarted in turn, and what was sealed goes on to open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from access.conftest import Site
from signoff.access.hooks import HookRecords
from signoff.access.secrets.sealing import Sealer
from support.clusters import SECRET, Cluster, Service
from support.executors import until
from support.sse import FeedStream

_NEW = b"a secret key that is newer than that"
_WRONG = b"a secret key that nothing was sealed by"
_VALUE = "s3cr3t-value"
_WORKFLOW = {"blocks": {"use": {"type": "function", "code": "return {{TOKEN}}.length"}}}
"""Answers with something of the value that is no secret: the value itself is shown nowhere."""


@pytest.fixture
async def workspace_id(site: Site) -> str:
    """A workspace with a secret value, a workflow that uses it and a webhook."""
    workspace_id = await site.workspace()
    there = {"X-Workspace-Id": workspace_id}
    await site.a.do("PUT", "/api/environment/TOKEN", json={"value": _VALUE}, headers=there)
    await site.a.do("PUT", f"/api/workflows/use-{workspace_id}", json=_WORKFLOW, headers=there)
    await site.everywhere()
    return workspace_id


async def _run(service: Service, workspace_id: str) -> tuple[int, Any]:
    return await service.call(
        "POST", f"/api/workflows/use-{workspace_id}/execute", headers={"X-Workspace-Id": workspace_id}
    )


@asynccontextmanager
async def _executors(site: Site, *secrets: bytes) -> AsyncIterator[None]:
    """All executors with other secret keys, until the block is left."""
    await _restart(site, *secrets)
    yield
    await _restart(site, SECRET)


async def _restart(site: Site, *secrets: bytes) -> None:
    for each in list(site.workers):
        await site.replace(each, secrets=secrets)


async def _sealed_by(secret: bytes, site: Site, workspace_id: str) -> bool:
    kept = await site.a.log.records.get("environment", UUID(workspace_id), "TOKEN")
    return kept is not None and Sealer([secret]).is_newest(kept.value)


async def test_values_webhooks_and_open_ends_outlive_the_rotation_of_the_secret_key(
    site: Site, cluster: Cluster, workspace_id: str
) -> None:
    there = {"X-Workspace-Id": workspace_id}
    hook = await site.a.do(
        "POST", "/api/hooks", json={"url": "https://example.org/hook", "enabled": False}, headers=there
    )
    token = await site.a.do("POST", "/api/stream-tokens", json={"feed": {"workspaceId": workspace_id}})
    async with site.stream.client.get("/api/stream", params={"token": token["token"]}) as answered:
        feed = FeedStream(answered)
        await feed.begun()

    async with (
        cluster.gateway(secrets=[_NEW, SECRET]) as gateway,
        cluster.stream(secrets=[_NEW, SECRET]) as stream,
    ):
        await until(lambda: _sealed_by(_NEW, site, workspace_id))
        again = {"token": token["token"], "cursor": feed.cursor}
        async with stream.client.get("/api/stream", params=again, headers={"Connection": "close"}) as went_on:
            token_and_cursor = went_on.status
        async with _executors(site, SECRET, _NEW):
            not_yet = await _run(gateway, workspace_id)
            await _restart(site, _NEW)
            new_alone = await _run(gateway, workspace_id)

    records = HookRecords(site.a.log.records, Sealer([_NEW]))
    target = await records.target(UUID(workspace_id), hook["hookId"])
    async with cluster.gateway(secrets=[SECRET, _NEW]):  # and back, for the other tests
        await until(lambda: _sealed_by(SECRET, site, workspace_id))
    assert token_and_cursor == 200
    for status, answer in (not_yet, new_alone):
        assert (status, answer["output"]["result"]) == (200, len(_VALUE))
    assert target is not None
    assert target[0].url == "https://example.org/hook"


async def test_a_token_and_a_cursor_of_a_key_that_is_not_known_are_refused(
    site: Site, cluster: Cluster
) -> None:
    token = await site.a.do("POST", "/api/stream-tokens", json={"feed": {}})

    async with cluster.stream(secrets=[_WRONG]) as stream:
        by_token = await stream.call("GET", f"/api/stream?token={token['token']}")
        by_cursor = await stream.call("GET", f"/api/stream?cursor={uuid4().hex}")

    assert by_token == (401, {"error": "Invalid stream token"})
    assert by_cursor[0] == 400


async def test_with_a_wrong_secret_key_a_block_fails_and_says_what_to_do(
    site: Site, workspace_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _executors(site, _WRONG):
        status, answer = await _run(site.a, workspace_id)
    path = f"/api/executions/{answer['executionId']}/events?workspaceId={workspace_id}"
    events = await site.a.do("GET", path)

    assert status == 500
    assert "SIGNOFF_SECRET_KEY_PREVIOUS" in answer["error"]
    said = f"{answer}{events}{capsys.readouterr()}"
    assert _VALUE not in said
    assert _WRONG.decode() not in said
