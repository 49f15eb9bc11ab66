"""``/api/workspaces/{workspaceId}/members``: who is in a workspace, and what they are there."""

import time
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.directory import Workspace
from signoff.access.people import Person
from signoff.events.types import DirectoryFact, MemberRemoved, MemberSet, Role
from signoff.gateway.directory import change, done_before
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.absences import AbsenceView, current_absence
from signoff.gateway.people.accounts import UserView, add_user, check_address, people_of, user_view
from signoff.gateway.people.identity import Address, Name, PageQuery, fresh_id, made, page_of

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
_Roles = Annotated[list[Role], Meta(min_length=1)]


class NewMemberBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member to add: by the address, whether they are a user already or not.

    Attributes:
        email: Their address.
        name: As others see them, if they are new.
        roles: What they are here.
    """

    email: Address
    name: Name | None = None
    roles: _Roles


class MemberBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user is in the workspace from now on."""

    roles: _Roles


class MemberView(UserView, frozen=True, kw_only=True, rename="camel"):
    """A member of a workspace.

    Attributes:
        roles: their own, without those of their groups.
        absence: in which another member decides in their place, if it is not over.
    """

    roles: list[Role]
    absence: AbsenceView | None


class AddedMember(Struct, frozen=True, kw_only=True):
    """A member who was added. It tells nothing of whether they were a user before."""

    id: str
    email: str
    roles: list[Role]


class MemberList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of members."""

    members: list[MemberView]
    next_cursor: str | None


async def list_members(request: web.Request, caller: Principal) -> web.Response:
    """``GET …/members``."""
    page, cursor = page_of(_workspace(request, caller).members, read_query(request, PageQuery))
    return answer(MemberList(members=await _views(request, caller, page), next_cursor=cursor))


async def add(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/members``: one answer, whether the address was a user's or not."""
    body = convert(await read_object(request), NewMemberBody)
    address = check_address(body.email)
    person = Person(name=body.name or address.partition("@")[0], created_at=time.time(), email=address)

    def facts(user_id: str) -> list[DirectoryFact]:
        return [_member(caller, user_id, body.roles)]

    # No digest of the address in the log, for guessers.
    told = {"roles": list(body.roles)}
    user_id = await add_user(
        request, caller, fresh_id(request, caller), person, body=told, facts=facts, also_known=True
    )
    made(_workspace(request, caller).members.get(user_id))
    return answer(AddedMember(id=user_id, email=address, roles=body.roles), status=201)


async def put(request: web.Request, caller: Principal) -> web.Response:
    """``PUT …/members/{userId}``: a member, or a service account; other people are added by their address."""
    body = convert(await read_object(request), MemberBody)
    user_id = request.match_info["userId"]
    user = request.app[GATEWAY].directory.state.users.get(user_id)
    if user is None or not user.service or user.disabled:
        _find(request, caller)
    await change(request, caller, [_member(caller, user_id, body.roles)], body=msgspec.to_builtins(body))
    made(_workspace(request, caller).members.get(user_id))
    (view,) = await _views(request, caller, [user_id])
    return answer(view)


async def remove(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE …/members/{userId}``."""
    if not done_before(request, caller):
        user_id = _find(request, caller)
        fact = MemberRemoved(actor=caller.actor, workspace_id=str(caller.workspace_id), user_id=user_id)
        await change(request, caller, [fact])
    return web.Response(status=204)


def _workspace(request: web.Request, caller: Principal) -> Workspace:
    return request.app[GATEWAY].directory.state.workspaces[str(caller.workspace_id)]


def _find(request: web.Request, caller: Principal) -> str:
    user_id = request.match_info["userId"]
    if user_id not in _workspace(request, caller).members:
        raise ApiError(404, "Member not found")
    return user_id


def _member(caller: Principal, user_id: str, roles: list[Role]) -> MemberSet:
    return MemberSet(actor=caller.actor, workspace_id=str(caller.workspace_id), user_id=user_id, roles=roles)


async def _views(request: web.Request, caller: Principal, user_ids: list[str]) -> list[MemberView]:
    people = await people_of(request, user_ids)
    workspace = _workspace(request, caller)
    return [
        MemberView(
            **msgspec.structs.asdict(user_view(request, user_id, person)),
            roles=workspace.members.get(user_id, []),
            absence=current_absence(workspace, user_id),
        )
        for user_id, person in zip(user_ids, people, strict=True)
    ]


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
