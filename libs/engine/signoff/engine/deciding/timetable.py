"""When the schedules of a workflow are due, and which of the moments that were missed are made up for.

A moment is a second at which a cron expression matches the clock of a time zone. Where that clock is
put forward or back, Debian's cron is followed, as ``cronsim`` does. An expression that names its hours
and minutes (``30 2 * * *``) is due once a day: in a skipped hour at the first moment after it, in a
repeated one the first time. One whose minute or hour begins with ``*`` (``*/15 * * * *``) goes by the
time that passes: nothing of a skipped hour, a repeated one twice.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from itertools import takewhile
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from cronsim import CronSim
from msgspec import Struct

from signoff.engine.errors import EngineError
from signoff.events.escapes import is_reference
from signoff.events.types import Json

CatchUp: TypeAlias = Literal["none", "last", "all"]

LATE: Final = 60
"""Seconds after its moment from which on a start counts as missed."""

MOST: Final = 100
"""Missed moments of one schedule that ``all`` makes up for at once, the newest."""

COUNTED: Final = 1000
"""Moments left out that are counted; there may be more."""

_FIRST_WINDOW: Final = 3600.0
_GROWTH: Final = 4


class Schedule(Struct, frozen=True, kw_only=True):
    """An enabled ``schedule`` block of a workflow's active version.

    Attributes:
        block_id: of the block.
        cron: minute, hour, day of month, month, day of week.
        timezone: whose clock it is, by its name in the time zone database.
        catch_up: what becomes of missed moments: dropped, one start for all, or a start for each.
    """

    block_id: str
    cron: str
    timezone: str = "UTC"
    catch_up: CatchUp = "last"


class Firing(Struct, frozen=True):
    """A start that is due.

    Attributes:
        moment: that it is for, in seconds since the epoch.
        missed: moments before it that are left out, at most `COUNTED`.
    """

    moment: float
    missed: int


class PartElsewhereError(EngineError):
    """A definition was too large for its event, and a part of it that matters is a reference."""


def read_schedules(definition: Json) -> list[Schedule]:
    """The schedules of a definition as an event holds it.

    Raises:
        PartElsewhereError: resolve the definition, then read it again.
    """
    blocks = _inline(_inline(definition).get("blocks", []))
    read = [_read_schedule(block) for block in map(_inline, blocks) if block["enabled"]]
    return [schedule for schedule in read if schedule is not None]


@lru_cache(maxsize=1000)
def zone_of(name: str) -> tzinfo:
    """The rules of a time zone. They are read from the time zone database once: the first call may block.

    Raises:
        ZoneInfoNotFoundError: this process's database does not know it.
    """
    return ZoneInfo(name)


def next_moment(schedule: Schedule, after: float, now: float) -> float | None:
    """When something is to be done for a schedule next, given what was done.

    Args:
        schedule: of the workflow.
        after: the last moment that was fired, or the deployment, in seconds since the epoch.
        now: decides which missed moments are let go.

    Returns:
        Seconds since the epoch, not after ``now`` where a start is due; None where the expression
        matches no moment of the next fifty years.
    """
    if schedule.catch_up == "none":
        after = max(after, math.ceil(now) - LATE - 1)
    return next(_moments(schedule, after), None)


def firings(schedule: Schedule, after: float, now: float) -> list[Firing]:
    """The starts that are due now, the earliest first; arguments as of `next_moment`."""
    passed = _passed(schedule, after, now)
    made_up = _made_up(schedule.catch_up, passed, now)
    missed = min(len(passed) - len(made_up), COUNTED)
    return [Firing(moment, 0 if index else missed) for index, moment in enumerate(made_up)]


def _read_schedule(block: Json) -> Schedule | None:
    if _inline(block["metadata"])["id"] != "schedule":
        return None
    params = _inline(_inline(block["config"])["params"])
    if "cron" not in params:  # it was deployed before schedules were kept to
        return None
    return Schedule(
        block_id=block["id"],
        cron=params["cron"],
        timezone=params.get("timezone") or "UTC",
        catch_up=params.get("catchUp") or "last",
    )


def _inline(value: Json) -> Json:
    if is_reference(value):
        raise PartElsewhereError("a part of the definition is not in its event")
    return value


def _moments(schedule: Schedule, after: float) -> Iterator[float]:
    """Every moment after one. In a repeated hour, cronsim begins with those of its first time."""
    start = datetime.fromtimestamp(after, zone_of(schedule.timezone))
    moments = (moment.timestamp() for moment in CronSim(schedule.cron, start))
    return (moment for moment in moments if moment > after)


def _passed(schedule: Schedule, after: float, now: float) -> list[float]:
    """The moments up to now: all of them or, of very many, more than are made up for and counted.

    The newest are found without a walk over all: in a window that grows until it holds enough.
    """
    window = _FIRST_WINDOW
    while True:
        start = max(after, now - window)
        found = list(takewhile(lambda moment: moment <= now, _moments(schedule, start)))
        if start == after or len(found) >= COUNTED + MOST:
            return found
        window *= _GROWTH


def _made_up(catch_up: CatchUp, passed: Sequence[float], now: float) -> Sequence[float]:
    match catch_up:
        case "none":
            return [moment for moment in passed if moment >= now - LATE]
        case "last":
            return passed[-1:]
        case "all":
            return passed[-MOST:]
