"""Forks over HTTP: begun for good, or only tried out."""

import asyncio
from typing import Any

import pytest

from signoff.executor.forks import course
from support.gateways import APPROVAL, LIMIT, Server, serving, settings
from support.identities import administrator, with_key

PAYING: dict[str, Any] = {
    "approve": {**APPROVAL["approve"], "then": "decided"},
    "decided": {
        "type": "condition",
        "cases": [{"when": "<approve.approved>", "then": "pay"}, {"else": "refuse"}],
    },
    "pay": {"type": "hold", "with": {"name": "pay <start.amount>"}, "then": "sum"},
    "refuse": {"type": "response", "data": {"paid": False}},
    "sum": {"type": "function", "code": "return <start.amount> * 2"},
}
"""A decision, and behind it a block that acts outside."""


async def paused(server: Server, blocks: dict[str, Any] = PAYING) -> tuple[str, str]:
    workflow_id = await server.deploy(blocks)
    return workflow_id, (await server.execute(workflow_id, json={"amount": 5}))["executionId"]


async def fork(server: Server, execution_id: str, *, expect: int, **body: Any) -> dict[str, Any]:
    status, answer = await server.post(f"/api/executions/{execution_id}/forks", json=body)
    assert status == expect, answer
    return dict(answer)


async def live(server: Server, execution_id: str, **body: Any) -> str:
    return str((await fork(server, execution_id, expect=202, mode="live", **body))["executionId"])


async def status(server: Server, execution_id: str) -> str:
    _, view = await server.get(f"/api/executions/{execution_id}")
    return str(view["status"])


async def ended(server: Server, execution_id: str) -> str:
    """Wait until an execution does not run; gives its status."""
    async with asyncio.timeout(LIMIT):
        while (found := await status(server, execution_id)) == "running":  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
    return found


async def test_a_live_fork_is_an_execution_of_its_own_and_its_source_stays_as_it_is(server: Server) -> None:
    workflow_id, source = await paused(server, APPROVAL)
    before = await server.events(source)

    forked = await live(server, source, reason="what if not")
    await server.post(f"/api/resume/{workflow_id}/{forked}/approve", json={"approved": False})

    assert await ended(server, forked) == "completed"
    assert await server.events(source) == before
    assert await status(server, source) == "paused"
    events = await server.events(forked)
    assert [event["copyOf"]["eventId"] for event in events if "copyOf" in event] == list(
        range(2, len(before) + 1)
    )
    told = next(event["data"] for event in events if event["type"] == "execution:forked")
    assert (told["source"]["executionId"], told["reason"]) == (source, "what if not")


async def forks(server: Server, source: str, more: str = "") -> list[str]:
    """The forks of an execution, the newest first."""
    found, body = await server.get(f"/api/executions?forkedFrom={source}{more}")
    assert found == 200, body
    assert {each["forkedFrom"] for each in body["executions"]} <= {source}
    return [each["executionId"] for each in body["executions"]]


@pytest.mark.parametrize("chosen", [None, "order:7"])
async def test_the_forks_of_an_execution_are_found_by_its_id(server: Server, chosen: str | None) -> None:
    workflow_id = await server.deploy(APPROVAL)
    headers = {} if chosen is None else {"X-Execution-Id": chosen}
    source = (await server.execute(workflow_id, headers=headers))["executionId"]
    other = (await server.execute(workflow_id))["executionId"]

    first = await live(server, source)
    second = await live(server, source)
    third = await live(server, second)
    await live(server, other)
    await server.post(
        f"/api/workflows/{workflow_id}/execute",
        json={"runFromBlock": {"startBlockId": "approve", "executionId": source}},
    )

    assert await forks(server, source) == [second, first]
    assert await forks(server, second) == [third]
    assert await forks(server, third) == []
    assert await forks(server, "nobody-knows") == []
    await server.post(f"/api/resume/{workflow_id}/{first}/approve", json={"approved": True})
    assert await ended(server, first) == "completed"
    assert await forks(server, source, "&status=paused") == [second]
    _, counted = await server.get(f"/api/executions?forkedFrom={source}&counts=true&limit=1")
    assert counted["counts"]["byStatus"] == {"paused": 1, "completed": 1}
    _, told = await server.post(
        "/api/executions/bulk", json={"action": "cancel", "filter": {"forkedFrom": source}}
    )
    assert [each["executionId"] for each in told["results"]] == [second]
    assert await status(server, source) == "paused"


async def test_the_forks_of_an_execution_are_those_of_its_workspace(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    await server.execute(workflow_id, headers={"X-Execution-Id": "order-7"})
    await live(server, "order-7")
    admin = administrator(server)
    elsewhere = (await admin.do("POST", "/api/workspaces", json={"name": "Elsewhere"}))["id"]
    there = {"X-Workspace-Id": elsewhere}
    assert await forks(server, "order-7")

    _, body = await server.get("/api/executions?forkedFrom=order-7", headers=there)

    assert body["executions"] == []


async def test_the_open_points_of_a_fork_wait_in_the_inbox_beside_their_originals(server: Server) -> None:
    _, source = await paused(server, APPROVAL)

    forked = await live(server, source)

    assert await ended(server, forked) == "paused"
    _, inbox = await server.get("/api/inbox")
    assert {item["executionId"] for item in inbox["items"]} >= {source, forked}


async def test_a_decision_given_with_a_fork_is_taken_in_it(server: Server) -> None:
    _, source = await paused(server, APPROVAL)

    forked = await live(server, source, decision={"contextId": "approve", "input": {"approved": True}})

    assert await ended(server, forked) == "completed"
    assert await status(server, source) == "paused"


async def test_a_decision_that_does_not_fit_begins_nothing(server: Server) -> None:
    _, source = await paused(server, APPROVAL)
    before = await server.store.last_position()

    answer = await fork(
        server, source, expect=422, mode="live", decision={"contextId": "approve", "input": {}}
    )

    assert [each["path"] for each in answer["details"]] == ["approved"]
    assert await server.store.last_position() == before


async def test_a_fork_runs_another_version_from_the_outputs_of_the_first(server: Server) -> None:
    workflow_id, source = await paused(server, APPROVAL)
    changed = {**APPROVAL, "done": {"type": "variables", "set": {"late": 1}}}
    await server.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": changed})

    forked = await live(server, source, workflowVersion=2)
    assert await ended(server, forked) == "paused"
    await server.post(f"/api/resume/{workflow_id}/{forked}/approve", json={"approved": True})
    assert await ended(server, forked) == "completed"

    _, view = await server.get(f"/api/executions/{forked}?includeOutput=true")
    assert view["workflowVersion"] == 2
    assert view["finalOutput"] == {"late": 1}


async def test_the_same_key_forks_once(server: Server) -> None:
    _, source = await paused(server, APPROVAL)
    headers = {"Idempotency-Key": "fork-1"}

    first = await server.post(f"/api/executions/{source}/forks", json={"mode": "live"}, headers=headers)
    again = await server.post(f"/api/executions/{source}/forks", json={"mode": "live"}, headers=headers)

    assert first[0] == again[0] == 202
    assert first[1]["executionId"] == again[1]["executionId"]


async def test_a_dry_run_says_which_blocks_would_run_and_writes_nothing(server: Server) -> None:
    _, source = await paused(server)
    before = await server.store.last_position()

    told = await fork(
        server, source, expect=200, decision={"contextId": "approve", "input": {"approved": True}}
    )

    assert told["stopped"] == "effects"
    [pay] = told["wouldRun"]
    assert (pay["blockId"], pay["input"], pay["leadsTo"]) == ("pay", {"name": "pay 5"}, ["sum"])
    assert [event["type"] for event in told["events"]][:2] == ["execution:forked", "execution:resumed"]
    assert told["state"]["status"] == "running"
    assert await server.store.last_position() == before
    assert await status(server, source) == "paused"


async def test_a_dry_run_goes_on_to_the_end_where_nothing_acts_outside(server: Server) -> None:
    _, source = await paused(server)

    told = await fork(
        server, source, expect=200, decision={"contextId": "approve", "input": {"approved": False}}
    )

    assert (told["stopped"], told["wouldRun"]) == ("ended", [])
    assert told["state"]["finalOutput"]["data"] == {"paid": False}


async def test_a_dry_run_takes_what_blocks_gave_where_they_are_given_the_same(server: Server) -> None:
    workflow_id, source = await paused(server)
    events = await server.events(source)
    server.gate.open("pay 5")
    await server.post(f"/api/resume/{workflow_id}/{source}/approve", json={"approved": True})
    decision = {"contextId": "approve", "input": {"approved": True}}

    same = await fork(server, source, expect=200, eventId=len(events), decision=decision)
    other = await fork(server, source, expect=200, eventId=1, input={"amount": 7})

    assert (same["stopped"], same["recorded"]) == ("ended", ["pay"])
    assert same["state"]["finalOutput"] == {"result": 10, "stdout": ""}
    assert (other["stopped"], other["recorded"]) == ("paused", [])
    [point] = other["state"]["pausePoints"]
    assert "7" in str(point["response"])


async def test_a_wait_takes_no_time_in_a_dry_run(server: Server) -> None:
    blocks = {
        "ask": {**APPROVAL["approve"], "then": "nap"},
        "nap": {"type": "wait", "for": "2d", "then": "late"},
        "late": {"type": "variables", "set": {"woke": True}},
    }
    _, source = await paused(server, blocks)

    told = await fork(server, source, expect=200, decision={"contextId": "ask", "input": {"approved": True}})

    assert told["stopped"] == "ended"
    assert told["state"]["finalOutput"] == {"woke": True}


async def test_a_dry_run_hides_secrets_in_what_blocks_would_be_given() -> None:
    async with serving(settings(environment={"TOKEN": "a-very-secret-token"})) as server:
        held = {"type": "hold", "with": {"name": "{{TOKEN}}"}}
        blocks = {"ask": {**APPROVAL["approve"], "then": "pay"}, "pay": held}
        _, source = await paused(server, blocks)

        told = await fork(
            server, source, expect=200, decision={"contextId": "ask", "input": {"approved": True}}
        )

        assert [each["input"] for each in told["wouldRun"]] == [{"name": "{{TOKEN}}"}]
        assert "a-very-secret-token" not in str(told)


async def test_a_dry_run_calls_no_child_and_takes_what_one_gave(server: Server) -> None:
    child = await server.deploy({"double": {"type": "function", "code": "return 2"}})
    blocks = {
        "ask": {**APPROVAL["approve"], "then": "call"},
        "call": {"type": "workflow", "workflow": child, "then": "last"},
        "last": {"type": "variables", "set": {"done": True}},
    }
    workflow_id, source = await paused(server, blocks)
    before = len(await server.events(source))
    decision = {"contextId": "ask", "input": {"approved": True}}

    first = await fork(server, source, expect=200, decision=decision)
    await server.post(f"/api/resume/{workflow_id}/{source}/ask", json={"approved": True})
    later = await fork(server, source, expect=200, eventId=before, decision=decision)

    assert [each["blockId"] for each in first["wouldRun"]] == ["call"]
    assert (later["stopped"], later["recorded"]) == ("ended", ["call"])


async def test_readers_may_try_out_what_only_writers_may_begin(server: Server) -> None:
    _, source = await paused(server, APPROVAL)
    made = await administrator(server).do("POST", "/api/keys", json={"name": "reader", "roles": ["read"]})
    reader = with_key(server, made["key"])

    tried, _ = await reader.post(f"/api/executions/{source}/forks", json={})
    begun, _ = await reader.post(f"/api/executions/{source}/forks", json={"mode": "live"})

    assert (tried, begun) == (200, 403)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"eventId": 999}, 422),
        ({"eventId": 1, "at": "2026-01-01"}, 400),
        ({"at": "1999-01-01"}, 422),
        ({"at": "2099-01-01"}, 422),
        ({"mode": "perhaps"}, 400),
        ({"workflowVersion": 99}, 404),
        ({"decision": {"contextId": "nowhere"}}, 404),
    ],
)
async def test_what_cannot_be_forked_is_refused(server: Server, body: dict[str, Any], code: int) -> None:
    _, source = await paused(server, APPROVAL)
    await fork(server, source, expect=code, **body)


@pytest.mark.parametrize("moment", ["17", "yesterday", "2026-13-01"])
async def test_a_moment_that_is_none_is_refused_with_what_is_accepted(server: Server, moment: str) -> None:
    _, source = await paused(server, APPROVAL)

    answer = await fork(server, source, expect=400, at=moment)

    [detail] = answer["details"]
    assert detail["path"] == "at"
    assert "2026-05-01T12:00:00Z" in detail["message"]
    assert "eventId" in detail["message"]


async def test_a_moment_before_the_beginning_is_refused_with_when_that_was(server: Server) -> None:
    _, source = await paused(server, APPROVAL)
    first, *_ = await server.events(source)

    answer = await fork(server, source, expect=422, at="1999-01-01")

    assert answer["details"][0]["message"].endswith(first["timestamp"])


async def test_a_dry_run_leaves_no_large_value_behind(server: Server) -> None:
    blocks = {**APPROVAL, "approve": {**APPROVAL["approve"], "then": "large"}}
    blocks["large"] = {"type": "function", "code": "return 'out'.repeat(200000)"}
    _, source = await paused(server, blocks)
    decision = {"contextId": "approve", "input": {"approved": True, "note": "d" * 400_000}}
    before = await stored(server)

    decided = await fork(server, source, expect=200, decision=decision)
    edited = await fork(server, source, expect=200, input={"note": "i" * 400_000})

    assert len(decided["state"]["finalOutput"]["result"]) == 600_000
    assert edited["state"]["input"] == {"note": "i" * 400_000}
    assert await stored(server) == before


async def test_a_dry_run_with_too_many_large_values_is_not_gone_on_with(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "MAX_VALUES", 1_000_000)
    large = {"type": "function", "code": "return `${<loop.index>}`.repeat(400000)"}
    blocks = {"ask": {**APPROVAL["approve"], "then": "all"}}
    blocks["all"] = {"type": "loop", "for": 20, "blocks": {"large": large}}
    _, source = await paused(server, blocks)

    told = await fork(server, source, expect=200, decision={"contextId": "ask", "input": {"approved": True}})

    assert told["stopped"] == "limit"
    assert len([each for each in told["events"] if each["type"] == "block:completed"]) < 20


async def stored(server: Server) -> set[str]:
    """The names of all that is kept in the object store."""
    return set(await server.blobs.objects.paths(""))


async def test_another_input_is_refused_where_people_decided_in_a_child_ahead_of_its_pause(
    server: Server,
) -> None:
    child = await server.deploy(
        {
            "work": {"type": "hold", "with": {"name": "in the child"}, "then": "ask"},
            "ask": {"type": "human_in_the_loop", "form": {"approved": "boolean"}},
        }
    )
    blocks = {
        "call": {"type": "workflow", "workflow": child, "then": "last"},
        "last": {"type": "hold", "with": {"name": "in the parent"}},
    }
    workflow_id = await server.deploy(blocks)
    headers = {"X-Execution-Mode": "async"}
    _, begun = await server.post(f"/api/workflows/{workflow_id}/execute", json={"amount": 5}, headers=headers)
    source = str(begun["executionId"])
    await server.gate.reached("in the child")
    called = next(each for each in await server.events(source) if each["type"] == "child:called")
    early = f"/api/resume/{child}/{called['data']['childExecutionId']}/ask?early=true"
    assert (await server.post(early, json={"approved": True}))[0] == 202
    server.gate.open("in the child")
    await server.gate.reached("in the parent")

    answer = await fork(server, source, expect=409, input={"amount": 1_000_000})

    assert answer["code"] == "DECIDED"
    assert f"before event {called['eventId']}," in answer["error"]
    server.gate.open("in the parent")


async def test_another_input_is_refused_where_people_decided_on_the_first(server: Server) -> None:
    workflow_id, source = await paused(server)
    server.gate.open("pay 5")
    await server.post(f"/api/resume/{workflow_id}/{source}/approve", json={"approved": True})
    resumed = next(e for e in await server.events(source) if e["type"] == "execution:resumed")

    answer = await fork(
        server, source, eventId=resumed["eventId"], expect=409, mode="live", input={"amount": 1_000_000}
    )

    assert answer["code"] == "DECIDED"


async def test_a_block_that_could_not_be_given_its_input_fails_in_a_dry_run_too(server: Server) -> None:
    blocks = {**APPROVAL, "approve": {**APPROVAL["approve"], "then": "pay"}}
    blocks["pay"] = {"type": "hold", "with": {"name": "<approve.nowhere>"}}
    _, source = await paused(server, blocks)

    told = await fork(
        server, source, expect=200, decision={"contextId": "approve", "input": {"approved": True}}
    )

    assert (told["stopped"], told["state"]["status"]) == ("ended", "failed")
