"""Codes on the page of a decision, mailed by a real mail server; nothing of a token goes elsewhere."""

import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from msgspec import Struct
from yarl import URL

from signoff.events.types import SYSTEM
from support.gateways import Server
from support.identities import add_person, serving_people, sign_in
from support.linked import Decision, links_of, pause
from support.mail_servers import MailServer

_FORM: Final = {"verdict": "approve"}


class Place(Struct, frozen=True):
    """A server that sends mail, and who receives it."""

    server: Server
    mail: MailServer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place() -> AsyncIterator[Place]:
    async with MailServer().serving() as mail:
        with pytest.MonkeyPatch.context() as patched:
            async with serving_people(patched, mail_url=mail.url) as server:
                yield Place(server, mail)


class Opened(Struct, frozen=True):
    """A decision, and the page that a browser has opened by a link to it."""

    decision: Decision
    path: str
    cookie: str
    link_id: str

    @property
    def seen(self) -> str:
        return self.decision.seen.strip('"')


async def _open(place: Place, *, lent: bool = False) -> Opened:
    """Open the page by a new link; ``lent``: somebody else than its person made it."""
    decision = await pause(place.server)
    return await _open_by(place, decision, (await decision.lend())["token"] if lent else None)


async def _open_by(place: Place, decision: Decision, token: str | None = None) -> Opened:
    token = token or (await decision.link()).token
    page = f"/resume/{decision.workflow}/{decision.execution}"
    _, _, headers = await _ask(place, "GET", page, params={"contextId": decision.context, "token": token})
    cookie, link_id = headers["Set-Cookie"].partition(";")[0], URL(headers["Location"]).query["by"]
    return Opened(decision, f"{page}/{decision.context}", cookie, link_id)


async def _ask(place: Place, method: str, path: str, cookie: str = "", **given: Any) -> tuple[int, str, Any]:
    headers = {"Connection": "close", **({"Cookie": cookie} if cookie else {}), **given.pop("headers", {})}
    address = URL(path, encoded=True)
    place.server.client.session.cookie_jar.clear()  # each brings its own
    asking = place.server.client.request(method, address, headers=headers, allow_redirects=False, **given)
    async with asking as answer:
        return answer.status, await answer.text(), answer.headers


async def _post(
    place: Place, opened: Opened, form: dict[str, str], verb: str = "", **headers: str
) -> tuple[int, str, Any]:
    path = f"{opened.path}{verb}?by={opened.link_id}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await _ask(place, "POST", path, named.pop("Cookie", opened.cookie), data=form, headers=named)


async def test_the_token_of_a_link_becomes_a_cookie_of_its_page_alone(place: Place) -> None:
    decision = await pause(place.server)
    link = await decision.link()
    path, token = f"/resume/{decision.workflow}/{decision.execution}", link.token

    query = {"contextId": decision.context, "token": token}
    status, _, headers = await _ask(place, "GET", path, params=query)
    location, cookie = headers["Location"], headers["Set-Cookie"]
    shown, text, answered = await _ask(place, "GET", location, cookie.partition(";")[0])

    assert (status, location) == (302, f"{path}?contextId={decision.context}&by={link.link_id}")
    assert {"HttpOnly", "SameSite=Lax", f"Path={path}"} <= set(cookie.split("; "))
    assert shown == 200
    assert token not in text
    assert answered["Referrer-Policy"] == headers["Referrer-Policy"] == "no-referrer"
    assert answered["Cache-Control"] == headers["Cache-Control"] == "no-store"
    assert "/outcome" not in text


async def test_the_cookie_of_a_link_counts_where_the_address_says_so_and_for_its_point_alone(
    place: Place,
) -> None:
    opened, other = await _open(place), await pause(place.server)
    page = opened.path.rpartition("/")[0]
    named = f"contextId={opened.decision.context}"

    unsaid, _, headers = await _ask(place, "GET", f"{page}?{named}", opened.cookie)
    elsewhere = f"/resume/{other.workflow}/{other.execution}?{named}&by={opened.link_id}"
    another, text, _ = await _ask(place, "GET", elsewhere, opened.cookie)
    forgotten, told, _ = await _ask(place, "GET", f"{page}?{named}&by={opened.link_id}")

    assert (unsaid, headers["Location"].startswith("/sign-in")) == (303, True)
    assert (another, "This link is for another decision" in text) == (403, True)
    assert (forgotten, "open it again, or sign in" in told) == (401, True)


async def test_each_page_decides_as_whom_it_showed_whichever_link_was_opened_after_it(place: Place) -> None:
    first = await _open(place)
    ben, _ = await add_person(place.server, "approver")
    other = await links_of(place.server).make(first.decision.point, user_id=ben, made_by=SYSTEM)
    second = await _open_by(place, first.decision, other.token)

    form, both = {**_FORM, "seen": first.seen}, f"{first.cookie}; {second.cookie}"
    status, _, _ = await _post(place, first, form, Cookie=both)

    decided = [each for each in await first.decision.events() if each["type"] == "execution:resumed"]
    assert status == 303
    assert [each["data"]["actor"]["id"] for each in decided] == [first.decision.user_id]


async def test_a_page_that_came_by_a_forgotten_link_never_decides_by_the_session_beside_it(
    place: Place,
) -> None:
    opened = await _open(place)
    _, address = await add_person(place.server, "approver")
    session = (await sign_in(place.server, address)).headers["Cookie"]

    form = {**_FORM, "seen": opened.seen}
    status, text, _ = await _post(place, opened, form, Cookie=session, Sec_Fetch_Site="same-origin")

    assert (status, "open it again, or sign in" in text) == (401, True)
    assert not [each for each in await opened.decision.events() if each["type"] == "execution:resumed"]


async def test_codes_that_another_site_sends_count_as_no_attempts(place: Place) -> None:
    opened = await _open(place, lent=True)
    await _post(place, opened, {}, "/code")
    form = {**_FORM, "seen": opened.seen, "code": "000000"}

    foreign = [await _post(place, opened, form, Sec_Fetch_Site="same-site") for _ in range(6)]
    code = re.findall(r"^(\d{6}) is your code", place.mail.received[-1][1].get_content(), re.MULTILINE)[0]
    own = await _post(place, opened, {**form, "code": code})

    assert {status for status, _, _ in foreign} == {403}
    assert own[0] == 303


async def test_another_sites_form_does_not_decide_by_the_cookie_of_a_link(place: Place) -> None:
    opened = await _open(place)

    form = {**_FORM, "seen": opened.seen}
    status, _, _ = await _post(place, opened, form, Sec_Fetch_Site="same-site")

    assert status == 403
    assert (await _post(place, opened, form, Sec_Fetch_Site="same-origin"))[0] == 303


async def test_a_code_from_the_mail_lets_the_form_through(place: Place) -> None:
    opened = await _open(place, lent=True)
    form = {**_FORM, "seen": opened.seen}

    without = await _post(place, opened, form)
    wrong = await _post(place, opened, {**form, "code": "12345"})
    asked = await _post(place, opened, {}, "/code")
    code = re.findall(r"^(\d{6}) is your code", place.mail.received[-1][1].get_content(), re.MULTILINE)[0]
    right = await _post(place, opened, {**form, "code": code})

    assert (without[0], "A code is needed" in without[1]) == (422, True)
    assert (wrong[0], "The code has six digits" in wrong[1]) == (422, True)
    assert asked[0] == 303
    assert right[0] == 303


async def test_a_link_that_was_used_leads_to_what_was_decided(place: Place) -> None:
    opened = await _open(place)
    form = {**_FORM, "seen": opened.seen}

    first = await _post(place, opened, form)
    again = await _post(place, opened, form)
    _, shown, _ = await _ask(place, "GET", again[2]["Location"], opened.cookie)

    assert (first[0], again[0]) == (303, 303)
    assert "by a decision link" in shown


async def test_a_form_that_does_not_say_what_was_seen_decides_nothing(place: Place) -> None:
    status, text, _ = await _post(place, await _open(place), _FORM)

    assert (status, "load the page again" in text) == (428, True)


async def test_the_other_address_leads_to_the_page(place: Place) -> None:
    status, _, headers = await _ask(place, "GET", "/resume/w/e/a%26b?token=t")

    assert (status, headers["Location"]) == (302, "/resume/w/e?contextId=a%26b&token=t")


async def test_a_comment_that_is_sent_twice_is_there_once(place: Place) -> None:
    opened = await _open(place)
    form = {"text": "Looks fine", "key": "0198c1f0-4444-7c1a-9f7e-1f2e3d4c5b6a"}

    answers = [await _post(place, opened, form, "/comment") for _ in range(2)]

    assert [status for status, _, _ in answers] == [303, 303]
    commented = [each for each in await opened.decision.events() if each["type"] == "pause:commented"]
    assert len(commented) == 1


async def test_who_decides_by_a_link_can_read_all_that_they_decide_on(place: Place) -> None:
    opened = await _open(place)

    address = f"{opened.path.rpartition('/')[0]}?contextId={opened.decision.context}&by={opened.link_id}"
    _, page, _ = await _ask(place, "GET", address, opened.cookie)
    whole = html.unescape(re.findall(r'href="([^"]*)">All of it as JSON', page)[0])
    status, text, headers = await _ask(place, "GET", whole, opened.cookie)
    stranger, _, _ = await _ask(place, "GET", whole)

    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (
        200,
        "application/json",
        "no-store",
    )
    assert json.loads(text)["contentDigest"] == opened.seen
    assert [each["name"] for each in json.loads(text)["data"]["responseStructure"]] == ["Amount"]
    assert stranger == 401
