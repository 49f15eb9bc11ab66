"""Members of a workspace: who is there, and what they are."""

import time
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.signing_in.people import Person
from signoff.events.types import DirectoryFact, MemberRemoved, MemberSet, Role
from signoff.gateway.directory import change, done_before, workspace_of
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.people.absences import AbsenceView, current_absence
from signoff.gateway.people.accounts import UserView, add_user, check_address, people_of, user_view
from signoff.gateway.people.identity import Address, Name, PageQuery, fresh_id, made, page_of

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


async def members_of(request: web.Request, caller: Principal, query: PageQuery) -> MemberList:
    """A page of the members of the caller's workspace."""
    page, cursor = page_of(workspace_of(request, caller).members, query)
    return MemberList(members=await member_views(request, caller, page), next_cursor=cursor)


async def add_member(request: web.Request, caller: Principal, body: NewMemberBody) -> AddedMember:
    """Make somebody a member of the caller's workspace.

    Raises:
        ApiError: 400, the address is none; 409, the workspace would be left without an administrator.
    """
    address = check_address(body.email)
    person = Person(name=body.name or address.partition("@")[0], created_at=time.time(), email=address)

    def facts(user_id: str) -> list[DirectoryFact]:
        return [_member(caller, user_id, body.roles)]

    # No digest of the address in the log, for guessers.
    told = {"roles": list(body.roles)}
    user_id = await add_user(
        request, caller, fresh_id(request, caller), person, body=told, facts=facts, also_known=True
    )
    made(workspace_of(request, caller).members.get(user_id))
    return AddedMember(id=user_id, email=address, roles=body.roles)


async def set_member(request: web.Request, caller: Principal, body: MemberBody) -> MemberView:
    """Give the member that a path names by ``userId`` other roles.

    Raises:
        ApiError: 404; 409, the workspace would be left without an administrator.
    """
    user_id = request.match_info["userId"]
    user = request.app[GATEWAY].directory.state.users.get(user_id)
    if user is None or not user.service or user.disabled:
        find_member(request, caller)
    await change(request, caller, [_member(caller, user_id, body.roles)], body=msgspec.to_builtins(body))
    made(workspace_of(request, caller).members.get(user_id))
    (view,) = await member_views(request, caller, [user_id])
    return view


async def remove_member(request: web.Request, caller: Principal) -> None:
    """Take the member that a path names by ``userId`` out of the caller's workspace and of its groups.

    Raises:
        ApiError: 404; 409, the workspace would be left without an administrator.
    """
    if not done_before(request, caller):
        user_id = find_member(request, caller)
        fact = MemberRemoved(actor=caller.actor, workspace_id=str(caller.workspace_id), user_id=user_id)
        await change(request, caller, [fact])


def find_member(request: web.Request, caller: Principal) -> str:
    """The id of the member that a path names by ``userId``.

    Raises:
        ApiError: 404.
    """
    user_id = request.match_info["userId"]
    if user_id not in workspace_of(request, caller).members:
        raise ApiError(404, "Member not found")
    return user_id


def _member(caller: Principal, user_id: str, roles: list[Role]) -> MemberSet:
    return MemberSet(actor=caller.actor, workspace_id=str(caller.workspace_id), user_id=user_id, roles=roles)


async def member_views(request: web.Request, caller: Principal, user_ids: list[str]) -> list[MemberView]:
    """Users as members of the caller's workspace: their roles are none where they are no members."""
    people = await people_of(request, user_ids)
    workspace = workspace_of(request, caller)
    return [
        MemberView(
            **msgspec.structs.asdict(user_view(request, user_id, person)),
            roles=workspace.members.get(user_id, []),
            absence=current_absence(workspace, user_id),
        )
        for user_id, person in zip(user_ids, people, strict=True)
    ]
