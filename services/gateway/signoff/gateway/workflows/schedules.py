"""The schedules of workflows, as the fold of their logs has them."""

import asyncio
import time
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.engine.deciding.timetable import Schedule, zone_of
from signoff.engine.deciding.workflow import FORMAT, WorkflowState, evolve_workflow, take_schedules
from signoff.events.codec import decode_event
from signoff.events.deployments import read_deployment
from signoff.events.store.base import WorkflowRow
from signoff.events.store.snapshots import Kept, kept_fold
from signoff.events.times import iso
from signoff.events.types import ScheduleSwitched, SwitchSchedule
from signoff.gateway.errors import ApiError, GatewayError
from signoff.gateway.executions.history import read_event
from signoff.gateway.gateway import GATEWAY, Gateway, find_workflow
from signoff.gateway.workflows.deploying import other_request, send

_PAGE: Final = 500


class ScheduleItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """A schedule of a workflow's active version.

    Attributes:
        cron: Minute, hour, day of month, month, day of week.
        timezone: Whose clock it goes by.
        enabled: It starts executions.
        next_run_at: When it is due next; `null` for one that is off.
        last_run_at: The last moment that an execution was started for.
    """

    workflow_id: str
    block_id: str
    cron: str
    timezone: str
    enabled: bool
    next_run_at: str | None
    last_run_at: str | None


_decoder: Final = msgspec.json.Decoder(Kept[WorkflowState])


async def read_schedules(gateway: Gateway, workflow: WorkflowRow, *, now: float) -> list[ScheduleItem]:
    """The schedules of a deployed workflow.

    Args:
        gateway: the ports.
        workflow: of the projection.
        now: seconds since the epoch, UTC.

    Raises:
        BlobError: the definition cannot be read.
    """
    state = await _fold(gateway, workflow)
    if state.lacks_schedules():
        await _take(gateway, workflow, state)
    for name in {schedule.timezone for schedule in state.schedules}:
        await asyncio.to_thread(zone_of, name)
    return [_item(workflow, state, schedule, now) for schedule in state.schedules]


async def _fold(gateway: Gateway, workflow: WorkflowRow) -> WorkflowState:
    """The log from its last snapshot on, as an executor keeps one of long logs; page by page."""
    state = WorkflowState()
    store = gateway.store
    page = await store.read(workflow.log_id, limit=_PAGE)
    if len(page) == _PAGE:
        kept = await kept_fold(store, await store.snapshot(workflow.log_id), _decoder, form=FORMAT)
        if kept is not None:
            state = kept.state
            page = await store.read(workflow.log_id, after=state.version, limit=_PAGE)
    while page:
        for recorded in page:
            evolve_workflow(state, decode_event(recorded.state))
        await asyncio.sleep(0)
        full = len(page) == _PAGE
        page = await store.read(workflow.log_id, after=state.version, limit=_PAGE) if full else []
    return state


async def _take(gateway: Gateway, workflow: WorkflowRow, state: WorkflowState) -> None:
    """Bring the schedules of a version whose definition is too large for its event, or was active before."""
    found = await read_deployment(gateway.store, workflow.log_id, state.active_version)
    if found is None:
        raise GatewayError(
            f"workflow {workflow.workflow_id} has no version {state.active_version} in its log"
        )
    definition = await gateway.blobs.resolve(found[1].definition, workspace_id=workflow.workspace_id)
    take_schedules(state, definition)


def _item(workflow: WorkflowRow, state: WorkflowState, schedule: Schedule, now: float) -> ScheduleItem:
    due = state.due(schedule, now)
    fired = state.fired.get(schedule.block_id)
    return ScheduleItem(
        workflow_id=workflow.workflow_id,
        block_id=schedule.block_id,
        cron=schedule.cron,
        timezone=schedule.timezone,
        enabled=state.is_on(schedule),
        next_run_at=None if due is None else iso(due),
        last_run_at=None if fired is None else iso(fired),
    )


async def switch_schedule(request: web.Request, caller: Principal, *, enabled: bool) -> ScheduleItem:
    """Switch the schedule that a path names by ``workflowId`` and ``block``.

    Raises:
        ApiError: 404, there is none; or the outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    block_id = request.match_info["block"]
    row = await find_workflow(gateway, caller, request.match_info["workflowId"])
    if not row.is_deployed:
        raise _missing()
    data = SwitchSchedule(
        workspace_id=str(row.workspace_id),
        workflow_id=row.workflow_id,
        block_id=block_id,
        enabled=enabled,
    )
    event_id = await send(request, caller, data, body=[block_id, enabled])
    event, _ = await read_event(gateway.store, row.log_id, event_id)
    if not isinstance(event.data, ScheduleSwitched):
        raise GatewayError(f"event {event_id} of workflow {row.workflow_id} switches nothing")
    if (event.data.block_id, event.data.enabled) != (block_id, enabled):
        raise other_request()
    items = await read_schedules(gateway, row, now=time.time())
    item = next((each for each in items if each.block_id == block_id), None)
    if item is None:
        raise _missing()
    return item


def _missing() -> ApiError:
    return ApiError(404, "Schedule not found")
