"""What people do for themselves: name, password, personal keys."""

from collections.abc import AsyncIterator

import pytest

from support.gateways import Server
from support.identities import (
    DEFAULT,
    PASSWORD,
    add_person,
    add_workspace,
    administrator,
    nobody,
    serving_people,
    sign_in,
    with_cookies,
    with_key,
    workspace_key,
)

NEWER = "staple of the horses"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


async def test_people_see_and_change_themselves(server: Server) -> None:
    user_id, address = await add_person(server, "read")
    browser = await sign_in(server, address)

    changed = await browser.do("PATCH", "/api/users/me", json={"name": "Ada Lovelace"})

    assert (changed["id"], changed["name"], changed["email"]) == (user_id, "Ada Lovelace", address)
    assert await browser.do("GET", "/api/users/me") == changed


async def test_another_password_ends_every_session_but_the_one_that_asked(server: Server) -> None:
    _, address = await add_person(server, "read")
    elsewhere, here = await sign_in(server, address), await sign_in(server, address)

    status, _, headers = await here.send(
        "POST", "/api/users/me/password", json={"currentPassword": PASSWORD, "newPassword": NEWER}
    )

    goes_on = with_cookies(server, headers)
    assert status == 204
    assert [(await each.get("/api/users/me"))[0] for each in (elsewhere, here, goes_on)] == [401, 401, 200]
    me = await (await sign_in(server, address, NEWER)).do("GET", "/api/auth/session")
    assert me["user"]["mustChangePassword"] is False
    old = await nobody(server).post("/api/auth/login", json={"email": address, "password": PASSWORD})
    assert old[0] == 401


@pytest.mark.parametrize(
    ("current", "newer", "status"),
    [("wrong", NEWER, 403), (PASSWORD, "short", 400), (PASSWORD, "x" * 201, 400)],
)
async def test_a_password_is_changed_by_who_knows_it_and_to_one_of_10_to_200_characters(
    server: Server, current: str, newer: str, status: int
) -> None:
    _, address = await add_person(server, "read")
    browser = await sign_in(server, address)

    refused = await browser.post(
        "/api/users/me/password", json={"currentPassword": current, "newPassword": newer}
    )

    assert refused[0] == status
    await sign_in(server, address)


async def test_a_personal_key_does_what_its_user_may_and_no_longer_than_they_may(server: Server) -> None:
    user_id, address = await add_person(server, "write")
    made = await (await sign_in(server, address)).do("POST", "/api/users/me/keys", json={"name": "laptop"})
    key = with_key(server, made["key"])

    before = (await key.get("/api/workflows"))[0]
    members = f"/api/workspaces/{DEFAULT}/members"
    await administrator(server).do("DELETE", f"{members}/{user_id}")

    assert (before, (await key.get("/api/workflows"))[0]) == (200, 401)
    assert (made["userId"], made["roles"], made["workspaceId"]) == (user_id, None, None)


async def test_a_bounded_key_does_less_than_its_user_and_only_where_it_is_bound(server: Server) -> None:
    other = await add_workspace(server)
    user_id, address = await add_person(server, "admin")
    members = f"/api/workspaces/{other}/members"
    await administrator(server).do("POST", members, json={"email": address, "roles": ["admin"]})
    browser = await sign_in(server, address)
    made = await browser.do(
        "POST", "/api/users/me/keys", json={"name": "reader", "roles": ["read"], "workspaceId": other}
    )
    key = with_key(server, made["key"])

    assert (await key.get("/api/workflows"))[0] == 200
    assert (await key.get("/api/keys"))[0] == 403
    assert (await key.within(DEFAULT).get("/api/workflows"))[0] == 404
    assert (await browser.within(other).get("/api/keys"))[0] == 200
    assert user_id == made["userId"]


@pytest.mark.parametrize("bound", [{"roles": ["admin"]}, {"workspaceId": DEFAULT}, {"expiresInSeconds": 600}])
async def test_a_bounded_key_cannot_free_itself(server: Server, bound: dict[str, object]) -> None:
    _, address = await add_person(server, "admin")
    browser = await sign_in(server, address)
    free = await browser.do("POST", "/api/users/me/keys", json={"name": "free"})
    bounded = await browser.do("POST", "/api/users/me/keys", json={"name": "bounded", **bound})
    key = with_key(server, bounded["key"])

    refused = [
        await key.post("/api/users/me/keys", json={"name": "another"}),
        await key.post(f"/api/users/me/keys/{free['id']}/rotate"),
        await key.post(f"/api/users/me/keys/{bounded['id']}/rotate"),
        await key.call("DELETE", f"/api/users/me/keys/{free['id']}"),
        await key.post("/api/users/me/password", json={"currentPassword": PASSWORD, "newPassword": NEWER}),
    ]

    assert [status for status, _ in refused] == [403] * 5
    assert (await with_key(server, free["key"]).get("/api/users/me"))[0] == 200


async def test_personal_keys_are_listed_rotated_and_revoked_by_their_user_alone(server: Server) -> None:
    _, address = await add_person(server, "read")
    _, strangers = await add_person(server, "admin")
    browser, stranger = await sign_in(server, address), await sign_in(server, strangers)
    made = await browser.do("POST", "/api/users/me/keys", json={"name": "laptop"})

    others = [
        await stranger.call("DELETE", f"/api/users/me/keys/{made['id']}"),
        await stranger.post(f"/api/users/me/keys/{made['id']}/rotate"),
        await stranger.call("DELETE", f"/api/keys/{made['id']}"),
        await stranger.get(f"/api/keys/{made['id']}"),
    ]
    listed = await browser.do("GET", "/api/users/me/keys")
    rotated = await browser.do("POST", f"/api/users/me/keys/{made['id']}/rotate")
    with_new = (await with_key(server, rotated["key"]).get("/api/users/me"))[0]
    await browser.do("DELETE", f"/api/users/me/keys/{made['id']}")

    assert others == [(404, {"error": "API key not found"})] * 4
    assert [each["id"] for each in listed["keys"]] == [made["id"]]
    assert with_new == 200
    assert (await with_key(server, rotated["key"]).get("/api/users/me"))[0] == 401


async def test_a_key_is_bound_only_to_a_workspace_of_its_user(server: Server) -> None:
    _, address = await add_person(server, "read")
    browser = await sign_in(server, address)
    elsewhere = await add_workspace(server)

    for workspace_id in (elsewhere, "no-workspace"):
        refused = await browser.post("/api/users/me/keys", json={"name": "x", "workspaceId": workspace_id})
        assert refused == (404, {"error": "Workspace not found"})


async def test_a_workspaces_key_has_no_account(server: Server) -> None:
    key = await workspace_key(server, "admin")

    assert (await key.get("/api/users/me"))[0] == 403
    assert (await key.post("/api/users/me/keys", json={"name": "x"}))[0] == 403
