"""Paused executions: lists, details, and what one pause point asks."""

from typing import Final, get_args

import msgspec
from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.audit.life.folding import Folded
from signoff.events.store.base import ExecutionRow
from signoff.events.store.search import Search
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.history import fold, fold_many
from signoff.gateway.executions.views import alone, pause_context, paused_detail, paused_summary
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution, find_workflow
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.queries import ByCommas, read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.schemas import PauseContext, PausedDetail, PausedList, PausedStatus, PausedSummary

_MOST = 200
"""Executions in a list: each is folded from its log."""


class PausedQuery(Struct, frozen=True, kw_only=True):
    """Which paused executions are wanted.

    Attributes:
        status: Only those in one of these states.
    """

    status: ByCommas[PausedStatus] = []


async def list_paused(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workflows/{id}/paused?status=a,b``: the newest first."""
    gateway = request.app[GATEWAY]
    query = read_query(request, PausedQuery)
    workflow = await find_workflow(gateway, caller, request.match_info["id"])
    search = Search(
        workspace_id=caller.workspace_id,
        workflow_ids=(workflow.workflow_id,),
        pause_statuses=tuple(query.status or get_args(PausedStatus)),
    )
    rows = await gateway.store.executions(search, limit=_MOST)
    folded = await fold_many(gateway.store, [row.log_id for row in rows])
    summaries = [
        await _resolved(
            gateway, row, paused_summary(folded[row.log_id].state, gateway.links), folded[row.log_id]
        )
        for row in rows
    ]
    return answer(PausedList(paused_executions=summaries))


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
    shown = await _answer(gateway, row, folded, paused_detail(folded.state, gateway.links))
    return conditional(request, shown)


async def context(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/resume/{id}/{execution}/{context}``: one pause point. Looking decides nothing."""
    gateway = request.app[GATEWAY]
    row, folded = await _find(request, caller, missing="Pause context not found")
    point = folded.state.points.get(request.match_info["context"])
    if point is None:
        raise ApiError(404, "Pause context not found")
    headers = {} if point.content_digest is None else {"ETag": f'"{point.content_digest}"'}
    view = pause_context(folded.state, point, gateway.links)
    if caller.link_id is not None:
        view = alone(view)
    return await _answer(gateway, row, folded, view, headers)


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


def _detail_route(path: str, name: str) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=detail,
        operation="pauses:read",
        name=name,
        summary="A paused execution with its points and its queue.",
        tag="Pauses",
        headers=ConditionalHeaders,
        answers={
            200: Answer(body=PausedDetail, description="The execution.", headers=CACHEABLE),
            304: UNCHANGED,
        },
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/workflows/{id}/paused",
        handler=list_paused,
        operation="pauses:read",
        name="listPaused",
        summary="The paused executions of a workflow, the newest first.",
        tag="Pauses",
        query=PausedQuery,
        answers={200: Answer(body=PausedList, description=f"At most {_MOST} executions.")},
    ),
    _detail_route("/api/workflows/{id}/paused/{execution}", "getPaused"),
    _detail_route("/api/resume/{id}/{execution}", "getResumable"),
    Route(
        method="GET",
        path="/api/resume/{id}/{execution}/{context}",
        handler=context,
        operation="pauses:read",
        name="getPausePoint",
        summary="One pause point. Looking decides nothing.",
        tag="Pauses",
        takes_link=True,
        answers={
            200: Answer(
                body=PauseContext,
                description="The point with its execution and the decisions on it.",
                may_have={"ETag": "What a decision on this content sends as `If-Match`."},
            )
        },
    ),
)
