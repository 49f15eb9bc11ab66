"""Sign-in with a password: sessions, their cookie, and what guessers get."""

from collections.abc import AsyncIterator

import pytest

from signoff.access.signing_in.attempts import PER_ACCOUNT
from signoff.access.signing_in.sessions import COOKIE
from support.gateways import Server
from support.identities import (
    DEFAULT,
    PASSWORD,
    Caller,
    add_person,
    administrator,
    nobody,
    serving_people,
    session_cookie,
    sign_in,
    with_cookies,
    workspace_key,
)

ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


async def test_who_signs_in_is_told_who_they_are_and_gets_a_guarded_cookie(server: Server) -> None:
    user_id, address = await add_person(server, "write")

    status, body, headers = await nobody(server).send(
        "POST", "/api/auth/login", json={"email": f" {address.upper()} ", "password": PASSWORD}
    )

    assert status == 200
    assert body["user"] == {"id": user_id, "name": "Ada", "email": address, "mustChangePassword": False}
    assert [(each["id"], each["roles"]) for each in body["workspaces"]] == [(DEFAULT, ["read", "write"])]
    cookie = session_cookie(headers)
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie  # this server is reached by http


async def test_behind_https_the_cookie_is_for_https_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving_people(monkeypatch, public_url="https://signoff.example.org") as server:
        _, address = await add_person(server, "read")

        _, _, headers = await nobody(server).send(
            "POST", "/api/auth/login", json={"email": address, "password": PASSWORD}
        )

    assert "Secure" in session_cookie(headers)


async def test_a_session_acts_as_its_user(server: Server) -> None:
    user_id, address = await add_person(server, "read")
    browser = await sign_in(server, address)

    me = await browser.do("GET", "/api/auth/session")

    assert (me["user"]["id"], me["method"]) == (user_id, "session")
    assert (await browser.get("/api/workflows"))[0] == 200
    assert (await browser.get("/api/keys"))[0] == 403


async def test_nobody_is_signed_in_without_a_session(server: Server) -> None:
    assert await nobody(server).get("/api/auth/session") == (401, {"error": "Unauthorized"})
    forged = Caller(server, {"Cookie": f"{COOKIE}=forged"})
    assert (await forged.get("/api/auth/session"))[0] == 401


async def test_a_key_is_told_who_it_is_too(server: Server) -> None:
    key = await workspace_key(server, "read")

    who = await key.do("GET", "/api/auth/session")

    assert (who["user"], who["method"]) == (None, "apiKey")
    assert [each["roles"] for each in who["workspaces"]] == [["read"]]


async def test_after_signing_out_the_cookie_is_worth_nothing(server: Server) -> None:
    _, address = await add_person(server, "read")
    browser = await sign_in(server, address)

    status, _, headers = await browser.send("POST", "/api/auth/logout")

    assert status == 204
    assert session_cookie(headers).startswith(f'{COOKIE}=""')
    assert (await browser.get("/api/auth/session"))[0] == 401


async def test_signing_in_again_ends_the_session_that_the_browser_had(server: Server) -> None:
    _, address = await add_person(server, "read")
    before = await sign_in(server, address)

    _, _, headers = await before.send(
        "POST", "/api/auth/login", json={"email": address, "password": PASSWORD}
    )

    after = with_cookies(server, headers)
    assert after.headers != before.headers
    assert (await before.get("/api/auth/session"))[0] == 401
    assert (await after.get("/api/auth/session"))[0] == 200


async def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(server: Server) -> None:
    _, address = await add_person(server, "read")

    wrong = await nobody(server).send(
        "POST", "/api/auth/login", json={"email": address, "password": "not the password"}
    )
    unknown = await nobody(server).send(
        "POST", "/api/auth/login", json={"email": "stranger@example.org", "password": PASSWORD}
    )
    nonsense = await nobody(server).send(
        "POST", "/api/auth/login", json={"email": "no address", "password": PASSWORD}
    )

    assert wrong[:2] == unknown[:2] == nonsense[:2]
    assert wrong[0] == 401
    assert dict(wrong[2]).keys() == dict(unknown[2]).keys() == dict(nonsense[2]).keys()


@pytest.mark.parametrize("known", [True, False])
async def test_an_account_is_guessed_at_only_so_often_whether_it_is_there_or_not(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    async with serving_people(monkeypatch) as server:
        _, address = await add_person(server, "read")
        guessed = address if known else "stranger@example.org"
        spelled = guessed.replace("e", "\uff25")
        guess = {"email": guessed, "password": "not the password"}
        for _ in range(PER_ACCOUNT):
            assert (await nobody(server).post("/api/auth/login", json=guess))[0] == 401

        status, body, headers = await nobody(server).send(
            "POST", "/api/auth/login", json={"email": spelled, "password": PASSWORD}
        )

    assert (status, body["error"]) == (429, "Too many attempts to sign in. Please try again later.")
    assert 0 < int(headers["Retry-After"]) <= 900


async def test_who_signs_in_has_all_attempts_again(server: Server) -> None:
    _, address = await add_person(server, "read")
    for _ in range(PER_ACCOUNT - 1):
        await nobody(server).post("/api/auth/login", json={"email": address, "password": "not it"})

    await sign_in(server, address)
    status, _ = await nobody(server).post("/api/auth/login", json={"email": address, "password": "not it"})

    assert status == 401


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/logout"])
async def test_another_sites_page_can_sign_nobody_in_or_out(server: Server, path: str) -> None:
    _, address = await add_person(server, "read")

    status, _ = await nobody(server).post(
        path, json={"email": address, "password": PASSWORD}, headers=ELSEWHERE
    )

    assert status == 403


async def test_another_sites_page_changes_nothing_with_a_visitors_session(server: Server) -> None:
    _, address = await add_person(server, "read")
    browser = await sign_in(server, address)

    status, _ = await browser.call("PATCH", "/api/users/me", json={"name": "Eve"}, headers=ELSEWHERE)

    assert status == 403
    assert (await browser.do("GET", "/api/users/me"))["name"] == "Ada"


async def test_a_disabled_user_loses_sessions_for_good_and_cannot_sign_in(server: Server) -> None:
    user_id, address = await add_person(server, "read")
    browser, admin = await sign_in(server, address), administrator(server)

    await admin.do("PATCH", f"/api/users/{user_id}", json={"disabled": True})
    during = (await browser.get("/api/workflows"))[0]
    refused = await nobody(server).post("/api/auth/login", json={"email": address, "password": PASSWORD})
    await admin.do("PATCH", f"/api/users/{user_id}", json={"disabled": False})
    afterwards = (await browser.get("/api/workflows"))[0]

    assert (during, refused[0], afterwards) == (401, 401, 401)
    await sign_in(server, address)


async def test_without_a_provider_there_is_the_password_alone(server: Server) -> None:
    assert await nobody(server).get("/api/auth/methods") == (200, {"password": True, "oidc": None})
    assert (await nobody(server).get("/api/auth/oidc"))[0] == 404
    assert (await nobody(server).get("/api/auth/oidc/callback"))[0] == 404
