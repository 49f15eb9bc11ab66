"""What came of a workflow that ran in a test."""

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

from signoff.engine.points.pauses import form_of
from signoff.events.types import Event, ExecutionResumed, PauseClosed, PauseKind, PauseOpened, ResumeQueued

Status = Literal["completed", "failed", "cancelled", "paused"]


class Pause(Struct, frozen=True, kw_only=True):
    """A point at which an execution waits, or waited, for somebody.

    Attributes:
        context_id: its name in its execution: the block's id, with the turn of each loop and parallel.
        block_id: the block that waits.
        kind: ``human``, ``time`` or ``child``.
        response: what is shown to whoever decides, as the resume route gives it.
        form: the fields of its form, each with ``name``, ``type``, ``required`` …
        execution_id: its execution: a child's pauses are its own.
        workflow_id: the workflow of that execution.
    """

    context_id: str
    block_id: str
    kind: PauseKind
    response: Any
    form: list[dict[str, Any]]
    execution_id: str
    workflow_id: str


class LogLine(Struct, frozen=True, kw_only=True):
    """A line that a block wrote with ``ctx.log``."""

    block_id: str
    attempt: int
    message: str
    fields: dict[str, object]


class Outcome(Struct, frozen=True, kw_only=True):
    """How a run ended, and everything that happened in it.

    Attributes:
        status: ``paused`` when it waits for decisions that the test did not give.
        output: of the execution; what it gave so far when it did not complete.
        error: why it failed or was cancelled.
        outputs: of each block that completed, by its id; of the last turn where a block ran several times.
        pauses: every pause of the execution and of those that it called, in the order they began.
        waiting: those of them that wait for a person's decision.
        logs: what blocks wrote with ``ctx.log``, in order, as they gave it: secrets are not struck out here.
        streamed: the text that each block emitted in its last attempt, by its id.
        events: the execution's log.
        seconds: how long the run took, by its own clock: waits and retries take their time there.
    """

    status: Status
    output: Any
    error: str | None
    outputs: dict[str, Any]
    pauses: list[Pause]
    waiting: list[Pause]
    logs: list[LogLine]
    streamed: dict[str, str]
    events: list[Event]
    seconds: float

    @property
    def event_types(self) -> list[str]:
        """The types of the events, in order, such as ``block:completed``."""
        return [event.type for event in self.events]


def pauses_of(events: Iterable[Event]) -> list[Pause]:
    """Every pause of some executions, in the order in which they began; ``events`` are in that of the log."""
    found = {
        (event.execution_id, event.data.context_id): Pause(
            context_id=event.data.context_id,
            block_id=event.data.block_id,
            kind=event.data.pause_kind,
            response=event.data.response,
            form=form_of(event.data.response),
            execution_id=event.execution_id or "",
            workflow_id=event.workflow_id,
        )
        for event in events
        if isinstance(event.data, PauseOpened)
    }  # one that opens again stays where it was
    return list(found.values())


def waiting_pauses(events: Iterable[Event]) -> list[Pause]:
    """Those of them that a person may decide: nobody did, and nothing closed them."""
    log = list(events)
    settled = {
        (event.execution_id, event.data.context_id)
        for event in log
        if isinstance(event.data, (ExecutionResumed, ResumeQueued, PauseClosed))
    }
    ended = {event.execution_id for event in log if event.type == "execution:cancelled"}
    return [
        pause
        for pause in pauses_of(log)
        if pause.kind == "human"
        and (pause.execution_id, pause.context_id) not in settled
        and pause.execution_id not in ended
    ]
