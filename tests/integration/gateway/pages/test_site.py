"""Pages as HTTP has them: who is let in, what guards them, what stands in their place."""

import asyncio
import base64
import io
import re
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import FormData
from msgspec.structs import replace

from signoff.access.signing_in.people import People
from signoff.events.errors import StoreUnavailableError
from signoff.gateway.accesses.witness import NOWHERE
from signoff.gateway.admission import ADMISSION
from signoff.gateway.http import bodies
from signoff.gateway.http.limits import Limits
from signoff.gateway.pages import messages
from signoff.gateway.pages.asset_files import read_assets
from signoff.gateway.pages.refusals import ROOM
from signoff.gateway.pages.routes import ALL
from support.exhibit import Exhibit, exhibited
from support.gateways import KEY, Server, serving, settings
from support.identities import (
    DEFAULT,
    PASSWORD,
    add_person,
    add_workspace,
    administrator,
    sign_in,
    workspace_key,
)

OPEN = {"front", "resumePointPage", "signInPage", "signInForm", "signOutForm", "signedInPage"}
"""Pages that ask nobody who they are."""


@pytest.fixture(scope="module")
def exhibit() -> Any:
    with exhibited() as exhibit:
        yield exhibit


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(exhibit: Exhibit) -> Any:
    async with serving(settings(), executor=True) as running:
        yield running


async def fetch(
    server: Server, method: str, path: str, cookies: str = "", **given: Any
) -> tuple[int, str, Any]:
    """Status, text and headers of an answer; redirects are not followed."""
    headers = {"Connection": "close", **({"Cookie": cookies} if cookies else {}), **given.pop("headers", {})}
    server.client.session.cookie_jar.clear()
    async with server.client.request(method, path, headers=headers, allow_redirects=False, **given) as answer:
        return answer.status, await answer.text(), answer.headers


async def session(server: Server, *roles: str, **more: Any) -> str:
    _, address = await add_person(server, *roles, **more)
    return (await sign_in(server, address)).headers["Cookie"]


def test_only_these_pages_are_open_to_anybody() -> None:
    assert {page.name for page in ALL if page.operation is None} == OPEN


async def test_whoever_is_nobody_is_sent_to_the_sign_in_from_every_page(server: Server) -> None:
    for page in ALL:
        if page.operation is None:
            continue
        path = _example(page.path)
        status, text, headers = await fetch(server, page.method, path)
        if page.method == "GET":
            assert (status, headers["Location"]) == (303, f"/sign-in?next={quote(path, safe='')}"), page.name
        else:
            assert status == 401, page.name
            assert "Sign in first" in text


async def test_whoever_may_nothing_is_refused_on_every_page(server: Server) -> None:
    other = await add_workspace(server)
    key = await workspace_key(server, "read", workspace_id=other)
    for page in ALL:
        if page.operation is None:
            continue
        status, text, _ = await fetch(
            server, page.method, f"{_example(page.path)}?workspaceId={'0' * 8}-0000-0000-0000-{'0' * 12}",
            headers=key.headers,
        )  # fmt: skip
        assert status in (403, 404), page.name
        assert text.startswith("<!doctype html>"), page.name


def _example(path: str) -> str:
    """The path with something for each name in it."""
    return "/".join("none" if part.startswith("{") else part for part in path.split("/"))


async def test_every_page_is_guarded_by_its_headers(server: Server) -> None:
    cookies = await session(server, "read")

    for path, expected in (("/exhibit", 200), ("/sign-in", 303), ("/nowhere", 404)):
        status, _, headers = await fetch(server, "GET", path, cookies)
        assert status == expected
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; ")
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers


async def test_an_api_key_opens_a_page_too(server: Server) -> None:
    status, text, _ = await fetch(server, "GET", "/exhibit", headers={"X-API-Key": KEY})

    assert (status, "Components" in text) == (200, True)


async def test_who_may_not_gets_a_page_that_says_so(server: Server) -> None:
    cookies = await session(server, "read")
    nothing, text, _ = await fetch(server, "GET", "/settings/nothing", cookies)
    assert (nothing, "<h1>There is nothing here</h1>" in text) == (404, True)

    status, text, headers = await fetch(server, "GET", "/api/nowhere", cookies)
    assert (status, headers["Content-Type"]) == (404, "application/json")


async def test_a_form_from_another_site_is_refused(server: Server) -> None:
    cookies = await session(server, "read")

    for path in ("/exhibit/live", "/workspace", "/sign-out", "/sign-in"):
        status, _, _ = await fetch(
            server, "POST", path, cookies, data={"text": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert status == 403


@pytest.mark.parametrize(
    "following",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a b", "/\n"],
)
async def test_the_sign_in_leads_nowhere_else(server: Server, following: str) -> None:
    _, address = await add_person(server, "read")

    status, _, headers = await fetch(
        server, "POST", "/sign-in", data={"email": address, "password": PASSWORD, "next": following}
    )

    assert (status, headers["Location"]) == (303, "/inbox")


async def test_where_nobody_has_an_address_a_key_is_asked_for_first() -> None:
    async def keys_come_first(server: Server) -> bool:
        _, text, _ = await fetch(server, "GET", "/sign-in")
        return text.index('name="key"') < text.index('name="email"')

    async with serving(settings()) as fresh:
        assert await keys_come_first(fresh)

        await add_person(fresh, "read")

        assert not await keys_come_first(fresh)


async def test_a_key_session_ends_with_its_key(server: Server) -> None:
    admin = administrator(server)
    made = await admin.do("POST", "/api/keys", json={"name": "pages", "roles": ["read"]})
    status, _, headers = await fetch(server, "POST", "/sign-in", data={"key": made["key"]})
    assert status == 303
    cookies = headers["Set-Cookie"].partition(";")[0]
    assert (await fetch(server, "GET", "/exhibit", cookies))[0] == 200

    await admin.do("DELETE", f"/api/keys/{made['id']}")

    assert (await fetch(server, "GET", "/exhibit", cookies))[0] == 303


async def test_a_key_session_needs_its_own_site_and_stays_bounded(server: Server) -> None:
    user_id, _ = await add_person(server, "admin")
    bounded = await administrator(server).do("POST", "/api/keys", json={"name": "bounded", "roles": ["read"]})
    _, _, headers = await fetch(server, "POST", "/sign-in", data={"key": bounded["key"]})
    cookies = headers["Set-Cookie"].partition(";")[0]

    crossing, _, _ = await fetch(
        server, "POST", "/exhibit/live", cookies, data={"text": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    managing, _, _ = await fetch(server, "DELETE", f"/api/users/{user_id}", cookies)

    assert (crossing, managing) == (403, 403)


async def test_a_wrong_key_is_told(server: Server) -> None:
    status, text, _ = await fetch(server, "POST", "/sign-in", data={"key": "sk_nobody"})

    assert (status, "Invalid API key." in text) == (422, True)


async def test_too_many_attempts_say_when_to_come_back(server: Server) -> None:
    data = {"email": "nobody@example.org", "password": "wrong password"}
    for _ in range(10):
        assert (await fetch(server, "POST", "/sign-in", data=data))[0] == 422

    status, text, headers = await fetch(server, "POST", "/sign-in", data=data)

    assert (status, "Retry-After" in headers) == (429, True)
    assert "Too many attempts. Try again in 15 minutes." in text


async def test_the_chosen_workspace_counts_where_a_page_names_none(server: Server) -> None:
    workspace_id = await add_workspace(server, "Finance")
    _, address = await add_person(server, "read")
    members = f"/api/workspaces/{workspace_id}/members"
    await administrator(server).do("POST", members, json={"email": address, "roles": ["read"]})
    cookies = (await sign_in(server, address)).headers["Cookie"]

    status, _, headers = await fetch(
        server, "POST", "/workspace", cookies, data={"workspaceId": workspace_id}
    )
    assert (status, headers["Location"]) == (303, "/inbox")
    chosen = f"{cookies}; {headers['Set-Cookie'].partition(';')[0]}"

    assert f'data-workspace="{workspace_id}"' in (await fetch(server, "GET", "/exhibit", chosen))[1]
    named = "/exhibit?workspaceId=00000000-0000-0000-0000-000000000000"
    assert f'data-workspace="{workspace_id}"' not in (await fetch(server, "GET", named, chosen))[1]
    assert (await fetch(server, "POST", "/workspace", cookies, data={"workspaceId": "no"}))[0] == 404
    lost = f"{cookies}; signoff_workspace=0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"
    assert (await fetch(server, "GET", "/exhibit", lost))[0] == 200


async def test_a_message_is_shown_once_and_left_alone_by_live_pages(server: Server) -> None:
    cookies = await session(server, "read")
    _, _, headers = await fetch(server, "POST", "/exhibit/live", cookies, data={"text": "<hello>"})
    told = f"{cookies}; {headers['Set-Cookie'].partition(';')[0]}"

    _, live, told_live = await fetch(server, "GET", "/exhibit/live", told, headers={"Signoff-Live": "1"})
    _, text, shown = await fetch(server, "GET", "/exhibit/live", told)

    assert "Said &lt;hello&gt;" not in live
    assert "Set-Cookie" not in told_live
    assert "Said &lt;hello&gt;" in text
    assert 'signoff_message=""' in shown["Set-Cookie"]


@pytest.mark.parametrize("cookie", ["x", "%%%", base64.urlsafe_b64encode(b"\x01" * 60).decode(), "ä"])
async def test_a_message_that_somebody_made_up_is_none(server: Server, cookie: str) -> None:
    cookies = await session(server, "read")

    status, _, _ = await fetch(server, "GET", "/exhibit/live", f"{cookies}; {messages.COOKIE}={cookie}")

    assert status == 200


async def test_assets_are_kept_for_good_under_their_digest_alone(server: Server) -> None:
    assets = read_assets()
    for name, asset in assets.by_name.items():
        status, _, headers = await fetch(
            server, "GET", assets.path(name), headers={"Accept-Encoding": "gzip"}
        )
        assert status == 200
        assert headers["Content-Type"].startswith(asset.media_type)
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert headers["Content-Encoding"] == "gzip"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")

    _, _, refusing = await fetch(
        server, "GET", assets.path("live.js"), headers={"Accept-Encoding": "br, gzip;q=0"}
    )
    assert "Content-Encoding" not in refusing
    status, text, headers = await fetch(
        server, "GET", "/assets/0000/live.js", headers={"Accept-Encoding": "identity"}
    )
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert text == assets.by_name["live.js"].body.decode()
    assert (await fetch(server, "GET", f"/assets/{assets.digest}/../site.py"))[0] == 404
    assert (await fetch(server, "GET", f"/assets/{assets.digest}/nothing.js"))[0] == 404


async def test_the_front_leads_to_the_inbox(server: Server) -> None:
    status, _, headers = await fetch(server, "GET", "/")

    assert (status, headers["Location"]) == (302, "/inbox")


# Forms whose sender has to sign in --------------------------------------------------------------------------

KEPT = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.mark.parametrize(
    "elsewhere",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
)
async def test_a_form_of_another_site_is_not_offered_to_be_sent_again(
    server: Server, elsewhere: dict[str, str]
) -> None:
    status, text, _ = await fetch(
        server, "POST", "/settings/members/new", data={"email": "eve@example.org", "roles": "admin"},
        headers=elsewhere,
    )  # fmt: skip

    assert status == 403
    assert "eve@example.org" not in text
    assert "Send it again" not in text


async def test_what_was_typed_is_kept_but_for_what_is_secret(server: Server) -> None:
    typed = {
        "field.note": "as <b>agreed</b>", "field.pin": "1234", "secretFields": "field.pin",
        "password": "mine", "key": "0198c1f0",
    }  # fmt: skip

    status, text, _ = await fetch(
        server, "POST", "/workflows/any/run?x=1", data=typed, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert status == 401
    kept = dict(KEPT.findall(text))
    assert kept == {"field.note": "as &lt;b&gt;agreed&lt;/b&gt;", "key": "0198c1f0"}
    assert 'action="/workflows/any/run?x=1"' in text


async def test_texts_are_kept_of_a_form_with_files(server: Server) -> None:
    form = FormData()
    form.add_field("definition", "x" * 1_000_000)
    form.add_field("file", b"bytes", filename="a.yaml")

    status, text, _ = await fetch(server, "POST", "/workflows/+new", data=form)

    assert status == 401
    assert [(name, len(value)) for name, value in KEPT.findall(text)] == [("definition", 1_000_000)]
    assert "choose them again" in text


@pytest.mark.parametrize("data", ["&".join(f"a{each}=1" for each in range(201)), "a=" + "x" * 3_000_000])
async def test_a_form_that_is_too_large_is_not_shown_again(server: Server, data: str) -> None:
    status, text, _ = await fetch(
        server, "POST", "/settings/account", data=io.BytesIO(data.encode()),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip

    assert (status, KEPT.findall(text)) == (401, [])
    assert "too large to be kept" in text
    assert len(text) < 20_000


async def test_of_large_forms_few_are_kept_at_a_time_and_none_without_a_place(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, large, small = server.client.app, {"note": "x" * 100_000}, {"note": "x" * 10_000}
    async with AsyncExitStack() as others:
        while not app[ROOM].locked():
            await others.enter_async_context(app[ROOM])
        refused = await fetch(server, "POST", "/settings/account", data=large)
        shown = await fetch(server, "POST", "/settings/account", data=small)
    monkeypatch.setattr(app[ADMISSION], "under_way", 10**9)
    full = await fetch(server, "POST", "/settings/account", data=small)

    assert (refused[0], KEPT.findall(refused[1]), "too large to be kept" in refused[1]) == (401, [], True)
    assert [len(value) for _, value in KEPT.findall(shown[1])] == [10_000]
    assert (full[0], KEPT.findall(full[1])) == (503, [])


async def test_what_a_script_sent_is_not_sent_back_to_it(server: Server) -> None:
    status, text, _ = await fetch(
        server, "POST", "/settings/account", data={"name": "Ada"}, headers={"Signoff-Form": "1"}
    )

    assert (status, KEPT.findall(text)) == (401, [])


# Forms that anybody may send ------------------------------------------------------------------------------

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"data": "email=" + "x" * 17_000, "headers": URLENCODED}, 413),
        ({"data": b"{}", "headers": {"Content-Type": "application/json"}}, 415),
        ({"data": FormData({"email": "x"}, default_to_multipart=True)}, 415),
    ],
)
async def test_the_sign_in_takes_a_small_form_alone(
    server: Server, given: dict[str, Any], status: int
) -> None:
    refused, text, _ = await fetch(server, "POST", "/sign-in", **given)

    assert refused == status
    assert text.startswith("<!doctype html>")


async def test_a_form_of_more_fields_than_there_may_be_is_refused_unread(server: Server) -> None:
    cookies = await session(server, "read")

    status, text, _ = await fetch(
        server, "POST", "/settings/account", cookies, data=io.BytesIO(b"a&" * 4_000_000), headers=URLENCODED
    )

    assert (status, "1,000 fields" in text) == (413, True)


async def begun(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A form of the sign-in, of which the last six bytes are missing."""
    host, port = server.client.server.host, server.client.server.port
    reader, writer = await asyncio.open_connection(host, port)
    head = f"POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nkey=".encode())
    await writer.drain()
    return reader, writer


async def test_whoever_sends_slowly_takes_no_place_before_the_form_is_there(server: Server) -> None:
    reader, writer = await begun(server)

    status, _, _ = await fetch(server, "GET", "/sign-in")  # the server has read what came before

    assert (status, server.client.app[ADMISSION].under_way) == (200, 0)
    writer.write(b"sk_non")
    assert (await reader.read()).startswith(b"HTTP/1.1 422")
    writer.close()
    await writer.wait_closed()


async def test_a_form_that_does_not_arrive_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "READ_LIMIT", 0.01)
    reader, writer = await begun(server)

    assert (await reader.read()).startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


async def test_browsers_that_come_by_https_stay_with_it() -> None:
    async with serving(settings(public_url="https://signoff.example.org"), executor=False) as secure:
        _, _, headers = await fetch(secure, "GET", "/sign-in")

    assert headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_broken_form_is_refused_and_no_failure(server: Server) -> None:
    cookies = await session(server, "read")

    status, text, _ = await fetch(
        server, "POST", "/workspace", cookies, data=b"no parts at all",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )  # fmt: skip

    assert (status, "could not be read to its end" in text) == (400, True)


# In place of a page ---------------------------------------------------------------------------------------


async def test_an_address_that_only_takes_a_form_says_so(server: Server) -> None:
    status, text, headers = await fetch(server, "GET", "/inbox/decisions")

    assert (status, headers["Allow"]) == (405, "POST")
    assert "Only a form is sent to this address" in text


async def test_a_refusal_is_a_page_also_while_nobody_can_say_who_looks(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookies = await session(server, "read")

    async def away(*_: object) -> None:
        raise StoreUnavailableError("the database is away")

    monkeypatch.setattr(People, "get", away)
    status, text, _ = await fetch(server, "GET", "/exhibit", cookies)

    assert (status, "<h1>The service is away</h1>" in text) == (503, True)


async def test_a_form_that_was_refused_says_so_to_its_script(server: Server) -> None:
    cookies = await session(server, "read")
    headers = {"Signoff-Form": "1"}

    taken = await fetch(server, "POST", "/exhibit/live", cookies, data={"text": "x"}, headers=headers)
    refused = await fetch(server, "POST", "/exhibit/live", cookies, data={"text": "late"}, headers=headers)

    assert (taken[0], "Signoff-Refused" in taken[2]) == (204, False)
    assert (refused[0], refused[2]["Signoff-Refused"]) == (204, "true")


# Who is where ---------------------------------------------------------------------------------------------


async def test_after_a_form_the_page_is_of_the_workspace_that_the_form_named(server: Server) -> None:
    cookies = await session(server, "read")
    other = await add_workspace(server, "Finance\u202e")
    _, address = await add_person(server, "read")
    members = f"/api/workspaces/{other}/members"
    await administrator(server).do("POST", members, json={"email": address, "roles": ["read"]})
    cookies = (await sign_in(server, address)).headers["Cookie"]
    chosen = f"{cookies}; signoff_workspace={DEFAULT}"
    form = {"data": {"text": "x"}}

    _, _, there = await fetch(server, "POST", f"/exhibit/live?workspaceId={other}", chosen, **form)
    _, _, here = await fetch(server, "POST", f"/exhibit/live?workspaceId={DEFAULT}", chosen, **form)
    _, page, _ = await fetch(server, "GET", there["Location"], chosen)

    assert there["Location"] == f"/exhibit/live?workspaceId={other}"
    assert here["Location"] == "/exhibit/live"
    assert f'href="/executions?workspaceId={other}"' in page
    assert "not of the one that you chose last" in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    "path", ["/executions", "/workflows", "/inbox", "/settings/secrets", "/settings/members"]
)
async def test_every_link_of_a_page_stays_in_its_workspace(server: Server, path: str) -> None:
    other = await add_workspace(server, "Finance")
    _, address = await add_person(server, "admin")
    members = f"/api/workspaces/{other}/members"
    await administrator(server).do("POST", members, json={"email": address, "roles": ["admin"]})
    cookies = (await sign_in(server, address)).headers["Cookie"]

    _, page, _ = await fetch(
        server, "GET", f"{path}?workspaceId={other}", f"{cookies}; signoff_workspace={DEFAULT}"
    )

    links = {each for each in re.findall(r'<a [^>]*href="(/[^"]*)"', page) if each != "/docs"}
    assert len(links) > 4
    assert [each for each in links if f"workspaceId={other}" not in each] == []


async def test_a_page_that_another_site_led_to_is_not_compressed(server: Server) -> None:
    async def coding(**headers: str) -> str | None:
        taken = {"X-API-Key": KEY, "Accept-Encoding": "gzip", **headers}
        _, _, answered = await fetch(server, "GET", "/exhibit/hostile", headers=taken)
        return answered.get("Content-Encoding")

    assert await coding(**{"Sec-Fetch-Site": "same-origin"}) == "gzip"
    assert await coding(**{"Sec-Fetch-Site": "cross-site"}) is None


async def test_the_header_has_some_of_many_workspaces(server: Server) -> None:
    for number in range(60):
        await add_workspace(server, f"Many {number:02}")

    _, text, _ = await fetch(server, "GET", "/exhibit", headers={"X-API-Key": KEY})
    _, live, _ = await fetch(server, "GET", "/exhibit", headers={"X-API-Key": KEY, "Signoff-Live": "1"})

    assert text.count('name="workspaceId" value=') == 50
    assert re.search(r'href="/settings/workspaces">\d+ more…', text)
    assert live.count('name="workspaceId" value=') == 0


async def test_whoever_is_in_no_workspace_takes_no_part_in_any(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Any] = []

    async def count(_: Limits, request: Any, caller: Any, kind: str) -> None:
        counted.append(caller.workspace_id)

    monkeypatch.setattr(Limits, "count", count)
    _, address = await add_person(server)
    cookies = (await sign_in(server, address)).headers["Cookie"]
    counted.clear()

    status, text, _ = await fetch(server, "GET", "/settings/password", cookies)

    assert (status, counted) == (200, [NOWHERE])
    assert 'data-visitor="user/' in text
    assert "data-workspace" not in text
    assert "workspaceId" not in text


async def test_whoever_is_in_no_workspace_changes_their_password_all_the_same(server: Server) -> None:
    user_id, address = await add_person(server)
    await People(server.store.records).change(user_id, lambda kept: replace(kept, must_change=True))
    cookies = (await sign_in(server, address)).headers["Cookie"]

    status, _, headers = await fetch(server, "GET", "/inbox", cookies)
    assert (status, headers["Location"]) == (303, "/settings/password?next=%2Finbox")
    status, text, _ = await fetch(server, "GET", headers["Location"], cookies)
    assert (status, "Change your password" in text) == (200, True)
    newer = f"{PASSWORD} 2"
    given = {"currentPassword": PASSWORD, "newPassword": newer, "repeated": newer, "next": "/inbox"}
    status, _, headers = await fetch(server, "POST", "/settings/password", cookies, data=given)
    assert (status, headers["Location"]) == (303, "/inbox")
    cookies = "; ".join(each.partition(";")[0] for each in headers.getall("Set-Cookie"))
    status, text, _ = await fetch(server, "GET", "/inbox", cookies)
    assert (status, "<h1>You are in no workspace yet</h1>" in text) == (404, True)
    assert "Your password is changed." in text
    assert (await fetch(server, "GET", "/settings/account", cookies))[0] == 404
