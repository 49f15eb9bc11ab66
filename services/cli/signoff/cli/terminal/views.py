"""What a person sees on a terminal."""

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from signoff.cli.terminal.moments import duration, moment
from signoff.cli.terminal.progress import BlockRow, BlockState, Outcome, Progress
from signoff.client import ExecutionView, PausePoint

_BLOCKS: Final[dict[BlockState, tuple[str, str]]] = {
    "running": ("●", "cyan"),
    "retrying": ("↻", "yellow"),
    "timer": ("◷", "cyan"),
    "waiting": ("‖", "yellow"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "caught": ("!", "yellow"),
}
_OUTCOMES: Final[dict[Outcome, tuple[str, str]]] = {
    "running": ("●", "cyan"),
    "paused": ("‖", "yellow"),
    "completed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("✗", "red"),
}
_QUEUED: Final = ("●", "dim")
_SAMPLES: Final[dict[str, Any]] = {"boolean": True, "number": 0, "object": {}, "array": [], "files": []}
_LONGEST_NOTE: Final = 200


def execution(progress: Progress, now: float) -> RenderableType:
    """An execution's blocks, one a line, and how it stands.

    Args:
        progress: what its events say.
        now: seconds since the epoch, for what still runs.
    """
    table = Table.grid(padding=(0, 2))
    for row in progress.blocks.values():
        sign, style = _BLOCKS[row.state]
        table.add_row(
            Text(f"  {sign}", style),
            Text(row.name),
            Text(row.type, "dim"),
            Text(duration(_elapsed(row, now)), "dim", justify="right"),
            Text(_shorten(row.note or ""), style),
        )
    return Group(table, outcome(progress))


def outcome(progress: Progress) -> RenderableType:
    """How an execution stands, in a line."""
    sign, style = _OUTCOMES[progress.outcome]
    text = Text.assemble((f"{sign} {progress.outcome}", style))
    if progress.duration_ms is not None:
        text.append(f" after {duration(progress.duration_ms)}", "dim")
    text.append(f"  {progress.workflow_id} {progress.execution_id}", "dim")
    if progress.error:
        text.append(f"\n  {progress.error}", style)
    return text


def record(view: ExecutionView) -> RenderableType:
    """An execution as it stands in the record: what it is, since when, and why it failed."""
    sign, style = _QUEUED if view.status == "queued" else _OUTCOMES[view.status]
    rows = {
        "execution": Text(view.execution_id),
        "workflow": Text(view.workflow_id),
        "status": Text(f"{sign} {view.status}", style),
        "trigger": Text(view.trigger or ""),
        "started": Text(moment(view.started_at)),
        "ended": Text(moment(view.ended_at)),
        "took": Text(duration(view.total_duration_ms)),
        "error": Text(view.error or "", "red"),
    }
    return facts({name: text for name, text in rows.items() if text})


def facts(rows: Mapping[str, Text | str]) -> RenderableType:
    """What is known of one thing, a line each: its name, then the value."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, known in rows.items():
        table.add_row(Text(name, "dim"), Text(known) if isinstance(known, str) else known)
    return table


def decisions(execution_id: str, points: list[PausePoint]) -> RenderableType:
    """What waits for a person, what they are shown, and the commands to go on with."""
    return Group(*(_decision(execution_id, point, alone=len(points) == 1) for point in points))


def value(data: Any) -> RenderableType:
    """A JSON value, indented."""
    return Text(json.dumps(data, indent=2, ensure_ascii=False))


def _decision(execution_id: str, point: PausePoint, *, alone: bool) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for name, known in point.shown.items():
        table.add_row(Text(name, "bold"), Text(_shorten(_plain(known))))
    fields = point.form
    for each in fields:
        kind = f"{each['type']}{', required' if each.get('required') else ''}"
        table.add_row(Text(str(each["name"]), "bold"), Text(f"to fill in: {kind}", "dim"))
    context = "" if alone else f" {shlex.quote(point.context_id)}"
    given = shlex.quote(json.dumps(_sample(fields), ensure_ascii=False))
    return Group(
        Text(f"\n{point.context_id}", "yellow"),
        Padding(table, (0, 0, 0, 2)),
        Text(f"  signoff resume {execution_id}{context} --input {given}", "cyan", overflow="fold"),
        Text(f"  {point.resume_links.ui_url}", "dim", overflow="fold"),
    )


def _sample(fields: list[dict[str, Any]]) -> dict[str, Any]:
    """A submission that the form takes: what is required, or else its first field."""
    wanted = [each for each in fields if each.get("required")] or fields[:1]
    return {each["name"]: _sample_value(each) for each in wanted}


def _sample_value(field: dict[str, Any]) -> Any:
    options = field.get("options")
    if isinstance(options, list) and options and not isinstance(options[0], dict):
        return options[0]
    return _SAMPLES.get(field["type"], "…")


def _elapsed(row: BlockRow, now: float) -> float | None:
    if row.duration_ms is not None and row.state in ("done", "failed", "caught"):
        return row.duration_ms
    return max(0.0, now - row.since) * 1000 if row.state in ("running", "timer") else None


def _plain(data: Any) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_NOTE else line[: _LONGEST_NOTE - 1] + "…"
