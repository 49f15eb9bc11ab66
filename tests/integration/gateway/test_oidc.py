"""Sign-in with an OpenID provider, and what attackers get."""

import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from signoff.access.errors import ProviderError
from signoff.access.signing_in.oidc import Challenge, Provider, ProviderSettings
from signoff.events.codec import decode_event
from signoff.events.topics import directory_log_id
from support.gateways import Server
from support.identities import (
    PASSWORD,
    Caller,
    add_person,
    administrator,
    new_address,
    nobody,
    serving_people,
    session_cookie,
    with_cookies,
)
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider, new_key

FAILED = (401, {"error": "The sign-in failed: begin again"})


@pytest.fixture(scope="module")
async def running_provider() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as running:
        yield running


@pytest.fixture
def provider(running_provider: OidcProvider) -> OidcProvider:
    running_provider.be_honest()
    return running_provider


def _trusting(provider: OidcProvider, **changes: Any) -> dict[str, Any]:
    return {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "Company account",
        **changes,
    }


@pytest.fixture(scope="module")
async def server(running_provider: OidcProvider) -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch, **_trusting(running_provider)) as running:
            yield running


async def _begin(server: Server, return_to: str = "/inbox") -> tuple[Caller, str]:
    """A browser at the provider: with its cookie, and the address that it was sent to."""
    status, body, headers = await nobody(server).send(
        "GET", "/api/auth/oidc", params={"return_to": return_to}
    )
    assert status == 302, body
    return with_cookies(server, headers), headers["Location"]


async def _end(browser: Caller, back: str) -> tuple[int, Any]:
    status, body, _ = await browser.send("GET", back)
    return status, body


async def test_a_known_person_whose_address_is_verified_signs_in_and_goes_on_where_they_were(
    server: Server, provider: OidcProvider
) -> None:
    user_id, address = await add_person(server, "read")
    browser, at = await _begin(server, "/inbox?tab=mine")

    status, _, headers = await browser.send("GET", provider.consent(at, email=address, email_verified=True))

    assert (status, headers["Location"]) == (302, "/inbox?tab=mine")
    assert {"HttpOnly", "SameSite=Lax"} <= {each.strip() for each in session_cookie(headers).split(";")}
    me = await with_cookies(server, headers).do("GET", "/api/auth/session")
    assert me["user"]["id"] == user_id
    methods = await nobody(server).do("GET", "/api/auth/methods")
    assert methods["oidc"] == {"name": "Company account", "url": "/api/auth/oidc"}


async def test_once_linked_a_person_is_known_by_their_subject_whatever_their_address_is(
    server: Server, provider: OidcProvider
) -> None:
    user_id, address = await add_person(server, "read")
    browser, at = await _begin(server)
    await _end(browser, provider.consent(at, email=address, email_verified=True))

    browser, at = await _begin(server)
    _, _, headers = await browser.send("GET", provider.consent(at, email=new_address(), email_verified=True))

    me = await with_cookies(server, headers).do("GET", "/api/auth/session")
    assert me["user"]["id"] == user_id


async def test_another_subject_does_not_get_in_by_the_address_of_a_linked_person(
    server: Server, provider: OidcProvider
) -> None:
    _, address = await add_person(server, "read")
    browser, at = await _begin(server)
    await _end(browser, provider.consent(at, email=address, email_verified=True))

    provider.be_honest()
    answered = []
    for _ in range(2):  # what was refused once must not have been taken down
        browser, at = await _begin(server)
        answered.append(await _end(browser, provider.consent(at, email=address, email_verified=True)))

    assert [status for status, _ in answered] == [403, 403]


@pytest.mark.parametrize("verified", [False, None, "true"])
async def test_an_address_that_is_not_verified_is_nobodys(
    server: Server, provider: OidcProvider, verified: object
) -> None:
    _, address = await add_person(server, "read")
    browser, at = await _begin(server)

    status, body = await _end(browser, provider.consent(at, email=address, email_verified=verified))

    assert (status, body) == (403, {"error": "There is no account for you here: ask an administrator"})


async def test_where_people_may_sign_up_a_stranger_becomes_a_user_in_no_workspace(
    provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new_address()
    async with serving_people(monkeypatch, **_trusting(provider, oidc_sign_up=True)) as server:
        browser, at = await _begin(server)
        _, _, headers = await browser.send(
            "GET", provider.consent(at, email=address, email_verified=True, name="Grace")
        )
        me = await with_cookies(server, headers).do("GET", "/api/auth/session")
        (kept,) = await server.store.read(directory_log_id(), after=0, limit=10)
        provider.be_honest()
        browser, at = await _begin(server)
        _, _, headers = await browser.send(
            "GET", provider.consent(at, email="no address", email_verified=True, name="Edsger")
        )
        other = await with_cookies(server, headers).do("GET", "/api/auth/session")

    event = decode_event(kept.state)
    assert (me["user"]["name"], me["user"]["email"], me["workspaces"]) == ("Grace", address, [])
    assert (event.type, event.data.actor.id) == ("user:added", me["user"]["id"])
    assert (other["user"]["name"], other["user"]["email"]) == ("Edsger", None)


async def test_a_disabled_person_gets_no_session(server: Server, provider: OidcProvider) -> None:
    user_id, address = await add_person(server, "read")
    await administrator(server).do("PATCH", f"/api/users/{user_id}", json={"disabled": True})
    browser, at = await _begin(server)

    status, _ = await _end(browser, provider.consent(at, email=address, email_verified=True))

    assert status == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://elsewhere.example"},
        {"exp": int(time.time()) - 600},
        {"exp": None},
        {"iat": int(time.time()) + 86_400},
        {"sub": ""},
        {"sub": None},
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_lets_nobody_in(
    server: Server, provider: OidcProvider, claims: dict[str, Any]
) -> None:
    _, address = await add_person(server, "read")
    provider.claims = claims
    browser, at = await _begin(server)

    assert await _end(browser, provider.consent(at, email=address, email_verified=True)) == FAILED


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_an_id_token_without_the_providers_own_signature_lets_nobody_in(
    server: Server, provider: OidcProvider, algorithm: str
) -> None:
    _, address = await add_person(server, "read")
    provider.algorithm = algorithm
    browser, at = await _begin(server)

    assert await _end(browser, provider.consent(at, email=address, email_verified=True)) == FAILED


async def test_an_id_token_signed_with_a_key_that_is_not_the_providers_lets_nobody_in(
    server: Server, provider: OidcProvider
) -> None:
    _, address = await add_person(server, "read")
    provider.key = new_key()
    browser, at = await _begin(server)

    assert await _end(browser, provider.consent(at, email=address, email_verified=True)) == FAILED


async def test_an_answer_can_be_used_once(server: Server, provider: OidcProvider) -> None:
    _, address = await add_person(server, "read")
    browser, at = await _begin(server)
    back = provider.consent(at, email=address, email_verified=True)

    first, second = await _end(browser, back), await _end(browser, back)

    assert (first[0], second[0]) == (302, 401)
    assert len(provider.asked) == 1


async def test_an_answer_is_of_no_use_in_another_browser(server: Server, provider: OidcProvider) -> None:
    _, address = await add_person(server, "read")
    _, at = await _begin(server)
    victim, _ = await _begin(server)
    back = provider.consent(at, email=address, email_verified=True)

    assert (await _end(victim, back))[0] == 401
    assert (await _end(nobody(server), back))[0] == 401
    assert provider.asked == []


@pytest.mark.parametrize(
    "change",
    [
        ("state=", "state=x"),
        ("iss=http", "iss=https"),
        ("iss=", "issuer="),
        ("code=", "code=another"),
        ("code=", "error="),
    ],
)
async def test_an_answer_that_was_changed_lets_nobody_in(
    server: Server, provider: OidcProvider, change: tuple[str, str]
) -> None:
    _, address = await add_person(server, "read")
    browser, at = await _begin(server)
    back = provider.consent(at, email=address, email_verified=True)

    status, _ = await _end(browser, back.replace(*change, 1))

    assert status == 401


@pytest.mark.parametrize(
    "return_to",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "inbox", "javascript:x",
     "/a\r\nSet-Cookie: x=y", "/\t/evil.example", "", "/ü"],
)  # fmt: skip
async def test_nobody_is_sent_to_another_site(server: Server, return_to: str) -> None:
    status, _ = await nobody(server).get("/api/auth/oidc", params={"return_to": return_to})

    assert status == 400


@pytest.mark.parametrize("host", ["[", "x:y", "x:99999"])
async def test_a_host_that_is_none_is_a_fault_of_the_request(server: Server, host: str) -> None:
    _, address = await add_person(server, "read")
    credentials = {"email": address, "password": PASSWORD}

    begun, _ = await nobody(server).get("/api/auth/oidc", headers={"Host": host})
    signed_in, _ = await nobody(server).post("/api/auth/login", json=credentials, headers={"Host": host})

    assert (begun, signed_in) == (400, 200)


async def test_a_provider_that_is_away_or_another_one_is_answered_with_503(
    provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving_people(monkeypatch, **_trusting(provider)) as server:
        provider.metadata = {"issuer": "https://elsewhere.example"}
        another = await nobody(server).get("/api/auth/oidc")
        provider.metadata = {"jwks_uri": f"{provider.issuer}/missing"}
        without_keys = await nobody(server).get("/api/auth/oidc")
        provider.metadata = {"jwks_uri": "http://127.0.0.1:9/jwks"}
        away = await nobody(server).get("/api/auth/oidc")

    assert another == without_keys == away == (503, {"error": "The sign-in provider cannot be reached"})


async def test_a_key_that_is_new_at_the_provider_is_fetched_but_not_for_every_token(
    provider: OidcProvider,
) -> None:
    now = time.time()
    known = ProviderSettings(
        issuer=provider.issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, scopes=("email",)
    )
    client = Provider(known, clock=lambda: now)

    async def vouched() -> str:
        challenge = Challenge.new("http://127.0.0.1/callback")
        back = urlsplit(provider.consent(await client.address(challenge)))
        return (await client.vouch(challenge, dict(parse_qsl(back.query)))).subject

    await vouched()
    provider.shown = provider.key = new_key()
    with pytest.raises(ProviderError, match="not the provider's"):
        await vouched()
    now += 31

    assert await vouched() == provider.subject
    await client.close()


# In a browser -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [{"Sec-Fetch-Mode": "navigate"}, {"Accept": "text/html,*/*;q=0.8"}])
async def test_a_person_whom_the_provider_did_not_let_in_is_told_at_the_sign_in(
    server: Server, sign: dict[str, str]
) -> None:
    status, _, headers = await nobody(server).send(
        "GET", "/api/auth/oidc/callback?state=unknown&error=access_denied", headers=sign
    )
    assert (status, headers["Location"]) == (303, "/sign-in")

    told = with_cookies(server, headers).headers["Cookie"]
    async with server.client.get("/sign-in", headers={"Cookie": told, "Connection": "close"}) as answer:
        text = await answer.text()

    assert "This sign-in was not begun in this browser, or too long ago: begin again." in text


async def test_a_person_who_cannot_be_sent_to_the_provider_goes_on_where_they_were_later(
    server: Server, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> str:
        raise ProviderError("it is away")

    monkeypatch.setattr(Provider, "address", away)

    status, _, headers = await nobody(server).send(
        "GET", "/api/auth/oidc?return_to=/signed-in", headers={"Sec-Fetch-Mode": "navigate"}
    )

    assert (status, headers["Location"]) == (303, "/sign-in?next=%2Fsigned-in")


async def test_a_program_gets_a_refusal_of_the_provider_as_json(server: Server) -> None:
    status, body, _ = await nobody(server).send(
        "GET", "/api/auth/oidc/callback?state=unknown", headers={"Sec-Fetch-Mode": "cors"}
    )

    assert (status, body["error"][:12]) == (401, "This sign-in")
