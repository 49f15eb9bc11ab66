"""``signoff executions cancel`` and ``retry``: many at once, looked at before they are changed."""

import sys
from collections.abc import AsyncGenerator
from typing import Annotated, Final, Literal, TypeAlias

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.progress import Progress
from rich.prompt import Confirm
from rich.text import Text

from signoff.cli.arguments.selection import Selection
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, BulkResult

Action: TypeAlias = Literal["cancel", "retry"]

_Yes: TypeAlias = Annotated[bool, Parameter(name=["--yes", "-y"])]
_Limit: TypeAlias = Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))]
_DONE: Final = {"cancel": "cancelled", "retry": "retried"}
_SHOWN: Final = 10
"""Executions that a terminal names; the others are counted."""


def cancel(
    chosen: Selection | None = None, *, limit: _Limit = 10_000, reason: str = "", yes: _Yes = False
) -> Exit:
    """Cancel all executions that fit and have not ended. Without --yes, only look which ones.

    On a terminal it asks before it does it. `signoff cancel` stops a single one.

    Args:
        chosen: Which.
        limit: How many at most, the newest first; up to 10000.
        reason: Why, for the record.
        yes: Do it, without asking.
    """
    return _change("cancel", chosen or Selection(), limit, reason, yes=yes)


def retry(
    chosen: Selection | None = None, *, limit: _Limit = 10_000, reason: str = "", yes: _Yes = False
) -> Exit:
    """Try all failed executions that fit again, from what failed. Without --yes, only look which ones.

    On a terminal it asks before it does it. `signoff retry` tries a single one.

    Args:
        chosen: Which.
        limit: How many at most, the newest first; up to 10000.
        reason: Why, for the record.
        yes: Do it, without asking.
    """
    return _change("retry", chosen or Selection(), limit, reason, yes=yes)


def _change(action: Action, chosen: Selection, limit: int, reason: str, *, yes: bool) -> Exit:
    filters = chosen.require()
    output = Output()

    async def look_and_do(client: AsyncClient) -> Exit:
        matched = client.executions.bulk(action, limit=limit, dry_run=True, **filters)
        meant = [result.execution_id async for result in matched]
        if not meant:
            if output.is_terminal:
                output.show(Text(f"There is nothing to {action}.", "dim"))
            return Exit.OK
        if not yes and not _agreed(action, meant, output):
            return Exit.OK
        results = client.executions.bulk(action, reason=reason or None, limit=limit, **filters)
        return await _do(action, results, expected=len(meant), output=output)

    return with_client(look_and_do)


def _agreed(action: Action, meant: list[str], output: Output) -> bool:
    """Show what is meant and, where somebody can answer, ask."""
    if output.is_terminal:
        more = f"\n  … and {len(meant) - _SHOWN} more" if len(meant) > _SHOWN else ""
        output.show(Text("\n".join(f"  {each}" for each in meant[:_SHOWN]) + more))
    else:
        for each in meant:
            output.line({"executionId": each, "result": "matched"})
    if output.is_terminal and sys.stdin.isatty():
        question = f"{action.capitalize()} {_counted(len(meant))}?"
        return Confirm.ask(question, default=False, console=output.console)
    told = f"signoff: nothing is changed: {action} {_counted(len(meant))} with --yes"
    print(told, file=sys.stderr)  # noqa: T201 - no result
    return False


async def _do(
    action: Action, results: AsyncGenerator[BulkResult, None], *, expected: int, output: Output
) -> Exit:
    refused: list[BulkResult] = []
    done = 0
    with Progress(console=output.console, transient=True, disable=not output.is_terminal) as progress:
        task = progress.add_task(action, total=expected)
        async for result in results:
            progress.advance(task)
            done += not result.is_refused
            refused += [result] if result.is_refused else []
            if not output.is_terminal:
                output.line(result)
    if output.is_terminal:
        output.console.print(f"{_DONE[action]} {_counted(done)}", markup=False)
        for each in refused:
            output.console.print(f"refused {each.execution_id}: {each.error}", markup=False)
    return Exit.REFUSED if refused else Exit.OK


def _counted(number: int) -> str:
    return f"{number} execution{'' if number == 1 else 's'}"
