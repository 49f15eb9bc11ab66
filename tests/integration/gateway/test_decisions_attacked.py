"""Decisions that somebody tries to steal, forge or double, by real requests."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from signoff.events.times import iso
from support.executors import until
from support.gateways import Server
from support.identities import DEFAULT, Caller, administrator, serving_people, with_key
from support.inboxes import YES_OR_NO, Member, Point, group, member, point, start, workflow

TWO = {"assignees": ["role:approver"], "quorum": {"required": 2, "field": "approved"}}
ADMIN = ["admin", "approver"]
ASK = {"type": "human_in_the_loop", "form": YES_OR_NO}
FUSSY = {"type": "fussy", "with": {"name": "never opened"}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """One server for all of these tests."""
    with pytest.MonkeyPatch.context() as patched:
        async with serving_people(patched) as running:
            yield running


async def key_by(caller: Caller, *roles: str) -> tuple[str, Caller]:
    """A workspace's key that somebody makes: its id, and whoever has it."""
    made = await caller.do("POST", "/api/keys", json={"name": "theirs", "roles": list(roles or ADMIN)})
    return made["id"], with_key(caller.server, made["key"])


async def decide(caller: Caller, asked: Point, given: Any = None) -> tuple[int, Any]:
    return await caller.post(asked.resume, json=given or {"approved": True}, headers=await asked.seen())


async def code_of(caller: Caller, asked: Point) -> str | None:
    """Why somebody's decision is refused; ``None``: it is not."""
    _, body = await decide(caller, asked)
    return None if "error" not in body or body["error"] is None else str(body.get("code"))


async def ended(asked: Point) -> None:
    """Wait until an execution works on nothing."""
    admin = administrator(asked.server)

    async def is_still() -> bool:
        job = await admin.do("GET", f"/api/jobs/{asked.execution}")
        return job["status"] not in ("pending", "processing")

    await until(is_still)


async def begun(server: Server, name: str, blocks: dict[str, Any]) -> Point:
    """An execution that nobody waits for."""
    admin = administrator(server)
    await admin.do("PUT", f"/api/workflows/{name}", json={"blocks": blocks})
    started = await admin.do(
        "POST", f"/api/workflows/{name}/execute", json={}, headers={"X-Execution-Mode": "async"}
    )
    return Point(server, name, started["executionId"], "ask")


async def paused(server: Server, name: str, blocks: dict[str, Any]) -> Point:
    """An execution that has come to its pause."""
    asked = await begun(server, name, blocks)
    await ended(asked)
    return asked


async def running(server: Server, name: str, **policy: Any) -> Point:
    """An execution that has yet to come to its pause, and does once its gate is opened."""
    first = {"type": "hold", "with": {"name": name}, "then": "ask"}
    asked = await begun(server, name, {"first": first, "ask": {**ASK, **policy}})
    await server.gate.reached(name)
    return asked


async def early(caller: Caller, asked: Point) -> None:
    await caller.do("POST", f"{asked.resume}?early=true", json={"approved": True})


async def opened(asked: Point) -> Any:
    """Let a point open; what became of the only decision that waited for it."""
    asked.server.gate.open(asked.workflow)
    await ended(asked)
    found = await administrator(asked.server).do("GET", f"/api/executions/{asked.execution}/held")
    (held,) = found["held"]
    return held["status"], held["reason"]


# Counting twice ---------------------------------------------------------------------------------------


async def test_a_key_that_was_made_by_a_key_counts_for_the_person_behind_both(server: Server) -> None:
    ada = await member(server, *ADMIN)
    _, first = await key_by(ada.browser)
    _, second = await key_by(first)
    asked = await start(server, await workflow(server, **TWO))
    await decide(ada.browser, asked)

    assert await code_of(second, asked) == "ALREADY_DECIDED"


async def test_who_rotates_a_key_of_another_does_not_decide_in_their_place(server: Server) -> None:
    ada, eve = await member(server, *ADMIN), await member(server, *ADMIN)
    key_id, _ = await key_by(ada.browser)
    rotated = await eve.browser.do("POST", f"/api/keys/{key_id}/rotate", json={})
    asked = await start(server, await workflow(server, **TWO))
    await decide(eve.browser, asked)

    assert await code_of(with_key(server, rotated["key"]), asked) == "ALREADY_DECIDED"


async def test_who_started_an_execution_does_not_decide_by_a_key_that_their_key_made(server: Server) -> None:
    ada = await member(server, *ADMIN)
    _, first = await key_by(ada.browser)
    _, second = await key_by(first)
    asked = await start(server, await workflow(server, selfApproval=False), by=ada.browser)

    assert await code_of(second, asked) == "SELF_APPROVAL"


# Forging ----------------------------------------------------------------------------------------------


async def test_what_is_added_to_a_form_does_not_say_who_decided(server: Server) -> None:
    ada = await member(server)
    asked = await start(server, await workflow(server, **{**TWO, "quorum": {"required": 1}}))
    forged = {"submittedBy": "ceo@example.org", "submittedAt": "never", "decisions": [], "response": {}}

    await decide(ada.browser, asked, {"approved": True, "mine": 1, **forged})

    *_, last = await asked.events("block:completed")
    output = last["data"]["output"]
    assert output["submittedBy"] == ada.id
    assert [each["submittedBy"] for each in output["decisions"]] == [ada.id]
    assert output["response"]["data"]["operation"] == "human"
    assert output["submission"]["submittedBy"] == "ceo@example.org"
    assert output["mine"] == 1


async def test_a_form_that_would_not_stand_in_its_event_cannot_be_asked(server: Server) -> None:
    admin = administrator(server)
    form = {f"field {number}": {"type": "string", "description": "d" * 2000} for number in range(200)}
    blocks = {"ask": {"type": "human_in_the_loop", "form": form}}

    status, refused = await admin.call("PUT", "/api/workflows/too-large-a-form", json={"blocks": blocks})

    assert status == 422
    assert refused["details"][0]["message"] == "is too much: a form has at most 64 KB of JSON"


# Deciding on what was not shown ------------------------------------------------------------------------


async def test_a_page_says_what_it_saw_also_where_a_failed_point_is_decided_anew(server: Server) -> None:
    olga = await member(server, "write", "approver")
    asked = await paused(server, "fails-anew", {"ask": {**ASK, "then": "work"}, "work": FUSSY})
    await decide(olga.browser, asked)
    await ended(asked)

    blind, _ = await olga.browser.post(f"{asked.resume}?retry=true", json={"approved": False})
    early, _ = await olga.browser.post(f"{asked.resume}?retry=true&early=true", json={"approved": False})
    again, _ = await olga.browser.post(f"{asked.resume}?retry=true")

    assert (blind, early, again) == (428, 428, 200)


async def test_a_page_says_what_it_saw_also_where_it_decides_in_a_fork(server: Server) -> None:
    olga = await member(server, "write", "approver")
    asked = await start(server, await workflow(server))
    _, shown = await olga.browser.get(asked.path)
    body = {"mode": "live", "decision": {"contextId": "ask", "input": {"approved": True}}}

    async def forks(seen: str | None) -> int:
        headers = {} if seen is None else {"If-Match": f'"{seen}"'}
        path = f"/api/executions/{asked.execution}/forks"
        return (await olga.browser.call("POST", path, json=body, headers=headers))[0]

    seen = shown["contentDigest"]
    assert [await forks(each) for each in (None, "sha256:another", seen)] == [428, 412, 202]


async def test_who_says_what_they_saw_does_not_decide_before_there_is_anything_to_see(
    server: Server,
) -> None:
    olga = await member(server)
    asked = await running(server, "seen-early")

    status, body = await olga.browser.post(
        f"{asked.resume}?early=true", json={"approved": True}, headers={"If-Match": '"sha256:00"'}
    )

    assert (status, body["error"].startswith("The pause point has shown nothing yet")) == (412, True)
    server.gate.open(asked.workflow)
    await ended(asked)


# Rights that end --------------------------------------------------------------------------------------


GONE = ("expired", "Whoever sent it may not decide here any more")


async def test_a_decision_that_waits_is_not_taken_once_its_maker_has_left(server: Server) -> None:
    ada, asked = await member(server), await running(server, "left")
    await early(ada.browser, asked)
    await administrator(server).do("DELETE", f"/api/workspaces/{DEFAULT}/members/{ada.id}")

    assert await opened(asked) == GONE


async def test_nor_once_the_key_that_it_came_by_was_revoked(server: Server) -> None:
    ada, asked = await member(server, *ADMIN), await running(server, "revoked")
    key_id, key = await key_by(ada.browser)
    await early(key, asked)
    await ada.browser.do("DELETE", f"/api/keys/{key_id}")

    assert await opened(asked) == GONE


async def test_nor_once_the_group_that_is_asked_has_its_maker_no_more(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    finance = await group(server, ada, bob)
    asked = await running(server, "no-group", assignees=[f"group:{finance}"])
    await early(ada.browser, asked)
    admin = administrator(server)
    (found,) = [each for each in (await admin.do("GET", "/api/groups"))["groups"] if each["name"] == finance]
    await admin.do("PUT", f"/api/groups/{found['id']}", json={"name": finance, "userIds": [bob.id]})

    assert await opened(asked) == ("expired", "You are not among those who may decide this")


async def test_it_is_taken_of_one_who_still_may(server: Server) -> None:
    ada, bob = await member(server), await member(server, *ADMIN)
    by_person, by_key = await running(server, "still-a"), await running(server, "still-b")
    await early(ada.browser, by_person)
    await early((await key_by(bob.browser))[1], by_key)

    assert await opened(by_person) == await opened(by_key) == ("taken", None)


# In the place of others -------------------------------------------------------------------------------


async def away(who: Member, delegate: Member) -> None:
    body = {"delegateId": delegate.id, "until": iso(time.time() + 3600)}
    path = f"/api/workspaces/{DEFAULT}/members/{who.id}/absence"
    await administrator(who.browser.server).do("PUT", path, json=body)


async def test_nobody_lends_a_right_to_decide_that_they_have_not(server: Server) -> None:
    auditor, ada = await member(server, "auditor"), await member(server)
    asked = await point(server, assignees=[f"user:{auditor.id}"])
    await away(auditor, ada)

    assert await code_of(ada.browser, asked) == "NOT_ELIGIBLE"


async def test_standing_in_is_not_handed_on(server: Server) -> None:
    ada, bob, eve = await member(server), await member(server), await member(server)
    asked = await point(server, assignees=[f"user:{ada.id}"])
    await away(ada, bob)
    await away(bob, eve)

    assert await code_of(eve.browser, asked) == "NOT_ELIGIBLE"
    assert await code_of(bob.browser, asked) is None
