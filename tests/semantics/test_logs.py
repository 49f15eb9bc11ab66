"""Rules that are about the log itself, about commands that come twice, and about versions."""

import json
from typing import Any
from uuid import uuid4

import pytest

from semantics.cases import Player
from signoff.events.codec import broken_link
from signoff.events.times import from_iso
from support.engine_runs import Engine
from support.systems import System

BRANCHES = {
    "start": ["a", "b"],
    "blocks": {
        "a": {"type": "test.flaky", "with": {"fails": 1}, "retry": {"waitBetweenTriesMs": 0}},
        "b": {"type": "human_in_the_loop", "then": "c"},
        "c": {"type": "wait", "for": "10ms"},
    },
}
ASK = {"blocks": {"ask": {"type": "human_in_the_loop", "then": "after"}, "after": {"type": "test.give"}}}
GROWING = {
    "blocks": {
        "a": {
            "type": "test.flaky",
            "with": {"fails": 2},
            "retry": {"maxTries": 3, "waitBetweenTriesMs": 100, "backoff": 3},
        }
    }
}


async def assert_chained(player: Player) -> None:
    await player.start({"n": 1})
    await player.resume("b", {})
    await player.until("completed")
    raws = await player.log()

    assert [json.loads(raw)["eventId"] for raw in raws] == list(range(1, len(raws) + 1))
    assert broken_link(raws) is None


@pytest.mark.rule("X-1")
async def test_the_events_of_the_engine_are_numbered_and_chained(engine: Engine) -> None:
    await assert_chained(engine.run(BRANCHES))


@pytest.mark.rule("X-1")
async def test_the_events_of_a_server_are_numbered_and_chained(system: System) -> None:
    await assert_chained(await system.run(BRANCHES))


@pytest.mark.rule("X-2")
async def test_the_engine_reports_the_end_of_a_run_with_its_last_event(engine: Engine) -> None:
    run = engine.run(ASK)

    await run.start(None)

    assert [event_id for _, event_id in run.story.ended] == [len(await run.log())]


@pytest.mark.rule("X-2")
async def test_what_a_server_answers_is_in_the_log_already(system: System) -> None:
    run = await system.run(ASK)

    await run.start(None)  # compares the answer with the log as it is then

    told = await run.tell()
    assert told.status == "paused"


@pytest.mark.rule("X-6")
async def test_the_engine_takes_a_repeated_decision_once(engine: Engine) -> None:
    run = engine.run(ASK)
    await run.start(None)

    first = run.story.resume("ask", {}, command_id=str(uuid4()), digest="same")
    taken = run.story.last("execution:resumed").resume_entry_id
    again = run.story.resume("ask", {}, command_id=taken, digest="same")

    assert (first.outcome, again.outcome) == ("accepted", "duplicate")
    assert again.event_id == first.event_id
    assert (await run.until("completed")).tries["after"] == 1


@pytest.mark.rule("X-6")
async def test_a_server_takes_a_repeated_request_once(system: System) -> None:
    run = await system.run(ASK)
    execute = f"/api/workflows/{run.workflow_id}/execute"
    headers = {"Idempotency-Key": str(uuid4())}

    status, first = await system.call("POST", execute, json={"input": {}}, headers=headers)
    _, again = await system.call("POST", execute, json={"input": {}}, headers=headers)
    resume = f"/api/resume/{run.workflow_id}/{first['executionId']}/ask"
    resumed = [await system.call("POST", resume, json={}, headers=headers) for _ in range(2)]

    assert status == 200
    assert again == first
    assert resumed[0] == resumed[1]
    assert resumed[0][1]["status"] == "completed"


async def assert_waits_grow(player: Player) -> None:
    await player.start(None)
    events = (await player.until("completed")).events

    waits = [
        from_iso(event["data"]["nextAttemptAt"]) - from_iso(event["timestamp"])
        for event in events
        if event["type"] == "block:retrying"
    ]
    assert len(waits) == 2
    assert 0.1 <= waits[0] <= 0.111
    assert 0.3 <= waits[1] <= 0.331


@pytest.mark.rule("T-2")
async def test_the_engine_lets_waits_between_tries_grow(engine: Engine) -> None:
    await assert_waits_grow(engine.run(GROWING))


@pytest.mark.rule("T-2")
async def test_a_server_lets_waits_between_tries_grow(system: System) -> None:
    await assert_waits_grow(await system.run(GROWING))


@pytest.mark.rule("G-14")
async def test_the_engine_records_which_version_an_execution_is_pinned_to(engine: Engine) -> None:
    run = engine.run(ASK)

    await run.start(None)

    started = run.story.last("execution:started")
    assert (started.workflow_version, started.definition_digest) == (1, "sha256:definition")


@pytest.mark.rule("G-14")
async def test_a_deploy_between_pause_and_decision_changes_nothing_in_flight(system: System) -> None:
    run = await system.run(ASK)
    await run.start(None)
    other: Any = {"blocks": {"other": {"type": "test.give"}}}

    _, deployed = await system.deploy(other, run.workflow_id)
    await run.resume("ask", {})

    assert deployed["version"] == 2
    assert (await run.until("completed")).ended == ["start", "ask", "after"]
    _, answer = await system.call("POST", f"/api/workflows/{run.workflow_id}/execute", json={})
    assert answer["output"] == {"result": None}


@pytest.mark.rule("F-1")
async def test_a_block_to_stop_after_that_is_not_there_is_refused(system: System) -> None:
    run = await system.run(ASK)

    status, answer = await system.call(
        "POST", f"/api/workflows/{run.workflow_id}/execute", json={"stopAfterBlockId": "nobody"}
    )

    assert (status, answer["error"]) == (400, "Block not found in workflow: nobody")
