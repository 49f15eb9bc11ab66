"""Absences as callers see them."""

import time
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from signoff.access.callers import Principal
from signoff.access.directory.absences import Absence, Absences
from signoff.access.directory.fold import Workspace
from signoff.events.times import iso
from signoff.events.types import AbsenceEnded, AbsenceSet
from signoff.gateway.directory import change, done_before, workspace_of
from signoff.gateway.errors import ApiError
from signoff.gateway.http.moments import read_moment
from signoff.gateway.people.accounts import user_of
from signoff.gateway.people.identity import made


class AbsenceView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A member of a workspace is away; times are UTC, ISO 8601.

    Attributes:
        user_id: who is away.
        delegate_id: the member who decides in their place.
        since: from when.
        until: when they are back.
    """

    user_id: str
    delegate_id: str
    since: str
    until: str


def absence_view(user_id: str, absence: Absence) -> AbsenceView:
    """A user's absence."""
    return AbsenceView(
        user_id=user_id,
        delegate_id=absence.delegate_id,
        since=iso(absence.since),
        until=iso(absence.until),
    )


def current_absence(workspace: Workspace, user_id: str) -> AbsenceView | None:
    """A member's absence, now or to come; ``None``: there is none, or it is over."""
    absence = workspace.absences.by_user.get(user_id)
    return None if absence is None or absence.until <= time.time() else absence_view(user_id, absence)


_MISSING: Final = "Absence not found"
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


def own_absence(request: web.Request, caller: Principal) -> AbsenceView:
    """The caller's absence, now or to come.

    Raises:
        ApiError: 404, none is set, or it is over; 403, a workspace's key asks.
    """
    view = current_absence(workspace_of(request, caller), user_of(caller))
    if view is None:
        raise ApiError(404, _MISSING)
    return view


async def set_absence(
    request: web.Request, caller: Principal, user_id: str, body: AbsenceBody
) -> AbsenceView:
    """Let another member of the caller's workspace decide in a member's place.

    Raises:
        ApiError: 400, a moment is none, or they do not fit together; 404, 409, one of the two is no member,
            or disabled.
    """
    fact = AbsenceSet(
        actor=caller.actor,
        workspace_id=str(caller.workspace_id),
        user_id=user_id,
        delegate_id=body.delegate_id,
        since=iso(time.time() if body.since is UNSET else read_moment("since", body.since)),
        until=iso(read_moment("until", body.until)),
    )
    await change(request, caller, [fact], body=msgspec.to_builtins(body))
    return absence_view(user_id, made(_absences(request, caller).by_user.get(user_id)))


async def remove_absence(request: web.Request, caller: Principal, user_id: str) -> None:
    """Let nobody decide in a member's place any more.

    Raises:
        ApiError: 404, they are not away.
    """
    if not done_before(request, caller):
        if user_id not in _absences(request, caller).by_user:
            raise ApiError(404, _MISSING)
        fact = AbsenceEnded(actor=caller.actor, workspace_id=str(caller.workspace_id), user_id=user_id)
        await change(request, caller, [fact])


def _absences(request: web.Request, caller: Principal) -> Absences:
    return workspace_of(request, caller).absences
