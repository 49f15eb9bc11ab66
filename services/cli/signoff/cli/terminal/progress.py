"""An execution as one watches it: the fold of its events into rows and an outcome. No I/O."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from signoff.client import StreamEvent
from signoff.events.times import from_iso

BlockState: TypeAlias = Literal["running", "retrying", "timer", "waiting", "done", "failed", "caught"]
Outcome: TypeAlias = Literal["running", "paused", "completed", "failed", "cancelled"]

_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "paused": "paused",
    "completed": "completed",
    "error": "failed",
    "cancelled": "cancelled",
}


class BlockRow(Struct, kw_only=True):
    """One block. ``since``: when it started, in seconds since the epoch; ``note``: what else is known."""

    name: str
    type: str
    state: BlockState
    since: float
    duration_ms: float | None = None
    note: str | None = None


def _note(event: StreamEvent) -> str | None:
    """Which turn of the container around it a block is in, and which try of it this is."""
    said: list[str] = []
    kind = event.data.get("iterationType")
    if kind is not None:
        total = event.data.get("iterationTotal")
        turn = event.data["iterationCurrent"] + 1
        said.append(f"{kind} {turn}" if total is None else f"{kind} {turn} of {total}")
    if event.attempt:
        said.append(f"try {event.attempt}")
    return ", ".join(said) or None


class Progress:
    """What the events so far say.

    Attributes:
        workflow_id: the workflow, empty before the first event.
        execution_id: the execution.
        outcome: how the run ended that ended last, or ``running``.
        blocks: by id, in the order in which they started.
        error: why it failed or was cancelled.
        duration_ms: of the run that ended last.
    """

    def __init__(self) -> None:
        self.workflow_id = ""
        self.execution_id = ""
        self.outcome: Outcome = "running"
        self.blocks: dict[str, BlockRow] = {}
        self.error: str | None = None
        self.duration_ms: float | None = None
        self._points: dict[str, str] = {}

    def apply(self, event: StreamEvent) -> None:
        """Take the next event; one that is not known changes nothing."""
        self.workflow_id = event.workflow_id
        self.execution_id = event.execution_id or ""
        kind, _, what = event.type.partition(":")
        if kind == "block":
            self._apply_block(what, event)
        elif kind == "execution":
            self._apply_execution(what, event)
        elif event.type == "pause:opened":
            waits = "waits for a decision" if event.data["pauseKind"] == "human" else "waits"
            self._points[event.data["contextId"]] = event.data["blockId"]
            self._change(event.data["blockId"], "waiting", waits)
        elif event.type == "pause:closed":
            context_id: str = event.data["contextId"]
            self._change(self._points.get(context_id, context_id), "failed", event.data["reason"])
        elif event.type == "timer:set" and "blockId" in event.data:
            self._change(event.data["blockId"], "timer", f"until {event.data['dueAt']}")

    def _apply_block(self, what: str, event: StreamEvent) -> None:
        data = event.data
        if what == "retrying":
            self._change(data["blockId"], "retrying", data["error"])
            return
        row = self.blocks.setdefault(
            data["blockId"],
            BlockRow(name=data["blockName"], type=data["blockType"], state="running", since=0.0),
        )
        if what == "started":
            row.state, row.since = "running", from_iso(event.timestamp)
            row.note = _note(event)
        elif what == "completed":
            row.state, row.duration_ms, row.note = "done", data["durationMs"], None
        elif what == "error":
            row.state = "caught" if data["handled"] else "failed"
            row.duration_ms, row.note = data["durationMs"], data["error"]

    def _apply_execution(self, what: str, event: StreamEvent) -> None:
        data = event.data
        if what in ("started", "resumed", "reopened"):
            self.outcome, self.error, self.duration_ms = "running", None, None
            return
        if what not in _OUTCOMES:
            return
        self.outcome = _OUTCOMES[what]
        self.error = data.get("error") or data.get("reason")
        self.duration_ms = data["duration"]

    def _change(self, block_id: str, state: BlockState, note: str) -> None:
        row = self.blocks.get(block_id)
        if row is not None:
            row.state, row.note = state, note
