"""``/api/groups``: users of a workspace who have roles, and decide, together."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.groups import (
    GroupBody,
    GroupList,
    GroupView,
    find_group,
    groups_of,
    remove_group,
    set_group,
)
from signoff.gateway.people.identity import PageQuery, fresh_id

_TAG: Final = "Groups"
_EXAMPLE: Final = {
    "id": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "finance",
    "roles": ["approver"],
    "userIds": ["0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a"],
}


async def list_groups(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/groups``."""
    return answer(groups_of(request, caller, read_query(request, PageQuery)))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/groups``."""
    body = convert(await read_object(request), GroupBody)
    return answer(await set_group(request, caller, fresh_id(request, caller), body), status=201)


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/groups/{groupId}``."""
    return answer(find_group(request, caller))


async def put(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/groups/{groupId}``."""
    group_id = find_group(request, caller).id
    body = convert(await read_object(request), GroupBody)
    return answer(await set_group(request, caller, group_id, body))


async def remove(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/groups/{groupId}``: its members stay members of the workspace."""
    await remove_group(request, caller)
    return web.Response(status=204)


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
