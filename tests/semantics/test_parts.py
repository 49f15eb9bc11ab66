"""Runs of a part of a workflow, as far as only a server knows of them."""

from uuid import uuid4

import pytest

from support.systems import System

CHAIN = {
    "blocks": {
        "a": {"type": "test.give", "with": {"value": "<start.n>"}, "then": "b"},
        "b": {"type": "test.give", "with": {"value": "<a.result>"}},
    }
}


@pytest.mark.rule("F-1")
async def test_a_block_to_stop_after_that_is_not_there_is_refused(system: System) -> None:
    run = await system.run(CHAIN)

    status, answer = await run.execute(stopAfterBlockId="nobody")

    assert (status, answer["error"]) == (400, "Block not found in workflow: nobody")


@pytest.mark.rule("F-2")
async def test_a_run_from_a_block_may_have_the_newest_execution_as_its_past(system: System) -> None:
    run = await system.run(CHAIN)
    await run.execute(input={"n": 1})
    await run.execute(input={"n": 2})

    status, answer = await run.execute(runFromBlock={"startBlockId": "b", "executionId": "latest"})

    assert (status, answer["output"]) == (200, {"result": 2})


@pytest.mark.rule("F-2")
async def test_a_run_from_the_start_block_has_the_same_input_again(system: System) -> None:
    run = await system.run(CHAIN)
    await run.execute(input={"n": 1})

    status, answer = await run.execute(runFromBlock={"startBlockId": "start", "executionId": "latest"})

    assert (status, answer["output"]) == (200, {"result": 1})


@pytest.mark.rule("F-2")
async def test_a_run_from_a_block_runs_the_version_that_is_active(system: System) -> None:
    run = await system.run(CHAIN)
    await run.execute(input={"n": 1})
    changed = CHAIN["blocks"] | {"b": {"type": "test.give", "with": {"value": ["new", "<a.result>"]}}}

    await system.deploy({"blocks": changed}, run.workflow_id)
    _, answer = await run.execute(runFromBlock={"startBlockId": "b", "executionId": "latest"})

    assert answer["output"] == {"result": ["new", 1]}


@pytest.mark.rule("F-2")
async def test_a_past_that_is_not_there_is_refused(system: System) -> None:
    run = await system.run(CHAIN)
    nobody = str(uuid4())

    status, answer = await run.execute(runFromBlock={"startBlockId": "b", "executionId": nobody})

    text = f"No execution state found for execution {nobody}. Run the full workflow first."
    assert (status, answer["error"]) == (400, text)
