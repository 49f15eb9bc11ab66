"""Agents: the official MCP client, talking to a real `signoff mcp`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from mcp import Client, StdioServerParameters
from mcp.client.client import ConnectMode
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, TextContent

from e2e.shell import SIGNOFF

LIMIT: Final = 30.0
"""Seconds that a test waits for what must happen."""


class Agent:
    """An MCP client, and what it was told."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that does what it is asked to; gives its answer."""
        result = await self.client.call_tool(tool, arguments, LIMIT)
        assert not result.is_error, said(result)
        answer: dict[str, Any] = result.structured_content
        return answer

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """Call a tool that refuses; gives what it says."""
        result = await self.client.call_tool(tool, arguments, LIMIT)
        assert result.is_error, said(result)
        return said(result)

    async def tools(self) -> set[str]:
        """The names of the tools that are offered."""
        return {tool.name for tool in (await self.client.list_tools()).tools}


def said(result: CallToolResult) -> str:
    """The text of an answer."""
    return "".join(each.text for each in result.content if isinstance(each, TextContent))


@asynccontextmanager
async def over_stdio(
    *arguments: str, errors: Path, mode: ConnectMode = "auto", **environment: str
) -> AsyncIterator[Agent]:
    """An agent that starts `signoff mcp` for itself, as desktop clients do.

    Args:
        *arguments: of the command.
        errors: the file that its standard error goes to.
        mode: ``legacy`` is the protocol with a handshake, which most clients speak.
        **environment: of the command.
    """
    parameters = StdioServerParameters(command=str(SIGNOFF), args=["mcp", *arguments], env=environment)
    with errors.open("w") as log:
        async with Client(stdio_client(parameters, errlog=log), mode=mode) as client:
            yield Agent(client)


class Session:
    """An agent that tests share.

    It lives in a task of its own: the client ends in the task that it began in, and tests and fixtures are
    tasks of theirs.
    """

    def __init__(self, *arguments: str, errors: Path, **environment: str) -> None:
        self._arguments = arguments
        self._errors = errors
        self._environment = environment
        self._end = asyncio.Event()
        self._opened: asyncio.Future[Agent] = asyncio.get_running_loop().create_future()

    async def open(self) -> Agent:
        """Start it."""
        self._task = asyncio.create_task(self._live())
        async with asyncio.timeout(LIMIT):
            either: list[asyncio.Future[Any]] = [self._opened, self._task]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._opened.done():
            await self._task
        return self._opened.result()

    async def _live(self) -> None:
        async with over_stdio(*self._arguments, errors=self._errors, **self._environment) as agent:
            self._opened.set_result(agent)
            await self._end.wait()

    async def close(self) -> None:
        """End it."""
        self._end.set()
        async with asyncio.timeout(LIMIT):
            await self._task
