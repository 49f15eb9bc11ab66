"""``/api/auth/oidc``: signing in with the OpenID provider."""

import hmac
import re
import secrets
import time
from typing import Annotated, Final
from uuid import UUID

import msgspec
import structlog
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.errors import ProviderError
from signoff.access.keys.making import digest_of
from signoff.access.signing_in.oidc import Challenge, Provider, Vouched
from signoff.access.signing_in.people import Person
from signoff.events.ids import new_id
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Actor
from signoff.gateway.errors import RETRY_AFTER, ApiError, bad_field
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.accounts import add_user
from signoff.gateway.people.identity import IDENTITY
from signoff.gateway.people.signing_in import is_secure, may_sign_in, sign_in

COOKIE: Final = "signoff_oidc"
"""Binds a sign-in to the browser that began it."""

WITHIN: Final = 600.0
"""Seconds that a person may take at the provider."""

_PATH: Final = "/api/auth/oidc"
_KIND: Final = "oidc-state"
_SCOPE: Final = UUID(int=0)
_BYTES: Final = 32
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of this server, printable and without ``\\``: browsers take ``//`` and ``/\\`` for other hosts."""

_TAG: Final = "Signing in"
_AGAIN: Final = Answer(
    description="In place of a refusal, where a browser shows the answer: to the sign-in, which says why.",
    headers={"Location": "The sign-in."},
    may_have={"Set-Cookie": "What the sign-in says."},
)
_log = structlog.get_logger("signoff.gateway")


class BeginQuery(Struct, frozen=True, kw_only=True):
    """A sign-in.

    Attributes:
        return_to: The page of this server to go on with: a path, such as `/inbox`.
    """

    return_to: Annotated[str, Meta(max_length=2000)] = "/"


class CallbackQuery(Struct, frozen=True, kw_only=True):
    """What the provider sends the browser back with.

    Attributes:
        state: Names the sign-in.
        code: Proves that the provider let somebody in.
        iss: The provider.
        error: Why it let nobody in.
    """

    state: Annotated[str, Meta(max_length=200)] = ""
    code: Annotated[str, Meta(max_length=4000)] = ""
    iss: Annotated[str, Meta(max_length=2000)] | None = None
    error: Annotated[str, Meta(max_length=200)] = ""


class _Pending(Struct, frozen=True, kw_only=True):
    """A sign-in that was begun; ``browser`` is the digest of its cookie."""

    challenge: Challenge
    return_to: str
    browser: str


async def begin(request: web.Request) -> web.Response:
    """``GET /api/auth/oidc``: to the provider, which sends the browser back."""
    provider = _provider(request)
    return_to = read_query(request, BeginQuery).return_to
    if not _LOCAL.fullmatch(return_to):
        raise bad_field("return_to", "must be a path of this server, such as /inbox")
    gateway = request.app[GATEWAY]
    challenge = Challenge.new(f"{gateway.settings.public_url or _origin(request)}{_PATH}/callback")
    browser = secrets.token_urlsafe(_BYTES)
    pending = _Pending(challenge=challenge, return_to=return_to, browser=digest_of(browser))
    try:
        address = await provider.address(challenge)
    except ProviderError as error:
        _log.error("nobody can sign in with the OpenID provider", reason=str(error))
        raise ApiError(503, "The sign-in provider cannot be reached", headers=RETRY_AFTER) from error
    await gateway.store.records.put(
        _KIND,
        _SCOPE,
        digest_of(challenge.state),
        msgspec.json.encode(pending),
        expected=0,
        expires_at=time.time() + WITHIN,
    )
    response = _redirect(address)
    response.set_cookie(
        COOKIE,
        browser,
        max_age=int(WITHIN),
        path=_PATH,
        httponly=True,
        samesite="Lax",
        secure=is_secure(request),
    )
    return response


async def callback(request: web.Request) -> web.Response:
    """``GET /api/auth/oidc/callback``: whom the provider vouches for gets a session."""
    provider = _provider(request)
    query = read_query(request, CallbackQuery)
    pending = await _take(request, query.state)
    said = {"state": query.state, "code": query.code} | ({} if query.iss is None else {"iss": query.iss})
    try:
        vouched = await provider.vouch(pending.challenge, said)
    except ProviderError as error:
        _log.warning("a sign-in with the OpenID provider failed", reason=str(error), said=query.error or None)
        raise ApiError(401, "The sign-in failed: begin again") from error
    user_id = await _user_of(request, vouched)
    epoch = await request.app[IDENTITY].sessions.epoch(user_id)
    if not may_sign_in(request, user_id):
        raise ApiError(403, "This account is disabled: ask an administrator")
    response = _redirect(pending.return_to)
    await sign_in(request, response, user_id, method="oidc", epoch=epoch)
    response.del_cookie(COOKIE, path=_PATH)
    return response


def _origin(request: web.Request) -> str:
    """How the browser calls this server."""
    try:
        return str(request.url.origin())
    except ValueError as error:
        raise bad_field("Host", "must be a host, and a port where it has one") from error


def _provider(request: web.Request) -> Provider:
    provider = request.app[IDENTITY].provider
    if provider is None:
        raise ApiError(404, "There is no OpenID provider: set SIGNOFF_OIDC_ISSUER to have one")
    return provider


async def _take(request: web.Request, state: str) -> _Pending:
    """The sign-in that a state names, which nobody can end a second time."""
    records = request.app[GATEWAY].store.records
    kept = await records.get(_KIND, _SCOPE, digest_of(state))
    browser = digest_of(request.cookies.get(COOKIE, ""))
    pending = None if kept is None else msgspec.json.decode(kept.value, type=_Pending)
    if kept is None or pending is None or not hmac.compare_digest(pending.browser, browser):
        raise ApiError(401, "This sign-in was not begun in this browser, or too long ago: begin again")
    if not await records.remove(_KIND, _SCOPE, digest_of(state), expected=kept.version):
        raise ApiError(401, "This sign-in has ended already: begin again")
    return pending


async def _user_of(request: web.Request, vouched: Vouched) -> str:
    """The user whom the provider vouches for: known by it, known by their address, or new."""
    people = request.app[IDENTITY].people
    await request.app[GATEWAY].directory.look()  # who signed up a moment ago, elsewhere, is no stranger
    user_id = await people.by_subject(vouched.issuer, vouched.subject)
    if user_id is not None and user_id in request.app[GATEWAY].directory.state.users:
        return user_id
    if vouched.email is not None:
        user_id = await people.by_email(vouched.email)
        if user_id is not None and user_id in request.app[GATEWAY].directory.state.users:
            if await people.link(user_id, vouched.issuer, vouched.subject):
                return user_id
            raise ApiError(403, "This address belongs to another account of the provider")
    if not request.app[GATEWAY].settings.oidc_sign_up:
        raise ApiError(403, "There is no account for you here: ask an administrator")
    return await _sign_up(request, vouched)


async def _sign_up(request: web.Request, vouched: Vouched) -> str:
    user_id = str(new_id())
    person = Person(
        name=(vouched.name or vouched.email or vouched.subject)[:200],
        created_at=time.time(),
        email=vouched.email,
        issuer=vouched.issuer,
        subject=vouched.subject,
    )
    themselves = Principal(
        actor=Actor(type="user", id=user_id),
        workspace_id=DEFAULT_WORKSPACE,
        roles=frozenset(),
        user_id=user_id,
        auth_method="session",
    )
    return await add_user(request, themselves, user_id, person, body=None)


def _redirect(address: str) -> web.Response:
    return web.Response(status=302, headers={"Location": address, "Cache-Control": "no-store"})


ROUTES: Final = (
    Route(
        method="GET", path=_PATH, handler=begin, operation=None, name="beginOidc",
        summary="Sign in with the OpenID provider.", tag=_TAG, query=BeginQuery,
        description="For browsers: they come back with a session, on the page `return_to`.",
        answers={302: Answer(
            description="To the provider.",
            headers={"Location": "Where to go on."},
            may_have={"Set-Cookie": f"`{COOKIE}`, for ten minutes."},
        ), 303: _AGAIN},
        errors={404: "There is no provider.", 503: "The provider cannot be reached."},
    ),
    Route(
        method="GET", path=f"{_PATH}/callback", handler=callback, operation=None, name="endOidc",
        summary="Where the OpenID provider sends browsers back to.", tag=_TAG, query=CallbackQuery,
        answers={302: Answer(
            description="Signed in.",
            headers={"Location": "The page to go on with."},
            may_have={"Set-Cookie": "The session's token."},
        ), 303: _AGAIN},
        errors={401: "The sign-in cannot be trusted: begin again.",
                403: "The person has no account here, or a disabled one.", 404: "There is no provider.",
                409: "The person is just signing up in another window: begin again."},
    ),
)  # fmt: skip
