"""Users of the installation: people and service accounts."""

import time
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.signing_in.people import Person
from signoff.events.types import DirectoryFact, UserDisabled, UserEnabled
from signoff.gateway.directory import change, done_before
from signoff.gateway.errors import bad_field
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.first_answers import first_answer
from signoff.gateway.people.accounts import (
    UserView,
    add_user,
    check_address,
    end_sessions,
    erase_user,
    find_person,
    hashed,
    user_view,
)
from signoff.gateway.people.identity import (
    IDENTITY,
    Address,
    Name,
    NewPassword,
    PageQuery,
    fresh_id,
)


class NewUserBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user to add.

    Attributes:
        name: As others see them.
        email: Their address, with which they sign in; service accounts have none.
        password: Their first one; without it they sign in with the OpenID provider.
        service: A program's account: it has keys, and cannot sign in.
    """

    name: Name
    email: Address | None = None
    password: NewPassword | None = None
    service: bool = False


class UserChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be another than it is.

    Attributes:
        name: As others see them.
        disabled: `true` ends all sessions and lets them do nothing; `false` lets them again.
        password: A new one, which they are asked to change; it ends all sessions.
    """

    name: Name | None = None
    disabled: bool | None = None
    password: NewPassword | None = None


class UsersQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of users.

    Attributes:
        email: Only the user with this address.
    """

    email: Annotated[str, Meta(max_length=300)] = ""


class UserList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of users."""

    users: list[UserView]
    next_cursor: str | None


async def users_of(request: web.Request, query: UsersQuery) -> UserList:
    """A page of the installation's users."""
    people = request.app[IDENTITY].people
    if query.email:
        user_id = await people.by_email(query.email)
        person = None if user_id is None else await people.get(user_id)
        found = [] if user_id is None or person is None else [(user_id, person)]
    else:
        found = await people.page(after=query.cursor, limit=query.limit)
    users = request.app[GATEWAY].directory.state.users
    return UserList(
        users=[user_view(request, *each) for each in found if each[0] in users],
        next_cursor=found[-1][0] if not query.email and len(found) == query.limit else None,
    )


async def make_user(request: web.Request, caller: Principal, body: NewUserBody) -> UserView:
    """Add a person or a service account.

    Raises:
        ApiError: 400, what is given does not fit together; 409, the address is a user's already.
    """
    if body.service and (body.email is not None or body.password is not None):
        raise bad_field("service", "accounts have neither an email nor a password")
    if not body.service and body.email is None:
        raise bad_field("email", "must be given, unless it is a service account")
    person = Person(
        name=body.name,
        created_at=time.time(),
        email=None if body.email is None else check_address(body.email),
        password_hash=None if body.password is None else await hashed(request, body.password),
        must_change=body.password is not None,
    )
    # A digest of the password or of the address would be in the log, for guessers: the name must do.
    told = {"name": body.name, "service": body.service}
    user_id = await add_user(
        request, caller, fresh_id(request, caller), person, body=told, service=body.service
    )
    return user_view(request, user_id, await find_person(request, user_id))


async def change_user(request: web.Request, caller: Principal, body: UserChange) -> UserView:
    """Change the user that a path names by ``userId``.

    Raises:
        ApiError: 404; 400, a service account was given a password; 409, a workspace would be left without
            an administrator.
    """
    user_id = request.match_info["userId"]
    person = await find_person(request, user_id)
    user = request.app[GATEWAY].directory.state.users[user_id]
    if body.password is not None and user.service:
        raise bad_field("password", "cannot be given to a service account: make it a key")
    if body.disabled is not None and body.disabled != user.disabled:
        kind = UserDisabled if body.disabled else UserEnabled
        fact: DirectoryFact = kind(actor=caller.actor, user_id=user_id)
        await change(request, caller, [fact], body={"disabled": body.disabled})
    new_hash = None if body.password is None else await hashed(request, body.password)

    def alter(kept: Person) -> Person:
        if body.name is not None:
            kept = msgspec.structs.replace(kept, name=body.name)
        if new_hash is not None:
            kept = msgspec.structs.replace(kept, password_hash=new_hash, must_change=True)
        return kept

    changed = await request.app[IDENTITY].people.change(user_id, alter) or person
    if body.disabled or new_hash is not None:
        await end_sessions(request, user_id)
    return user_view(request, user_id, changed)


async def erase_named(request: web.Request, caller: Principal) -> None:
    """Erase the user that a path names by ``userId``.

    Raises:
        ApiError: 404; 409, a workspace would be left without an administrator.
    """
    user_id = request.match_info["userId"]
    if not done_before(request, caller) and await first_answer(request, caller) is None:
        await find_person(request, user_id)
    await erase_user(request, caller, user_id)
