"""``GET /api/jobs/{jobId}``: how far a run is; a job is a run."""

from typing import Final

from aiohttp import web
from msgspec import UNSET

from signoff.access.callers import Principal
from signoff.engine.state import ResumeEntry, Run, State
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.endings import Ending
from signoff.gateway.executions.history import find_run, fold
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
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
    found = find_run(state, row, run_id)
    if found is None:
        raise ApiError(404, _MISSING)
    if isinstance(found, ResumeEntry):
        return answer(_not_begun(state, run_id, found))
    return answer(await _begun(gateway, row, state, run_id, found))


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


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/jobs/{run}",
        handler=job,
        operation="executions:read",
        name="getJob",
        summary="How far a run is.",
        description="A run that ended in a pause is `completed`, with what the pause shows.",
        tag="Executions",
        answers={
            200: Answer(
                body=Job,
                description="The run.",
                example={
                    "success": True,
                    "taskId": "refund-1",
                    "status": "completed",
                    "metadata": {
                        "createdAt": "2026-07-26T09:00:00.000000Z",
                        "startedAt": "2026-07-26T09:00:00.000000Z",
                        "completedAt": "2026-07-26T09:00:01.250000Z",
                        "duration": 1250,
                    },
                    "output": {"refunded": True},
                },
            )
        },
    ),
)
