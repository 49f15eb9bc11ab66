"""``signoff check-stream``."""

import asyncio
import os
from contextlib import aclosing

from rich.text import Text

from signoff.cli.connection import explain, find_key, find_workspace
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.listing import AsJson
from signoff.cli.terminal.output import Output
from signoff.client import ClientError
from signoff.client.stream_checks.suite import Result, examine

_SIGNS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "left out": ("–", "dim")}


def check_stream(
    url: str,
    *,
    api_key: str | None = None,
    workflow: str | None = None,
    execution: str | None = None,
    as_json: AsJson = False,
) -> Exit:
    """Check whether a server's streams keep their contract, rule by rule (docs/streaming.md).

    A small workflow is deployed, run, decided and listened to for half a minute, and undeployed in the end.
    Exit code 1 when a rule is broken.

    Args:
        url: The server's base URL, behind all proxies that its readers are behind.
        api_key: The key to act with, in place of SIGNOFF_API_KEY.
        workflow: Start this workflow in place of a deployed one: it must pause once, and complete when it is
            decided with {"approved": true}.
        execution: Only read this execution, which has ended or is paused: rules about what is live are
            left out.
        as_json: Print JSON lines on a terminal, too.
    """
    if workflow is not None and execution is not None:
        raise CommandError("name a workflow to start or an execution to read, not both")
    output = Output()
    key = api_key or find_key(url, os.environ)
    try:
        failed = asyncio.run(_examine(url, key, workflow, execution, output, as_json=as_json))
    except ClientError as error:
        raise explain(error, key=key) from error
    return Exit.FAILED if failed else Exit.OK


async def _examine(
    url: str, key: str | None, workflow: str | None, execution: str | None, output: Output, *, as_json: bool
) -> int:
    failed = 0
    results = examine(url, key, find_workspace(os.environ), workflow_id=workflow, execution_id=execution)
    async with aclosing(results):
        async for result in results:
            failed += result.outcome == "failed"
            if as_json or not output.is_terminal:
                output.line(result)
            else:
                output.unbroken(_line(result))
    return failed


def _line(result: Result) -> Text:
    sign, style = _SIGNS[result.outcome]
    text = Text.assemble((f"{sign} {result.rule:5}", style), f" {result.text}")
    if result.expected:
        text.append(f"\n        expected {result.expected}")
    if result.seen:
        text.append(f"\n        {'seen ' if result.expected else ''}{result.seen}", style="dim")
    return text
