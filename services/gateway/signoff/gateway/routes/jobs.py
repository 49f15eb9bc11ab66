"""``GET /api/jobs/{jobId}``: how far a run is; a job is a run."""

from aiohttp import web
from msgspec import UNSET

from signoff.access.keys import Principal
from signoff.engine.state import ResumeEntry, Run, State
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.gateway.endings import Ending
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution
from signoff.gateway.history import fold
from signoff.gateway.responses import answer
from signoff.gateway.schemas import Job, JobMetadata, JobStatus

_MISSING = "Task not found"
_STATUS: dict[str, JobStatus] = {
    "running": "processing",
    "paused": "completed",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


async def job(request: web.Request, caller: Principal) -> web.Response:
    """The state of a run; one that ended in a pause is completed, with what the pause shows."""
    gateway = request.app[GATEWAY]
    run_id = request.match_info["run"]
    row = await find_execution(gateway, caller, run_id, missing=_MISSING)
    state = (await fold(gateway.store, row.log_id)).state
    run = state.runs.get(run_id) or (state.runs.get(state.execution_id) if _is_root(run_id, row) else None)
    if run is not None:
        return answer(await _begun(gateway, row, state, run_id, run))
    entry = next((each for each in state.entries.values() if each.run_id == run_id), None)
    if entry is None:
        raise ApiError(404, _MISSING)
    return answer(_not_begun(state, run_id, entry))


def _is_root(run_id: str, row: ExecutionRow) -> bool:
    return run_id in (row.execution_id, str(row.log_id))


async def _begun(gateway: Gateway, row: ExecutionRow, state: State, run_id: str, run: Run) -> Job:
    entry = None if run.entry_id is None else state.entries[run.entry_id]
    ending: Ending | None = None
    if run.ended_event is not None:
        ending = await gateway.endings.read(row.workspace_id, row.log_id, run.ended_event)
    return Job(
        task_id=run_id,
        status=_STATUS[run.status],
        metadata=JobMetadata(
            created_at=iso(run.started_at if entry is None else entry.queued_at),
            started_at=iso(run.started_at),
            completed_at=UNSET if run.ended_at is None else iso(run.ended_at),
            duration=UNSET if run.ended_at is None else round((run.ended_at - run.started_at) * 1000),
        ),
        output=UNSET if ending is None or ending.output is None else ending.output,
        error=UNSET if ending is None or ending.error is None else ending.error,
    )


def _not_begun(state: State, run_id: str, entry: ResumeEntry) -> Job:
    """A queued decision: it waits for its turn, or never got it."""
    metadata = JobMetadata(
        created_at=iso(entry.queued_at),
        completed_at=UNSET if entry.completed_at is None else iso(entry.completed_at),
    )
    if entry.status != "failed":
        return Job(task_id=run_id, status="pending", metadata=metadata)
    status: JobStatus = "cancelled" if state.status == "cancelled" else "failed"
    return Job(
        task_id=run_id, status=status, metadata=metadata, error=entry.failure_reason or "The resume failed"
    )
