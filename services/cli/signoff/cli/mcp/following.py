"""Following an execution for a while: progress on the way, and then how it stands."""

import asyncio
from collections import deque
from contextlib import aclosing
from typing import Annotated, Final

from msgspec import Meta, Struct

from signoff.cli.mcp.calls import Answer, Call, Report
from signoff.cli.mcp.pending import Pending, pending_of
from signoff.client import AsyncExecution, ExecutionStatus, ExecutionView, StreamEvent
from signoff.client.errors import Json

MOST_LINES: Final = 100
"""Events that an answer tells of: the last ones."""

LONGEST_WAIT: Final = 300
"""Seconds that a call may wait for."""

Wait = Annotated[
    float,
    Meta(
        ge=0,
        le=LONGEST_WAIT,
        description="Seconds to wait for its end or a pause. When they are over it goes on by itself.",
    ),
]


class EventLine(Struct, frozen=True, kw_only=True):
    """One thing that happened: ``text`` is for readers, ``event_id`` its place in the log."""

    event_id: int
    at: str
    text: str


class Followed(Struct, frozen=True, kw_only=True):
    """What happened while an execution was followed; ``left_out``: lines before those that are there."""

    lines: list[EventLine] = []
    last_event_id: int = 0
    left_out: int = 0


class ExecutionAnswer(Answer, frozen=True, kw_only=True):
    """How an execution stands, and what to do next.

    Attributes:
        execution_id: names it in other calls.
        workflow_id: its workflow.
        status: ``paused`` waits, for a decision or for a moment.
        next: what to do now.
        output: what it gave, when it has completed.
        error: why it failed or was cancelled.
        waits_for: the decisions that it waits for.
        events: what happened while it was followed.
        last_event_id: the last event seen: follow on after it.
        started_at: ISO 8601.
        ended_at: ISO 8601.
        link: names the whole of it as a resource.
    """

    execution_id: str
    workflow_id: str
    status: ExecutionStatus
    next: str
    output: Json = None
    error: str | None = None
    waits_for: list[Pending]
    events: list[EventLine]
    last_event_id: int = 0
    started_at: str | None = None
    ended_at: str | None = None
    link: str = ""


async def follow(execution: AsyncExecution, *, after: int, within: float, report: Report) -> Followed:
    """Follow until the end, a pause, or until the time is over.

    Args:
        execution: it, or a run of it.
        after: the last event that is known.
        within: seconds; with none there is nothing to see.
        report: is told of each event.
    """
    lines: deque[EventLine] = deque(maxlen=MOST_LINES)
    last, seen = after, 0
    try:
        async with asyncio.timeout(within), aclosing(execution.follow(after=after)) as events:
            async for event in events:
                last = event.event_id
                line = _line(event)
                if line is not None:
                    lines.append(line)
                    seen += 1
                    await report(line.event_id, line.text)
    except TimeoutError:  # what it is by then is the answer
        pass
    return Followed(lines=list(lines), last_event_id=last, left_out=seen - len(lines))


def _line(event: StreamEvent) -> EventLine | None:
    """An event as a line; the words of models, as they stream, are none."""
    kind, _, what = event.type.partition(":")
    if kind == "stream":
        return None
    data = event.data
    about = data.get("blockName") or data.get("blockId") or ""
    why = data.get("error") or data.get("reason") or ""
    text = f"{kind} {about} {what}" if about else f"{kind} {what}"
    return EventLine(event_id=event.event_id, at=event.timestamp, text=f"{text}: {why}" if why else text)


async def standing(call: Call, execution: AsyncExecution, followed: Followed) -> ExecutionAnswer:
    """How an execution stands now, after it was followed."""
    view = await execution.status(include_output=True)
    waits = await pending_of(call.client, execution) if view.status == "paused" else []
    left_out = f"{followed.left_out} earlier events are not shown" if followed.left_out else ""
    return ExecutionAnswer(
        execution_id=view.execution_id,
        workflow_id=view.workflow_id,
        status=view.status,
        next=_next(view, waits, followed, may_decide=call.approver is not None),
        output=view.final_output if view.status == "completed" else None,
        error=view.error,
        waits_for=waits,
        events=followed.lines,
        last_event_id=followed.last_event_id,
        started_at=view.started_at,
        ended_at=view.ended_at,
        link=f"signoff://executions/{view.execution_id}",
        note=left_out,
    )


def _next(view: ExecutionView, waits: list[Pending], followed: Followed, *, may_decide: bool) -> str:
    match view.status:
        case "completed":
            return "Nothing: it has completed, `output` is its result."
        case "failed" | "cancelled":
            return f"It is {view.status}, see `error`: mend the cause and start the workflow again."
        case "paused" if waits and may_decide:
            return "It waits for a decision: `decide` one of `waits_for`, with its `content_digest`."
        case "paused" if waits:
            return (
                "It waits for a person: show them the `link` of `waits_for`, then call `follow_execution` "
                f"with after_event_id={followed.last_event_id}."
            )
        case "paused":
            until = None if view.paused is None else view.paused.resume_at
            return (
                f"It waits for {f'the moment {until}' if until else 'another execution'}: look again later."
            )
        case _:
            return f"It goes on: call `follow_execution` with after_event_id={followed.last_event_id}."
