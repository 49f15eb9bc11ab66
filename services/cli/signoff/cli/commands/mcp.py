"""``signoff mcp``."""

from typing import Annotated

from cyclopts import Parameter

from signoff.cli.exits import CommandError, Exit

_EXTRA = "mcp"


def mcp(
    *,
    http: str | None = None,
    decide_with_key_env: str | None = None,
    workflow_tools: Annotated[bool, Parameter(negative="")] = False,
) -> Exit:
    """Let an AI agent start workflows, follow them and see what waits for people (Model Context Protocol).

    It speaks on standard input and output, unless --http is given, and acts with the key of the agent:
    SIGNOFF_API_KEY or, over HTTP, the bearer token of each request.

    Args:
        http: HOST:PORT on this machine to serve at over streamable HTTP, path /mcp; port 0 takes a free one.
        decide_with_key_env: Offer `decide` too: the name of the environment variable with the approver's own
            key. It must be another user's than the agent's.
        workflow_tools: Offer each deployed workflow as a tool of its own.
    """
    try:
        from signoff.cli.mcp.command import serve  # noqa: PLC0415 - the extra may not be installed
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != _EXTRA:
            raise
        raise CommandError(f'`signoff mcp` needs the mcp package: pip install "signoff[{_EXTRA}]"') from error
    return serve(http=http, decide_with_key_env=decide_with_key_env, workflow_tools=workflow_tools)
