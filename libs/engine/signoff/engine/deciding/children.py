"""What a block that calls another workflow gives, by how its child execution ended (Sim's format, 4)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from signoff.engine.state import Child
from signoff.events.types import ChildChanged, Json

MAX_DEPTH: Final = 25
"""Executions that may call one another in a chain, the outermost not counted."""

FAILED: Final = "CHILD_FAILED"
"""The code of a block whose child failed."""

# What such a block said, behind its name.
_ITS_CHILD: Final = re.compile(
    r'.*?: (?:"(?P<name>[^"]*)" failed: |Workflow chain: (?P<chain>.*?) \| )(?P<text>.*)', re.DOTALL
)


def ending_of(change: ChildChanged) -> dict[str, Any]:
    """How a child ended, as the resume of its point records it."""
    ending: dict[str, Any] = {"status": change.status}
    if change.output is not None:
        ending["output"] = change.output
    told = {"error": change.error, "code": change.code}
    return ending | {name: value for name, value in told.items() if value is not None}


def child_output(child: Child, ending: Mapping[str, Any]) -> dict[str, Json]:
    """The calling block's output when its child completed."""
    return {
        "success": True,
        "childWorkflowName": child.name,
        "childWorkflowId": child.workflow_id,
        "childExecutionId": child.execution_id,
        "result": ending.get("output"),
    }


def child_error(child: Child, ending: Mapping[str, Any]) -> str:
    """The calling block's error when its child failed; a child's child shows as a chain."""
    text = str(ending.get("error") or f"the execution was {ending['status']}")
    its_child = _ITS_CHILD.fullmatch(text) if ending.get("code") == FAILED else None
    if its_child is None:
        return f'"{child.name}" failed: {text}'
    chain = its_child["chain"] or its_child["name"]
    return f"Workflow chain: {child.name} → {chain} | {its_child['text']}"


def child_response(child: Child) -> dict[str, Any]:
    """What a point of kind ``child`` shows: the execution that it waits for, and where to decide there."""
    links = {
        "executionId": child.execution_id,
        "workflowId": child.workflow_id,
        "uiUrl": f"/resume/{child.workflow_id}/{child.execution_id}",
        "apiUrl": f"/api/resume/{child.workflow_id}/{child.execution_id}",
    }
    return {
        "data": {"operation": "child", "childWorkflowName": child.name, "_resume": links},
        "status": 200,
        "headers": {"Content-Type": "application/json"},
    }
