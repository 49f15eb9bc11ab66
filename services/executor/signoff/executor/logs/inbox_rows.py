"""The rows of inboxes: the open pause points that people are asked to decide, derived from the fold."""

from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import UUID

from signoff.engine.definitions.graph import Graph
from signoff.engine.points.quorum import progress
from signoff.engine.points.standing import may_not
from signoff.engine.state import PausePoint, State
from signoff.events.escapes import is_reference
from signoff.events.store.base import PointGone, PointRow
from signoff.events.store.inbox import ANYBODY, PRIORITIES
from signoff.events.times import from_iso
from signoff.events.types import (
    DecisionRecorded,
    Event,
    ExecutionResumed,
    Json,
    PauseAmended,
    PauseClaimed,
    PauseClosed,
    PauseDelegated,
    PauseEscalated,
    PauseOpened,
    PauseReassigned,
    PauseReleased,
    PauseReminded,
    PauseReturned,
    ResumeQueued,
)

MAX_TEXT: Final = 2000
"""Characters of what is shown by which a point is found."""

MAX_TITLE: Final = 500

_CHANGES: Final = (
    PauseOpened, PauseAmended, PauseClaimed, PauseReleased, PauseDelegated, PauseReassigned, PauseReturned,
    PauseReminded, PauseEscalated, PauseClosed, DecisionRecorded, ResumeQueued, ExecutionResumed,
)  # fmt: skip
"""Events that change what an inbox shows."""


def point_rows(
    log_id: UUID, state: State, graph: Graph | None, events: Iterable[Event]
) -> Iterator[PointRow | PointGone]:
    """The rows of the points that events changed, as they are after the last of them.

    Args:
        log_id: of the execution.
        state: its fold, with these events.
        graph: what runs there, for the names of blocks.
        events: new ones, in order.
    """
    changed = dict.fromkeys(event.data.context_id for event in events if isinstance(event.data, _CHANGES))
    for context_id in changed:
        point = state.points[context_id]
        if point.kind == "human":
            waits = point.status == "paused" and point.entry_id is None
            yield (
                _row(log_id, state, graph, point)
                if waits
                else PointGone(log_id=log_id, context_id=context_id)
            )


def _row(log_id: UUID, state: State, graph: Graph | None, point: PausePoint) -> PointRow:
    title = (point.title or _block_name(graph, point))[:MAX_TITLE]
    approvals, _ = progress(point)
    return PointRow(
        log_id=log_id,
        context_id=point.context_id,
        workspace_id=UUID(state.workspace_id),
        workflow_id=state.workflow_id,
        execution_id=None if state.execution_id == str(log_id) else state.execution_id,
        block_id=point.block_id,
        title=title,
        text=_text(title, point.response),
        priority=PRIORITIES.index(point.priority),
        opened_at=point.opened_at,
        due_at=from_iso(point.deadlines[-1].at) if point.deadlines else None,
        candidates=_candidates(point),
        claimed_by=point.claimed_by,
        excluded=sorted(may_not(point)),
        returned=point.returned,
        approvals=approvals,
        required=1 if point.quorum is None else point.quorum.required,
        content_digest=point.content_digest,
        version=point.version,
    )


def _block_name(graph: Graph | None, point: PausePoint) -> str:
    node = None if graph is None else graph.nodes.get(point.block_id)
    return point.block_id if node is None else node.block.name


def _candidates(point: PausePoint) -> list[str]:
    delegates = [f"user:{user_id}" for user_id in point.delegates]
    return list(dict.fromkeys([*(point.assignees or [ANYBODY]), *delegates]))


def _text(title: str, response: Json) -> str:
    """The words that a point is found by: its title, and what is shown as far as that is here."""
    data = response.get("data") if isinstance(response, dict) else None
    if not isinstance(data, dict) or is_reference(data):
        return title
    shown = data.get("responseStructure")
    if not isinstance(shown, list):
        shown = {name: value for name, value in data.items() if name not in {"operation", "_resume"}}
    text, room = [title], MAX_TEXT - len(title)
    for leaf in _leaves(shown):
        if room <= 0:
            break
        text.append(leaf[:room])
        room -= len(leaf) + 1
    return " ".join(text)[:MAX_TEXT]


def _leaves(value: Any) -> Iterator[str]:
    """The texts and numbers in a value, and the names of rows; no names of fields."""
    if isinstance(value, dict):
        if not is_reference(value):
            for key, item in value.items():
                if key != "type":
                    yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
