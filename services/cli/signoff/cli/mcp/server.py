"""The MCP server: what the protocol asks for, answered with Signoff's tools and resources."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final, TypeAlias

import msgspec
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from msgspec import Struct

from signoff.cli.connection import explain
from signoff.cli.mcp import decisions, executions, workflows
from signoff.cli.mcp.approver import Approver
from signoff.cli.mcp.bounds import bounded
from signoff.cli.mcp.calls import Call, take
from signoff.cli.mcp.errors import ToolError
from signoff.cli.mcp.following import ExecutionAnswer
from signoff.cli.mcp.resources import TEMPLATES, read
from signoff.cli.mcp.tools import Tool, answer_schema, arguments_schema
from signoff.cli.mcp.workflow_tools import MOST_WORKFLOWS, PREFIX, WorkflowTool, run_workflow, workflow_tools
from signoff.client import AsyncClient, ClientError, RefusedError

Context: TypeAlias = ServerRequestContext[Any, Any]

_JSON: Final = "application/json"
_MOST_CALLS: Final = 32
"""Requests that are served at once: each may wait for minutes."""

_PATIENCE: Final = 15.0
"""Seconds that following an execution goes on trying without a Signoff server."""

_INSTRUCTIONS: Final = (
    "Signoff runs workflows that stop for people. Find a workflow with list_workflows and get_workflow, "
    "start it with start_workflow, and follow what it does with follow_execution. A paused one waits for "
    "a person's decision: show them what is asked and the link, and do not decide in their place."
)


class Served(Struct, frozen=True, kw_only=True):
    """What an MCP server stands for.

    Attributes:
        url: of the Signoff server.
        key_of: the key of whoever sent a request.
        workspace: where they act, if they may act in several.
        approver: who decides, if anybody does here.
        workflow_tools: whether each workflow is a tool.
    """

    url: str
    key_of: Callable[[Context], str | None]
    workspace: str | None = None
    approver: Approver | None = None
    workflow_tools: bool = False


def create_server(served: Served) -> Server[Any]:
    """An MCP server, not connected to anything yet."""
    handlers = _Handlers(served)
    return Server(
        "signoff",
        version=version("signoff"),
        title="Signoff",
        instructions=_INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
    )


class _Handlers:
    """Answers requests. Nothing is kept between them: each acts with the key that it came with."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._under_way = 0
        offered: tuple[Tool[Any, Any], ...] = (
            *workflows.TOOLS,
            *executions.TOOLS,
            decisions.LIST_PAUSES,
            *(() if served.approver is None else (decisions.DECIDE,)),
        )
        self._tools = {tool.name: tool for tool in offered}

    async def list_tools(
        self, context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        listed = [_described(tool) for tool in self._tools.values()]
        if self._served.workflow_tools:
            async with self._reading(context) as call:
                listed += map(_workflow_described, await workflow_tools(call.client))
        return types.ListToolsResult(tools=listed)

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            async with self._call(context) as call:
                answer = await self._run(call, params.name, params.arguments or {})
            return _answered(bounded(answer, whole=answer.get("link", "")))
        except (ToolError, ClientError) as error:
            # In the answer and not an error of the protocol: it is the model that can do something about it.
            return _refused(self._explained(context, error))

    async def _run(self, call: Call, name: str, given: dict[str, Any]) -> dict[str, Any]:
        tool = self._tools.get(name)
        if tool is not None:
            return await tool.call(call, given)
        if self._served.workflow_tools and name.startswith(PREFIX):
            answer = await run_workflow(call, name, given)
            if answer is not None:
                return answer
        raise MCPError(types.INVALID_PARAMS, f"there is no tool {name}: list the tools for those that are")

    async def list_resources(
        self, context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        async with self._reading(context) as call:
            found, _more = await take(call.client.workflows.list(page_size=MOST_WORKFLOWS), MOST_WORKFLOWS)
        resources = [
            types.Resource(
                uri=f"signoff://workflows/{each.id}", name=each.id, title=each.name, mime_type=_JSON
            )
            for each in found
        ]
        return types.ListResourcesResult(resources=resources)

    async def list_templates(
        self, _context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        templates = [
            types.ResourceTemplate(
                uri_template=each.uri, name=each.name, description=each.description, mime_type=_JSON
            )
            for each in TEMPLATES
        ]
        return types.ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        async with self._reading(context) as call:
            text = (await read(call.client, params.uri)).decode()
        contents = types.TextResourceContents(uri=params.uri, mime_type=_JSON, text=text)
        return types.ReadResourceResult(contents=[contents])

    @asynccontextmanager
    async def _call(self, context: Context) -> AsyncIterator[Call]:
        """A client for one request."""
        if self._under_way == _MOST_CALLS:
            raise ToolError(f"{_MOST_CALLS} calls wait already: call again when one of them has ended")
        self._under_way += 1
        try:
            key = self._served.key_of(context)
            served = self._served
            async with AsyncClient(served.url, key, served.workspace, patience=_PATIENCE) as client:
                yield Call(
                    client=client,
                    key=key,
                    report=lambda at, line: context.session.report_progress(at, message=line),
                    approver=served.approver,
                )
        finally:
            self._under_way -= 1

    @asynccontextmanager
    async def _reading(self, context: Context) -> AsyncIterator[Call]:
        """The same for what is no tool: what goes wrong is an error of the protocol."""
        try:
            async with self._call(context) as call:
                yield call
        except (ToolError, RefusedError) as error:
            raise MCPError(types.INVALID_PARAMS, self._explained(context, error)) from error
        except ClientError as error:
            raise MCPError(types.INTERNAL_ERROR, self._explained(context, error)) from error

    def _explained(self, context: Context, error: ToolError | ClientError) -> str:
        if isinstance(error, ToolError):
            return str(error)
        told = explain(error, key=self._served.key_of(context))
        return "\n  ".join((str(told), *told.details))


def _described(tool: Tool[Any, Any]) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=arguments_schema(tool),
        output_schema=answer_schema(tool.answer),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.reads, destructive_hint=tool.destroys, idempotent_hint=tool.reads
        ),
    )


def _workflow_described(tool: WorkflowTool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=f"Start the workflow {tool.workflow_id}, and wait for it for a while.",
        input_schema=tool.schema,
        output_schema=answer_schema(ExecutionAnswer),
        annotations=types.ToolAnnotations(read_only_hint=False, destructive_hint=False),
    )


def _answered(answer: dict[str, Any]) -> types.CallToolResult:
    # As text too: not every client shows structured content to its model.
    text = msgspec.json.encode(answer).decode()
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=answer)


def _refused(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
