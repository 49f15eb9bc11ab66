"""An execution as it was, and what changed in between."""

import asyncio
import time
from typing import Any

import pytest

from signoff.events.times import iso
from signoff.gateway.executions import comparing
from support.gateways import APPROVAL, LIMIT, Server


async def decided(server: Server) -> str:
    """An execution that paused, was decided and completed."""
    workflow_id = await server.deploy(APPROVAL)
    execution_id = (await server.execute(workflow_id, json={"amount": 5}))["executionId"]
    await server.post(f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True})
    return str(execution_id)


async def as_of(server: Server, execution_id: str, moment: object, **more: Any) -> dict[str, Any]:
    params = {"asOf": str(moment), **more}
    status, view = await server.get(f"/api/executions/{execution_id}", params=params)
    assert status == 200, view
    return dict(view)


async def paused_event(server: Server, execution_id: str) -> Any:
    return next(e for e in await server.events(execution_id) if e["type"] == "execution:paused")


async def test_an_execution_is_shown_as_it_was_after_an_event(server: Server) -> None:
    execution_id = await decided(server)
    paused = await paused_event(server, execution_id)

    then = await as_of(server, execution_id, paused["eventId"], includeOutput="true")
    now = await as_of(server, execution_id, iso(time.time()))

    assert (then["status"], then["eventId"], then["at"]) == ("paused", paused["eventId"], paused["timestamp"])
    assert then["finalOutput"]["data"]["operation"] == "human"
    assert [point["resumeStatus"] for point in then["pausePoints"]] == ["paused"]
    assert (then["queue"], then["input"]) == ([], {"amount": 5})
    assert now["status"] == "completed"
    assert [entry["resumeInput"] for entry in now["queue"]] == [{"approved": True}]


async def test_a_moment_means_the_last_event_by_then(server: Server) -> None:
    execution_id = await decided(server)
    paused = await paused_event(server, execution_id)

    assert (await as_of(server, execution_id, paused["timestamp"]))["status"] == "paused"


async def test_the_workflows_route_shows_it_in_the_same_way(server: Server) -> None:
    execution_id = await decided(server)
    paused = await paused_event(server, execution_id)
    path = f"/api/workflows/{paused['workflowId']}/executions/{execution_id}"

    _, then = await server.get(path, params={"asOf": str(paused["eventId"])})

    assert then["status"] == "paused"


@pytest.mark.parametrize(
    ("moment", "expected", "says"),
    [
        ("0", 422, "must be one of the execution's events, 1 to "),
        ("999", 422, "must be one of the execution's events, 1 to "),
        ("1999-01-01T00:00:00Z", 422, "is before the execution began"),
        ("2099-01-01", 422, "is still to come"),
        *(
            (text, 400, "must be the number of an event, 1 to 12, or a time such as 2026-05-01T12:00:00Z")
            for text in ("soon", "-1", "", "0x5", "9" * 30)
        ),
    ],
)
async def test_what_never_was_is_refused_by_name(
    server: Server, moment: str, expected: int, says: str
) -> None:
    execution_id = await decided(server)

    status, answer = await server.get(f"/api/executions/{execution_id}", params={"asOf": moment})

    assert status == expected
    assert answer["details"][0]["path"] == "asOf"
    assert answer["details"][0]["message"].startswith(says)


async def test_this_very_moment_may_be_asked_for_by_a_clock_that_is_ahead(server: Server) -> None:
    execution_id = await decided(server)

    soon = iso(time.time() + 20)

    assert (await as_of(server, execution_id, soon))["status"] == "completed"


async def test_a_difference_names_what_changed(server: Server) -> None:
    execution_id = await decided(server)
    paused = await paused_event(server, execution_id)
    params = {"from": str(paused["eventId"])}

    _, told = await server.get(f"/api/executions/{execution_id}/diff", params=params)

    changes = {" ".join(each["path"]): each for each in told["changes"]}
    assert (changes["status"]["before"], changes["status"]["after"]) == ("paused", "completed")
    assert changes["decisions approve"]["kind"] == "added"
    assert changes["decisions approve"]["after"]["submission"] == {"approved": True}
    assert changes["pausePoints approve status"]["after"] == "resumed"
    assert (told["before"]["eventId"], told["after"]["executionId"]) == (paused["eventId"], execution_id)


async def test_two_executions_are_compared_by_their_states_and_event_by_event(server: Server) -> None:
    execution_id = await decided(server)
    paused = await paused_event(server, execution_id)
    _, forked = await server.post(
        f"/api/executions/{execution_id}/forks",
        json={
            "eventId": paused["eventId"],
            "mode": "live",
            "decision": {"contextId": "approve", "input": {"approved": False}},
        },
    )
    other = forked["executionId"]
    async with asyncio.timeout(LIMIT):
        while (await as_of(server, other, iso(time.time())))["status"] != "completed":  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)

    _, told = await server.get(f"/api/executions/{execution_id}/diff", params={"with": other})
    _, lines = await server.get(f"/api/executions/{execution_id}/timelines", params={"with": other})

    changed = {" ".join(each["path"]): each for each in told["changes"]}
    assert changed["output approved"] == {
        "path": ["output", "approved"], "kind": "changed", "before": True, "after": False,
    }  # fmt: skip
    assert lines["common"] == paused["eventId"]
    first = lines["pairs"][0]
    assert first["second"]["type"] == "execution:forked"
    resumed = next(
        each for each in lines["pairs"] if each.get("first", {}).get("type") == "execution:resumed"
    )
    assert resumed["second"]["type"] == "execution:resumed"
    assert resumed["same"] is False


async def test_executions_with_too_many_bytes_are_not_compared_event_by_event(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = await decided(server)
    monkeypatch.setattr(comparing, "MAX_BYTES", 1000)

    status, told = await server.get(
        f"/api/executions/{execution_id}/timelines", params={"with": execution_id}
    )

    assert status == 413
    assert "are compared by their states" in told["error"]
