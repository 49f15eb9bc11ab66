"""In a workspace that was closed nobody does anything any more, whatever they hold."""

import hmac
from uuid import UUID

import pytest_asyncio

from signoff.events.store.search import Search
from support.gateways import Server
from support.identities import Caller, add_person, add_workspace, sign_in, workspace_key
from support.worlds import World, build


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def closed(server: Server) -> tuple[World, Caller, Caller]:
    """A workspace that had everything, a key and a session of it."""
    world = await build(server, await add_workspace(server, "To close"))
    await world.admin.do("PUT", "/api/environment/SECRET", json={"value": "of both sides"})
    _, address = await add_person(server, "admin", workspace_id=world.workspace_id)
    key, browser = (
        await workspace_key(server, "read", workspace_id=world.workspace_id),
        await sign_in(server, address),
    )
    await world.admin.do("DELETE", f"/api/workspaces/{world.workspace_id}")
    return world, key, browser


async def test_its_keys_are_nobodys(closed: tuple[World, Caller, Caller]) -> None:
    _, key, _ = closed

    assert (await key.get("/api/workflows"))[0] == 401


async def test_its_members_have_it_no_more(closed: tuple[World, Caller, Caller]) -> None:
    world, _, browser = closed

    assert (await browser.get("/api/workflows"))[0] == 404
    assert (await world.admin.get("/api/workflows"))[0] == 404


async def test_a_signed_delivery_starts_nothing(closed: tuple[World, Caller, Caller]) -> None:
    world, *_ = closed
    signature = hmac.new(b"of both sides", b"{}", "sha256").hexdigest()
    headers = {"X-Signoff-Signature": f"sha256={signature}", "Content-Type": "application/json"}
    path = f"/api/webhooks/pushed/signed?workspaceId={world.workspace_id}"

    status, _ = await Caller(world.server).post(path, data=b"{}", headers=headers)

    assert status == 401
    found = await world.server.store.executions(Search(workspace_id=UUID(world.workspace_id)))
    assert found == []


async def test_its_workflows_are_undeployed_so_that_no_schedule_starts_anything(
    closed: tuple[World, Caller, Caller],
) -> None:
    world, *_ = closed

    workflows = await world.server.store.workflows(UUID(world.workspace_id))

    assert workflows
    assert not [each.workflow_id for each in workflows if each.is_deployed]
