"""Groups of a workspace: members under one name, who have roles, and decide, together."""

from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.directory.changes import MAX_GROUP
from signoff.access.directory.fold import Group
from signoff.events.types import GroupRemoved, GroupSet, Role
from signoff.gateway.directory import change, done_before, workspace_of
from signoff.gateway.errors import ApiError
from signoff.gateway.people.identity import Name, PageQuery, made, page_of

_MISSING: Final = "Group not found"


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


def groups_of(request: web.Request, caller: Principal, query: PageQuery) -> GroupList:
    """A page of the groups of the caller's workspace."""
    groups = _groups(request, caller)
    page, cursor = page_of(groups, query)
    return GroupList(groups=[_view(each, groups[each]) for each in page], next_cursor=cursor)


async def remove_group(request: web.Request, caller: Principal) -> None:
    """Remove the group that a path names by ``groupId``.

    Raises:
        ApiError: 404.
    """
    if not done_before(request, caller):
        group_id = find_group(request, caller).id
        fact = GroupRemoved(actor=caller.actor, workspace_id=str(caller.workspace_id), group_id=group_id)
        await change(request, caller, [fact])


async def set_group(request: web.Request, caller: Principal, group_id: str, body: GroupBody) -> GroupView:
    """Make a group of the caller's workspace, or another one of it.

    Raises:
        ApiError: 400, who is to be in it is no member; 409, another group has the name.
    """
    fact = GroupSet(
        actor=caller.actor,
        workspace_id=str(caller.workspace_id),
        group_id=group_id,
        name=body.name,
        roles=body.roles,
        user_ids=body.user_ids,
    )
    await change(request, caller, [fact], body=msgspec.to_builtins(body))
    return _view(group_id, made(_groups(request, caller).get(group_id)))


def _groups(request: web.Request, caller: Principal) -> dict[str, Group]:
    return workspace_of(request, caller).groups


def find_group(request: web.Request, caller: Principal) -> GroupView:
    """The group that a path names by ``groupId``.

    Raises:
        ApiError: 404.
    """
    group_id = request.match_info["groupId"]
    if group_id not in _groups(request, caller):
        raise ApiError(404, _MISSING)
    return _view(group_id, _groups(request, caller)[group_id])


def _view(group_id: str, group: Group) -> GroupView:
    return GroupView(id=group_id, name=group.name, roles=group.roles, user_ids=group.user_ids)
