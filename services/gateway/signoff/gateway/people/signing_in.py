"""Signing in: passwords that may be tried so often, and the cookie that a session lasts in."""

import math
import time
from urllib.parse import urlsplit

from aiohttp import web
from msgspec.structs import replace

from signoff.access.errors import PasswordsBusyError, TooManyAttemptsError
from signoff.access.keys.making import digest_of
from signoff.access.signing_in.attempts import PER_ACCOUNT, PER_ADDRESS
from signoff.access.signing_in.sessions import COOKIE, LIFETIME, Session, SignInMethod, session_token
from signoff.gateway.errors import ApiError, unavailable
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.addresses import address_of
from signoff.gateway.people.identity import IDENTITY
from signoff.runtime.proxies import held_with


async def verified(request: web.Request, account: str, kept: str | None, password: str) -> bool:
    """Whether a password is the right one; it is counted, for the account and for the caller's address.

    Args:
        request: brings the password.
        account: whose it is.
        kept: its hash; ``None`` where there is none: it takes as long.
        password: as it was presented.

    Raises:
        ApiError: 429, it was tried too often; 503, too many are being worked on.
    """
    identity = request.app[IDENTITY]
    address = f"address/{held_with(address_of(request))}"
    try:
        await identity.attempts.take(address, PER_ADDRESS)
        await identity.attempts.take(account, PER_ACCOUNT)
        is_right = await identity.passwords.verify(kept, password)
    except TooManyAttemptsError as error:
        raise _too_often(error) from error
    except PasswordsBusyError as error:
        raise unavailable() from error
    if is_right:
        await identity.attempts.forget(account)
        await identity.attempts.give_back(address)
    return is_right


def _too_often(error: TooManyAttemptsError) -> ApiError:
    headers = {
        "Retry-After": str(error.retry_after),
        "X-RateLimit-Limit": str(error.most),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(math.ceil(time.time() + error.retry_after)),
    }
    return ApiError(429, str(error), headers=headers)


def may_sign_in(request: web.Request, user_id: str) -> bool:
    """Whether somebody who proved to be this user gets a session."""
    user = request.app[GATEWAY].directory.state.users.get(user_id)
    return user is not None and not user.disabled and not user.service


async def sign_in(
    request: web.Request, response: web.StreamResponse, user_id: str, *, method: SignInMethod, epoch: int
) -> None:
    """Begin a session under a new token, and end the one that the browser had.

    Args:
        request: of who proved who they are.
        response: takes the cookie.
        user_id: who they are.
        method: how they proved it.
        epoch: of the user's sessions, from before they proved it.
    """
    person = await request.app[IDENTITY].people.get(user_id) if method == "password" else None
    session = Session(
        user_id=user_id,
        method=method,
        signed_in_at=time.time(),
        epoch=epoch,
        must_change=person is not None and person.must_change,
    )
    await _begin(request, response, session)


async def sign_in_with_key(request: web.Request, response: web.StreamResponse, key: str) -> None:
    """Begin a session that acts with an API key, for as long as the key is good.

    Args:
        request: of who presented the key.
        response: takes the cookie.
        key: somebody's, which the caller of this has made sure of.
    """
    session = Session(method="apiKey", signed_in_at=time.time(), key_digest=digest_of(key))
    await _begin(request, response, session)


async def _begin(request: web.Request, response: web.StreamResponse, session: Session) -> None:
    await sign_out(request)
    token = await request.app[IDENTITY].sessions.begin(session)
    response.set_cookie(
        COOKIE,
        token,
        max_age=math.ceil(session.signed_in_at + LIFETIME - time.time()),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure(request),
    )
    response.headers["Cache-Control"] = "no-store"


async def renew_session(
    request: web.Request, response: web.StreamResponse, session: Session, *, epoch: int
) -> None:
    """Let the browser's session go on under a new token, for as long as it had left.

    Args:
        request: of the browser.
        response: takes the cookie.
        session: as it was.
        epoch: of the user's sessions from now on.
    """
    await _begin(request, response, replace(session, epoch=epoch))


async def sign_out(request: web.Request) -> None:
    """End the session that the browser has, if it has one."""
    token = session_token(request.headers.get("Cookie", ""))
    if token is not None:
        await request.app[IDENTITY].sessions.end(token)


def is_secure(request: web.Request) -> bool:
    """Whether browsers reach this server by https, so that cookies are for that alone."""
    public = request.app[GATEWAY].settings.public_url
    return (request.scheme if public is None else urlsplit(public).scheme) == "https"
