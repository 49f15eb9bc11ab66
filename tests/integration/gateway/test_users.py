"""Users of the installation, members of workspaces, service accounts; and erasure."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from signoff.events.codec import decode_event
from signoff.events.topics import directory_log_id
from support.gateways import Server
from support.identities import (
    DEFAULT,
    PASSWORD,
    add_person,
    add_workspace,
    administrator,
    held_by,
    new_address,
    nobody,
    serving_people,
    sign_in,
    with_key,
    workspace_key,
)


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


async def _log(server: Server) -> list[Any]:
    kept = await server.store.read(directory_log_id(), after=0, limit=100_000)
    return [decode_event(each.state) for each in kept]


async def test_a_user_is_added_found_changed_and_listed(server: Server) -> None:
    admin, address = administrator(server), new_address()

    status, made = await admin.post("/api/users", json={"name": "Ada", "email": address})
    changed = await admin.do("PATCH", f"/api/users/{made['id']}", json={"name": "Ada L."})

    assert (status, made["email"], made["service"], made["disabled"]) == (201, address, False, False)
    assert (changed["name"], changed["email"]) == ("Ada L.", address)
    assert await admin.do("GET", f"/api/users/{made['id']}") == changed
    assert (await admin.do("GET", "/api/users", params={"email": address.upper()}))["users"] == [changed]
    assert (await admin.do("GET", "/api/users", params={"email": new_address()}))["users"] == []
    assert made["id"] in [each["id"] for each in (await admin.do("GET", "/api/users"))["users"]]


async def test_an_address_is_one_users_however_it_is_spelled(server: Server) -> None:
    admin, address = administrator(server), new_address()
    first = await admin.do("POST", "/api/users", json={"name": "Ada", "email": address})

    status, _ = await admin.post("/api/users", json={"name": "Eve", "email": f" {address.upper()}"})

    assert status == 409
    assert (await admin.do("GET", f"/api/users/{first['id']}"))["name"] == "Ada"


async def test_a_retry_adds_nobody_twice(server: Server) -> None:
    admin, again = administrator(server), {"Idempotency-Key": "add Ada"}
    body = {"name": "Ada", "email": new_address(), "password": PASSWORD}

    first = await admin.do("POST", "/api/users", json=body, headers=again)
    second = await admin.do("POST", "/api/users", json=body, headers=again)

    assert second == first


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "Ada"}, "email"),
        ({"name": "Ada", "email": "no address"}, "email"),
        ({"name": "Ada", "email": "a@b\u0000c"}, "email"),
        ({"name": "", "email": "ada@example.org"}, "name"),
        ({"name": "Ada", "email": "ada@example.org", "password": "short"}, "password"),
        ({"name": "Bot", "service": True, "email": "bot@example.org"}, "service"),
        ({"name": "Bot", "service": True, "password": PASSWORD}, "service"),
    ],
)
async def test_a_body_that_makes_no_user_is_refused_by_its_field(
    server: Server, body: dict[str, object], place: str
) -> None:
    status, answer = await administrator(server).post("/api/users", json=body)

    assert (status, answer["details"][0]["path"]) == (400, place)


async def test_an_administrator_of_another_workspace_administers_no_installation(server: Server) -> None:
    other = await workspace_key(server, "admin", workspace_id=await add_workspace(server))
    user_id, _ = await add_person(server)

    refused = [
        await other.get("/api/users"),
        await other.post("/api/users", json={"name": "Eve", "email": new_address()}),
        await other.get(f"/api/users/{user_id}"),
        await other.call("PATCH", f"/api/users/{user_id}", json={"password": PASSWORD}),
        await other.call("DELETE", f"/api/users/{user_id}"),
        await other.post(f"/api/users/{user_id}/keys", json={"name": "x"}),
        await other.post("/api/workspaces", json={"name": "x"}),
    ]

    assert refused == [(403, {"error": "Access denied"})] * 7


async def test_a_password_that_an_administrator_sets_ends_all_sessions(server: Server) -> None:
    user_id, address = await add_person(server, "read")
    browser = await sign_in(server, address)

    await administrator(server).do("PATCH", f"/api/users/{user_id}", json={"password": "another password"})

    assert (await browser.get("/api/auth/session"))[0] == 401
    me = await (await sign_in(server, address, "another password")).do("GET", "/api/auth/session")
    assert me["user"]["mustChangePassword"] is True


async def test_a_service_account_has_keys_and_no_way_to_sign_in(server: Server) -> None:
    admin = administrator(server)
    bot = await admin.do("POST", "/api/users", json={"name": "crawler", "service": True})
    await admin.do("PUT", f"/api/workspaces/{DEFAULT}/members/{bot['id']}", json={"roles": ["read"]})

    made = await admin.do("POST", f"/api/users/{bot['id']}/keys", json={"name": "crawler"})
    with_password = await admin.call("PATCH", f"/api/users/{bot['id']}", json={"password": PASSWORD})

    assert (await with_key(server, made["key"]).get("/api/workflows"))[0] == 200
    assert with_password[0] == 400


async def test_only_people_make_their_own_keys(server: Server) -> None:
    user_id, _ = await add_person(server, "read")

    status, _ = await administrator(server).post(f"/api/users/{user_id}/keys", json={"name": "x"})

    assert status == 409


async def test_erasing_a_person_leaves_no_trace_of_them_but_the_id_in_the_log(server: Server) -> None:
    admin = administrator(server)
    user_id, address = await add_person(server, "write")
    browser = await sign_in(server, address)
    made = await browser.do("POST", "/api/users/me/keys", json={"name": "laptop"})
    assert address in held_by(server.store.records)

    erased, _ = await admin.call("DELETE", f"/api/users/{user_id}")

    assert erased == 204
    assert address not in held_by(server.store.records)
    events = [each for each in await _log(server) if user_id in repr(each)]
    assert events
    assert address not in repr(await _log(server))
    assert [each.type for each in events[-2:]] == ["member:removed", "user:disabled"]
    assert (await browser.get("/api/auth/session"))[0] == 401
    assert (await with_key(server, made["key"]).get("/api/workflows"))[0] == 401
    assert (await admin.get(f"/api/users/{user_id}"))[0] == 404
    assert (await admin.call("DELETE", f"/api/users/{user_id}"))[0] == 404
    assert user_id not in str(await admin.get(f"/api/workspaces/{DEFAULT}/members"))


async def test_an_erased_persons_address_is_free_for_another_user(server: Server) -> None:
    admin = administrator(server)
    user_id, address = await add_person(server)
    await admin.do("DELETE", f"/api/users/{user_id}")

    anew = await admin.do("POST", "/api/users", json={"name": "Ada", "email": address})

    assert anew["id"] != user_id


async def test_the_log_and_its_commands_know_neither_addresses_nor_names_nor_passwords(
    server: Server,
) -> None:
    admin, address = administrator(server), new_address()
    body = {"name": "Countess Lovelace", "email": address, "password": "an unusual password"}

    await admin.do("POST", "/api/users", json=body, headers={"Idempotency-Key": "a countess"})

    everything = repr(await _log(server)) + held_by(server.bus)
    assert "user:added" in held_by(server.bus)
    for secret in ("Countess", address, "an unusual password"):
        assert secret not in everything


async def test_members_are_added_listed_changed_and_removed(server: Server) -> None:
    workspace_id = await add_workspace(server)
    admin, address = administrator(server), new_address()
    members = f"/api/workspaces/{workspace_id}/members"

    status, added = await admin.post(members, json={"email": address, "roles": ["approver"]})
    changed = await admin.do("PUT", f"{members}/{added['id']}", json={"roles": ["read", "approver"]})
    listed = await admin.do("GET", members)
    removed, _ = await admin.call("DELETE", f"{members}/{added['id']}")

    assert (status, added) == (201, {"id": added["id"], "email": address, "roles": ["approver"]})
    assert (changed["roles"], changed["email"]) == (["read", "approver"], address)
    assert listed == {"members": [changed], "nextCursor": None}
    assert removed == 204
    assert (await admin.do("GET", members))["members"] == []
    assert (await admin.call("DELETE", f"{members}/{added['id']}"))[0] == 404


async def test_a_key_of_a_request_adds_one_person_and_gives_nobody_elses_address_to_them(
    server: Server,
) -> None:
    admin, members = administrator(server), f"/api/workspaces/{DEFAULT}/members"
    again = {"Idempotency-Key": "one member"}
    address, other = new_address(), new_address()
    first = await admin.do("POST", members, json={"email": address, "roles": ["read"]}, headers=again)

    retried = await admin.do("POST", members, json={"email": address, "roles": ["read"]}, headers=again)
    status, _ = await admin.post(members, json={"email": other, "roles": ["read"]}, headers=again)

    assert (retried, status) == (first, 409)
    found = await admin.do("GET", "/api/users", params={"email": other})
    assert found["users"] == []


async def test_adding_a_member_tells_nothing_of_whether_they_were_a_user(server: Server) -> None:
    workspace_id = await add_workspace(server)
    local = await workspace_key(server, "admin", workspace_id=workspace_id)
    _, known = await add_person(server)
    members = f"/api/workspaces/{workspace_id}/members"

    of_known = await local.send("POST", members, json={"email": known, "name": "X", "roles": ["read"]})
    of_new = await local.send("POST", members, json={"email": new_address(), "name": "X", "roles": ["read"]})

    assert of_known[0] == of_new[0] == 201
    assert of_known[1].keys() == of_new[1].keys()
    assert len(of_known[1]["id"]) == len(of_new[1]["id"])


async def test_the_last_administrator_of_a_workspace_stays_one(server: Server) -> None:
    workspace_id = await add_workspace(server)
    user_id, address = await add_person(server, "admin", workspace_id=workspace_id)
    browser = (await sign_in(server, address)).within(workspace_id)
    member = f"/api/workspaces/{workspace_id}/members/{user_id}"

    refused = [
        await browser.call("PUT", member, json={"roles": ["write"]}),
        await browser.call("DELETE", member),
        await administrator(server).call("PATCH", f"/api/users/{user_id}", json={"disabled": True}),
        await administrator(server).call("DELETE", f"/api/users/{user_id}"),
    ]

    reason = "A workspace keeps one administrator: make somebody else one first"
    assert refused == [(409, {"error": reason})] * 4
    assert (await browser.get("/api/keys"))[0] == 200


async def test_people_cannot_be_made_members_by_an_id_that_somebody_knows(server: Server) -> None:
    user_id, _ = await add_person(server)
    workspace_id = await add_workspace(server)
    local = await workspace_key(server, "admin", workspace_id=workspace_id)

    for other in (user_id, user_id[:-1] + "x"):
        status, body = await local.call(
            "PUT", f"/api/workspaces/{workspace_id}/members/{other}", json={"roles": ["read"]}
        )
        assert (status, body) == (404, {"error": "Member not found"})


async def test_nobody_without_a_credential_gets_anywhere(server: Server) -> None:
    for path in ("/api/users", "/api/users/me", "/api/workspaces", "/api/groups", "/api/keys"):
        assert await nobody(server).get(path) == (401, {"error": "Unauthorized"})
