"""Who is away in a workspace, and who decides in their place meanwhile. Part of the directory's fold."""

from typing import Final

from msgspec import Struct

LONGEST: Final = 366 * 86_400.0
"""Seconds that an absence may last."""


class Absence(Struct, frozen=True, kw_only=True):
    """A member is away. Times are seconds since the epoch: ``since`` ≤ away < ``until``."""

    delegate_id: str
    since: float
    until: float

    def covers(self, now: float) -> bool:
        """Whether they are away at a moment (seconds since the epoch)."""
        return self.since <= now < self.until


class Absences(Struct, kw_only=True):
    """The absences of a workspace's members, one for each.

    Attributes:
        by_user: user id → their absence.
        by_delegate: the index: delegate's id → those who named them.
    """

    by_user: dict[str, Absence] = {}
    by_delegate: dict[str, list[str]] = {}

    def set(self, user_id: str, absence: Absence) -> None:
        """Take an absence in, in place of an earlier one of the same user."""
        self.end(user_id)
        self.by_user[user_id] = absence
        self.by_delegate.setdefault(absence.delegate_id, []).append(user_id)

    def end(self, user_id: str) -> None:
        """Let a user's absence be no more, if there is one."""
        absence = self.by_user.pop(user_id, None)
        if absence is None:
            return
        absent = self.by_delegate[absence.delegate_id]
        absent.remove(user_id)
        if not absent:
            del self.by_delegate[absence.delegate_id]

    def leave(self, user_id: str) -> None:
        """A member is none any more: their absence ends, and so do those in which they were to decide."""
        for each in (user_id, *self.by_delegate.get(user_id, ())):
            self.end(each)

    def stood_in_for(self, delegate_id: str, now: float) -> list[str]:
        """Those who are away at a moment (seconds since the epoch) and named this user."""
        return [each for each in self.by_delegate.get(delegate_id, ()) if self.by_user[each].covers(now)]

    def copied(self) -> "Absences":
        """The same, to change."""
        return Absences(
            by_user=dict(self.by_user),
            by_delegate={each: list(absent) for each, absent in self.by_delegate.items()},
        )
