"""What is in whose inbox, in which order, on which page."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from signoff.events.times import iso
from signoff.gateway.inbox.scopes import MAX_KEYS
from support.gateways import Server
from support.identities import Caller, administrator, serving_people, workspace_key
from support.inboxes import Member, Point, group, member, point, start, workflow

DAY = 86_400.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """One server for all of these tests; each looks for workflows of its own."""
    with pytest.MonkeyPatch.context() as patched:
        async with serving_people(patched) as running:
            yield running


async def inbox(caller: Caller, *points: Point, **query: Any) -> list[Any]:
    """The items of the workflows of some points, as somebody has them."""
    named = ",".join(dict.fromkeys(each.workflow for each in points))
    body = await caller.do("GET", "/api/inbox", params={"workflowId": named, **query})
    return list(body["items"])


async def found(caller: Caller, *points: Point, **query: Any) -> list[str]:
    return [each["executionId"] for each in await inbox(caller, *points, **query)]


def executions(*points: Point) -> list[str]:
    return [each.execution for each in points]


async def give_away(absent: Member, delegate: Member) -> None:
    """Let somebody be away."""
    body = {"delegateId": delegate.id, "until": iso(time.time() + DAY)}
    await absent.browser.do("PUT", "/api/users/me/absence", json=body)


# Whose ------------------------------------------------------------------------------------------------


async def test_an_item_tells_what_is_decided_by_whom_until_when(server: Server) -> None:
    ada = await member(server)
    asked = await point(
        server, title="Refund it", assignees=[ada.address], priority="high",
        deadline={"after": "2d", "default": {"approved": False}},
    )  # fmt: skip

    (item,) = await inbox(ada.browser, asked)

    assert item == item | {
        "executionId": asked.execution, "workflowId": asked.workflow, "workflowName": asked.workflow,
        "contextId": "ask", "blockId": "ask", "title": "Refund it", "priority": "high", "overdue": False,
        "assignees": [{"kind": "user", "id": ada.id, "name": "Ada"}], "claimedBy": None, "returned": False,
        "approvals": 0, "required": 1, "mayDecide": True,
    }  # fmt: skip
    assert item["resumeLinks"]["apiUrl"] == asked.resume
    assert item["contentDigest"] == (await asked.shown())["contentDigest"]
    (opened,) = await asked.events("pause:opened")
    assert (item["openedAt"], item["eventId"]) == (opened["timestamp"], opened["eventId"])
    assert item["dueAt"] == opened["data"]["deadlines"][-1]["at"]


async def test_everybody_has_what_they_may_decide_and_nothing_else(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    hers = await point(server, assignees=[ada.address])
    theirs = await point(server, assignees=[f"group:{await group(server, ada, bob)}"])
    approvers = await point(server, assignees=["role:approver"])
    anybodys = await point(server)
    every = (hers, theirs, approvers, anybodys)

    assert await found(ada.browser, *every, sort="opened") == executions(*every)
    assert await found(bob.browser, *every, sort="opened") == executions(*every[1:])
    assert await found(ada.browser, *every, scope="mine") == executions(hers)
    assert await found(ada.browser, *every, scope="groups", sort="opened") == executions(*every[1:])
    assert await found(bob.browser, *every, scope="all", sort="opened") == executions(*every)


async def test_a_point_is_in_no_inbox_once_it_is_decided(server: Server) -> None:
    asked = await point(server)
    await administrator(server).do("POST", asked.resume, json={"approved": True})

    assert await found(administrator(server), asked, scope="all") == []


async def test_what_somebody_claimed_is_theirs_alone(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    asked = await point(server, assignees=["role:approver"])
    await ada.browser.do("POST", f"{asked.path}/claim")

    (item,) = await inbox(ada.browser, asked)
    assert (item["claimedBy"], item["mayDecide"]) == ({"id": ada.id, "name": "Ada"}, True)
    assert await found(ada.browser, asked, scope="mine") == executions(asked)
    assert await found(bob.browser, asked) == await found(bob.browser, asked, scope="groups") == []
    (seen,) = await inbox(bob.browser, asked, scope="all")
    assert seen["mayDecide"] is False


async def test_what_was_delegated_is_the_delegates(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    asked = await point(server, assignees=[ada.address])
    await ada.browser.do("POST", f"{asked.path}/delegate", json={"to": bob.address})

    assert await found(ada.browser, asked) == await found(ada.browser, asked, scope="mine") == []
    (item,) = await inbox(bob.browser, asked, scope="mine")
    assert (item["mayDecide"], [each["id"] for each in item["assignees"]]) == (True, [ada.id, bob.id])


async def test_who_stands_in_has_what_the_absent_person_was_asked_and_had_claimed(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    free = await point(server, assignees=[ada.address])
    claimed = await point(server, assignees=[ada.address])
    await ada.browser.do("POST", f"{claimed.path}/claim")
    before = await found(bob.browser, free, claimed)

    await give_away(ada, bob)

    assert before == []
    assert await found(bob.browser, free, claimed, sort="opened") == executions(free, claimed)
    assert {each["mayDecide"] for each in await inbox(bob.browser, free, claimed)} == {True}
    counts = await bob.browser.do("GET", "/api/inbox/counts", params={"workflowId": claimed.workflow})
    assert counts["total"] == 1


async def test_whoever_has_decided_among_several_is_not_asked_again(server: Server) -> None:
    ada, bob = await member(server), await member(server)
    asked = await point(server, assignees=[ada.address, bob.address], quorum={"required": 2})
    body = {"approved": True}
    await ada.browser.do("POST", asked.resume, json=body, headers=await asked.seen())

    assert await found(ada.browser, asked) == []
    (item,) = await inbox(bob.browser, asked)
    assert (item["approvals"], item["required"]) == (1, 2)


async def test_who_started_an_execution_is_not_asked_where_they_may_not_decide(server: Server) -> None:
    ada = await member(server, "read")
    workflow_id = await workflow(server, selfApproval=False)
    asked = await start(server, workflow_id, by=await personal(ada))

    assert await found(ada.browser, asked) == []
    (item,) = await inbox(ada.browser, asked, scope="all")
    assert item["mayDecide"] is False


async def personal(who: Member) -> Caller:
    """Somebody with a key of their own."""
    made = await who.browser.do("POST", "/api/users/me/keys", json={"name": "laptop"})
    return Caller(who.browser.server, {"X-API-Key": made["key"]})


async def test_a_workspaces_key_has_what_it_claimed(server: Server) -> None:
    key = await workspace_key(server, "approver")
    asked, other = await point(server, assignees=["role:approver"]), await point(server)
    await key.do("POST", f"{asked.path}/claim")

    (item,) = await inbox(key, asked, other, scope="mine")
    assert (item["executionId"], item["claimedBy"]["name"]) == (asked.execution, "for a test")


async def test_an_auditor_sees_all_and_is_asked_nothing(server: Server) -> None:
    auditor, asked = await workspace_key(server, "auditor"), await point(server)

    assert [await found(auditor, asked, scope=scope) for scope in ("open", "mine", "groups")] == [[]] * 3
    (item,) = await inbox(auditor, asked, scope="all")
    assert item["mayDecide"] is False


async def test_who_has_more_groups_than_a_query_looks_through_is_told_so(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await member(server)
    assert (await ada.browser.do("GET", "/api/inbox"))["complete"]
    for _ in range(2):
        await group(server, ada)
    monkeypatch.setattr("signoff.gateway.inbox.scopes.MAX_KEYS", 3)

    listed = await ada.browser.do("GET", "/api/inbox", params={"counts": "true"})

    assert MAX_KEYS >= 100
    assert (listed["complete"], listed["counts"]["exact"]) == (False, False)
    assert (await ada.browser.do("GET", "/api/inbox", params={"scope": "all"}))["complete"]


# Filters ----------------------------------------------------------------------------------------------


async def test_filters_leave_what_they_say(server: Server) -> None:
    admin = administrator(server)
    urgent = await point(server, title="Refund of order 17", priority="urgent")
    dated = await point(server, title="Invoice", deadline={"after": "2d", "default": {"approved": False}})
    both = (urgent, dated)
    later = iso(time.time() + 3 * DAY)

    assert await found(admin, *both, priority="urgent,high") == executions(urgent)
    assert await found(admin, *both, text="order ref") == executions(urgent)
    assert await found(admin, *both, dueBefore=later) == executions(dated)
    assert await found(admin, *both, overdue="true") == []
    assert await found(admin, *both, openedBefore=iso(time.time() - DAY)) == []
    assert await found(admin, *both, openedAfter=iso(time.time() - DAY), sort="opened") == executions(*both)


async def test_what_was_sent_back_is_not_to_be_decided_but_to_be_found(server: Server) -> None:
    admin, asked = administrator(server), await point(server)
    await admin.do("POST", f"{asked.path}/return", json={"reason": "the invoice is missing"})

    assert await found(admin, asked) == []
    (item,) = await inbox(admin, asked, returned="true")
    assert (item["returned"], item["mayDecide"]) == (True, False)


async def test_points_are_found_by_whose_they_are(server: Server) -> None:
    admin, free, hers = administrator(server), await point(server), await point(server)
    ada = await member(server, "approver")
    await ada.browser.do("POST", f"{hers.path}/claim")

    assert await found(ada.browser, free, hers, claimed="me") == executions(hers)
    assert await found(ada.browser, free, hers, claimed="nobody") == executions(free)
    assert await found(admin, free, hers, claimed="me", scope="all") == []
    counted = (await ada.browser.get("/api/inbox/counts", params={"claimed": "me"}))[1]
    assert (counted["total"], counted["groups"]["total"]) == (1, 0)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"dueBefore": "soon"}, "dueBefore"),
        ({"claimed": "you"}, "claimed"),
        ({"priority": "low,later"}, "priority[1]"),
        ({"scope": "yours"}, "scope"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"prioritty": "low"}, "prioritty"),
    ],
)
async def test_a_filter_that_is_none_is_refused_by_its_name(
    server: Server, query: dict[str, str], path: str
) -> None:
    status, body = await administrator(server).get("/api/inbox", params=query)

    assert (status, [each["path"] for each in body["details"]]) == (400, [path])


# Orders and pages -------------------------------------------------------------------------------------


async def test_points_come_in_each_order_in_pages_without_gaps(server: Server) -> None:
    admin = administrator(server)
    late = {"deadline": {"after": "3d", "default": {"approved": False}}}
    soon = {"deadline": {"after": "1d", "default": {"approved": False}}, "priority": "urgent"}
    normal, low = await point(server, **late), await point(server, priority="low")
    urgent = await point(server, **soon)
    orders = {
        "opened": (normal, low, urgent), "-opened": (urgent, low, normal),
        "due": (urgent, normal, low), "-due": (low, normal, urgent),
        "-priority": (urgent, normal, low), "priority": (low, normal, urgent),
    }  # fmt: skip

    for sort, expected in orders.items():
        assert await paged(admin, sort, *expected) == executions(*expected), sort


async def paged(caller: Caller, sort: str, *points: Point) -> list[str]:
    """What pages of one item hold."""
    named = ",".join(each.workflow for each in points)
    query = {"workflowId": named, "sort": sort, "limit": "1"}
    seen: list[str] = []
    while True:
        body = await caller.do("GET", "/api/inbox", params=query)
        seen += [each["executionId"] for each in body["items"]]
        if body["nextCursor"] is None:
            return seen
        query["cursor"] = body["nextCursor"]


async def test_a_cursor_goes_on_in_its_own_order_only(server: Server) -> None:
    admin, workflow_id = administrator(server), await workflow(server)
    for _ in range(2):
        await start(server, workflow_id)
    query = {"workflowId": workflow_id, "limit": "1", "sort": "opened"}
    cursor = (await admin.do("GET", "/api/inbox", params=query))["nextCursor"]

    status, body = await admin.get("/api/inbox", params={**query, "sort": "due", "cursor": cursor})

    assert (status, body["details"][0]["path"]) == (400, "cursor")


async def test_a_page_of_two_searches_has_each_point_once(server: Server) -> None:
    ada = await member(server)
    workflow_id = await workflow(server, assignees=[ada.address])
    points = [await start(server, workflow_id) for _ in range(3)]
    await ada.browser.do("POST", f"{points[1].path}/claim")

    query = {"workflowId": workflow_id, "scope": "mine", "sort": "-opened", "counts": "true"}
    body = await ada.browser.do("GET", "/api/inbox", params=query)

    assert [each["executionId"] for each in body["items"]] == executions(*reversed(points))
    assert body["counts"]["total"] == 3


# Counts -----------------------------------------------------------------------------------------------


async def test_counts_tell_the_scope_and_what_is_ones_own(server: Server) -> None:
    ada = await member(server)
    hers = await point(server, assignees=[ada.address], priority="high")
    anybodys = await point(server)
    named = f"{hers.workflow},{anybodys.workflow}"

    counts = await ada.browser.do("GET", "/api/inbox/counts", params={"workflowId": named})

    assert counts == {
        "total": 2, "exact": True, "overdue": 0,
        "byPriority": {"low": 0, "normal": 1, "high": 1, "urgent": 0},
        "mine": {"total": 1, "exact": True}, "groups": {"total": 1, "exact": True},
    }  # fmt: skip


async def test_a_list_that_has_not_changed_is_not_sent_again(server: Server) -> None:
    asked = await point(server)
    path, admin = f"/api/inbox?workflowId={asked.workflow}", administrator(server)
    _, _, headers = await admin.send("GET", path)
    known = {"If-None-Match": headers["ETag"]}

    same = await admin.call("GET", path, headers=known)
    await admin.do("POST", f"{asked.path}/claim")
    changed, _ = await admin.call("GET", path, headers=known)

    assert (same, changed) == ((304, None), 200)
