"""``/api/users``: people and service accounts of the installation, for its administrators."""

import time
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.people import Person
from signoff.events.types import DirectoryFact, UserDisabled, UserEnabled
from signoff.gateway.directory import change, done_before
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.first_answers import first_answer, keep_answer
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
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
from signoff.gateway.people.key_making import NewKeyBody, NewKeyView, make_key

_TAG: Final = "Users"
_EXAMPLE: Final = {
    "id": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "Ada",
    "email": "ada@example.org",
    "service": False,
    "disabled": False,
    "createdAt": "2026-07-26T09:00:00.000000Z",
}
_KEY_EXAMPLE: Final = {
    "id": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "crawler",
    "workspaceId": None,
    "userId": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "roles": ["read"],
    "createdAt": "2026-07-26T09:00:00.000000Z",
    "expiresAt": None,
    "lastUsedAt": None,
    "key": "signoff_k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3y",
}


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


async def list_users(request: web.Request, _: Principal) -> web.Response:
    """``GET /api/users``: those who were not erased."""
    query = read_query(request, UsersQuery)
    people = request.app[IDENTITY].people
    if query.email:
        user_id = await people.by_email(query.email)
        person = None if user_id is None else await people.get(user_id)
        found = [] if user_id is None or person is None else [(user_id, person)]
    else:
        found = await people.page(after=query.cursor, limit=query.limit)
    users = request.app[GATEWAY].directory.state.users
    return answer(
        UserList(
            users=[user_view(request, *each) for each in found if each[0] in users],
            next_cursor=found[-1][0] if not query.email and len(found) == query.limit else None,
        )
    )


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users``."""
    body = convert(await read_object(request), NewUserBody)
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
    return answer(user_view(request, user_id, await find_person(request, user_id)), status=201)


async def show(request: web.Request, _: Principal) -> web.Response:
    """``GET /api/users/{userId}``."""
    user_id = request.match_info["userId"]
    return answer(user_view(request, user_id, await find_person(request, user_id)))


async def patch(request: web.Request, caller: Principal) -> web.Response:
    """``PATCH /api/users/{userId}``."""
    user_id = request.match_info["userId"]
    body = convert(await read_object(request), UserChange)
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
    return answer(user_view(request, user_id, changed))


async def erase(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/{userId}``: nothing is kept of the person but the id, in the log."""
    user_id = request.match_info["userId"]
    if not done_before(request, caller) and await first_answer(request, caller) is None:
        await find_person(request, user_id)
    await erase_user(request, caller, user_id)
    # Where nothing was left to take from them, the log does not tell of it.
    return await keep_answer(request, caller, web.Response(status=204), digest="")


async def create_key(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users/{userId}/keys``: a key of a service account, which has nobody to make its own."""
    user_id = request.match_info["userId"]
    body = convert(await read_object(request), NewKeyBody)
    await find_person(request, user_id)
    if not request.app[GATEWAY].directory.state.users[user_id].service:
        raise ApiError(409, "People make their own keys; this is no service account")
    return await make_key(request, caller, body, user_id=user_id, workspace_id=body.workspace_id)


ROUTES: Final = (
    Route(
        method="GET", path="/api/users", handler=list_users, operation="installation:manage",
        name="listUsers", summary="The users of the installation.", tag=_TAG, query=UsersQuery,
        answers={200: Answer(
            body=UserList, description="A page of users.", example={"users": [_EXAMPLE], "nextCursor": None},
        )},
    ),
    Route(
        method="POST", path="/api/users", handler=create, operation="installation:manage",
        name="createUser", summary="Add a person or a service account.", tag=_TAG,
        headers=CommandHeaders, body=NewUserBody, body_required=True,
        body_example={"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"},
        answers={201: Answer(body=UserView, description="The user, a member of no workspace yet.",
                             example=_EXAMPLE)},
        errors={409: "The address is a user's already."},
    ),
    Route(
        method="GET", path="/api/users/{userId}", handler=show, operation="installation:manage",
        name="getUser", summary="A user of the installation.", tag=_TAG,
        answers={200: Answer(body=UserView, description="The user.", example=_EXAMPLE)},
    ),
    Route(
        method="PATCH", path="/api/users/{userId}", handler=patch, operation="installation:manage",
        name="changeUser", summary="Rename, disable or enable a user, or set their password.", tag=_TAG,
        headers=CommandHeaders, body=UserChange, body_required=True,
        body_example={"disabled": True},
        answers={200: Answer(body=UserView, description="The user as they are now.",
                             example={**_EXAMPLE, "disabled": True})},
        errors={409: "A workspace would be left without an administrator."},
    ),
    Route(
        method="DELETE", path="/api/users/{userId}", handler=erase, operation="installation:manage",
        name="eraseUser", summary="Erase a person.", tag=_TAG, headers=CommandHeaders,
        description="Name, address, password and sessions are deleted, keys revoked, memberships ended. "
        "The log keeps what was done under the user's id, and nothing that says whose it was.",
        answers={204: Answer(description="Nothing is kept of the person.")},
        errors={409: "A workspace would be left without an administrator."},
    ),
    Route(
        method="POST", path="/api/users/{userId}/keys", handler=create_key, operation="installation:manage",
        name="createServiceKey", summary="Make an API key of a service account.", tag=_TAG,
        headers=CommandHeaders, body=NewKeyBody, body_required=True,
        body_example={"name": "crawler", "roles": ["read"]},
        answers={201: Answer(body=NewKeyView, description="The key with its secret, shown this once.",
                             example=_KEY_EXAMPLE)},
        errors={409: "The user is a person."},
    ),
)  # fmt: skip
