"""Absences: who is away in a workspace, and who decides in their place meanwhile."""

import time
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from signoff.access.absences import Absences
from signoff.access.callers import Principal
from signoff.access.directory import Workspace
from signoff.events.times import iso
from signoff.events.types import AbsenceEnded, AbsenceSet
from signoff.gateway.directory import change, done_before
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.moments import read_moment
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.absences import AbsenceView, absence_view, current_absence
from signoff.gateway.people.accounts import NEEDS_FREE, free_user, user_of
from signoff.gateway.people.identity import made

_MISSING: Final = "Absence not found"
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
_Moment = Annotated[str, Meta(max_length=40, description="ISO 8601; without an offset it is UTC.")]


class AbsenceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Who decides in a member's place, and when; at most 366 days.

    Attributes:
        delegate_id: Another member of the workspace.
        since: From when; without it, from now.
        until: When the member is back.
    """

    delegate_id: str
    since: _Moment | UnsetType = UNSET
    until: _Moment


async def show_own(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/users/me/absence``."""
    view = current_absence(_workspace(request, caller), user_of(caller))
    if view is None:
        raise ApiError(404, _MISSING)
    return answer(view)


async def put_own(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/users/me/absence``."""
    return await _put(request, caller, free_user(request, caller))


async def remove_own(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/users/me/absence``."""
    return await _remove(request, caller, free_user(request, caller))


async def put_of_member(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/workspaces/{workspaceId}/members/{userId}/absence``."""
    return await _put(request, caller, request.match_info["userId"])


async def remove_of_member(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/workspaces/{workspaceId}/members/{userId}/absence``."""
    return await _remove(request, caller, request.match_info["userId"])


async def _put(request: web.Request, caller: Principal, user_id: str) -> web.Response:
    body = convert(await read_object(request), AbsenceBody)
    fact = AbsenceSet(
        actor=caller.actor,
        workspace_id=str(caller.workspace_id),
        user_id=user_id,
        delegate_id=body.delegate_id,
        since=iso(time.time() if body.since is UNSET else read_moment("since", body.since)),
        until=iso(read_moment("until", body.until)),
    )
    await change(request, caller, [fact], body=msgspec.to_builtins(body))
    return answer(absence_view(user_id, made(_absences(request, caller).by_user.get(user_id))))


async def _remove(request: web.Request, caller: Principal, user_id: str) -> web.Response:
    if not done_before(request, caller):
        if user_id not in _absences(request, caller).by_user:
            raise ApiError(404, _MISSING)
        fact = AbsenceEnded(actor=caller.actor, workspace_id=str(caller.workspace_id), user_id=user_id)
        await change(request, caller, [fact])
    return web.Response(status=204)


def _workspace(request: web.Request, caller: Principal) -> Workspace:
    return request.app[GATEWAY].directory.state.workspaces[str(caller.workspace_id)]


def _absences(request: web.Request, caller: Principal) -> Absences:
    return _workspace(request, caller).absences


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
