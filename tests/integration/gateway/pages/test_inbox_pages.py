"""The inbox's pages as HTTP has them: who sees what, and what is refused."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest
import pytest_asyncio

from signoff.events.errors import StoreUnavailableError
from signoff.gateway.inbox import looking_back
from signoff.gateway.pages.inbox import deciding
from support.gateways import Server, serving, settings
from support.identities import add_person, administrator, sign_in
from support.inboxes import Point, point

SENT = {"verb": "approve", "key": "k-1", "inPlace": "1"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    async with serving(settings(), executor=True) as running:
        yield running


async def fetch(server: Server, method: str, path: str, cookie: str, **given: Any) -> tuple[int, str, Any]:
    """Status, text and headers of an answer; redirects are not followed."""
    server.client.session.cookie_jar.clear()
    headers = {"Cookie": cookie, "Connection": "close"}
    async with server.client.request(method, path, headers=headers, allow_redirects=False, **given) as answer:
        return answer.status, await answer.text(), answer.headers


async def session(server: Server, *roles: str) -> str:
    _, address = await add_person(server, *roles)
    return (await sign_in(server, address)).headers["Cookie"]


async def value_of(server: Server, asked: Point, cookie: str) -> str:
    """How the list names a point, and what was shown of it."""
    _, text, _ = await fetch(server, "GET", "/inbox?scope=all&limit=100&sort=-opened", cookie)
    found = re.search(rf'name="point" value="({asked.execution}/[^"]*)"', text)
    assert found is not None
    return unescape(found[1])


async def test_whoever_may_only_look_is_offered_no_decision(server: Server) -> None:
    asked = await point(server)
    cookie = await session(server, "auditor")

    status, text, _ = await fetch(server, "GET", "/inbox?scope=all", cookie)
    assert status == 200
    assert asked.execution in text
    assert 'name="point"' not in text
    form = {**SENT, "point": f"{asked.execution}/{asked.context}@sha256:0"}
    assert (await fetch(server, "POST", "/inbox/decisions", cookie, data=form))[0] == 403


async def test_a_form_that_was_sent_twice_decides_once(server: Server) -> None:
    asked, cookie = await point(server), await session(server, "approver")
    form = {**SENT, "point": await value_of(server, asked, cookie)}

    first = await fetch(server, "POST", "/inbox/decisions", cookie, data=form)
    second = await fetch(server, "POST", "/inbox/decisions", cookie, data=form)

    assert "data-done" in first[1]
    assert "data-done" in second[1]
    again = await fetch(server, "POST", "/inbox/decisions", cookie, data={**form, "key": "k-2"})
    assert "data-done" not in again[1]
    assert "Ada has decided it before you." in again[1]


async def test_a_reason_for_which_the_form_has_no_field_is_kept_with_the_decision(server: Server) -> None:
    asked, cookie = await point(server, form={"approved": "boolean"}), await session(server, "approver")
    form = {**SENT, "point": await value_of(server, asked, cookie), "reason": "It fits <the> budget"}

    for _ in range(2):
        answered = await fetch(server, "POST", "/inbox/decisions", cookie, data=form)
        assert "data-done" in answered[1]

    _, text, _ = await fetch(server, "GET", f"/inbox/{asked.execution}/{asked.context}", cookie)
    assert text.count("It fits &lt;the&gt; budget") == 1


async def test_a_refused_decision_leaves_no_reason(server: Server) -> None:
    asked, cookie = await point(server, form={"approved": "boolean"}), await session(server, "approver")
    shown = await value_of(server, asked, cookie)
    wrong = {**SENT, "point": f"{shown.partition('@')[0]}@sha256:0", "reason": "Never mind"}

    refused = await fetch(server, "POST", "/inbox/decisions", cookie, data=wrong)

    assert "Open it, and look again" in refused[1]
    _, text, _ = await fetch(server, "GET", f"/inbox/{asked.execution}/{asked.context}", cookie)
    assert "Never mind" not in text


async def test_whatever_one_point_meets_the_others_are_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, asked, cookie = await point(server), await point(server), await session(server, "approver")
    values = [await value_of(server, each, cookie) for each in (broken, asked)]
    fill, filled = deciding.fill, []

    def fails_once(*given: Any) -> Any:
        filled.append(given)
        if len(filled) == 1:
            raise ValueError("a log that cannot be folded")
        return fill(*given)

    monkeypatch.setattr(deciding, "fill", fails_once)

    form = [*SENT.items(), *(("point", each) for each in values)]
    status, text, _ = await fetch(server, "POST", "/inbox/decisions", cookie, data=form)

    assert (status, text.count("data-done")) == (200, 1)
    assert "Internal server error" in text


async def test_what_others_claimed_is_told_by_name(server: Server) -> None:
    asked, ada, ben = (
        await point(server),
        await session(server, "approver"),
        await session(server, "approver"),
    )
    form = {**SENT, "point": await value_of(server, asked, ada)}

    claimed = await fetch(
        server, "POST", "/inbox/decisions", ada, data={**form, "verb": "claim", "inPlace": ""}
    )
    assert (claimed[0], claimed[2]["Location"]) == (303, "/inbox")
    refused = await fetch(server, "POST", "/inbox/decisions", ben, data=form)
    assert "Ada has claimed it." in refused[1]
    released = await fetch(server, "POST", "/inbox/decisions", ada, data={**form, "verb": "release"})
    assert "data-done" in released[1]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"verb": "burn"}, "verb must be approve"),
        ({"point": ""}, "choose it on the inbox again"),
        ({"key": ""}, "load the inbox again"),
        ({"reason": "x" * 2001}, "at most 2,000 are taken"),
    ],
)
async def test_a_form_that_no_page_made_is_refused(server: Server, wrong: dict[str, str], told: str) -> None:
    cookie = await session(server, "approver")

    status, text, _ = await fetch(
        server, "POST", "/inbox/decisions", cookie, data={**SENT, "point": "x/y@", **wrong}
    )

    assert status == 400
    assert told in text


async def test_a_point_that_is_not_there_is_told_as_its_result(server: Server) -> None:
    cookie = await session(server, "approver")

    status, text, _ = await fetch(server, "POST", "/inbox/decisions", cookie, data={**SENT, "point": "x/y@"})

    assert status == 200
    assert "Pause context not found" in text


async def test_decisions_are_found_again_with_what_they_were_about(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_back, "_WIDEST", 3)
    monkeypatch.setattr(looking_back, "PAGE", 1)
    cookie, other = await session(server, "approver"), await session(server, "approver")
    titles = ("Refund", "Vote", "Not mine")
    refund, vote, others = [
        await point(server, title=title, **({"quorum": {"required": 2}} if title == "Vote" else {}))
        for title in titles
    ]
    current = (await administrator(server).get(refund.path))[1]["contentDigest"]
    await administrator(server).do(
        "PUT", f"{refund.path}/content", json={"reason": "wrong", "title": "Refund of order 17"},
        headers={"If-Match": f'"{current}"'},
    )  # fmt: skip
    for asked, verb, by in (
        (refund, "reject", cookie),
        (vote, "approve", cookie),
        (others, "approve", other),
    ):
        form = {**SENT, "verb": verb, "point": await value_of(server, asked, by)}
        assert "data-done" in (await fetch(server, "POST", "/inbox/decisions", by, data=form))[1]

    _, text, _ = await fetch(server, "GET", "/inbox/decided", cookie)

    titles_told = re.findall(r'dir="auto">([^<]*)</a></th>', text)
    verdicts = re.findall(r'data-label="You said">.*?(Approved|Rejected)', text)
    assert list(zip(titles_told, verdicts, strict=True)) == [
        ("Vote", "Approved"),
        ("Refund of order 17", "Rejected"),
    ]


@pytest.mark.parametrize(
    ("asked", "path"),
    [("count_inbox", "/inbox"), ("count_inbox", "/api/inbox/counts"), ("execution", "/inbox/decided")],
)
async def test_while_the_database_is_away_the_inbox_says_so(
    server: Server, monkeypatch: pytest.MonkeyPatch, asked: str, path: str
) -> None:
    shown, cookie = await point(server), await session(server, "approver")
    form = {**SENT, "point": await value_of(server, shown, cookie)}
    assert "data-done" in (await fetch(server, "POST", "/inbox/decisions", cookie, data=form))[1]

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("the database is away")

    monkeypatch.setattr(server.store, asked, away)
    status, text, _ = await fetch(server, "GET", path, cookie)

    assert status == 503
    assert "unavailable" in text
