"""Decisions in bulk, decisions that come before their point, and pauses as they happen."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from signoff.access.gate import Gate
from signoff.runtime.health import Health
from signoff.stream.app import create_app
from support.gateways import LIMIT, SECRET, Server, settings
from support.identities import Caller, administrator, serving_people, workspace_key
from support.inboxes import Point, member, point, start, workflow

BULK = "/api/inbox/decisions"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """One server for all of these tests."""
    with pytest.MonkeyPatch.context() as patched:
        async with serving_people(patched) as running:
            yield running


def on(asked: Point, **more: Any) -> dict[str, Any]:
    """A yes on a point."""
    return {
        "executionId": asked.execution, "contextId": asked.context, "input": {"approved": True}, **more,
    }  # fmt: skip


async def decided(caller: Caller, *decisions: dict[str, Any], **given: Any) -> list[Any]:
    body = {"decisions": list(decisions)}
    return list((await caller.do("POST", BULK, json=body, **given))["results"])


# In bulk ----------------------------------------------------------------------------------------------


async def test_each_decision_has_its_own_result_in_order(server: Server) -> None:
    ada, admin = await member(server), administrator(server)
    one = await point(server)
    several = await point(
        server, assignees=[ada.address, "role:read"], quorum={"required": 2}, selfApproval=True
    )
    hers = await point(server, assignees=[ada.address])
    gone = Point(server, "w", "nothing", "ask")

    results = await decided(
        admin, on(one), on(hers), on(gone), on(several), {**on(one), "contextId": "no"}, on(one, input={})
    )

    assert [(each["executionId"], each["contextId"]) for each in results] == [
        (one.execution, "ask"), (hers.execution, "ask"), (gone.execution, "ask"), (several.execution, "ask"),
        (one.execution, "no"), (one.execution, "ask"),
    ]  # fmt: skip
    assert [each["status"] for each in results[1:5]] == ["refused", "refused", "recorded", "refused"]
    assert [each["httpStatus"] for each in results[1:5]] == [403, 404, 200, 404]
    assert (results[1]["code"], results[3]["approvals"]) == ("NOT_ELIGIBLE", 1)
    assert {results[0]["status"], results[5]["status"]} == {"started", "refused"}
    (resumed,) = await one.events("execution:resumed")
    assert resumed["data"]["resumeExecutionId"] == results[0]["runId"]


async def test_a_misfit_names_its_fields_and_a_loser_learns_who_won(server: Server) -> None:
    admin, asked = administrator(server), await point(server)

    (misfit,) = await decided(admin, on(asked, input={"approved": "maybe"}))
    race = await decided(admin, *[on(asked) for _ in range(20)])

    assert (misfit["httpStatus"], [each["path"] for each in misfit["details"]]) == (422, ["approved"])
    losers = [each for each in race if each["status"] == "refused"]
    assert (len(losers), {each["httpStatus"] for each in losers}) == (19, {409})
    (winner,) = [each for each in race if each["status"] == "started"]
    assert {each["eventId"] for each in losers} == {winner["eventId"]}
    assert all(each["resumedBy"]["id"] == "bootstrap" for each in losers)


async def test_decisions_from_a_page_say_what_was_seen(server: Server) -> None:
    ada, asked = await member(server), await point(server)
    digest = (await asked.shown())["contentDigest"]

    (unseen,) = await decided(ada.browser, on(asked))
    (other,) = await decided(ada.browser, on(asked, contentDigest="sha256:other"))
    (seen,) = await decided(ada.browser, on(asked, contentDigest=digest))

    assert [unseen["httpStatus"], other["httpStatus"], seen["httpStatus"]] == [428, 412, 200]
    assert other["contentDigest"] == digest


@pytest.mark.parametrize("in_header", [True, False])
async def test_decisions_sent_again_get_the_first_results(server: Server, in_header: bool) -> None:
    admin, workflow_id = administrator(server), await workflow(server)
    points = [await start(server, workflow_id) for _ in range(3)]
    more = {} if in_header else {"idempotencyKey": "k"}
    headers = {"Idempotency-Key": "k"} if in_header else {}

    first = await decided(admin, *(on(each, **more) for each in points), headers=headers)
    again = await decided(admin, *(on(each, **more) for each in points), headers=headers)

    assert [each["status"] for each in first] == ["started"] * 3
    assert again == first


async def test_a_decision_in_bulk_and_alone_are_one_request_under_one_key(server: Server) -> None:
    admin, asked = administrator(server), await point(server)
    (first,) = await decided(admin, on(asked, idempotencyKey="k"))

    status, alone = await admin.post(
        asked.resume, json={"input": {"approved": True}}, headers={"Idempotency-Key": "k"}
    )

    assert (status, alone["executionId"]) == (200, first["runId"])


async def test_too_many_decisions_or_none_are_refused_as_a_whole(server: Server) -> None:
    admin = administrator(server)

    for count in (0, 101):
        status, _ = await admin.post(
            BULK, json={"decisions": [{"executionId": "x", "contextId": "y"}] * count}
        )
        assert status == 400


# Before their point -----------------------------------------------------------------------------------

LATER = {
    "first": {"type": "hold", "with": {"name": "first"}, "then": "ask"},
    "ask": {
        "type": "human_in_the_loop",
        "form": {"approved": {"type": "boolean", "required": True}, "pin": "secret"},
    },
}


async def running(server: Server, name: str) -> Point:
    """An execution that has yet to come to its pause."""
    admin, blocks = administrator(server), {**LATER, "first": {**LATER["first"], "with": {"name": name}}}
    await admin.do("PUT", f"/api/workflows/{name}", json={"blocks": blocks})
    begun = await admin.do(
        "POST", f"/api/workflows/{name}/execute", json={}, headers={"X-Execution-Mode": "async"}
    )
    await server.gate.reached(name)
    return Point(server, name, begun["executionId"], "ask")


async def held(caller: Caller, asked: Point) -> list[Any]:
    return list((await caller.do("GET", f"/api/executions/{asked.execution}/held"))["held"])


async def test_what_was_decided_early_is_listed_until_it_is_taken_and_after(server: Server) -> None:
    admin, asked = administrator(server), await running(server, "early")
    unfit = await admin.do("POST", f"{asked.resume}?early=true", json={"approved": "maybe"})
    fit = await admin.do("POST", f"{asked.resume}?early=true", json={"approved": True, "pin": "4711"})

    waiting = await held(admin, asked)
    server.gate.open("early")
    await server.ended_job(asked.execution)
    after = await held(admin, asked)

    assert [(each["heldId"], each["status"], each["expiresAt"]) for each in waiting] == [
        (unfit["heldId"], "held", unfit["expiresAt"]), (fit["heldId"], "held", fit["expiresAt"]),
    ]  # fmt: skip
    assert [each["status"] for each in after] == ["expired", "taken"]
    assert waiting[1]["input"] == after[1]["input"] == {"approved": True, "pin": "•••"}
    assert waiting[1]["by"]["id"] == "apiKey:bootstrap"
    assert ("approved" in after[0]["reason"], after[1]["reason"]) == (True, None)


async def test_what_is_held_ends_with_its_execution(server: Server) -> None:
    admin, asked = administrator(server), await running(server, "cancelled")
    await admin.do("POST", f"{asked.resume}?early=true", json={"approved": True})
    await admin.do("POST", f"/api/workflows/cancelled/executions/{asked.execution}/cancel")

    (ended,) = await held(admin, asked)

    assert (ended["status"], ended["reason"]) == ("expired", "The execution was cancelled")
    missing = await admin.get("/api/executions/nothing/held")
    assert missing == (404, {"error": "Execution not found"})


# As they happen ---------------------------------------------------------------------------------------


async def test_an_approver_follows_pauses_and_decisions(server: Server) -> None:
    approver = await workspace_key(server, "approver")
    app = create_app(
        settings(), store=server.store, bus=server.bus, gate=Gate(server.store, server.directory, settings()),
        secrets=[SECRET], health=Health(),
    )  # fmt: skip
    path, headers = "/api/stream?types=pause:*,decision:*", approver.headers
    async with TestClient(TestServer(app)) as client, client.get(path, headers=headers) as feed:
        opened = await frame(feed)
        asked = await point(server, assignees=["role:approver"], quorum={"required": 2})
        await approver.do("POST", f"{asked.path}/comment", json={"text": "fine"})
        await approver.do("POST", asked.resume, json={"approved": True})
        frames = [await frame(feed) for _ in range(3)]

    assert opened["type"] == "feed:opened"
    assert [(each["type"], each["executionId"]) for each in frames] == [
        (kind, asked.execution) for kind in ("pause:opened", "pause:commented", "decision:recorded")
    ]


async def frame(feed: Any) -> Any:
    """The next event of a feed."""
    async with asyncio.timeout(LIMIT):
        while not (line := (await feed.content.readline()).decode()).startswith("data: "):
            assert line, "the feed has ended"
    return json.loads(line.removeprefix("data: "))
