"""Workspaces and groups, and that one workspace is nothing to another."""

from collections.abc import AsyncIterator

import pytest

from support.gateways import Server
from support.identities import (
    DEFAULT,
    Caller,
    add_person,
    add_workspace,
    administrator,
    serving_people,
    sign_in,
    workspace_key,
)


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


async def test_who_makes_a_workspace_administers_it(server: Server) -> None:
    user_id, address = await add_person(server, "admin")
    browser = await sign_in(server, address)

    status, made = await browser.post("/api/workspaces", json={"name": "Finance"})
    members = await browser.do("GET", f"/api/workspaces/{made['id']}/members")

    assert (status, made["name"], made["roles"]) == (201, "Finance", ["admin", "read", "write"])
    assert [(each["id"], each["roles"]) for each in members["members"]] == [(user_id, ["admin"])]
    listed = await browser.do("GET", "/api/workspaces")
    assert {each["id"] for each in listed["workspaces"]} == {DEFAULT, made["id"]}
    # Leave the shared default workspace to the tests that follow.
    await administrator(server).do("POST", f"/api/workspaces/{DEFAULT}/members", json={
        "email": (await add_person(server))[1], "roles": ["admin"],
    })  # fmt: skip


async def test_a_retry_makes_no_second_workspace(server: Server) -> None:
    admin, again = administrator(server), {"Idempotency-Key": "one workspace"}

    first = await admin.do("POST", "/api/workspaces", json={"name": "Once"}, headers=again)
    second = await admin.do("POST", "/api/workspaces", json={"name": "Once"}, headers=again)

    assert second == first


async def test_a_workspace_is_renamed_and_closed_for_good(server: Server) -> None:
    workspace_id = await add_workspace(server)
    admin, key = administrator(server), await workspace_key(server, "write", workspace_id=workspace_id)

    renamed = await admin.do("PATCH", f"/api/workspaces/{workspace_id}", json={"name": "Accounting"})
    shown = await admin.do("GET", f"/api/workspaces/{workspace_id}")
    closed, _ = await admin.call("DELETE", f"/api/workspaces/{workspace_id}")

    assert (renamed["name"], shown) == ("Accounting", renamed)
    assert closed == 204
    assert (await key.get("/api/workflows"))[0] == 401
    assert (await admin.get(f"/api/workspaces/{workspace_id}"))[0] == 404


async def test_the_default_workspace_cannot_be_closed(server: Server) -> None:
    assert (await administrator(server).call("DELETE", f"/api/workspaces/{DEFAULT}"))[0] == 409


async def test_another_workspace_cannot_be_told_from_one_that_never_was(server: Server) -> None:
    stranger = await workspace_key(server, "admin", workspace_id=await add_workspace(server))
    existing, unknown = await add_workspace(server), "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"
    tried = [
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("GET", "/members", None),
        ("POST", "/members", {"email": "eve@example.org", "roles": ["admin"]}),
        ("PUT", "/members/somebody", {"roles": ["admin"]}),
        ("DELETE", "/members/somebody", None),
    ]

    for method, tail, body in tried:
        answers = [
            await stranger.send(method, f"/api/workspaces/{each}{tail}", json=body)
            for each in (existing, unknown, "no-uuid")
        ]
        assert [each[:2] for each in answers] == [(404, {"error": "Workspace not found"})] * 3
        assert len({frozenset(each[2]) for each in answers}) == 1


async def _group(caller: Caller, name: str, *roles: str, members: tuple[str, ...] = ()) -> str:
    body = {"name": name, "roles": list(roles), "userIds": list(members)}
    return str((await caller.do("POST", "/api/groups", json=body))["id"])


async def test_a_group_gives_its_members_its_roles_for_as_long_as_they_are_in_it(server: Server) -> None:
    workspace_id = await add_workspace(server)
    admin = administrator(server).within(workspace_id)
    user_id, address = await add_person(server, "approver", workspace_id=workspace_id)
    browser = (await sign_in(server, address)).within(workspace_id)

    before = (await browser.get("/api/workflows"))[0]
    group_id = await _group(admin, "readers", "read", members=(user_id,))
    within = (await browser.get("/api/workflows"))[0]
    body = {"name": "readers", "roles": ["read"], "userIds": []}
    changed = await admin.do("PUT", f"/api/groups/{group_id}", json=body)
    after = (await browser.get("/api/workflows"))[0]

    assert (before, within, after) == (403, 200, 403)
    assert changed == {"id": group_id, **body}
    assert await admin.do("GET", f"/api/groups/{group_id}") == changed
    assert (await admin.do("GET", "/api/groups"))["groups"] == [changed]


async def test_a_removed_group_is_gone(server: Server) -> None:
    admin = administrator(server)
    group_id = await _group(admin, "short-lived")

    assert (await admin.call("DELETE", f"/api/groups/{group_id}"))[0] == 204
    assert await admin.get(f"/api/groups/{group_id}") == (404, {"error": "Group not found"})


async def test_a_group_takes_members_of_the_workspace_and_a_name_of_its_own(server: Server) -> None:
    admin = administrator(server)
    stranger, _ = await add_person(server)
    await _group(admin, "the one")

    assert (await admin.post("/api/groups", json={"name": "x", "userIds": [stranger]}))[0] == 400
    assert (await admin.post("/api/groups", json={"name": "the one"}))[0] == 409
    assert (await admin.post("/api/groups", json={"name": "x", "roles": ["owner"]}))[0] == 400


async def test_groups_of_another_workspace_cannot_be_told_from_unknown_ones(server: Server) -> None:
    group_id = await _group(administrator(server), "hidden")
    stranger = await workspace_key(server, "admin", workspace_id=await add_workspace(server))

    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        existing = await stranger.call(method, f"/api/groups/{group_id}", json=body)
        unknown = await stranger.call(method, f"/api/groups/{group_id[:-1]}x", json=body)
        assert existing == unknown == (404, {"error": "Group not found"})
    assert group_id not in str(await stranger.get("/api/groups"))


async def test_a_group_that_makes_the_last_administrator_stays(server: Server) -> None:
    workspace_id = await add_workspace(server)
    admin = administrator(server).within(workspace_id)
    user_id, _ = await add_person(server, "read", workspace_id=workspace_id)
    group_id = await _group(admin, "administrators", "admin", members=(user_id,))

    emptied = await admin.call("PUT", f"/api/groups/{group_id}", json={"name": "administrators"})
    removed = await admin.call("DELETE", f"/api/groups/{group_id}")

    assert (emptied[0], removed[0]) == (409, 409)


async def test_members_see_groups_and_members_and_change_neither(server: Server) -> None:
    user_id, address = await add_person(server, "approver")
    browser = await sign_in(server, address)

    assert (await browser.get("/api/groups"))[0] == 200
    assert (await browser.get(f"/api/workspaces/{DEFAULT}/members"))[0] == 200
    for method, path, body in (
        ("POST", "/api/groups", {"name": "x"}),
        ("PUT", f"/api/workspaces/{DEFAULT}/members/{user_id}", {"roles": ["admin"]}),
        ("PATCH", f"/api/workspaces/{DEFAULT}", {"name": "x"}),
    ):
        assert await browser.call(method, path, json=body) == (403, {"error": "Access denied"})
