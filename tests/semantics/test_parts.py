"""Rules about executions that begin with another one's past, or go on after they failed."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from signoff.events.types import RetryExecution, StartExecution
from support.engine_runs import Engine
from support.systems import System, SystemRun
from support.told import Told

CHAIN = {
    "variables": {"seen": 1},
    "blocks": {
        "a": {"type": "test.give", "with": {"value": "of a"}, "then": "set"},
        "set": {"type": "variables", "set": {"seen": 2}, "then": "b"},
        "b": {"type": "test.give", "with": {"value": ["<a.result>", "<variable.seen>"]}, "then": "c"},
        "c": {"type": "test.give", "with": {"value": "<b.result>"}},
    },
}
CONTAINER = {
    "blocks": {
        "first": {"type": "test.give", "then": "l"},
        "l": {"type": "loop", "for": 1, "blocks": {"inside": {"type": "test.give"}}, "then": "second"},
        "second": {"type": "test.give", "then": "third"},
        "third": {"type": "test.give"},
    }
}
FAILS_ONCE = {
    "blocks": {
        "before": {"type": "test.give", "then": "bad"},
        "bad": {"type": "test.flaky", "with": {"fails": 1}, "then": "after"},
        "after": {"type": "test.give", "with": {"value": "<bad.result>"}},
    }
}


def assert_began_with_b(told: Told) -> None:
    assert told.status == "completed", told
    assert told.ended == ["b", "c"]
    assert told.output == {"result": ["of a", 2]}


@pytest.mark.rule("F-2")
async def test_the_engine_runs_from_a_block_with_the_past_of_another_execution(engine: Engine) -> None:
    source = engine.run(CHAIN)
    await source.start({})
    past = (await source.until("completed")).outputs
    run = engine.run(CHAIN)

    run.story.command(
        StartExecution(
            workspace_id=str(UUID(int=0)), workflow_id="refunds", workflow_version=1,
            definition_digest="sha256:definition", mode="sync", start_block_id="b",
            outputs={name: past[name] for name in ("start", "a", "set")}, variables={"seen": 2},
        )
    )  # fmt: skip

    assert_began_with_b(await run.until("completed"))


async def executed(run: SystemRun, **body: Any) -> tuple[int, Any]:
    status, answer = await run.call("POST", f"/api/workflows/{run.workflow_id}/execute", json=body)
    return status, answer


@pytest.mark.rule("F-2")
@pytest.mark.parametrize("latest", [False, True])
async def test_a_server_runs_from_a_block_with_the_past_of_another_execution(
    system: System, latest: bool
) -> None:
    run = await system.run(CHAIN)
    await run.start({})

    source = "latest" if latest else run.execution_id
    status, answer = await executed(run, runFromBlock={"startBlockId": "b", "executionId": source})

    assert status == 200, answer
    assert_began_with_b(await run.tell(answer["executionId"]))


@pytest.mark.rule("F-2")
@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("nobody", "Block not found in workflow: nobody"),
        ("inside", "Cannot run from block inside loop: l"),
        ("third", "Upstream dependency not executed: second"),
    ],
)
async def test_a_server_refuses_to_run_from_a_block(system: System, block: str, text: str) -> None:
    run = await system.run(CONTAINER)
    await run.start({}, stop_after="l")

    status, answer = await executed(
        run, runFromBlock={"startBlockId": block, "executionId": run.execution_id}
    )

    assert (status, answer["error"]) == (400, text)


def assert_went_on(told: Told) -> None:
    assert told.status == "completed", told
    assert told.tries == {"start": 1, "before": 1, "bad": 2, "after": 1}
    assert told.output == {"result": 2}


@pytest.mark.rule("F-3")
async def test_the_engine_goes_on_from_what_failed(engine: Engine) -> None:
    run = engine.run(FAILS_ONCE)
    await run.start({})
    assert (await run.tell()).status == "failed"

    outcome = run.story.command(RetryExecution(reason="mended"), command_id=str(uuid4()))

    assert outcome.outcome == "accepted"
    assert_went_on(await run.until("completed"))


@pytest.mark.rule("F-3")
async def test_the_engine_retries_only_what_failed(engine: Engine) -> None:
    run = engine.run(CHAIN)
    await run.start({})

    outcome = run.story.command(RetryExecution(reason="for fun"))

    assert outcome.outcome == "refused"


@pytest.mark.rule("F-3")
async def test_a_server_goes_on_from_what_failed(system: System) -> None:
    run = await system.run(FAILS_ONCE)
    await run.start({})

    status, answer = await run.call("POST", f"/api/executions/{run.execution_id}/retry", json={})

    assert status == 202, answer
    assert answer["executionId"] == run.execution_id
    assert_went_on(await run.until("completed"))


@pytest.mark.rule("F-3")
async def test_a_server_retries_only_what_failed(system: System) -> None:
    run = await system.run(CHAIN)
    await run.start({})

    status, _ = await run.call("POST", f"/api/executions/{run.execution_id}/retry", json={})

    assert status == 409
