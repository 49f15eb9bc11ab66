"""The block that calls another workflow: what it selects, and what the child is given."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from signoff.engine.definitions.definition import Block
from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import WorkflowRow
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.executor.blocks import workflow as module
from signoff.executor.blocks.base import BlockFailureError, Call, Child, Tools
from signoff.executor.blocks.workflow import CallWorkflow, child_input
from signoff.executor.running.scope import Facts

ROW = WorkflowRow(
    log_id=UUID(int=1),
    workspace_id=DEFAULT_WORKSPACE,
    workflow_id="refund",
    name="Refund",
    version=3,
    digest="sha256:1",
    is_deployed=True,
    deployed_at=1.0,
)


class Shelf:
    """Workflows by id; the first ``absences`` look-ups fail, as if the database were away."""

    def __init__(self, *rows: WorkflowRow, absences: int = 0) -> None:
        self._rows = {(row.workspace_id, row.workflow_id): row for row in rows}
        self._absences = absences

    async def find(self, workspace_id: UUID, workflow_id: str) -> WorkflowRow | None:
        if self._absences:
            self._absences -= 1
            raise StoreUnavailableError("the database is away")
        return self._rows.get((workspace_id, workflow_id))


async def run(shelf: Shelf, tools: Tools, **params: Any) -> Child:
    """Run the block, in the default workspace."""
    block = Block(id="call", type="workflow", name="Call", params=params)
    call = Call(
        block=block,
        params=params,
        facts=Facts({}, {}, {}, {}),
        instance="call",
        workspace_id=str(DEFAULT_WORKSPACE),
        workflow_id="outer",
        execution_id="e",
        definition_digest="sha256:2",
        attempt=1,
        idempotency_key="e/call",
        started_at=1.0,
        cancelled=asyncio.Event(),
        emit=lambda _: None,
    )
    return await CallWorkflow(block, {}, find=shelf.find).run(call, tools)


async def test_the_version_that_is_active_is_called(tools: Tools) -> None:
    child = await run(Shelf(ROW), tools, workflowId="refund", input={"n": 1})

    assert child == Child(workflow_id="refund", name="Refund", version=3, digest="sha256:1", input={"n": 1})


@pytest.mark.parametrize("selected", [None, "", "  ", 7])
async def test_nothing_selected_is_a_failure_that_no_retry_mends(tools: Tools, selected: object) -> None:
    with pytest.raises(BlockFailureError, match="No workflow selected for execution") as failure:
        await run(Shelf(ROW), tools, workflowId=selected)

    assert not failure.value.retryable


OFF = msgspec.structs.replace(ROW, is_deployed=False)
FOREIGN = msgspec.structs.replace(ROW, workspace_id=UUID(int=9))


@pytest.mark.parametrize("shelf", [Shelf(), Shelf(OFF), Shelf(FOREIGN)], ids=["none", "off", "foreign"])
async def test_what_takes_no_executions_in_this_workspace_is_not_deployed(tools: Tools, shelf: Shelf) -> None:
    text = "Child workflow is not deployed. Please deploy the workflow before invoking it."
    with pytest.raises(BlockFailureError) as failure:
        await run(shelf, tools, workflowId="refund")

    assert str(failure.value) == text
    assert not failure.value.retryable


async def test_a_database_that_is_away_is_waited_for(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.001)

    assert (await run(Shelf(ROW, absences=3), tools, workflowId="refund")).version == 3


@pytest.mark.parametrize(
    ("params", "given"),
    [
        ({}, {}),
        ({"input": None}, {}),
        ({"input": [1, 2]}, [1, 2]),
        ({"inputMapping": {"a": 1}}, {"a": 1}),
        ({"inputMapping": '{"a": [1]}'}, {"a": [1]}),
        ({"inputMapping": "no JSON"}, {}),
        ({"inputMapping": "[1]"}, {}),
        ({"inputMapping": {"a": 1}, "input": {"b": 2}}, {"a": 1}),
        ({"inputMapping": None, "input": {"b": 2}}, {"b": 2}),
    ],
)
def test_the_childs_input_is_the_mapping_or_else_the_input(params: dict[str, Any], given: object) -> None:
    assert child_input(params) == given
