"""Business time: when people are at work, and when that much of it has passed.

A calendar says on which days of the week, between which times of its time zone's clock, and on which days
not at all. Hours, minutes and seconds count only while people are at work. Days count working days: ``2d``
ends at the same time of day two working days later or, where nobody is at work then, when they are next on
that day, or when they stop. What begins outside of the hours begins when they do.

A time of day stands for the first moment at which the clock shows it, or has passed it: in a night in which
the clock is put forward or back hours are shorter or longer, and none is lost or counted twice.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any, Final, TypeAlias

from msgspec import Struct

from signoff.engine.checks.values import shown
from signoff.engine.deciding.timetable import zone_of
from signoff.engine.definitions.faults import at
from signoff.engine.definitions.inspection import Inspection
from signoff.engine.definitions.schedules import is_time_zone
from signoff.engine.definitions.values import WAIT_UNITS
from signoff.engine.errors import InvalidValueError

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MAX_DAYS: Final = 366
"""How far ahead business time is looked for."""

_DAY: Final = 86_400
_KEYS: Final = ("timezone", "hours", "holidays")
_HINT: Final = "such as {timezone: Europe/Berlin, hours: {mon-fri: 09:00-17:00}}"
_HOURS_HINT: Final = "such as {mon-fri: 09:00-17:00}"
_SPAN: Final = re.compile(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)", re.ASCII)
_MOST_SPANS: Final = 4
_MOST_HOLIDAYS: Final = 500

Hours: TypeAlias = tuple[tuple[int, int], ...]
"""When people are at work on a day: spans from one time to another, in seconds after midnight as the clock
shows them, 86,400 for the day's end; in order, distinct, none empty."""


class Calendar(Struct, frozen=True, kw_only=True):
    """When people are at work.

    Attributes:
        timezone: whose clock it is, by its name in the time zone database.
        week: the hours of each weekday, from Monday; at least one has some.
        holidays: days without hours.
    """

    timezone: str = "UTC"
    week: tuple[Hours, ...]
    holidays: frozenset[date] = frozenset()


def add_business(start: float, amount: float, unit: str, calendar: Calendar) -> float:
    """The moment at which so much business time has passed.

    Args:
        start: in seconds since the epoch.
        amount: how much, more than nothing; days are whole.
        unit: of the amount, a key of `signoff.engine.definitions.values.WAIT_UNITS`.
        calendar: when people are at work.

    Returns:
        Seconds since the epoch; a moment of the calendar's hours, or the end of some.

    Raises:
        InvalidValueError: parts of a day, or the hours of the next 366 days do not come to that.
    """
    if unit != "days":
        return add_open_time(start, amount * WAIT_UNITS[unit] / 1000, calendar)
    if amount != int(amount):
        raise InvalidValueError("business time has whole days only: write hours instead")
    return add_working_days(start, int(amount), calendar)


def add_open_time(start: float, seconds: float, calendar: Calendar) -> float:
    """The moment at which people have been at work for so long since another one."""
    left = seconds
    for opens, closes in _spans(calendar, start):
        begins = max(opens, start)
        if left <= closes - begins:
            return begins + left
        left -= closes - begins
    raise _never()


def add_working_days(start: float, days: int, calendar: Calendar) -> float:
    """The same time of day so many working days after a moment, or after the hours that follow it."""
    begins = next((max(opens, start) for opens, _ in _spans(calendar, start)), None)
    if begins is None:
        raise _never()
    first, seconds = _reading(calendar, begins)
    day = _nth_working_day(calendar, first, days)
    wanted = _moment(calendar, day, seconds)
    spans = _day_spans(calendar, day)
    return next((max(opens, wanted) for opens, closes in spans if wanted < closes), spans[-1][1])


def read_calendar(value: Any, path: str, inspection: Inspection) -> Calendar | None:
    """Reads ``{timezone, hours, holidays}``.

    Args:
        value: as an author wrote it.
        path: where it stands.
        inspection: takes what is wrong.

    Returns:
        The calendar; None where it is left out, not known yet, or at fault.
    """
    written = inspection.object_of(value, path, _KEYS, _HINT)
    if written is None:
        return None
    zone = _read_zone(written.get("timezone"), at(path, "timezone"), inspection)
    week = _read_week(written.get("hours"), at(path, "hours"), inspection)
    holidays = _read_holidays(written.get("holidays"), at(path, "holidays"), inspection)
    if zone is None or week is None or inspection.is_open(value):
        return None
    return Calendar(timezone=zone, week=week, holidays=holidays)


def _nth_working_day(calendar: Calendar, first: date, days: int) -> date:
    for day in _days(first + timedelta(days=1)):
        days -= bool(_day_spans(calendar, day))
        if days == 0:
            return day
    raise _never()


def _never() -> InvalidValueError:
    return InvalidValueError(
        f"the hours of the next {MAX_DAYS} days do not come to that much business time: "
        "shorten the duration, or add hours to the calendar"
    )


def _spans(calendar: Calendar, start: float) -> Iterator[tuple[float, float]]:
    """The spans of work that end after a moment, in order, for `MAX_DAYS` days."""
    first = datetime.fromtimestamp(start, zone_of(calendar.timezone)).date()
    return (span for day in _days(first) for span in _day_spans(calendar, day) if span[1] > start)


def _days(first: date) -> Iterator[date]:
    return (first + timedelta(days=index) for index in range(MAX_DAYS))


def _day_spans(calendar: Calendar, day: date) -> list[tuple[float, float]]:
    """A day's spans of work as moments; those that its clock leaves out are none."""
    hours = () if day in calendar.holidays else calendar.week[day.weekday()]
    moments = [(_moment(calendar, day, opens), _moment(calendar, day, closes)) for opens, closes in hours]
    return [(opens, closes) for opens, closes in moments if opens < closes]


def _moment(calendar: Calendar, day: date, seconds: float) -> float:
    """The first moment at which the clock shows a time of a day, or has passed it."""
    zone = zone_of(calendar.timezone)
    shown = datetime.combine(day, time()) + timedelta(seconds=seconds)
    moment = shown.replace(tzinfo=zone).timestamp()
    if datetime.fromtimestamp(moment, zone).replace(tzinfo=None) == shown:
        return moment
    # The clock is put forward over it: between the moments that its old and its new setting make of it.
    return _change(zone, shown.replace(tzinfo=zone, fold=1).timestamp(), moment)


def _reading(calendar: Calendar, moment: float) -> tuple[date, float]:
    """The latest that the clock has shown up to a moment: a day, and seconds after its midnight."""
    zone = zone_of(calendar.timezone)
    shown = datetime.fromtimestamp(moment, zone)
    if shown.fold:  # it was put back, and shows a time again
        put_back = _change(zone, shown.replace(fold=0).timestamp(), moment)
        shown = datetime.fromtimestamp(put_back - 1, zone) + timedelta(seconds=1)
    day = datetime.combine(shown.date(), time())
    return shown.date(), (shown.replace(tzinfo=None) - day).total_seconds()


def _change(zone: tzinfo, before: float, after: float) -> float:
    """The moment between two others from which on the clock is set differently; it is a whole second."""
    seconds = range(math.floor(before), math.ceil(after) + 1)
    setting = _setting(zone, before)
    return seconds[bisect_left(seconds, True, key=lambda each: _setting(zone, each) != setting)]


def _setting(zone: tzinfo, moment: float) -> timedelta | None:
    return datetime.fromtimestamp(moment, zone).utcoffset()


def _read_zone(value: Any, path: str, inspection: Inspection) -> str | None:
    if value is None:
        return "UTC"
    if inspection.is_open(value):
        return None
    if not is_time_zone(value):
        inspection.fault(path, f"{shown(value)} is no time zone", "such as Europe/Berlin or UTC")
        return None
    return str(value)


def _read_week(value: Any, path: str, inspection: Inspection) -> tuple[Hours, ...] | None:
    if isinstance(value, str) and inspection.is_open(value):
        return None
    if not isinstance(value, dict) or not value:
        inspection.fault(path, "must be an object: the hours by day of the week", _HOURS_HINT)
        return None
    week: dict[int, Hours] = {}
    for key, written in value.items():
        days = _read_weekdays(key)
        if days is None:
            inspection.fault(at(path, key), "is no day of the week", "such as mon, or mon-fri")
        elif twice := [WEEKDAYS[day] for day in days if day in week]:
            inspection.fault(at(path, key), f"{twice[0]} is given twice")
        else:
            hours = _read_hours(written, at(path, key), inspection)
            week |= dict.fromkeys(days, hours)
    if not any(week.values()):
        return None
    return tuple(week.get(day, ()) for day in range(7))


def _read_weekdays(key: str) -> list[int] | None:
    first, dash, last = key.strip().lower().partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        return None
    begin = WEEKDAYS.index(first)
    length = (WEEKDAYS.index(last) - begin) % 7 + 1 if dash else 1
    return [(begin + index) % 7 for index in range(length)]


def _read_hours(value: Any, path: str, inspection: Inspection) -> Hours:
    """Reads one span, or a list of some; none where one is not known yet or at fault."""
    if isinstance(value, list):
        listed = list(inspection.items(value, path, _MOST_SPANS, _HOURS_HINT))
    else:
        listed = [(path, value)]
    hours = [_read_span(each, each_path, inspection) for each_path, each in listed]
    known = [each for each in hours if each is not None]
    for (each_path, _), (before, after) in zip(listed[1:], pairwise(known), strict=False):
        if after[0] < before[1]:
            inspection.fault(each_path, "begins before the hours in front of it end", "write them in order")
            return ()
    return tuple(known) if len(known) == len(hours) else ()


def _read_span(value: Any, path: str, inspection: Inspection) -> tuple[int, int] | None:
    if inspection.is_open(value):
        return None
    match = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    opens, closes = (_read_time(match[1]), _read_time(match[2])) if match else (None, None)
    if opens is None or closes is None:
        inspection.fault(path, f"must be hours such as 09:00-17:00, not {shown(value)}")
        return None
    if opens >= closes:
        inspection.fault(
            path,
            "end before they begin",
            "hours over midnight are two: 22:00-24:00, and 00:00-06:00 of the next day",
        )
        return None
    return opens, closes


def _read_time(text: str) -> int | None:
    hours, minutes = int(text[:2]), int(text[3:])
    seconds = hours * 3600 + minutes * 60
    return seconds if minutes < 60 and seconds <= _DAY else None


def _read_holidays(value: Any, path: str, inspection: Inspection) -> frozenset[date]:
    if value == []:
        return frozenset()
    days = set()
    for each_path, each in inspection.items(value, path, _MOST_HOLIDAYS, 'such as ["2026-12-25"]'):
        if inspection.is_open(each):
            continue
        try:
            days.add(datetime.strptime(each, "%Y-%m-%d").date())  # noqa: DTZ007  (a day has no time zone)
        except (TypeError, ValueError):
            inspection.fault(each_path, f"must be a day such as 2026-12-25, not {shown(each)}")
    return frozenset(days)
