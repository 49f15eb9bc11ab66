"""Workflows as tools of their own: `run_<id>` takes what the workflow's input form asks for."""

import re
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from signoff.cli.mcp.calls import Call, take
from signoff.cli.mcp.executions import StartWorkflow, start_workflow
from signoff.cli.mcp.forms import input_schema
from signoff.client import AsyncClient, WorkflowSummary
from signoff.engine.definitions.definition import decode

MOST_WORKFLOWS: Final = 50
"""Workflows that are tools: their definitions are read each time that tools are listed."""

PREFIX: Final = "run_"

_LONGEST: Final = 60
"""Characters of a tool's name: clients take 64."""

_HASH: Final = 8


class WorkflowTool(Struct, frozen=True, kw_only=True):
    """A workflow as a tool; ``schema`` is of its input."""

    name: str
    workflow_id: str
    title: str
    schema: dict[str, Any]


def tool_name(workflow_id: str) -> str:
    """The tool's name: the id itself where it can be one, with a hash of it where it had to be changed."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", workflow_id)
    if plain == workflow_id and len(PREFIX + plain) <= _LONGEST:
        return PREFIX + plain
    tail = "_" + sha256(workflow_id.encode()).hexdigest()[:_HASH]
    return f"{PREFIX}{plain}"[: _LONGEST - len(tail)] + tail


async def workflow_tools(client: AsyncClient) -> list[WorkflowTool]:
    """The deployed workflows that the caller may see, as tools."""
    tools: list[WorkflowTool] = []
    for each in await _deployed(client):
        definition = decode((await client.workflows.get(each.id, version=each.version)).definition)
        tools.append(
            WorkflowTool(
                name=tool_name(each.id), workflow_id=each.id, title=each.name, schema=input_schema(definition)
            )
        )
    return tools


async def run_workflow(call: Call, name: str, given: dict[str, Any]) -> dict[str, Any] | None:
    """Start the workflow that a tool's name is of, as `start_workflow` does; ``None``: there is none."""
    for each in await _deployed(call.client):
        if tool_name(each.id) == name:
            answer = await start_workflow(call, StartWorkflow(workflow_id=each.id, input=given))
            started: dict[str, Any] = msgspec.to_builtins(answer)
            return started
    return None


async def _deployed(client: AsyncClient) -> list[WorkflowSummary]:
    found, _ = await take(client.workflows.list(page_size=MOST_WORKFLOWS), MOST_WORKFLOWS)
    return [each for each in found if each.is_deployed]
