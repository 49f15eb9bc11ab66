"""``/api/workspaces``: those of the caller; made and closed by administrators."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.directory import Directory
from signoff.events.times import iso
from signoff.events.types import (
    DirectoryFact,
    MemberSet,
    Role,
    UndeployWorkflow,
    WorkspaceClosed,
    WorkspaceCreated,
    WorkspaceRenamed,
)
from signoff.gateway.admission import ADMISSION
from signoff.gateway.directory import change, done_before
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.identity import Name, PageQuery, fresh_id, made, page_of
from signoff.gateway.workflows.deploying import send

_TAG: Final = "Workspaces"
_PAGE: Final = 100
_EXAMPLE: Final = {
    "id": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "Finance",
    "roles": ["admin", "read", "write"],
    "createdAt": "2026-07-26T09:00:00.000000Z",
}


class WorkspaceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A workspace, as it is to be called."""

    name: Name


class WorkspaceView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A workspace.

    Attributes:
        id: a UUID; the default workspace's is all zeros.
        name: of the workspace.
        roles: the caller's there, with those that they include.
        created_at: UTC, ISO 8601; the default workspace has always been there.
    """

    id: str
    name: str
    roles: list[Role]
    created_at: str | None


class WorkspaceList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of workspaces."""

    workspaces: list[WorkspaceView]
    next_cursor: str | None


async def list_workspaces(request: web.Request, _: Principal) -> web.Response:
    """``GET /api/workspaces``: all that the caller may act in."""
    caller = await request.app[ADMISSION].caller(request)
    views = {each.id: each for each in workspace_views(request.app[GATEWAY].directory.state, caller.grants)}
    page, cursor = page_of(views, read_query(request, PageQuery))
    return answer(WorkspaceList(workspaces=[views[each] for each in page], next_cursor=cursor))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/workspaces``: whoever makes it, if a user, administers it."""
    body = convert(await read_object(request), WorkspaceBody)
    workspace_id = fresh_id(request, caller)
    facts: list[DirectoryFact] = [
        WorkspaceCreated(actor=caller.actor, workspace_id=workspace_id, name=body.name)
    ]
    if caller.user_id is not None:
        facts.append(
            MemberSet(actor=caller.actor, workspace_id=workspace_id, user_id=caller.user_id, roles=["admin"])
        )
    await change(request, caller, facts, body=msgspec.to_builtins(body))
    state = request.app[GATEWAY].directory.state
    made(state.workspaces.get(workspace_id))
    (view,) = workspace_views(state, {UUID(workspace_id): caller.roles})
    return answer(view, status=201)


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/workspaces/{workspaceId}``."""
    return answer(_here(request, caller))


async def rename(request: web.Request, caller: Principal) -> web.Response:
    """``PATCH /api/workspaces/{workspaceId}``."""
    body = convert(await read_object(request), WorkspaceBody)
    fact = WorkspaceRenamed(actor=caller.actor, workspace_id=str(caller.workspace_id), name=body.name)
    await change(request, caller, [fact], body=msgspec.to_builtins(body))
    return answer(_here(request, caller))


async def close(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/workspaces/{workspaceId}``: its logs stay, for auditors of the installation.

    Its workflows are undeployed, so that no schedule starts anything there any more; again at the end, for
    what was deployed meanwhile.
    """
    if not done_before(request, caller):
        await _undeploy_all(request, caller)
        fact = WorkspaceClosed(actor=caller.actor, workspace_id=str(caller.workspace_id))
        await change(request, caller, [fact])
    await _undeploy_all(request, caller)
    return web.Response(status=204)


async def _undeploy_all(request: web.Request, caller: Principal) -> None:
    store, after = request.app[GATEWAY].store, ""
    while page := await store.workflows(caller.workspace_id, after=after, limit=_PAGE):
        after = page[-1].workflow_id
        for workflow in page:
            if workflow.is_deployed:
                data = UndeployWorkflow(
                    workspace_id=str(caller.workspace_id), workflow_id=workflow.workflow_id
                )
                await send(request, caller, data, body=None)


def _here(request: web.Request, caller: Principal) -> WorkspaceView:
    state = request.app[GATEWAY].directory.state
    return workspace_views(state, {caller.workspace_id: caller.roles})[0]


def workspace_views(state: Directory, grants: Mapping[UUID, frozenset[Role]]) -> list[WorkspaceView]:
    """Workspaces as their members see them."""
    return [
        WorkspaceView(
            id=str(workspace_id),
            name=state.workspaces[str(workspace_id)].name,
            roles=sorted(roles),
            created_at=iso(at) if (at := state.workspaces[str(workspace_id)].created_at) else None,
        )
        for workspace_id, roles in grants.items()
    ]


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
