"""Absences as callers see them."""

import time

from msgspec import Struct

from signoff.access.absences import Absence
from signoff.access.directory import Workspace
from signoff.events.times import iso


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
