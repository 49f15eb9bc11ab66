"""``/api/groups``: users of a workspace who have roles, and decide, together."""

from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.changes import MAX_GROUP
from signoff.access.directory import Group
from signoff.events.types import GroupRemoved, GroupSet, Role
from signoff.gateway.directory import change, done_before
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.identity import Name, PageQuery, fresh_id, made, page_of

_MISSING: Final = "Group not found"
_TAG: Final = "Groups"
_EXAMPLE: Final = {
    "id": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "finance",
    "roles": ["approver"],
    "userIds": ["0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a"],
}


class GroupBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A group, as it is to be.

    Attributes:
        name: Unique in the workspace.
        roles: What its members have besides their own roles.
        user_ids: Members of the workspace.
    """

    name: Name
    roles: list[Role] = []
    user_ids: Annotated[list[str], Meta(max_length=MAX_GROUP)] = []


class GroupView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A group of a workspace; ``user_ids`` are its members."""

    id: str
    name: str
    roles: list[Role]
    user_ids: list[str]


class GroupList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of groups."""

    groups: list[GroupView]
    next_cursor: str | None


async def list_groups(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/groups``."""
    groups = _groups(request, caller)
    page, cursor = page_of(groups, read_query(request, PageQuery))
    return answer(GroupList(groups=[_view(each, groups[each]) for each in page], next_cursor=cursor))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/groups``."""
    group_id = fresh_id(request, caller)
    await _set(request, caller, group_id)
    return answer(_view(group_id, made(_groups(request, caller).get(group_id))), status=201)


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/groups/{groupId}``."""
    group_id = _find(request, caller)
    return answer(_view(group_id, _groups(request, caller)[group_id]))


async def put(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/groups/{groupId}``."""
    group_id = _find(request, caller)
    await _set(request, caller, group_id)
    return answer(_view(group_id, made(_groups(request, caller).get(group_id))))


async def remove(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/groups/{groupId}``: its members stay members of the workspace."""
    if not done_before(request, caller):
        group_id = _find(request, caller)
        fact = GroupRemoved(actor=caller.actor, workspace_id=str(caller.workspace_id), group_id=group_id)
        await change(request, caller, [fact])
    return web.Response(status=204)


async def _set(request: web.Request, caller: Principal, group_id: str) -> None:
    body = convert(await read_object(request), GroupBody)
    fact = GroupSet(
        actor=caller.actor,
        workspace_id=str(caller.workspace_id),
        group_id=group_id,
        name=body.name,
        roles=body.roles,
        user_ids=body.user_ids,
    )
    await change(request, caller, [fact], body=msgspec.to_builtins(body))


def _groups(request: web.Request, caller: Principal) -> dict[str, Group]:
    return request.app[GATEWAY].directory.state.workspaces[str(caller.workspace_id)].groups


def _find(request: web.Request, caller: Principal) -> str:
    group_id = request.match_info["groupId"]
    if group_id not in _groups(request, caller):
        raise ApiError(404, _MISSING)
    return group_id


def _view(group_id: str, group: Group) -> GroupView:
    return GroupView(id=group_id, name=group.name, roles=group.roles, user_ids=group.user_ids)


ROUTES: Final = (
    Route(
        method="GET", path="/api/groups", handler=list_groups, operation="members:read",
        name="listGroups", summary="The workspace's groups.", tag=_TAG, query=PageQuery,
        answers={200: Answer(
            body=GroupList, description="A page of groups.",
            example={"groups": [_EXAMPLE], "nextCursor": None},
        )},
    ),
    Route(
        method="POST", path="/api/groups", handler=create, operation="members:manage",
        name="createGroup", summary="Make a group.", tag=_TAG, headers=CommandHeaders,
        body=GroupBody, body_required=True, body_example={"name": "finance", "roles": ["approver"]},
        answers={201: Answer(body=GroupView, description="The group.", example=_EXAMPLE)},
        errors={409: "The name is another group's, or the `Idempotency-Key` was used for something else."},
    ),
    Route(
        method="GET", path="/api/groups/{groupId}", handler=show, operation="members:read",
        name="getGroup", summary="A group of the workspace.", tag=_TAG,
        answers={200: Answer(body=GroupView, description="The group.", example=_EXAMPLE)},
    ),
    Route(
        method="PUT", path="/api/groups/{groupId}", handler=put, operation="members:manage",
        name="setGroup", summary="Change a group: its name, its roles and its members.", tag=_TAG,
        headers=CommandHeaders, body=GroupBody, body_required=True,
        body_example={"name": "finance", "roles": ["approver"], "userIds": _EXAMPLE["userIds"]},
        answers={200: Answer(body=GroupView, description="The group as it is now.", example=_EXAMPLE)},
        errors={409: "The name is another group's, or the workspace would be left without an administrator."},
    ),
    Route(
        method="DELETE", path="/api/groups/{groupId}", handler=remove, operation="members:manage",
        name="removeGroup", summary="Remove a group; its members stay in the workspace.", tag=_TAG,
        headers=CommandHeaders, answers={204: Answer(description="It is gone.")},
        errors={409: "The workspace would be left without an administrator."},
    ),
)  # fmt: skip
