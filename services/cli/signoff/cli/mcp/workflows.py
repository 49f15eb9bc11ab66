"""Tools that show what can be started."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from signoff.cli.mcp.calls import Answer, Call, take
from signoff.cli.mcp.forms import input_schema
from signoff.cli.mcp.tools import Tool
from signoff.client.errors import Json
from signoff.engine.definitions.definition import decode

WorkflowId = Annotated[str, Meta(min_length=1, description="The workflow's id, from `list_workflows`.")]


class ListWorkflows(Struct, frozen=True, forbid_unknown_fields=True):
    """What `list_workflows` takes."""

    limit: Annotated[int, Meta(ge=1, le=200, description="How many at most.")] = 50


class WorkflowLine(Struct, frozen=True, kw_only=True):
    """A workflow. One that is not deployed takes no executions."""

    id: str
    name: str
    version: int
    is_deployed: bool


class WorkflowsAnswer(Answer, frozen=True, kw_only=True):
    """What `list_workflows` answers."""

    workflows: list[WorkflowLine]


class GetWorkflow(Struct, frozen=True, forbid_unknown_fields=True):
    """What `get_workflow` takes."""

    workflow_id: WorkflowId


class BlockLine(Struct, frozen=True, kw_only=True):
    """A block of a workflow."""

    id: str
    type: str
    name: str


class WorkflowAnswer(Answer, frozen=True, kw_only=True):
    """What `get_workflow` answers; ``input_schema`` is of the input that starts it."""

    id: str
    name: str
    version: int
    is_deployed: bool
    input_schema: dict[str, Json]
    blocks: list[BlockLine]
    decisions: list[str]
    link: str


async def list_workflows(call: Call, given: ListWorkflows) -> WorkflowsAnswer:
    """The workflows of the workspace, by id."""
    found, more = await take(call.client.workflows.list(page_size=given.limit + 1), given.limit)
    lines = [
        WorkflowLine(id=each.id, name=each.name, version=each.version, is_deployed=each.is_deployed)
        for each in found
    ]
    return WorkflowsAnswer(workflows=lines, note="there are more: ask with a higher limit" if more else "")


async def get_workflow(call: Call, given: GetWorkflow) -> WorkflowAnswer:
    """One workflow: what it takes, and the blocks that it is made of."""
    found = await call.client.workflows.get(given.workflow_id)
    definition = decode(found.definition)
    blocks = [BlockLine(id=each.id, type=each.type, name=each.name) for each in definition.blocks]
    return WorkflowAnswer(
        id=found.id,
        name=found.name,
        version=found.version,
        is_deployed=found.is_deployed,
        input_schema=input_schema(definition),
        blocks=blocks,
        decisions=[each.id for each in blocks if each.type == "human_in_the_loop"],
        link=f"signoff://workflows/{found.id}",
    )


TOOLS: Final = (
    Tool(
        name="list_workflows",
        title="List workflows",
        description="List the workflows that can be started, with their ids.",
        arguments=ListWorkflows,
        answer=WorkflowsAnswer,
        run=list_workflows,
        reads=True,
    ),
    Tool(
        name="get_workflow",
        title="Look at a workflow",
        description="Show one workflow: the JSON Schema of its input, its blocks, and which of them stop for "
        "a person's decision. Read this before `start_workflow`.",
        arguments=GetWorkflow,
        answer=WorkflowAnswer,
        run=get_workflow,
        reads=True,
    ),
)
