"""``/api/auth``: signing in with a password, signing out, and who is signed in."""

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from signoff.access.callers import AuthMethod
from signoff.access.passwords import MAX_LENGTH
from signoff.access.people import Person, folded
from signoff.access.sessions import COOKIE
from signoff.events.types import Role
from signoff.gateway.admission import ADMISSION
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.accounts import hashed
from signoff.gateway.people.identity import IDENTITY
from signoff.gateway.people.signing_in import may_sign_in, sign_in, sign_out, verified
from signoff.gateway.routes.workspaces import WorkspaceView, workspace_views

_TAG: Final = "Signing in"
_USER: Final = {
    "id": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "name": "Ada",
    "email": "ada@example.org",
    "mustChangePassword": False,
}
_EXAMPLE: Final = {
    "user": _USER,
    "method": "session",
    "workspaces": [
        {
            "id": "00000000-0000-0000-0000-000000000000",
            "name": "default",
            "roles": ["read", "write"],
            "createdAt": None,
        }
    ],
}
_NEW_COOKIE: Final = {"Set-Cookie": f"`{COOKIE}`: the session's token, for two weeks."}
_WRONG: Final = "E-mail address or password is wrong"


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to sign in."""

    email: Annotated[str, Meta(max_length=300)]
    password: Annotated[str, Meta(max_length=MAX_LENGTH)]

    def __repr__(self) -> str:
        return "Credentials()"


class SignedInUser(Struct, frozen=True, kw_only=True, rename="camel"):
    """The user behind a credential; ``must_change_password``: somebody else knows it."""

    id: str
    name: str | None
    email: str | None
    must_change_password: bool


class WhoAmI(Struct, frozen=True, kw_only=True, rename="camel"):
    """The caller.

    Attributes:
        user: `null` for a workspace's key and for the bootstrap key.
        method: how the caller proved who they are.
        workspaces: where they may act, and as what.
    """

    user: SignedInUser | None
    method: AuthMethod
    workspaces: list[WorkspaceView]


class OidcMethod(Struct, frozen=True, kw_only=True):
    """The OpenID provider: what to call it, and where to begin."""

    name: str
    url: str = "/api/auth/oidc"


class SignInMethods(Struct, frozen=True, kw_only=True):
    """How people may sign in here; ``oidc`` is `null` where there is no provider."""

    password: bool = True
    oidc: OidcMethod | None


async def login(request: web.Request) -> web.Response:
    """``POST /api/auth/login``."""
    request.app[ADMISSION].check_site(request)
    body = convert(await read_object(request), Credentials)
    identity = request.app[IDENTITY]
    user_id = await identity.people.by_email(body.email)
    # The epoch first: a password that is changed from here on ends the session that the old one begins.
    epoch = 0 if user_id is None else await identity.sessions.epoch(user_id)
    person = None if user_id is None else await identity.people.get(user_id)
    kept = None if person is None else person.password_hash
    account = f"user/{user_id}" if user_id is not None else f"email/{_folded(body.email)}"
    is_right = await verified(request, account, kept, body.password)
    if not is_right or user_id is None or not may_sign_in(request, user_id):
        raise ApiError(401, _WRONG)
    await _renew_hash(request, user_id, kept, body.password)
    grants = request.app[GATEWAY].directory.state.grants_of(user_id)
    response = answer(await _who(request, user_id, "session", grants))
    await sign_in(request, response, user_id, method="password", epoch=epoch)
    return response


def _folded(address: str) -> str:
    """Somebody who is not here, by whatever spelling: one who is here is one account by all of them."""
    try:
        return folded(address)
    except ValueError:
        return address


async def logout(request: web.Request) -> web.Response:
    """``POST /api/auth/logout``."""
    request.app[ADMISSION].check_site(request)
    await sign_out(request)
    response = web.Response(status=204)
    response.del_cookie(COOKIE, path="/")
    return response


async def who_am_i(request: web.Request) -> web.Response:
    """``GET /api/auth/session``."""
    caller = await request.app[ADMISSION].caller(request)
    shown = await _who(request, caller.user_id, caller.auth_method, caller.grants)
    return answer(shown, headers=NO_STORE)


async def methods(request: web.Request) -> web.Response:
    """``GET /api/auth/methods``."""
    provider = request.app[IDENTITY].provider
    name = request.app[GATEWAY].settings.oidc_name
    return answer(SignInMethods(oidc=None if provider is None else OidcMethod(name=name)))


async def _who(
    request: web.Request, user_id: str | None, method: AuthMethod, grants: Mapping[UUID, frozenset[Role]]
) -> WhoAmI:
    workspaces = workspace_views(request.app[GATEWAY].directory.state, grants)
    if user_id is None:
        return WhoAmI(user=None, method=method, workspaces=workspaces)
    person = await request.app[IDENTITY].people.get(user_id)
    user = SignedInUser(
        id=user_id,
        name=None if person is None else person.name,
        email=None if person is None else person.email,
        must_change_password=person is not None and person.must_change,
    )
    return WhoAmI(user=user, method=method, workspaces=workspaces)


async def _renew_hash(request: web.Request, user_id: str, kept: str | None, password: str) -> None:
    """Hash a password again that is right, when new ones are hashed otherwise by now."""
    identity = request.app[IDENTITY]
    if kept is None or not identity.passwords.is_outdated(kept):
        return
    newer = await hashed(request, password)

    def alter(person: Person) -> Person:
        # Whoever set another password in the meantime has the last word.
        return replace(person, password_hash=newer) if person.password_hash == kept else person

    await identity.people.change(user_id, alter)


ROUTES: Final = (
    Route(
        method="POST", path="/api/auth/login", handler=login, operation=None, name="signIn",
        summary="Sign in with a password.", tag=_TAG,
        description="For browsers, from this server's own pages. Any session that the browser had ends.",
        body=Credentials, body_required=True,
        body_example={"email": "ada@example.org", "password": "correct horse battery"},
        answers={200: Answer(
            body=WhoAmI, description="Signed in.", may_have=_NEW_COOKIE, example=_EXAMPLE,
        )},
        errors={401: _WRONG, 403: "The request comes from another site's page.",
                429: "Passwords were tried too often; `Retry-After` says for how long."},
    ),
    Route(
        method="POST", path="/api/auth/logout", handler=logout, operation=None, name="signOut",
        summary="End the session.", tag=_TAG,
        answers={204: Answer(description="There is no session any more.")},
        errors={403: "The request comes from another site's page."},
    ),
    Route(
        method="GET", path="/api/auth/session", handler=who_am_i, operation=None, name="getSession",
        summary="Who the caller is, and what they are where.", tag=_TAG,
        answers={200: Answer(body=WhoAmI, description="The caller.", example=_EXAMPLE)},
        errors={401: "Nobody is signed in."},
    ),
    Route(
        method="GET", path="/api/auth/methods", handler=methods, operation=None, name="getSignInMethods",
        summary="How people may sign in.", tag=_TAG,
        answers={200: Answer(
            body=SignInMethods, description="The ways.",
            example={"password": True, "oidc": {"name": "Company account", "url": "/api/auth/oidc"}},
        )},
    ),
)  # fmt: skip
