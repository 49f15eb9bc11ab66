"""What `signoff mcp` runs, once the `mcp` package is known to be there."""

import asyncio
import os
import sys

from mcp.server.stdio import stdio_server

from signoff.cli.connection import explain, find_key, find_workspace
from signoff.cli.exits import CommandError, Exit
from signoff.cli.mcp.approver import Approver
from signoff.cli.mcp.errors import AddressError, ApproverError
from signoff.cli.mcp.http import bearer_of, serve_http
from signoff.cli.mcp.server import Served, create_server
from signoff.client import DEFAULT_URL, ClientError


def serve(*, http: str | None, decide_with_key_env: str | None, workflow_tools: bool) -> Exit:
    """Serve until the client goes away or the process is told to end.

    Args:
        http: ``HOST:PORT`` to serve over HTTP; standard input and output without it.
        decide_with_key_env: the environment variable with an approver's key.
        workflow_tools: each workflow is a tool.

    Raises:
        CommandError: it cannot begin; says what to do.
    """
    url = os.environ.get("SIGNOFF_URL") or DEFAULT_URL
    approver = _approver(url, decide_with_key_env)
    key = None if http else find_key(url, os.environ)
    try:
        asyncio.run(_serve(url, key, approver, http=http, workflow_tools=workflow_tools))
    except (ApproverError, AddressError) as error:
        raise CommandError(str(error)) from error
    except ClientError as error:
        raise explain(error, key=key) from error
    return Exit.OK


def _approver(url: str, variable: str | None) -> Approver | None:
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise CommandError(f"{variable} is not set: put the approver's own API key into it")
    return Approver(url, key, variable, find_workspace(os.environ))


async def _serve(
    url: str, key: str | None, approver: Approver | None, *, http: str | None, workflow_tools: bool
) -> None:
    if approver is not None:
        await approver.check(key)
    served = Served(
        url=url,
        key_of=(lambda _: key) if http is None else bearer_of,
        workspace=find_workspace(os.environ),
        approver=approver,
        workflow_tools=workflow_tools,
    )
    if http is not None:
        await serve_http(create_server(served), http, ready=_tell)
        return
    server = create_server(served)
    async with stdio_server() as (received, sent):
        await server.run(received, sent, server.create_initialization_options())


def _tell(url: str) -> None:
    """Where the server is; standard output stays for what programs read."""
    print(f"signoff: MCP at {url}", file=sys.stderr, flush=True)  # noqa: T201 - this is where people look
