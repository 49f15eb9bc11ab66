"""Who is away, and who decides in their place: set by oneself or by an administrator."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from signoff.events.times import iso
from support.gateways import Server
from support.identities import (
    DEFAULT,
    Caller,
    add_person,
    add_workspace,
    administrator,
    serving_people,
    sign_in,
    workspace_key,
)

OWN = "/api/users/me/absence"
DAY = 86_400.0


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with serving_people(monkeypatch) as running:
            yield running


def _away(delegate_id: str, *, since: float | None = None, days: float = 7) -> dict[str, Any]:
    begin = time.time() if since is None else since
    told = {"delegateId": delegate_id, "until": iso(begin + days * DAY)}
    return told if since is None else {**told, "since": iso(since)}


def _of(user_id: str, workspace_id: str = DEFAULT) -> str:
    return f"/api/workspaces/{workspace_id}/members/{user_id}/absence"


async def _member(server: Server) -> tuple[str, Caller]:
    user_id, address = await add_person(server, "approver")
    return user_id, await sign_in(server, address)


async def _shown(server: Server, user_id: str) -> Any:
    """The absence of a member, as the workspace's list has it."""
    listed = await administrator(server).do("GET", f"/api/workspaces/{DEFAULT}/members")
    (member,) = [each for each in listed["members"] if each["id"] == user_id]
    return member["absence"]


async def test_a_member_is_away_and_comes_back(server: Server) -> None:
    (user_id, browser), (delegate_id, _) = await _member(server), await _member(server)

    before = await browser.get(OWN)
    away = await browser.do("PUT", OWN, json=_away(delegate_id))
    seen, listed = await browser.do("GET", OWN), await _shown(server, user_id)
    back = await browser.call("DELETE", OWN)

    assert before == (404, {"error": "Absence not found"})
    assert (away["userId"], away["delegateId"]) == (user_id, delegate_id)
    assert away["since"] < away["until"]
    assert seen == listed == away
    assert back == (204, None)
    assert (await browser.get(OWN))[0] == 404
    assert await _shown(server, user_id) is None


async def test_a_later_absence_takes_the_place_of_an_earlier_one(server: Server) -> None:
    (_, browser), (first, _), (second, _) = [await _member(server) for _ in range(3)]
    await browser.do("PUT", OWN, json=_away(first))

    await browser.do("PUT", OWN, json=_away(second, since=time.time() + DAY))

    assert (await browser.do("GET", OWN))["delegateId"] == second


async def test_an_absence_that_is_over_is_not_shown(server: Server) -> None:
    (user_id, browser), (delegate_id, _) = await _member(server), await _member(server)

    await browser.do("PUT", OWN, json=_away(delegate_id, since=time.time() - 2 * DAY, days=1))

    assert (await browser.get(OWN))[0] == 404
    assert await _shown(server, user_id) is None


async def test_an_administrator_sets_and_ends_a_members_absence(server: Server) -> None:
    (user_id, browser), (delegate_id, _) = await _member(server), await _member(server)
    admin = administrator(server)

    away = await admin.do("PUT", _of(user_id), json=_away(delegate_id))
    seen = await browser.do("GET", OWN)
    ended = await admin.call("DELETE", _of(user_id))

    assert seen == away
    assert ended == (204, None)
    assert await admin.call("DELETE", _of(user_id)) == (404, {"error": "Absence not found"})


async def test_one_request_sent_twice_sets_one_absence(server: Server) -> None:
    (_, browser), (delegate_id, _) = await _member(server), await _member(server)
    asked = {"json": _away(delegate_id), "headers": {"Idempotency-Key": "away"}}

    first = await browser.do("PUT", OWN, **asked)
    version = server.directory.version
    again = await browser.do("PUT", OWN, **asked)

    assert again == first
    assert server.directory.version == version


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": "soon"}, "until"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "until"),
        ({"since": "9999-12-31T23:59:59-14:00"}, "since"),
        ({"until": None}, "until"),
        ({"delegateId": 7}, "delegateId"),
        ({"why": "sun"}, "why"),
    ],
)
async def test_a_field_at_fault_is_named(server: Server, changes: dict[str, Any], field: str) -> None:
    (_, browser), (delegate_id, _) = await _member(server), await _member(server)

    status, refusal = await browser.call("PUT", OWN, json={**_away(delegate_id), **changes})

    assert (status, refusal["details"][0]["path"]) == (400, field)


async def test_only_another_member_of_the_workspace_stands_in(server: Server) -> None:
    user_id, browser = await _member(server)
    elsewhere, _ = await add_person(server, "admin", workspace_id=await add_workspace(server))

    refused = [
        await browser.call("PUT", OWN, json=_away(each)) for each in (user_id, elsewhere, "nobody at all")
    ]

    assert [status for status, _ in refused] == [400, 400, 400]
    assert refused[1] == refused[2]
    assert await administrator(server).call("PUT", _of(elsewhere), json=_away(user_id)) == (
        404,
        {"error": "Member not found"},
    )


async def test_a_workspaces_key_is_never_away(server: Server) -> None:
    key = await workspace_key(server, "admin")

    assert (await key.get(OWN))[0] == 403
    assert (await key.call("PUT", OWN, json=_away("x")))[0] == 403


async def test_the_audit_log_tells_who_let_whom_decide(server: Server) -> None:
    (user_id, browser), (delegate_id, _) = await _member(server), await _member(server)
    await browser.do("PUT", OWN, json=_away(delegate_id))

    told = await administrator(server).do(
        "GET", "/api/v2/audit-logs", params={"action": "absence.set", "limit": "1"}
    )

    (entry,) = told["data"]
    assert (entry["resourceType"], entry["resourceId"], entry["actorId"]) == ("absence", user_id, user_id)
    assert entry["metadata"]["delegateId"] == delegate_id
