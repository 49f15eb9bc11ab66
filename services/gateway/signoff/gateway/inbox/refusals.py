"""Refusals of what somebody wants with a pause point: each tells who was first."""

from aiohttp import web
from msgspec.structs import replace

from signoff.engine.points.standing import person_of
from signoff.events.store.base import ExecutionRow
from signoff.events.types import DecisionRecorded, ExecutionResumed, Json, Outcome, Refusal, ResumeQueued
from signoff.gateway.errors import ApiError, refused
from signoff.gateway.executions.history import fold, read_event
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.inbox.people import names_of


async def point_refused(
    app: web.Application, row: ExecutionRow, outcome: Outcome, *, context_id: str
) -> ApiError:
    """The refusal of a decision, or of what is asked of a point beside it.

    Args:
        app: knows the log and the people.
        row: of the execution.
        outcome: a refusal.
        context_id: of the pause point.

    Raises:
        StoreUnavailableError: who was first cannot be said now.
    """
    error = refused(outcome)
    if outcome.refusal is not None:
        error.fields = {**error.fields, **await _first(app, row, outcome.refusal, context_id)}
    return error


async def _first(
    app: web.Application, row: ExecutionRow, refusal: Refusal, context_id: str
) -> dict[str, Json]:
    store = app[GATEWAY].store
    if refusal.winning_event_id is not None:
        event, _ = await read_event(store, row.log_id, refusal.winning_event_id)
        if isinstance(event.data, (ExecutionResumed, ResumeQueued, DecisionRecorded)):
            by = event.data.actor
            names = await names_of(app, row.workspace_id, people=[person_of(by)])
            return {"resumedBy": replace(by, name=names.actor(by).name), "resumedAt": event.timestamp}
    if refusal.code == "CLAIMED":
        claimed_by = (await fold(store, row.log_id)).state.points[context_id].claimed_by
        if claimed_by is not None:  # else they released it meanwhile
            names = await names_of(app, row.workspace_id, people=[claimed_by])
            return {"claimedBy": names.person(claimed_by)}
    return {}
