"""Runs as callers of v2 see them, from the fold of their log or from the projection of it."""

from typing import Final

from msgspec import UNSET, Struct

from signoff.audit.life.folding import Folded
from signoff.engine.deciding.children import FAILED as CHILD_FAILED
from signoff.engine.state import Failure, ResumeEntry, Run, State
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.events.types import Json
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.endings import CANCELLED, TIMEOUT, Ending
from signoff.gateway.executions.history import find_run, fold, is_root
from signoff.gateway.gateway import Gateway, shown_id
from signoff.gateway.v2.schemas import ErrorCode, RunError, RunItem, RunResult
from signoff.gateway.v2.schemas import State as RunState

MISSING: Final = "Run not found"


class Seen(Struct, frozen=True, kw_only=True):
    """A run as its log tells it, whichever kind of run it is. Times are seconds since the epoch.

    Attributes:
        folded: the log that it stands in.
        run_id: as the caller knows it.
        only: its id in envelopes, where it is the run of a decision and not the whole execution.
        started_at: ``None``: it waits for its turn, or never had it.
        ended_event: that ended it, if one did.
    """

    folded: Folded
    run_id: str
    only: str | None
    status: RunState
    started_at: float | None
    ended_at: float | None
    failure: Failure | None
    ended_event: int | None

    @property
    def state(self) -> State:
        """Of the execution."""
        return self.folded.state

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds from the start to the end."""
        return None if self.started_at is None else milliseconds(self.started_at, self.ended_at)

    @property
    def error(self) -> RunError | None:
        """Why it did not end well."""
        if self.failure is None or self.status not in ("failed", "cancelled"):
            return None
        return run_error(self.failure)


async def see(gateway: Gateway, row: ExecutionRow, run_id: str) -> Seen:
    """A run by its id, or an execution by its own.

    Raises:
        ApiError: 404, the execution has no such run.
    """
    folded = await fold(gateway.store, row.log_id)
    found = find_run(folded.state, row, run_id)
    if found is None:
        raise ApiError(404, MISSING)
    if is_root(run_id, row):
        return _whole(folded, row)
    return _waiting(folded, found) if isinstance(found, ResumeEntry) else _single(folded, found)


def _whole(folded: Folded, row: ExecutionRow) -> Seen:
    state = folded.state
    return Seen(
        folded=folded,
        run_id=shown_id(row),
        only=None,
        status=state.status,
        started_at=state.started_at,
        ended_at=state.ended_at,
        failure=state.failure,
        ended_event=folded.last_ending or None,
    )


def _single(folded: Folded, run: Run) -> Seen:
    return Seen(
        folded=folded,
        run_id=run.run_id,
        only=run.run_id,
        status=run.status,
        started_at=run.started_at,
        ended_at=run.ended_at,
        failure=run.failure or folded.state.failure,
        ended_event=run.ended_event,
    )


def _waiting(folded: Folded, entry: ResumeEntry) -> Seen:
    """A decision that waits for its turn, or never got it."""
    cancelled = folded.state.status == "cancelled"
    failure = None
    status: RunState = "queued"
    if entry.status == "failed":
        status = "cancelled" if cancelled else "failed"
        failure = Failure(entry.failure_reason or "The resume failed", CANCELLED if cancelled else "")
    return Seen(
        folded=folded,
        run_id=entry.run_id,
        only=entry.run_id,
        status=status,
        started_at=None,
        ended_at=entry.completed_at,
        failure=failure,
        ended_event=None,
    )


async def output_of(gateway: Gateway, row: ExecutionRow, seen: Seen) -> Json:
    """What a run gave, be it a pause; ``None`` before its end."""
    if seen.ended_event is None:
        return None
    return (await gateway.endings.read(row.workspace_id, row.log_id, seen.ended_event)).output


def run_result(ending: Ending, *, run_id: str, workflow_id: str) -> RunResult:
    """How a run ended, to whoever waited for it."""
    failure = None
    if ending.error is not None:
        failure = Failure(ending.error, ending.code or "", ending.block_id)
    return RunResult(
        run_id=run_id,
        workflow_id=workflow_id,
        status=ending.status,
        output=ending.output,
        error=None if failure is None else run_error(failure),
        started_at=ending.metadata.start_time,
        ended_at=ending.metadata.end_time,
        duration_ms=ending.metadata.duration,
    )


def run_item(row: ExecutionRow) -> RunItem:
    """An execution in a list."""
    return RunItem(
        run_id=shown_id(row),
        workflow_id=row.workflow_id,
        status=row.status,
        trigger=row.trigger,
        started_at=iso(row.started_at),
        ended_at=moment(row.ended_at),
        duration_ms=milliseconds(row.started_at, row.ended_at),
    )


def run_error(failure: Failure) -> RunError:
    """Why a run failed, with Sim's code for it beside ours."""
    code = error_code(failure)
    return RunError(
        message=failure.error,
        code=code,
        reason=failure.code if failure.code not in ("", code) else UNSET,
        block_id=failure.block_id or UNSET,
    )


def error_code(failure: Failure) -> ErrorCode:
    """Sim's code for a failure."""
    if failure.code == CANCELLED:
        return "CANCELLED"
    if failure.code == CHILD_FAILED:
        return "CHILD_WORKFLOW_FAILED"
    if failure.block_id is not None:
        return "BLOCK_EXECUTION_FAILED"
    return "TIMEOUT" if failure.code == TIMEOUT else "EXECUTION_FAILED"


def milliseconds(start: float, end: float | None) -> int | None:
    """From one moment to another; ``None`` while there is no other."""
    return None if end is None else round((end - start) * 1000)


def moment(seconds: float | None) -> str | None:
    """A moment as answers write it, if there is one."""
    return None if seconds is None else iso(seconds)
