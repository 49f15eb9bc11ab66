"""Where people are signed in, as they see and end it themselves."""

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.signing_in.sessions import SignInMethod, session_name, session_token
from signoff.events.times import iso
from signoff.gateway.errors import ApiError
from signoff.gateway.people.accounts import free_user, user_of
from signoff.gateway.people.identity import IDENTITY
from signoff.gateway.people.signing_in import renew_session


class SessionView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A browser in which somebody is signed in.

    Attributes:
        id: names the session, and tells nothing of its token.
        method: how they proved who they are.
        signed_in_at: UTC, ISO 8601.
        current: it is the one that asks.
    """

    id: str
    method: SignInMethod
    signed_in_at: str
    current: bool


async def own_sessions(request: web.Request, caller: Principal) -> list[SessionView]:
    """The caller's sessions that last, the newest first; no more than 100.

    Raises:
        ApiError: 403, a workspace's key asks: it has no user.
    """
    token = session_token(request.headers.get("Cookie", ""))
    own = None if token is None else session_name(token)
    found = await request.app[IDENTITY].sessions.of_user(user_of(caller))
    return [
        SessionView(id=name, method=each.method, signed_in_at=iso(each.signed_in_at), current=name == own)
        for name, each in found
    ]


async def end_session(request: web.Request, caller: Principal) -> None:
    """End the caller's session that a path names by ``session``.

    Raises:
        ApiError: 404, it has ended; 403, a bounded key asks.
    """
    user_id, name = free_user(request, caller), request.match_info["session"]
    if not await request.app[IDENTITY].sessions.end_named(user_id, name):
        raise ApiError(404, "Session not found: it has ended")


async def end_other_sessions(request: web.Request, caller: Principal, response: web.StreamResponse) -> None:
    """Sign the caller out everywhere but where they ask from: that session goes on under another token.

    It ends when it would have ended anyway: whoever stole it does not get a younger one.

    Args:
        request: asks for it, with a session of the caller or with a key.
        caller: whose sessions they are.
        response: takes the cookie.

    Raises:
        ApiError: 403, a bounded key asks.
    """
    user_id = free_user(request, caller)
    sessions = request.app[IDENTITY].sessions
    token = session_token(request.headers.get("Cookie", ""))
    own = None if token is None else await sessions.find(token)
    epoch = await sessions.end_all(user_id)
    if own is not None and own.user_id == user_id:
        await renew_session(request, response, own, epoch=epoch)
