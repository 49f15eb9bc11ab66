"""One pause point with all that it takes to decide it, and what people do with it beside deciding."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from signoff.events.times import iso
from support.gateways import Server
from support.identities import (
    Caller,
    add_person,
    add_workspace,
    administrator,
    serving_people,
    workspace_key,
)
from support.inboxes import Member, Point, group, member, point, start, workflow
from support.linked import by_bearer
from support.stores import until


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """One server for all of these tests."""
    with pytest.MonkeyPatch.context() as patched:
        async with serving_people(patched) as running:
            yield running


async def ask(caller: Caller, asked: Point, verb: str, **body: Any) -> tuple[int, Any]:
    return await caller.post(f"{asked.path}/{verb}", json=body)


async def do(caller: Caller, asked: Point, verb: str, **body: Any) -> Any:
    return await caller.do("POST", f"{asked.path}/{verb}", json=body)


async def approve(caller: Caller, asked: Point) -> tuple[int, Any]:
    """Look, and decide on what was seen."""
    return await caller.post(asked.resume, json={"approved": True}, headers=await asked.seen(caller))


async def link_of(asked: Point, who: Member) -> Caller:
    """Somebody with a link to the point."""
    made = await who.browser.do("POST", f"{asked.path}/links", json={})
    return by_bearer(asked.server, made["token"])


async def failed_point(server: Server, by: Member) -> Point:
    """A point that somebody decided, and whose run failed then."""
    workflow_id = await workflow(server)
    blocks = {
        "ask": {"type": "human_in_the_loop", "form": {"approved": "boolean"}, "then": "pay"},
        "pay": {"type": "function", "code": "throw new Error('the bank is away')"},
    }
    await administrator(server).do("PUT", f"/api/workflows/{workflow_id}", json={"blocks": blocks})
    asked = await start(server, workflow_id)
    await approve(by.browser, asked)

    async def failed() -> bool:
        return bool(await asked.events("execution:error"))

    await until(failed)
    return asked


# Looking ----------------------------------------------------------------------------------------------


async def test_a_point_is_shown_with_its_policy_and_whether_one_may_decide(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    finance = await group(server, bob)
    asked = await point(
        server,
        title="Refund it",
        assignees=[ada.address, f"group:{finance}"],
        quorum={"required": 2, "weights": {ada.address: 2}, "veto": [ada.address]},
        deadline={"steps": [{"after": "1d", "remind": True}, {"after": "2d", "decide": {"approved": False}}]},
        stepUp=True,
    )

    status, shown, headers = await ada.browser.send("GET", asked.path)
    stranger = await member(server)

    assert (status, headers["ETag"]) == (200, f'"{shown["contentDigest"]}"')
    assert shown["workflowName"] == asked.workflow
    assert (shown["title"], shown["mayDecide"], shown["refusal"]) == ("Refund it", True, None)
    hers = {"kind": "user", "id": ada.id, "name": "Ada"}
    policy = shown["policy"]
    assert policy["assignees"][0] == hers
    assert policy["assignees"][1]["name"] == finance
    assert policy["quorum"] == {
        "required": 2, "rejections": 1, "field": "approved",
        "weights": [{"who": hers, "weight": 2}], "veto": [hers],
    }  # fmt: skip
    assert (policy["selfApproval"], policy["stepUp"]) == (False, True)
    assert [(each["action"], each["input"], each["struck"]) for each in policy["deadline"]] == [
        ("remind", None, False), ("decide", {"approved": False}, False),
    ]  # fmt: skip
    assert shown["point"]["response"]["data"]["responseStructure"][0]["value"] == 7
    refusal = (await asked.shown(stranger.browser))["refusal"]
    assert refusal == {"code": "NOT_ELIGIBLE", "message": "You are not among those who may decide this"}


async def test_the_history_tells_who_decided_from_who_tried_it_again(server: Server) -> None:
    ada = await member(server)
    asked = await failed_point(server, ada)

    await administrator(server).post(asked.resume, params={"retry": "true"}, json={})

    decisions = [each for each in (await asked.shown())["history"] if each["type"] == "execution:resumed"]
    assert [(each["actor"]["name"], each["retry"]) for each in decisions] == [
        ("Ada", False),
        ("bootstrap key", True),
    ]


async def test_progress_and_history_tell_who_said_what_in_order(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    asked = await point(server, assignees=[ada.address, bob.address], quorum={"required": 2})
    await do(bob.browser, asked, "comment", text="The customer agrees.")
    await approve(ada.browser, asked)

    shown = await asked.shown(ada.browser)

    assert shown["progress"] == {"approvals": 1, "required": 2, "rejections": 0, "rejectionsRequired": 1}
    (vote,) = shown["decisions"]
    assert (vote["by"]["id"], vote["verdict"], vote["weight"]) == (ada.id, "approved", 1)
    told = [(each["type"], each.get("actor", {}).get("id"), each.get("text")) for each in shown["history"]]
    assert told == [
        ("pause:opened", None, None),
        ("pause:commented", bob.id, "The customer agrees."),
        ("decision:recorded", ada.id, None),
    ]
    assert shown["refusal"]["code"] == "ALREADY_DECIDED"


async def test_a_decided_point_is_shown_with_the_decision(server: Server) -> None:
    ada, asked = await member(server), await point(server)
    await approve(ada.browser, asked)

    shown = await asked.shown(ada.browser)

    assert (shown["refusal"]["code"], shown["point"]["resumeStatus"]) == ("ALREADY_RESUMED", "resumed")
    assert [each["type"] for each in shown["history"]] == ["pause:opened", "execution:resumed"]


async def test_large_values_are_shown_whole_and_secrets_are_not(server: Server) -> None:
    large = {"text": "x" * 300_000, "$ref": {"$blob": "mine"}}
    workflow_id = await workflow(
        server, show={"Data": "<start.amount>"}, form={"pin": {"type": "secret"}, "note": "string"}
    )
    asked = await start(server, workflow_id, amount=large)
    await administrator(server).do("POST", asked.resume, json={"pin": "4711", "note": "n"})

    shown = await asked.shown()

    rows = {each["name"]: each["value"] for each in shown["point"]["response"]["data"]["responseStructure"]}
    assert rows["Data.text"] == large["text"]
    assert shown["point"]["latestResumeEntry"]["resumeInput"] == {"pin": "•••", "note": "n"}


async def test_the_older_routes_tell_of_the_policy_too(server: Server) -> None:
    ada = await member(server)
    asked = await point(
        server, assignees=[ada.address], quorum={"required": 1}, priority="high",
        deadline={"after": "2d", "default": {"approved": False}},
    )  # fmt: skip
    (opened,) = await asked.events("pause:opened")

    told = (await administrator(server).do("GET", asked.resume))["pausePoint"]

    assert told == told | {
        "title": None, "priority": "high", "assignees": [ada.key], "claimedBy": None, "returned": False,
        "quorum": {"approvals": 0, "required": 1, "rejections": 0, "rejectionsRequired": 1},
        "deadlines": [{"at": opened["data"]["deadlines"][0]["at"], "action": "decide", "struck": False}],
        "contentDigest": opened["data"]["contentDigest"],
    }  # fmt: skip


async def test_an_auditor_reads_that_they_decide_nothing(server: Server) -> None:
    asked = await point(server)

    shown = await asked.shown(await workspace_key(server, "auditor"))

    assert (shown["mayDecide"], shown["refusal"]["code"]) == (False, "NOT_ELIGIBLE")


# Claiming and releasing -------------------------------------------------------------------------------


async def test_of_many_who_claim_at_once_one_has_it_and_the_others_read_who(server: Server) -> None:
    people = [await member(server) for _ in range(4)]
    asked = await point(server)

    answers = await asyncio.gather(*(ask(each.browser, asked, "claim") for each in people))

    (winner,) = [body["claimedBy"]["id"] for status, body in answers if status == 200]
    losers = [body for status, body in answers if status == 409]
    assert [(each["code"], each["claimedBy"]["id"]) for each in losers] == [("CLAIMED", winner)] * 3
    assert len(await asked.events("pause:claimed")) == 1


async def test_a_decision_on_what_somebody_else_claimed_reads_who(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    asked = await point(server)
    await do(ada.browser, asked, "claim")

    status, body = await approve(bob.browser, asked)

    assert (status, body["code"], body["claimedBy"]) == (409, "CLAIMED", {"id": ada.id, "name": "Ada"})
    assert (await approve(ada.browser, asked))[0] == 200


async def test_a_claim_is_released_by_its_holder_or_an_operator(server: Server) -> None:
    ada, bob, operator = await member(server), await member(server), await member(server, "write")
    asked = await point(server)

    await do(ada.browser, asked, "claim")
    by_another = await ask(bob.browser, asked, "release")
    by_herself = await do(ada.browser, asked, "release")
    await do(bob.browser, asked, "claim")
    by_operator = await do(operator.browser, asked, "release")

    assert (by_another[0], by_another[1]["code"]) == (403, "NOT_ELIGIBLE")
    assert by_herself["claimedBy"] is by_operator["claimedBy"] is None
    assert (await ask(ada.browser, asked, "release"))[1]["code"] == "NOT_CLAIMED"


async def test_a_repeated_request_is_recorded_once_and_another_with_its_key_refused(server: Server) -> None:
    ada, asked = await member(server), await point(server)
    key = {"Idempotency-Key": "once"}

    first = await ada.browser.post(f"{asked.path}/comment", json={"text": "one"}, headers=key)
    again = await ada.browser.post(f"{asked.path}/comment", json={"text": "one"}, headers=key)
    other, _ = await ada.browser.post(f"{asked.path}/comment", json={"text": "two"}, headers=key)

    assert (first[0], again, other) == (200, first, 409)
    assert [each["data"]["text"] for each in await asked.events("pause:commented")] == ["one"]


async def test_nothing_is_asked_of_a_point_that_is_decided_or_not_there(server: Server) -> None:
    ada, asked = await member(server), await point(server)
    await approve(ada.browser, asked)
    elsewhere = Point(server, asked.workflow, asked.execution, "nowhere")

    status, body = await ask(ada.browser, asked, "claim")

    assert (status, body["resumedBy"]["id"], body["resumedBy"]["name"]) == (409, ada.id, "Ada")
    missing = (404, {"error": "Pause context not found"})
    assert await ask(ada.browser, elsewhere, "comment", text="x") == missing
    assert await ada.browser.get(elsewhere.path) == missing


# Handing on -------------------------------------------------------------------------------------------


async def test_a_delegate_decides_and_who_asked_them_does_not(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    asked = await point(server, assignees=[ada.address])

    state = await do(ada.browser, asked, "delegate", to=bob.id, reason="I was on the trip")

    assert state["claimedBy"] == {"id": bob.id, "name": "Ada"}
    assert (await approve(ada.browser, asked))[0] == 403
    shown = await asked.shown(bob.browser)
    (delegate,) = shown["delegates"]
    assert (delegate["user"]["id"], delegate["onBehalfOf"]["id"]) == (bob.id, ada.id)
    (entry,) = [each for each in shown["history"] if each["type"] == "pause:delegated"]
    assert (entry["reason"], [each["id"] for each in entry["to"]]) == ("I was on the trip", [bob.id])
    assert (await approve(bob.browser, asked))[0] == 200


@pytest.mark.parametrize("who", ["nobody", "a member elsewhere", "an auditor", "a group"])
async def test_nothing_is_delegated_to_who_may_not_decide(server: Server, who: str) -> None:
    asked = await point(server)
    to = {
        "nobody": "nobody@example.org",
        "a member elsewhere": (
            await add_person(server, "approver", workspace_id=await add_workspace(server))
        )[1],
        "an auditor": (await member(server, "auditor")).id,
        "a group": f"group:{await group(server)}",
    }[who]

    status, body = await ask(administrator(server), asked, "delegate", to=to)

    assert (status, body["details"][0]["path"]) == (400, "to")
    assert await asked.events("pause:delegated") == []


async def test_an_operator_lets_others_decide(server: Server) -> None:
    ada, bob, operator = await member(server), await member(server), await member(server, "write")
    asked = await point(server, assignees=[ada.address])

    by_approver, _ = await ask(ada.browser, asked, "reassign", assignees=[bob.address], reason="no")
    state = await do(operator.browser, asked, "reassign", assignees=[bob.address], reason="she is ill")
    unknown = await ask(operator.browser, asked, "reassign", assignees=["group:nothing"], reason="r")

    assert by_approver == 403
    assert [each["id"] for each in state["assignees"]] == [bob.id]
    assert (unknown[0], unknown[1]["details"][0]["path"]) == (400, "assignees")
    assert (await approve(ada.browser, asked))[0] == 403
    assert (await approve(bob.browser, asked))[0] == 200


# Other content ----------------------------------------------------------------------------------------


async def amend(caller: Caller, asked: Point, seen: dict[str, str], **body: Any) -> tuple[int, Any]:
    return await caller.call("PUT", f"{asked.path}/content", json={"reason": "r", **body}, headers=seen)


async def test_what_was_sent_back_is_decided_once_it_was_amended(server: Server) -> None:
    ada, operator = await member(server), await member(server, "write")
    asked = await point(server)
    seen = await asked.seen()

    returned = await do(ada.browser, asked, "return", reason="the amount is wrong")
    early, refused = await ada.browser.post(asked.resume, json={"approved": True}, headers=seen)
    status, state = await amend(operator.browser, asked, seen, display={"Amount": 8, "Of": {"order": 17}})
    stale, stale_body = await ada.browser.post(asked.resume, json={"approved": True}, headers=seen)
    shown = await asked.shown(ada.browser)

    assert returned["returned"] is True
    assert (early, refused["code"]) == (409, "RETURNED")
    assert (status, state["returned"]) == (200, False)
    assert (stale, stale_body["contentDigest"]) == (412, state["contentDigest"])
    assert shown["point"]["response"]["data"]["responseStructure"] == [
        {"name": "Amount", "type": "number", "value": 8},
        {"name": "Of.order", "type": "number", "value": 17},
    ]
    assert (await approve(ada.browser, asked))[0] == 200


async def test_the_form_is_amended_and_the_next_decision_must_fit_it(server: Server) -> None:
    admin, asked = administrator(server), await point(server)
    fields = [{"name": "amount", "type": "number", "required": True, "max": 10}]

    _, state = await amend(admin, asked, await asked.seen(), form=fields)
    unfit, body = await admin.post(asked.resume, json={"amount": 11})

    assert (unfit, body["details"][0]["path"]) == (422, "amount")
    shown = await asked.shown()
    assert shown["contentDigest"] == state["contentDigest"]
    assert shown["point"]["response"]["data"]["responseStructure"][0]["value"] == 7
    assert (await admin.post(asked.resume, json={"amount": 9}))[0] == 200


async def test_the_title_is_amended_and_is_part_of_what_was_seen(server: Server) -> None:
    admin, asked = administrator(server), await point(server)
    seen = await asked.seen()

    status, state = await amend(admin, asked, seen, title="Refund 8")
    stale, _ = await admin.post(asked.resume, json={"approved": True}, headers=seen)
    shown = await asked.shown()

    assert (status, stale) == (200, 412)
    assert shown["contentDigest"] == state["contentDigest"]
    assert shown["title"] == "Refund 8"
    assert shown["point"]["response"]["data"]["responseStructure"][0]["value"] == 7


async def test_an_amended_point_counts_no_earlier_approval(server: Server) -> None:
    ada, bob, admin = await member(server), await member(server), administrator(server)
    asked = await point(server, assignees=[ada.address, bob.address], quorum={"required": 2})
    await approve(ada.browser, asked)

    _, state = await amend(admin, asked, await asked.seen(), display={"Amount": 8})

    assert state["progress"]["approvals"] == 0
    assert (await approve(ada.browser, asked))[1]["status"] == "recorded"


@pytest.mark.parametrize(
    ("form", "path"),
    [
        ([{"name": "approved", "type": "boolean"}, {"name": "n", "type": "text"}], "form[1].type"),
        (
            [{"name": "approved", "type": "boolean"}, {"name": "n", "type": "number", "min": "<a.b>"}],
            "form[1].min",
        ),
        ([{"name": "comments", "type": "string"}], "form"),
        ([{"name": "approved", "type": "boolean"}, {"name": "pin", "type": "secret"}], "form"),
        ([{"name": "approved", "type": "boolean"}, {"name": "more", "required": True}], "form"),
    ],
    ids=[
        "an unknown type",
        "a reference",
        "without the votes' field",
        "a new secret",
        "unfit for the default",
    ],
)
async def test_a_form_that_could_not_be_deployed_or_decided_is_refused(
    server: Server, form: list[dict[str, Any]], path: str
) -> None:
    asked = await point(
        server, quorum={"required": 1}, deadline={"after": "2d", "default": {"approved": False}}
    )

    status, body = await amend(administrator(server), asked, await asked.seen(), form=form)

    assert (status, [each["path"] for each in body["details"]]) == (422, [path])
    assert await asked.events("pause:amended") == []


async def test_the_data_of_an_answer_is_amended_where_there_is_no_form(server: Server) -> None:
    admin = administrator(server)
    params = {"operation": "api", "dataMode": "json", "data": {"order": 17}}
    definition = {
        "blocks": [
            {"id": "start", "metadata": {"id": "start_trigger"}},
            {"id": "ask", "metadata": {"id": "human_in_the_loop"}, "config": {"params": params}},
        ],
        "connections": [{"source": "start", "target": "ask"}],
    }
    await admin.do("PUT", "/api/workflows/answering", json=definition)
    started = await admin.do("POST", "/api/workflows/answering/execute", json={})
    asked = Point(server, "answering", started["executionId"], "ask")
    seen = await asked.seen()

    form_refused, _ = await amend(admin, asked, seen, form=[])
    await amend(admin, asked, seen, data={"order": 18, "$blob": "mine"})

    assert form_refused == 400
    data = (await asked.shown())["point"]["response"]["data"]
    assert (data["order"], data["$blob"], data["operation"]) == (18, "mine", "api")
    assert data["_resume"]["contextId"] == "ask"


async def test_content_is_amended_by_who_says_what_they_saw(server: Server) -> None:
    admin, asked = administrator(server), await point(server)
    unseen, _ = await amend(admin, asked, {}, display={"Amount": 8})
    other, body = await amend(admin, asked, {"If-Match": '"sha256:other"'}, display={"Amount": 8})
    nothing, _ = await amend(admin, asked, await asked.seen())
    approver, _ = await amend((await member(server)).browser, asked, await asked.seen(), display={})

    assert (unseen, other, nothing, approver) == (428, 412, 400, 403)
    assert body["contentDigest"] == (await asked.shown())["contentDigest"]


async def test_of_two_who_amend_what_they_saw_one_does(server: Server) -> None:
    asked = await point(server)
    seen = await asked.seen()

    answers = await asyncio.gather(
        *(amend(administrator(server), asked, seen, display={"Amount": amount}) for amount in range(3))
    )

    assert sorted(status for status, _ in answers) == [200, 412, 412]


async def test_an_amendment_sent_again_is_the_first_one(server: Server) -> None:
    asked = await point(server)
    headers = {**await asked.seen(), "Idempotency-Key": "amend"}

    first = await amend(administrator(server), asked, headers, display={"Amount": 8})
    again = await amend(administrator(server), asked, headers, display={"Amount": 8})

    assert (first[0], again) == (200, first)
    assert len(await asked.events("pause:amended")) == 1


# By link ----------------------------------------------------------------------------------------------


async def test_by_a_link_one_looks_claims_and_comments_but_assigns_nobody(
    server: Server,
) -> None:
    ada, asked = await member(server), await point(server, stepUp=True)
    link = await link_of(asked, ada)

    await do(link, asked, "claim")
    await do(link, asked, "comment", text="looks fine")
    shown = await asked.shown(link)

    assert shown["claimedBy"]["id"] == ada.id
    assert shown["refusal"]["code"] == "CODE_REQUIRED"
    assert shown["history"][-1]["text"] == "looks fine"
    refused, _ = await ask(link, asked, "reassign", assignees=[ada.address], reason="r")
    assert refused in (401, 403)


async def test_in_the_place_of_the_absent_what_they_claimed_is_decided(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    asked = await point(server, assignees=[ada.address])
    await do(ada.browser, asked, "claim")
    body = {"delegateId": bob.id, "until": iso(time.time() + 86_400)}
    await ada.browser.do("PUT", "/api/users/me/absence", json=body)

    assert (await asked.shown(bob.browser))["mayDecide"]
    assert (await approve(bob.browser, asked))[0] == 200
    (resumed,) = [each for each in (await asked.shown())["history"] if each["type"] == "execution:resumed"]
    assert (resumed["actor"]["id"], resumed["onBehalfOf"]["id"]) == (bob.id, ada.id)
