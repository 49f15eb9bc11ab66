"""``/api/auth``: signing in with a password, signing out, and who is signed in."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import AuthMethod
from signoff.access.signing_in.sessions import COOKIE
from signoff.events.types import Role
from signoff.gateway.admission import ADMISSION
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.credentials import WRONG, Credentials, proved
from signoff.gateway.people.identity import IDENTITY
from signoff.gateway.people.signing_in import sign_in, sign_out
from signoff.gateway.people.workspaces import WorkspaceView, workspace_views

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
    user_id, epoch = await proved(request, body)
    grants = request.app[GATEWAY].directory.state.grants_of(user_id)
    response = answer(await _who(request, user_id, "session", grants))
    await sign_in(request, response, user_id, method="password", epoch=epoch)
    return response


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
        errors={401: WRONG, 403: "The request comes from another site's page.",
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
