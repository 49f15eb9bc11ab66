"""Moments as people read them: how long ago or ahead, and in full."""

import time
from datetime import UTC, datetime
from typing import Final

from signoff.events.times import from_iso, iso

_UNITS: Final = (
    (60.0, "minute", 60),
    (3600.0, "hour", 24),
    (86400.0, "day", 30),
    (86400.0 * 30, "month", 12),
)
"""Seconds of each, and how many are told at most: the next one is told instead."""

_YEAR: Final = 86400.0 * 365
_NOW: Final = 45.0
"""Seconds within which a moment is now."""


def as_iso(moment: float | str) -> str:
    """A moment for ``datetime`` attributes.

    Args:
        moment: seconds since the epoch, or ISO 8601.
    """
    return moment if isinstance(moment, str) else iso(moment)


def in_full(moment: float | str) -> str:
    """A moment by date and time, in UTC."""
    return f"{datetime.fromtimestamp(_seconds(moment), UTC):%-d %b %Y, %H:%M:%S} UTC"


def in_clock(moment: float | str) -> str:
    """A moment by day and time, to the millisecond, in UTC: for moments that are near to each other."""
    at = datetime.fromtimestamp(_seconds(moment), UTC)
    return f"{at:%-d %b, %H:%M:%S}.{at.microsecond // 1000:03} UTC"


def relative(moment: float | str, *, now: float | None = None) -> str:
    """How long ago or ahead a moment is, such as ``3 hours ago`` (assets/times.js says it in the same way).

    Args:
        moment: seconds since the epoch, or ISO 8601.
        now: seconds since the epoch; the present where it is left out.
    """
    away = _seconds(moment) - (time.time() if now is None else now)
    if abs(away) < _NOW:
        return "just now" if away <= 0 else "in a moment"
    told = lasting(abs(away))
    return f"in {told}" if away > 0 else f"{told} ago"


def lasting(seconds: float) -> str:
    """About how long, in the largest unit of which there is one, such as ``2 days``."""
    if seconds < _NOW:
        return f"{_nearest(seconds)} s"
    for length, name, most in _UNITS:
        many = _nearest(seconds / length)
        if many < most:
            return _counted(many, name)
    return _counted(max(1, _nearest(seconds / _YEAR)), "year")


def _nearest(number: float) -> int:
    return int(number + 0.5)  # a half is rounded up, as JavaScript does


def _counted(many: int, name: str) -> str:
    return f"{many} {name}{'' if many == 1 else 's'}"


def spoken(seconds: float) -> str:
    """A length of time exactly, in few characters, such as ``1.2 s``; `lasting` tells its largest unit."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _seconds(moment: float | str) -> float:
    return from_iso(moment) if isinstance(moment, str) else moment
