"""``/api/workspaces``: those of the caller; made and closed by administrators."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.workspaces import (
    WorkspaceBody,
    WorkspaceList,
    WorkspaceView,
    close_workspace,
    here,
    make_workspace,
    rename_workspace,
    workspaces_of,
)

_TAG: Final = "Workspaces"
_EXAMPLE: Final = {
    "id": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "Finance",
    "roles": ["admin", "read", "write"],
    "createdAt": "2026-07-26T09:00:00.000000Z",
}


async def list_workspaces(request: web.Request, _: Principal) -> web.Response:
    """``GET /api/workspaces``: all that the caller may act in."""
    return answer(await workspaces_of(request, read_query(request, PageQuery)))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/workspaces``: whoever makes it, if a user, administers it."""
    body = convert(await read_object(request), WorkspaceBody)
    return answer(await make_workspace(request, caller, body), status=201)


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workspaces/{workspaceId}``."""
    return answer(here(request, caller))


async def rename(request: web.Request, caller: Principal) -> web.Response:
    """``PATCH /api/workspaces/{workspaceId}``."""
    body = convert(await read_object(request), WorkspaceBody)
    return answer(await rename_workspace(request, caller, body))


async def close(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/workspaces/{workspaceId}``."""
    await close_workspace(request, caller)
    return web.Response(status=204)


ROUTES: Final = (
    Route(
        method="GET", path="/api/workspaces", handler=list_workspaces, operation="workspace:read",
        name="listWorkspaces", summary="The workspaces that the caller may act in.", tag=_TAG,
        query=PageQuery,
        answers={200: Answer(
            body=WorkspaceList, description="A page of workspaces.",
            example={"workspaces": [_EXAMPLE], "nextCursor": None},
        )},
    ),
    Route(
        method="POST", path="/api/workspaces", handler=create, operation="installation:manage",
        name="createWorkspace", summary="Make a workspace.", tag=_TAG,
        description="For administrators of the installation. A user who makes one administers it.",
        headers=CommandHeaders, body=WorkspaceBody, body_required=True, body_example={"name": "Finance"},
        answers={201: Answer(body=WorkspaceView, description="The workspace.", example=_EXAMPLE)},
        errors={409: "The `Idempotency-Key` was used for something else."},
    ),
    Route(
        method="GET", path="/api/workspaces/{workspaceId}", handler=show, operation="workspace:read",
        name="getWorkspace", summary="A workspace.", tag=_TAG,
        answers={200: Answer(body=WorkspaceView, description="The workspace.", example=_EXAMPLE)},
    ),
    Route(
        method="PATCH", path="/api/workspaces/{workspaceId}", handler=rename, operation="workspace:manage",
        name="renameWorkspace", summary="Give a workspace another name.", tag=_TAG,
        headers=CommandHeaders, body=WorkspaceBody, body_required=True, body_example={"name": "Accounting"},
        answers={200: Answer(
            body=WorkspaceView, description="The workspace as it is now.",
            example={**_EXAMPLE, "name": "Accounting"},
        )},
    ),
    Route(
        method="DELETE", path="/api/workspaces/{workspaceId}", handler=close, operation="workspace:manage",
        name="closeWorkspace", summary="Close a workspace for good.", tag=_TAG,
        description="Nobody may do anything in it any more, with no key and no session; its logs stay.",
        headers=CommandHeaders, answers={204: Answer(description="It is closed.")},
        errors={409: "The default workspace cannot be closed."},
    ),
)  # fmt: skip
