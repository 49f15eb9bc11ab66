"""``/api/users/me/sessions``: where the caller is signed in."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.gateway.http.queries import NoQuery, read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.accounts import NEEDS_FREE
from signoff.gateway.people.own_sessions import SessionView, end_other_sessions, end_session, own_sessions

_PATH: Final = "/api/users/me/sessions"
_TAG: Final = "Account"


class SessionList(Struct, frozen=True, kw_only=True):
    """The sessions of a user, the newest first."""

    sessions: list[SessionView]


async def list_sessions(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/users/me/sessions``."""
    read_query(request, NoQuery)
    return answer(SessionList(sessions=await own_sessions(request, caller)))


async def end(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/me/sessions/{session}``."""
    await end_session(request, caller)
    return web.Response(status=204)


async def end_others(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/me/sessions``: all but the one that asks, which goes on under a new cookie."""
    response = web.Response(status=204)
    await end_other_sessions(request, caller, response)
    return response


ROUTES: Final = (
    Route(
        method="GET", path=_PATH, handler=list_sessions, operation="account:manage",
        name="listSessions", summary="Where the caller is signed in.", tag=_TAG, query=NoQuery,
        answers={200: Answer(
            body=SessionList, description="The sessions that last, the newest first; no more than 100.",
            example={"sessions": [{
                "id": "x1Qm0c5rJ8w2Zk7uTf4BvA", "method": "password",
                "signedInAt": "2026-07-26T09:00:00.000000Z", "current": True,
            }]},
        )},
    ),
    Route(
        method="DELETE", path=_PATH, handler=end_others, operation="account:manage",
        name="endOtherSessions", summary="Sign the caller out everywhere else.", tag=_TAG,
        description="The session that asks goes on under a new cookie, for as long as it had left. "
        f"{NEEDS_FREE}",
        answers={204: Answer(
            description="All other sessions have ended.",
            may_have={"Set-Cookie": "The session's new token, where a session asked."},
        )},
    ),
    Route(
        method="DELETE", path=f"{_PATH}/{{session}}", handler=end, operation="account:manage",
        name="endSession", summary="Sign the caller out in one browser.", tag=_TAG, description=NEEDS_FREE,
        names={"session": "The session's `id`."}, answers={204: Answer(description="It has ended.")},
    ),
)  # fmt: skip
