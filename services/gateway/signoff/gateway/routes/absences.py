"""Absences: who is away in a workspace, and who decides in their place meanwhile."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.absences import (
    AbsenceBody,
    AbsenceView,
    own_absence,
    remove_absence,
    set_absence,
)
from signoff.gateway.people.accounts import NEEDS_FREE, free_user

_OWN: Final = "/api/users/me/absence"
_MEMBERS: Final = "/api/workspaces/{workspaceId}/members/{userId}/absence"
_REFUSALS: Final = {409: "The delegate is disabled, or the `Idempotency-Key` was used for something else."}
_BODY_EXAMPLE: Final = {
    "delegateId": "0198c1f0-2222-7c1a-9f7e-1f2e3d4c5b6a",
    "since": "2026-08-03T00:00:00+02:00",
    "until": "2026-08-24T00:00:00+02:00",
}
_EXAMPLE: Final = {
    "userId": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
    "delegateId": "0198c1f0-2222-7c1a-9f7e-1f2e3d4c5b6a",
    "since": "2026-08-02T22:00:00.000000Z",
    "until": "2026-08-23T22:00:00.000000Z",
}


async def show_own(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/users/me/absence``."""
    return answer(own_absence(request, caller))


async def put_own(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/users/me/absence``."""
    body = convert(await read_object(request), AbsenceBody)
    return answer(await set_absence(request, caller, free_user(request, caller), body))


async def remove_own(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/me/absence``."""
    await remove_absence(request, caller, free_user(request, caller))
    return web.Response(status=204)


async def put_of_member(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/workspaces/{workspaceId}/members/{userId}/absence``."""
    body = convert(await read_object(request), AbsenceBody)
    return answer(await set_absence(request, caller, request.match_info["userId"], body))


async def remove_of_member(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/workspaces/{workspaceId}/members/{userId}/absence``."""
    await remove_absence(request, caller, request.match_info["userId"])
    return web.Response(status=204)


ROUTES: Final = (
    Route(
        method="GET", path=_OWN, handler=show_own, operation="account:manage",
        name="getAbsence", summary="When the caller is away in a workspace, now or later.", tag="Account",
        answers={200: Answer(body=AbsenceView, description="The absence.", example=_EXAMPLE)},
        errors={404: "No absence is set, or it is over."},
    ),
    Route(
        method="PUT", path=_OWN, handler=put_own, operation="account:manage",
        name="setAbsence", summary="Let another member decide in the caller's place.", tag="Account",
        description="In one workspace, in place of an absence that was set before. The delegate decides what "
        "the caller is asked by themselves or by their groups; the caller still may. "
        f"{NEEDS_FREE}",
        headers=CommandHeaders, body=AbsenceBody, body_required=True, body_example=_BODY_EXAMPLE,
        answers={200: Answer(body=AbsenceView, description="The absence.", example=_EXAMPLE)},
        errors=_REFUSALS,
    ),
    Route(
        method="DELETE", path=_OWN, handler=remove_own, operation="account:manage",
        name="endAbsence", summary="Be back, or not leave at all.", tag="Account",
        description=NEEDS_FREE, headers=CommandHeaders,
        answers={204: Answer(description="Nobody decides in the caller's place any more.")},
    ),
    Route(
        method="PUT", path=_MEMBERS, handler=put_of_member, operation="members:manage",
        name="setMemberAbsence", summary="Let another member decide in a member's place.", tag="Workspaces",
        headers=CommandHeaders, body=AbsenceBody, body_required=True, body_example=_BODY_EXAMPLE,
        answers={200: Answer(body=AbsenceView, description="The absence.", example=_EXAMPLE)},
        errors=_REFUSALS,
    ),
    Route(
        method="DELETE", path=_MEMBERS, handler=remove_of_member, operation="members:manage",
        name="endMemberAbsence", summary="End a member's absence.", tag="Workspaces", headers=CommandHeaders,
        answers={204: Answer(description="Nobody decides in their place any more.")},
    ),
)  # fmt: skip
