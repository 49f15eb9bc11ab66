"""Paused executions: lists, details, and what one pause point asks."""

import msgspec
from aiohttp import web

from signoff.access.keys import Principal
from signoff.events.store.base import ExecutionRow
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution, find_workflow
from signoff.gateway.history import Folded, fold, fold_many
from signoff.gateway.responses import answer
from signoff.gateway.schemas import PausedList, PausedSummary
from signoff.gateway.views import pause_context, paused_detail, paused_summary

_STATUSES = ("paused", "partially_resumed", "fully_resumed", "cancelled")
_MOST = 200
"""Executions in a list: each is folded from its log."""


async def list_paused(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workflows/{id}/paused?status=a,b``: the newest first."""
    gateway = request.app[GATEWAY]
    workflow = await find_workflow(gateway, caller, request.match_info["id"])
    rows = await gateway.store.executions(
        caller.workspace_id,
        workflow_id=workflow.workflow_id,
        pause_statuses=_wanted(request.query.get("status", "")),
        limit=_MOST,
    )
    folded = await fold_many(gateway.store, [row.log_id for row in rows])
    summaries = [
        await _resolved(
            gateway, row, paused_summary(folded[row.log_id].state, gateway.links), folded[row.log_id]
        )
        for row in rows
    ]
    return answer(PausedList(paused_executions=summaries))


def _wanted(text: str) -> tuple[str, ...]:
    statuses = tuple(each.strip() for each in text.split(",") if each.strip())
    if not set(statuses) <= set(_STATUSES):
        raise bad_field("status", f"must be some of {', '.join(_STATUSES)}, by commas")
    return statuses or _STATUSES


async def _resolved(
    gateway: Gateway, row: ExecutionRow, summary: PausedSummary, folded: Folded
) -> PausedSummary:
    if not folded.large:
        return summary
    resolved = await gateway.blobs.resolve(msgspec.to_builtins(summary), workspace_id=row.workspace_id)
    return msgspec.convert(resolved, PausedSummary)


async def detail(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/resume/{id}/{execution}``: a paused execution with its queue."""
    gateway = request.app[GATEWAY]
    row, folded = await _find(request, caller, missing="Paused execution not found")
    return await _answer(gateway, row, folded, paused_detail(folded.state, gateway.links))


async def context(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/resume/{id}/{execution}/{context}``: one pause point. Looking decides nothing."""
    gateway = request.app[GATEWAY]
    row, folded = await _find(request, caller, missing="Pause context not found")
    point = folded.state.points.get(request.match_info["context"])
    if point is None:
        raise ApiError(404, "Pause context not found")
    headers = {} if point.content_digest is None else {"ETag": f'"{point.content_digest}"'}
    return await _answer(gateway, row, folded, pause_context(folded.state, point, gateway.links), headers)


async def _find(request: web.Request, caller: Principal, *, missing: str) -> tuple[ExecutionRow, Folded]:
    gateway = request.app[GATEWAY]
    row = await find_execution(
        gateway,
        caller,
        request.match_info["execution"],
        workflow_id=request.match_info["id"],
        missing=missing,
    )
    folded = await fold(gateway.store, row.log_id)
    if not folded.state.points:
        raise ApiError(404, missing)
    return row, folded


async def _answer(
    gateway: Gateway,
    row: ExecutionRow,
    folded: Folded,
    view: msgspec.Struct,
    headers: dict[str, str] | None = None,
) -> web.Response:
    if not folded.large:
        return answer(view, headers=headers)
    whole = await gateway.blobs.resolve(msgspec.to_builtins(view), workspace_id=row.workspace_id)
    return answer(whole, headers=headers)
