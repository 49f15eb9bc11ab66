"""Workspaces: made, renamed, closed, and those that somebody may act in."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.directory.fold import Directory
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
from signoff.gateway.people.identity import Name, PageQuery, fresh_id, made, page_of
from signoff.gateway.workflows.deploying import send

_PAGE: Final = 100


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


async def workspaces_of(request: web.Request, query: PageQuery) -> WorkspaceList:
    """A page of the workspaces that whoever sent a request may act in."""
    caller = await request.app[ADMISSION].caller(request)
    views = {each.id: each for each in workspace_views(request.app[GATEWAY].directory.state, caller.grants)}
    page, cursor = page_of(views, query)
    return WorkspaceList(workspaces=[views[each] for each in page], next_cursor=cursor)


async def make_workspace(request: web.Request, caller: Principal, body: WorkspaceBody) -> WorkspaceView:
    """Make a workspace, which the caller administers, if a user.

    Raises:
        ApiError: 409, the ``Idempotency-Key`` was used for something else.
    """
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
    return view


async def rename_workspace(request: web.Request, caller: Principal, body: WorkspaceBody) -> WorkspaceView:
    """Call the caller's workspace otherwise."""
    fact = WorkspaceRenamed(actor=caller.actor, workspace_id=str(caller.workspace_id), name=body.name)
    await change(request, caller, [fact], body=msgspec.to_builtins(body))
    return here(request, caller)


async def close_workspace(request: web.Request, caller: Principal) -> None:
    """Close the caller's workspace for good; its logs stay, for auditors of the installation.

    Its workflows are undeployed, so that no schedule starts anything there any more; again at the end, for
    what was deployed meanwhile.

    Raises:
        ApiError: 409, it is the default workspace.
    """
    if not done_before(request, caller):
        await _undeploy_all(request, caller)
        fact = WorkspaceClosed(actor=caller.actor, workspace_id=str(caller.workspace_id))
        await change(request, caller, [fact])
    await _undeploy_all(request, caller)


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


def here(request: web.Request, caller: Principal) -> WorkspaceView:
    """The caller's workspace."""
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
