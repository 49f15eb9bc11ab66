"""``/api/workspaces/{workspaceId}/members``: who is in a workspace, and what they are there."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.members import (
    AddedMember,
    MemberBody,
    MemberList,
    MemberView,
    NewMemberBody,
    add_member,
    members_of,
    remove_member,
    set_member,
)

_TAG: Final = "Workspaces"
_EXAMPLE: Final = {
    "id": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "Ada",
    "email": "ada@example.org",
    "service": False,
    "disabled": False,
    "createdAt": "2026-07-26T09:00:00.000000Z",
    "roles": ["approver", "read"],
    "absence": None,
}


async def list_members(request: web.Request, caller: Principal) -> web.Response:
    """``GET …/members``."""
    return answer(await members_of(request, caller, read_query(request, PageQuery)))


async def add(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/members``: one answer, whether the address was a user's or not."""
    body = convert(await read_object(request), NewMemberBody)
    return answer(await add_member(request, caller, body), status=201)


async def put(request: web.Request, caller: Principal) -> web.Response:
    """``PUT …/members/{userId}``: a member, or a service account; other people are added by their address."""
    return answer(await set_member(request, caller, convert(await read_object(request), MemberBody)))


async def remove(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE …/members/{userId}``."""
    await remove_member(request, caller)
    return web.Response(status=204)


ROUTES: Final = (
    Route(
        method="GET", path="/api/workspaces/{workspaceId}/members", handler=list_members,
        operation="members:read", name="listMembers", summary="The members of a workspace.", tag=_TAG,
        query=PageQuery,
        answers={200: Answer(
            body=MemberList, description="A page of members.",
            example={"members": [_EXAMPLE], "nextCursor": None},
        )},
    ),
    Route(
        method="POST", path="/api/workspaces/{workspaceId}/members", handler=add,
        operation="members:manage", name="addMember", summary="Add a member by their address.", tag=_TAG,
        description="One who is no user yet becomes one, and may sign in with the OpenID "
        "provider, or with a password that an administrator of the installation sets.",
        headers=CommandHeaders, body=NewMemberBody, body_required=True,
        body_example={"email": "ada@example.org", "name": "Ada", "roles": ["approver", "read"]},
        answers={201: Answer(
            body=AddedMember, description="They are a member.",
            example={"id": _EXAMPLE["id"], "email": "ada@example.org", "roles": ["approver", "read"]},
        )},
        errors={409: "The workspace would be left without an administrator."},
    ),
    Route(
        method="PUT", path="/api/workspaces/{workspaceId}/members/{userId}", handler=put,
        operation="members:manage", name="setMember", tag=_TAG,
        summary="Give a member other roles, or make a service account a member.",
        headers=CommandHeaders, body=MemberBody, body_required=True,
        body_example={"roles": ["write"]},
        answers={200: Answer(
            body=MemberView, description="The member as they are now.",
            example={**_EXAMPLE, "roles": ["write"]},
        )},
        errors={409: "The workspace would be left without an administrator."},
    ),
    Route(
        method="DELETE", path="/api/workspaces/{workspaceId}/members/{userId}", handler=remove,
        operation="members:manage", name="removeMember", tag=_TAG,
        summary="Take a member out of a workspace and of its groups.",
        headers=CommandHeaders, answers={204: Answer(description="They are no member any more.")},
        errors={409: "The workspace would be left without an administrator."},
    ),
)  # fmt: skip
