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


AMOUNT = {"type": "number", "required": True, "default": 8100, "label": "How much"}


async def test_what_a_form_fills_in_is_decided_by_nobody_who_has_not_seen_it(server: Server) -> None:
    asked = await point(server, form={"approved": "boolean", "amount": AMOUNT})
    cookie = await session(server, "approver")
    form = {**SENT, "point": await value_of(server, asked, cookie)}

    refused = await fetch(server, "POST", "/inbox/decisions", cookie, data=form)
    assert "Open it: its form fills in what you have not seen: How much." in refused[1]
    assert (await asked.shown())["point"]["resumeStatus"] == "paused"

    other = {**form, "filledIn": "somebody/else"}
    assert "data-done" not in (await fetch(server, "POST", "/inbox/decisions", cookie, data=other))[1]

    _, listed, _ = await fetch(server, "GET", "/inbox?scope=all&limit=100&sort=-opened", cookie)
    key = f"{asked.execution}/{asked.context}"
    assert f'name="filledIn" value="{key}"' in listed
    assert "<bdi>How much</bdi> <bdi>8100</bdi>" in listed
    taken = await fetch(server, "POST", "/inbox/decisions", cookie, data={**form, "filledIn": key})
    assert "data-done" in taken[1]


async def test_a_default_that_is_too_long_to_be_listed_has_to_be_opened(server: Server) -> None:
    asked = await point(
        server, form={"approved": "boolean", "terms": {"type": "string", "default": "x" * 500}}
    )
    cookie = await session(server, "approver")

    _, listed, _ = await fetch(server, "GET", "/inbox?scope=all&limit=100&sort=-opened", cookie)

    assert f'name="filledIn" value="{asked.execution}/{asked.context}"' not in listed


async def test_rows_tell_what_points_show_whatever_has_happened_to_them(server: Server) -> None:
    opened, claimed, amended = [
        await point(server, title=None, show={"Customer": f"{name} Lovelace", "Order": {"lines": [1]}})
        for name in ("Ada", "Ben", "Cleo")
    ]
    cookie, admin = await session(server, "approver"), administrator(server)
    await admin.do("POST", f"{claimed.path}/claim")
    headers = await amended.seen()
    body = {"reason": "wrong", "display": {"Customer": "Dora"}}
    await admin.do("PUT", f"{amended.path}/content", json=body, headers=headers)

    _, text, _ = await fetch(server, "GET", "/inbox?scope=all&limit=100&sort=-opened", cookie)

    told = {
        each.execution: re.search(
            rf'/resume/[^"]*/{each.execution}[^>]*>([^<]*)</a>\s*<p[^>]*>(.*?)</p>', text
        )
        for each in (opened, claimed, amended)
    }
    for each, value in ((opened, "Ada Lovelace"), (claimed, "Ben Lovelace"), (amended, "Dora")):
        found = told[each.execution]
        assert found is not None
        assert found[1] == f"{each.workflow}: {each.context}"
        assert f"<bdi>Customer</bdi> <bdi>{value}</bdi>" in found[2]


async def test_the_next_one_is_told_in_the_order_of_the_inbox_that_one_came_from(server: Server) -> None:
    first, second, third = [
        await point(server, title=f"Onward {number}", show={"Word": "unmistakable"}) for number in (1, 2, 3)
    ]
    cookie = await session(server, "approver")
    form = {**SENT, "point": await value_of(server, second, cookie)}
    assert "data-done" in (await fetch(server, "POST", "/inbox/decisions", cookie, data=form))[1]

    async def told(query: str) -> str:
        page = f"/resume/{second.workflow}/{second.execution}?contextId={second.context}&inbox={query}"
        status, text, _ = await fetch(server, "GET", page, cookie)
        assert status == 200
        found = re.search(r"Next in your inbox: <bdi>([^<]*)</bdi>|>(Back to the inbox)<", text)
        assert found is not None
        return found[1] or found[2]

    words = "%2Finbox%3Ftext%3Dunmistakable%26sort%3D"
    assert await told(f"{words}opened") == "Onward 3"
    assert await told(f"{words}-opened") == "Onward 1"
    for each in (third, first):
        form = {**SENT, "point": await value_of(server, each, cookie)}
        await fetch(server, "POST", "/inbox/decisions", cookie, data=form)
        left = "Onward 1" if each is third else "Back to the inbox"
        assert await told(f"{words}opened") == left


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

    titles_told = re.findall(r'scope="row"><a [^>]*dir="auto">([^<]*)</a>', text)
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
