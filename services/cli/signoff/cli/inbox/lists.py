"""Decisions as lists tell of them: a line each, and how many there are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from signoff.cli.inbox.views import one_line, parties
from signoff.cli.terminal import views
from signoff.cli.terminal.moments import moment
from signoff.client import InboxCounts, InboxItem


def table(items: Sequence[InboxItem]) -> RenderableType:
    """Some decisions, a line each."""
    if not items:
        return Text("Nothing waits for a decision.", "dim")
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for at, heading in enumerate(COLUMNS):
        shown.add_column(heading, overflow="fold", no_wrap=at == 0)
    for item in items:
        shown.add_row(*(Text(read(item)) for read in COLUMNS.values()))
    return shown


def counts(found: InboxCounts) -> RenderableType:
    """How many decisions there are."""
    rows = {"in all": _number(found.total, exact=found.exact), "overdue": str(found.overdue)}
    rows |= {str(name): str(number) for name, number in reversed(found.by_priority.items())}
    rows["mine"] = _number(found.mine.total, exact=found.mine.exact)
    rows["my groups'"] = _number(found.groups.total, exact=found.groups.exact)
    return views.facts(rows)


def _number(total: int, *, exact: bool) -> str:
    return str(total) if exact else f"at least {total}"


def _what(item: InboxItem) -> str:
    """What is decided, and what is special about that."""
    told: list[str] = [item.priority] if item.priority != "normal" else []
    told += ["overdue"] if item.overdue else []
    told += ["sent back"] if item.returned else []
    told += [f"{item.approvals} of {item.required}"] if item.required > 1 else []
    remark = f" ({', '.join(told)})" if told else ""
    return f"{one_line(item.title)}{remark}"


def _whose(item: InboxItem) -> str:
    """Who decides it, or keeps it to themselves."""
    if item.claimed_by is not None:
        return f"claimed by {item.claimed_by.name}"
    return parties(item.assignees) or "anybody"


COLUMNS: Final[Mapping[str, Callable[[InboxItem], str]]] = {
    "EXECUTION": lambda item: item.execution_id,
    "POINT": lambda item: item.context_id,
    "WHAT": _what,
    "DUE": lambda item: moment(item.due_at),
    "FOR": _whose,
}
"""The heading of a column → what stands in it."""
