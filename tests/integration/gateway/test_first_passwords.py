"""Whoever signs in with a password that somebody else chose changes it before all else."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.gateways import Server
from support.identities import (
    DEFAULT,
    PASSWORD,
    Caller,
    add_person,
    administrator,
    nobody,
    serving_people,
    sign_in,
    with_cookies,
)

GIVEN = "chosen by somebody else"
REFUSED = {
    "error": "Somebody else chose your password: change it first (POST /api/users/me/password)",
    "code": "PASSWORD_CHANGE_REQUIRED",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="session")
async def newcomer(server: Server) -> Caller:
    """A browser signed in with a password that an administrator gave."""
    user_id, address = await add_person(server, "admin")
    await administrator(server).do("PATCH", f"/api/users/{user_id}", json={"password": GIVEN})
    return await sign_in(server, address, GIVEN)


async def test_nothing_is_shown_or_changed_before(newcomer: Caller) -> None:
    refused = [
        await newcomer.get("/api/workflows"),
        await newcomer.get("/api/users/me"),
        await newcomer.post("/api/users/me/keys", json={"name": "x"}),
        await newcomer.post(f"/api/workspaces/{DEFAULT}/members", json={}),
        await newcomer.call("PATCH", "/api/users/me", json={"name": "x"}),
    ]

    assert refused == [(403, REFUSED)] * 5


async def test_who_they_are_is_told_and_that_they_have_to(newcomer: Caller) -> None:
    me = await newcomer.do("GET", "/api/auth/session")

    assert me["user"]["mustChangePassword"] is True


async def test_the_password_that_was_given_is_no_new_one(newcomer: Caller) -> None:
    status, body = await newcomer.post(
        "/api/users/me/password", json={"currentPassword": GIVEN, "newPassword": GIVEN}
    )

    assert status == 400
    assert [each["path"] for each in body["details"]] == ["newPassword"]


async def test_with_a_password_of_their_own_everything_is_open(newcomer: Caller) -> None:
    status, _, headers = await newcomer.send(
        "POST", "/api/users/me/password", json={"currentPassword": GIVEN, "newPassword": PASSWORD}
    )

    goes_on = with_cookies(newcomer.server, headers)
    assert status == 204
    assert (await goes_on.get("/api/workflows"))[0] == 200


async def test_a_key_that_they_have_goes_on(server: Server) -> None:
    user_id, address = await add_person(server, "read")
    made = await (await sign_in(server, address)).do("POST", "/api/users/me/keys", json={"name": "x"})

    await administrator(server).do("PATCH", f"/api/users/{user_id}", json={"password": GIVEN})

    program = Caller(server, {"X-API-Key": made["key"]})
    assert (await program.get("/api/workflows"))[0] == 200


async def test_every_page_leads_to_the_one_where_it_is_changed(newcomer: Caller) -> None:
    for path in ("/inbox", "/settings", "/settings/account", "/workflows"):
        async with newcomer.server.client.get(
            path, headers={**newcomer.headers, "Connection": "close"}, allow_redirects=False
        ) as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == f"/settings/password?next={path.replace('/', '%2F')}"


async def test_signing_out_is_open_to_them(newcomer: Caller) -> None:
    assert (await newcomer.post("/api/auth/logout"))[0] == 204
    assert (await nobody(newcomer.server).get("/api/auth/session"))[0] == 401
