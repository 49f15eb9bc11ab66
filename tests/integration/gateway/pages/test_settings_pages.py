"""The settings as HTTP has them: what they keep secret, and whom they keep out."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from support.gateways import Server
from support.identities import (
    DEFAULT,
    PASSWORD,
    Caller,
    add_person,
    add_workspace,
    administrator,
    new_address,
    serving_people,
    sign_in,
    with_cookies,
)

SECRET = re.compile(r"signoff_[A-Za-z0-9_-]{43}")
ONCE = re.compile(r'name="key" value="([^"]+)"')
HOOK = {"url": "https://erp.example.org/in?token=hunter2"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="session")
async def admin(server: Server) -> Caller:
    _, address = await add_person(server, "admin")
    return await sign_in(server, address)


async def fetch(caller: Caller, method: str, path: str, **given: Any) -> tuple[int, str, Any]:
    """Status, text and headers; redirects are not followed."""
    caller.server.client.session.cookie_jar.clear()
    headers = {**caller.headers, "Connection": "close"}
    async with caller.server.client.request(
        method, path, headers=headers, allow_redirects=False, **given
    ) as answer:
        return answer.status, await answer.text(), answer.headers


async def test_a_keys_secret_is_in_the_answer_to_its_form_alone(admin: Caller) -> None:
    form = {"name": "import", "roles": "read", "expiresInSeconds": "60"}
    status, text, headers = await fetch(admin, "POST", "/settings/keys/new", data=form)
    (key,) = set(re.findall(r"signoff_[A-Za-z0-9_-]{43}", text))

    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert headers.getall("Set-Cookie", []) == []
    assert key not in (await fetch(admin, "GET", "/settings/keys"))[1]
    assert (await Caller(admin.server, {"X-API-Key": key}).get("/api/workspaces"))[0] == 200


async def test_a_key_with_roles_that_its_maker_has_not_is_refused_in_the_form(server: Server) -> None:
    _, address = await add_person(server, "admin")
    form = {"name": "import", "roles": "auditor", "expiresInSeconds": "60"}

    status, text, _ = await fetch(await sign_in(server, address), "POST", "/settings/keys/new", data=form)

    assert status == 422
    assert "Nobody grants roles that they do not have: auditor" in text
    assert 'value="import"' in text


async def test_a_key_is_given_another_secret(admin: Caller) -> None:
    made = await admin.do("POST", "/api/keys", json={"name": "import", "roles": ["read"]})

    path = f"/settings/keys/{made['id']}/rotate"
    _, text, _ = await fetch(admin, "POST", path, data={"choice": "0"})

    (key,) = set(re.findall(r"signoff_[A-Za-z0-9_-]{43}", text))
    assert key != made["key"]
    assert (await Caller(admin.server, {"X-API-Key": made["key"]}).get("/api/workspaces"))[0] == 401
    assert (await Caller(admin.server, {"X-API-Key": key}).get("/api/workspaces"))[0] == 200


async def test_passwords_and_secrets_of_a_form_are_not_shown_to_who_has_to_sign_in(server: Server) -> None:
    form = {"name": "ERP_TOKEN", "secret": "hunter2", "currentPassword": "hunter2", "newPassword": "hunter2"}

    status, text, _ = await fetch(Caller(server), "POST", "/settings/secrets", data=form)

    assert status == 401
    assert 'value="ERP_TOKEN"' in text
    assert "hunter2" not in text


async def test_a_service_account_gets_a_key(server: Server) -> None:
    boss = administrator(server)
    made = await fetch(boss, "POST", "/settings/users/new", data={"kind": "service", "name": "crawler"})
    user = made[2]["Location"]
    await boss.do("PUT", f"/api/workspaces/{DEFAULT}/members/{user[-36:]}", json={"roles": ["read"]})

    _, text, _ = await fetch(boss, "POST", f"{user}/keys/new", data={"name": "x", "expiresInSeconds": "60"})

    (key,) = set(SECRET.findall(text))
    assert (await Caller(server, {"X-API-Key": key}).get("/api/workspaces"))[0] == 200


async def test_the_keys_of_a_service_account_are_listed_given_another_secret_and_revoked(
    server: Server,
) -> None:
    boss = administrator(server)
    user = await boss.do("POST", "/api/users", json={"name": "crawler", "service": True})
    path = f"/settings/users/{user['id']}"
    await fetch(boss, "POST", f"{path}/keys/new", data={"name": "nightly", "expiresInSeconds": "60"})
    (listed,) = (await boss.do("GET", f"/api/users/{user['id']}/keys"))["keys"]
    assert "It has 1." in (await fetch(boss, "GET", path))[1]
    assert listed["id"] in (await fetch(boss, "GET", f"{path}/keys"))[1]

    rotated = await fetch(boss, "POST", f"{path}/keys/{listed['id']}/rotate", data={"choice": "0"})
    (key,) = set(SECRET.findall(rotated[1]))
    told = await fetch(boss, "POST", f"{path}/keys/{listed['id']}/revoke")

    assert (told[0], told[2]["Location"]) == (303, f"{path}/keys")
    assert (await Caller(server, {"X-API-Key": key}).get("/api/workspaces"))[0] == 401
    assert (await boss.do("GET", f"/api/users/{user['id']}/keys"))["keys"] == []


async def test_a_person_has_no_keys_that_others_make(server: Server) -> None:
    user_id, _ = await add_person(server, "read")

    status, text, _ = await fetch(administrator(server), "GET", f"/settings/users/{user_id}/keys")

    assert (status, "People make their own keys" in text) == (409, True)


async def test_a_form_for_a_key_that_is_sent_twice_makes_one_and_shows_the_same_secret(admin: Caller) -> None:
    (once,) = ONCE.findall((await fetch(admin, "GET", "/settings/own-keys/new"))[1])
    form = {"key": once, "name": "laptop", "expiresInSeconds": "60"}

    first, second = [(await fetch(admin, "POST", "/settings/own-keys/new", data=form))[1] for _ in range(2)]

    assert SECRET.findall(first) == SECRET.findall(second) != []
    assert len((await admin.do("GET", "/api/users/me/keys"))["keys"]) == 1


async def test_a_form_for_a_user_that_is_sent_twice_adds_one(server: Server) -> None:
    boss = administrator(server)
    (once,) = ONCE.findall((await fetch(boss, "GET", "/settings/users/new"))[1])
    form = {"key": once, "kind": "person", "name": "Alan", "email": new_address()}

    first, second = [await fetch(boss, "POST", "/settings/users/new", data=form) for _ in range(2)]

    assert first[0] == second[0] == 303
    assert first[2]["Location"] == second[2]["Location"]


async def test_a_webhook_whose_form_is_sent_twice_is_made_once(admin: Caller) -> None:
    (once,) = ONCE.findall((await fetch(admin, "GET", "/settings/hooks/new"))[1])
    form = {"key": once, "url": HOOK["url"]}

    first, second = [(await fetch(admin, "POST", "/settings/hooks/new", data=form))[1] for _ in range(2)]

    assert "whsec_" in first
    assert re.findall(r"whsec_[\w+/=]+", first) == re.findall(r"whsec_[\w+/=]+", second)


async def test_who_signs_out_everywhere_else_gets_no_younger_session(server: Server) -> None:
    _, address = await add_person(server, "read")
    elsewhere, here = await sign_in(server, address), await sign_in(server, address)
    before = await here.do("GET", "/api/users/me/sessions")
    (own,) = [each for each in before["sessions"] if each["current"]]

    _, _, headers = await fetch(here, "POST", "/settings/sessions/end")

    (session,) = (await with_cookies(server, headers).do("GET", "/api/users/me/sessions"))["sessions"]
    assert session == {**own, "id": session["id"]}
    assert session["id"] != own["id"]
    assert (await elsewhere.get("/api/users/me"))[0] == (await here.get("/api/users/me"))[0] == 401


async def test_a_session_is_ended_by_what_names_it(server: Server) -> None:
    _, address = await add_person(server, "read")
    elsewhere, here = await sign_in(server, address), await sign_in(server, address)
    listed = (await here.do("GET", "/api/users/me/sessions"))["sessions"]
    (other,) = [each["id"] for each in listed if not each["current"]]

    await here.do("DELETE", f"/api/users/me/sessions/{other}")

    assert (await elsewhere.get("/api/users/me"))[0] == 401
    assert (await here.call("DELETE", f"/api/users/me/sessions/{other}"))[0] == 404


async def test_what_a_webhook_did_not_take_is_shown_and_sent_once_more(admin: Caller) -> None:
    hook = (await admin.do("POST", "/api/hooks", json=HOOK))["hookId"]

    status, text, _ = await fetch(admin, "GET", f"/settings/hooks/{hook}?state=dead")
    assert (status, "There are no dead letters." in text, "hunter2" in text) == (200, True, False)
    told = await fetch(admin, "POST", f"/settings/hooks/{hook}/replay", data={"from": "2026-01-01T00:00"})
    assert (told[0], told[2]["Location"]) == (303, f"/settings/hooks/{hook}")
    status, text, _ = await fetch(admin, "POST", f"/settings/hooks/{hook}/replay", data={"from": "soon"})
    assert (status, "must be a time" in text) == (422, True)
    await fetch(admin, "POST", f"/settings/hooks/{hook}/dead/remove")
    await admin.do("PUT", f"/api/hooks/{hook}", json={"enabled": False})
    status, text, _ = await fetch(
        admin, "POST", f"/settings/hooks/{hook}/replay", data={"from": "2026-01-01"}
    )
    assert (status, "The webhook is disabled" in text) == (422, True)


async def test_what_is_another_workspaces_is_not_there(server: Server, admin: Caller) -> None:
    hook = (await admin.do("POST", "/api/hooks", json=HOOK))["hookId"]
    key = (await admin.do("POST", "/api/keys", json={"name": "x", "roles": ["read"]}))["id"]
    group = (await admin.do("POST", "/api/groups", json={"name": "here"}))["id"]
    member, _ = await add_person(server, "read")
    other = await add_workspace(server)
    _, address = await add_person(server, "admin", workspace_id=other)
    stranger = await sign_in(server, address)

    for path in (
        f"hooks/{hook}", f"hooks/{hook}/settings", f"hooks/{hook}/rotate", f"hooks/{hook}/remove",
        f"keys/{key}/revoke", f"keys/{key}/rotate", f"groups/{group}", f"groups/{group}/remove",
        f"members/{member}", f"members/{member}/remove", "secrets/NAME/remove",
    ):  # fmt: skip
        assert (await fetch(stranger, "GET", f"/settings/{path}"))[0] == 404, path


async def test_a_bounded_key_changes_no_password(server: Server) -> None:
    _, address = await add_person(server, "read")
    browser = await sign_in(server, address)
    made = await browser.do("POST", "/api/users/me/keys", json={"name": "x", "roles": ["read"]})
    form = {"currentPassword": PASSWORD, "newPassword": "another password", "repeated": "another password"}

    program = Caller(server, {"X-API-Key": made["key"]})
    status, text, _ = await fetch(program, "POST", "/settings/password", data=form)

    assert (status, "This key may not change the account" in text) == (422, True)


async def test_names_are_shown_as_data(admin: Caller) -> None:
    hostile = '<img src=x onerror="x">"\u202e'
    await admin.do("POST", "/api/groups", json={"name": hostile})
    members = f"/api/workspaces/{DEFAULT}/members"
    await admin.do("POST", members, json={"email": new_address(), "name": hostile, "roles": ["read"]})
    await admin.do("POST", "/api/keys", json={"name": hostile, "roles": ["read"]})

    for path in ("groups", "groups/new", "members", "keys", "account", "access-log"):
        status, text, _ = await fetch(admin, "GET", f"/settings/{path}")
        assert (status, "<img" in text, "\u202e" in text) == (200, False, False), path
