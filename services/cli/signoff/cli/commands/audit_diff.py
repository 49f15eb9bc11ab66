"""``signoff audit diff``."""

from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.text import Text

from signoff.audit.life.differences import Change, align, changes_between, named
from signoff.audit.life.shape import shape_of
from signoff.cli.auditing.life import Until, events_until, fold_all, require_some
from signoff.cli.auditing.timelines import show_pairs
from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.listing import AsJson
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient
from signoff.events.types import Event, Json

_SHOWN: Final = 200
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}


def diff(
    execution: str,
    first: str | None = None,
    second: str | None = None,
    *,
    other: Annotated[str | None, Parameter(name="--with")] = None,
    timeline: Annotated[bool, Parameter(negative="")] = False,
    as_json: AsJson = False,
) -> Exit:
    """Show what changed between two points of an execution, or from one execution to another.

    A point is the number of an event, or a moment (ISO 8601; without an offset it is UTC).

    Args:
        execution: The execution's id.
        first: The first point; without it, the beginning; with --with, now.
        second: The second point; without it, now; with --with, a point of the other one.
        other: Compare with this execution, such as its fork.
        timeline: Show both event by event, in place of where their states differ.
        as_json: Print JSON lines on a terminal, too.
    """
    if timeline and other is None:
        raise CommandError("say with --with which execution's events to show beside")
    output = Output()
    people = output.is_terminal and not as_json
    start = Until(first if other is not None else first or "1")
    end = Until(second)

    async def show(client: AsyncClient) -> Exit:
        before = await _events(client, execution, start)
        after = await _events(client, other or execution, end)
        if timeline:
            show_pairs(align(before, after), output, people=people)
            return Exit.OK
        changes = changes_between(shape_of(fold_all(before)), shape_of(fold_all(after)))
        for change in changes:
            _show_change(change, output, people=people)
        if people and not changes:
            output.unbroken(Text("Nothing differs."))
        return Exit.OK

    return with_client(show)


async def _events(client: AsyncClient, execution: str, until: Until) -> list[Event]:
    return require_some([each async for each in events_until(client, execution, until)], execution)


def _show_change(change: Change, output: Output, *, people: bool) -> None:
    if not people:
        output.line(change)
        return
    sign = _SIGNS[change.kind]
    if change.kind == "changed":
        what = f"{_short(change.before)} → {_short(change.after)}"
    else:
        what = _short(change.after if change.kind == "added" else change.before)
    output.unbroken(Text(f"{sign} {named(change.path)}: {what}"))


def _short(value: Json) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
