"""When a ``schedule`` block starts runs: a cron expression in a time zone, whatever it was written as."""

import re
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cronsim import CronSim, CronSimError

from signoff.engine.definitions.values import parse_number
from signoff.engine.errors import InvalidValueError

CATCH_UP: Final = ("none", "last", "all")
"""What becomes of starts that were missed: dropped, one run for all of them, or a run for each."""

SIM_FIELDS: Final = (
    "scheduleType",
    "minutesInterval",
    "hourlyMinute",
    "dailyTime",
    "weeklyDay",
    "weeklyDayTime",
    "monthlyDay",
    "monthlyTime",
    "cronExpression",
)
"""Sim's parameters of a schedule, in place of ``cron``."""

_LONGEST: Final = 200
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?", re.ASCII)
_EARLY: Final = datetime(2000, 1, 1, tzinfo=UTC)


class ScheduleError(InvalidValueError):
    """A schedule cannot be read.

    Attributes:
        param: the parameter that is at fault, by Sim's name.
    """

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


def sim_cron(params: Mapping[str, Any]) -> str:
    """Writes Sim's schedule as a cron expression.

    Args:
        params: Sim's parameters, those of `SIM_FIELDS`; missing ones have Sim's defaults.

    Returns:
        Five fields, or what the author wrote for a custom schedule.

    Raises:
        ScheduleError: a parameter is out of its range. Sim would take its default silently.
    """
    kind = params.get("scheduleType") or "daily"
    match kind:
        case "minutes":
            return _every(_number(params, "minutesInterval", 15, 1, 1440))
        case "hourly":
            return f"{_number(params, 'hourlyMinute', 0, 0, 59)} * * * *"
        case "daily":
            return f"{_time(params, 'dailyTime')} * * *"
        case "weekly":
            return f"{_time(params, 'weeklyDayTime')} * * {_weekday(params)}"
        case "monthly":
            return f"{_time(params, 'monthlyTime')} {_number(params, 'monthlyDay', 1, 1, 31)} * *"
        case "custom":
            expression = params.get("cronExpression")
            return expression if isinstance(expression, str) else ""
    raise ScheduleError("scheduleType", "must be minutes, hourly, daily, weekly, monthly or custom")


def check_cron(expression: object) -> str | None:
    """Tells what is wrong with a cron expression.

    Args:
        expression: minute, hour, day of month, month, day of week.

    Returns:
        A sentence, or None where it is right.
    """
    if not isinstance(expression, str) or not expression.strip():
        return "a cron expression is required, as a text"
    if len(expression) > _LONGEST or len(expression.split()) != 5:
        return "a cron expression has five fields: minute, hour, day of month, month, day of week"
    try:
        CronSim(expression, _EARLY)
    except CronSimError as error:
        return f"is no cron expression: {str(error)[:1].lower()}{str(error)[1:]}"
    except ValueError:
        return "is no cron expression: a number in it is too long"
    return None


def is_time_zone(name: object) -> bool:
    """Tells whether the time zone database knows a name such as ``Europe/Berlin``."""
    if not isinstance(name, str) or not name:
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _every(minutes: int) -> str:
    """A step only counts within its hour or day: what does not divide them cannot be written."""
    if minutes < 60:
        return f"*/{minutes} * * * *"
    hours, rest = divmod(minutes, 60)
    if rest:
        raise ScheduleError("minutesInterval", "over 59 minutes only whole hours can be kept to")
    return "0 0 * * *" if hours == 24 else f"0 */{hours} * * *"


def _number(params: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = params.get(name)
    if value is None or value == "":
        return default
    number = parse_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise ScheduleError(name, f"must be a whole number from {low} to {high}")
    return number


def _time(params: Mapping[str, Any], name: str) -> str:
    """Minute and hour; Sim's default is nine in the morning."""
    value = params.get(name)
    if value is None or value == "":
        return "0 9"
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ScheduleError(name, "must be a time of day, such as 09:30")
    return f"{int(match[2])} {int(match[1])}"


def _weekday(params: Mapping[str, Any]) -> int:
    day = params.get("weeklyDay") or "MON"
    if not isinstance(day, str) or day.upper() not in _DAYS:
        raise ScheduleError("weeklyDay", f"must be one of {', '.join(_DAYS)}")
    return _DAYS.index(day.upper())
