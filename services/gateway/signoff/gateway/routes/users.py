"""``/api/users``: people and service accounts of the installation, for its administrators."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.first_answers import keep_answer
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.accounts import UserView, find_person, user_view
from signoff.gateway.people.users import (
    NewUserBody,
    UserChange,
    UserList,
    UsersQuery,
    change_user,
    erase_named,
    make_user,
    users_of,
)

_TAG: Final = "Users"
_EXAMPLE: Final = {
    "id": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "Ada",
    "email": "ada@example.org",
    "service": False,
    "disabled": False,
    "createdAt": "2026-07-26T09:00:00.000000Z",
}


async def list_users(request: web.Request, _: Principal) -> web.Response:
    """``GET /api/users``: those who were not erased."""
    return answer(await users_of(request, read_query(request, UsersQuery)))


async def create(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/users``."""
    body = convert(await read_object(request), NewUserBody)
    return answer(await make_user(request, caller, body), status=201)


async def show(request: web.Request, _: Principal) -> web.Response:
    """``GET /api/users/{userId}``."""
    user_id = request.match_info["userId"]
    return answer(user_view(request, user_id, await find_person(request, user_id)))


async def patch(request: web.Request, caller: Principal) -> web.Response:
    """``PATCH /api/users/{userId}``."""
    body = convert(await read_object(request), UserChange)
    return answer(await change_user(request, caller, body))


async def erase(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/{userId}``: nothing is kept of the person but the id, in the log."""
    await erase_named(request, caller)
    # Where nothing was left to take from them, the log does not tell of it.
    return await keep_answer(request, caller, web.Response(status=204), digest="")


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
)  # fmt: skip
