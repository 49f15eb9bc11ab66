"""Business time: what counts, over nights, weekends, holidays and changes of the clock."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.engine.definitions.inspection import Inspection
from signoff.engine.errors import InvalidValueError
from signoff.engine.points.calendars import (
    Calendar,
    add_business,
    add_open_time,
    add_working_days,
    read_calendar,
)

ZONES = ["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"]
OFFICE = {
    "timezone": "Europe/Zurich",
    "hours": {"mon-fri": ["09:00-12:00", "13:00-17:00"]},
    "holidays": ["2026-12-25"],
}
ALWAYS = {"timezone": "Europe/Zurich", "hours": {"mon-sun": "00:00-24:00"}}


def calendar_of(raw: Any) -> Calendar:
    calendar = read_calendar(raw, "calendar", Inspection.of_resolved())
    assert calendar is not None
    return calendar


def at_clock(text: str, zone: str = "Europe/Zurich", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        ("2026-07-01T10:00", 1, "hours", "2026-07-01T11:00"),
        ("2026-07-01T11:30", 1, "hours", "2026-07-01T13:30"),
        ("2026-07-01T10:00", 2, "hours", "2026-07-01T12:00"),
        ("2026-07-03T16:30", 90, "minutes", "2026-07-06T10:00"),
        ("2026-07-04T03:00", 30, "seconds", "2026-07-06T09:00:30"),
        ("2026-12-24T16:00", 2, "hours", "2026-12-28T10:00"),
        ("2026-07-01T10:00", 1, "days", "2026-07-02T10:00"),
        ("2026-07-03T16:30", 1, "days", "2026-07-06T16:30"),
        ("2026-07-03T20:00", 1, "days", "2026-07-07T09:00"),
        ("2026-07-01T12:30", 1, "days", "2026-07-02T13:00"),
        ("2026-12-24T10:00", 2, "days", "2026-12-29T10:00"),
    ],
)
def test_only_time_at_work_counts(start: str, amount: float, unit: str, end: str) -> None:
    assert add_business(at_clock(start), amount, unit, calendar_of(OFFICE)) == at_clock(end)


@pytest.mark.parametrize(
    ("hours", "end"),
    [
        ({"fri": "15:00-17:00", "sat": "10:00-12:00"}, "2026-07-04T12:00"),
        ({"fri": "15:00-17:00", "sat": ["10:00-12:00", "18:00-19:00"]}, "2026-07-04T18:00"),
        ({"fri": "15:00-17:00", "sat": "16:00-24:00"}, "2026-07-04T16:30"),
    ],
)
def test_a_working_day_ends_at_the_same_time_or_when_there_is_work_next_or_when_it_stops(
    hours: dict[str, Any], end: str
) -> None:
    calendar = calendar_of({"timezone": "Europe/Zurich", "hours": hours})

    assert add_working_days(at_clock("2026-07-03T16:30"), 1, calendar) == at_clock(end)


@pytest.mark.parametrize(
    ("hours", "start", "seconds", "end"),
    [
        # 2026-03-29: at 02:00 the clock is put forward to 03:00.
        ("01:00-04:00", "2026-03-29T01:30", 3600, at_clock("2026-03-29T03:30")),
        ("02:30-04:00", "2026-03-29T00:00", 1800, at_clock("2026-03-29T03:30")),
        ("02:10-02:50", "2026-03-29T00:00", 60, at_clock("2026-03-30T02:11")),
        # 2026-10-25: at 03:00 it is put back to 02:00.
        ("01:00-04:00", "2026-10-25T01:30", 7200, at_clock("2026-10-25T02:30", fold=1)),
        ("01:00-02:30", "2026-10-25T01:30", 3600, at_clock("2026-10-25T02:30")),
    ],
)
def test_a_night_in_which_the_clock_is_put_has_the_hours_that_pass(
    hours: str, start: str, seconds: float, end: float
) -> None:
    calendar = calendar_of({"timezone": "Europe/Zurich", "hours": {"mon-sun": hours}})

    assert add_open_time(at_clock(start), seconds, calendar) == end


def test_a_working_day_that_begins_in_a_repeated_hour_ends_after_that_hour() -> None:
    second = at_clock("2026-10-25T02:15", fold=1)

    assert add_working_days(second, 1, calendar_of(ALWAYS)) == at_clock("2026-10-26T03:00")


def test_what_the_hours_of_a_year_do_not_come_to_is_refused() -> None:
    minute_a_week = calendar_of({"hours": {"mon": "09:00-09:01"}})

    for amount, unit in ((366, "hours"), (60, "days")):
        with pytest.raises(InvalidValueError, match="do not come to that much business time"):
            add_business(0, amount, unit, minute_a_week)


def test_parts_of_a_working_day_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="whole days only"):
        add_business(0, 1.5, "days", calendar_of(OFFICE))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timezone": "Europe/Zurick"}, "calendar.timezone: "),
        ({"hours": {}}, "calendar.hours: must be an object"),
        ({"hours": None}, "calendar.hours: must be an object"),
        ({"hours": {"mon": "9-17"}}, "calendar.hours.mon: must be hours such as"),
        ({"hours": {"mon": "09:00-24:30"}}, "calendar.hours.mon: must be hours such as"),
        ({"hours": {"mon": "09:60-11:00"}}, "calendar.hours.mon: must be hours such as"),
        ({"hours": {"mon": []}}, "calendar.hours.mon: must be a list with at least one entry"),
        ({"hours": {"mon": "22:00-06:00"}}, "22:00-24:00, and 00:00-06:00 of the next day"),
        ({"hours": {"mon": ["13:00-17:00", "09:00-12:00"]}}, r"calendar.hours.mon\[1\]: begins before"),
        ({"hours": {"monday": "09:00-12:00"}}, "calendar.hours.monday: is no day of the week"),
        ({"hours": {"mon-fri": "09:00-12:00", "wed": "09:00-10:00"}}, "wed is given twice"),
        ({"holidays": ["2026-02-30"]}, r"calendar.holidays\[0\]: must be a day such as"),
        ({"holiday": []}, "calendar.holiday: is not known here .did you mean"),
    ],
)
def test_what_is_wrong_with_a_calendar_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        calendar_of(OFFICE | change)


# --- What holds of every calendar ---


@st.composite
def hours(draw: st.DrawFn) -> Any:
    past = draw(st.sampled_from([0, 10, 30]))  # minutes: some zones are set by half an hour
    marks = sorted(draw(st.sets(st.integers(0, 23), min_size=2, max_size=4)))
    times = [f"{mark:02}:{past:02}" for mark in marks[:-1]] + [
        "24:00" if marks[-1] == 23 else f"{marks[-1]:02}:{past:02}"
    ]
    return [f"{opens}-{closes}" for opens, closes in zip(times[::2], times[1::2], strict=False)]


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    days = draw(st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1))
    free = draw(st.sets(st.dates(date(2026, 3, 20), date(2026, 4, 5)), max_size=5))
    return calendar_of(
        {
            "timezone": draw(st.sampled_from(ZONES)),
            "hours": {day: draw(hours()) for day in sorted(days)},
            "holidays": [each.isoformat() for each in sorted(free)],
        }
    )


STARTS = st.builds(
    lambda first, seconds: at_clock(first, "UTC") + seconds,
    st.sampled_from(["2026-03-22T00:00", "2026-10-18T00:00"]),
    st.integers(0, 14 * 86_400),
)
SECONDS = st.integers(1, 80_000)  # two of them are in every year that has an hour a week


def is_at_work(calendar: Calendar, moment: float) -> bool:
    """By the clock alone, without moments: in the hours, or at the end of some."""
    clock = datetime.fromtimestamp(moment, ZoneInfo(calendar.timezone))
    day, second = clock.date(), clock.hour * 3600 + clock.minute * 60 + clock.second
    readings = [(day, second), (day - timedelta(days=1), second + 86_400)]
    return any(
        opens <= reading <= closes
        for each, reading in readings
        if each not in calendar.holidays
        for opens, closes in calendar.week[each.weekday()]
    )


def is_near_a_change(calendar: Calendar, moment: float) -> bool:
    zone = ZoneInfo(calendar.timezone)
    offsets = {datetime.fromtimestamp(moment + hour * 3600, zone).utcoffset() for hour in (-25, 0, 25)}
    return len(offsets) > 1


@given(calendars(), STARTS, SECONDS, SECONDS)
def test_more_time_ends_no_earlier_and_a_later_start_does_not_either(
    calendar: Calendar, start: float, seconds: int, more: int
) -> None:
    end = add_open_time(start, seconds, calendar)

    assert end >= start + seconds
    assert add_open_time(start, seconds + more, calendar) > end
    assert add_open_time(start + more, seconds, calendar) >= end


@given(calendars(), STARTS, SECONDS, SECONDS)
def test_time_may_be_counted_in_two_parts(calendar: Calendar, start: float, first: int, second: int) -> None:
    middle = add_open_time(start, first, calendar)

    assert add_open_time(middle, second, calendar) == add_open_time(start, first + second, calendar)


@given(calendars(), STARTS, st.integers(1, 10), st.integers(1, 10), SECONDS)
def test_more_days_end_later_and_a_later_start_no_earlier(
    calendar: Calendar, start: float, days: int, more: int, later: int
) -> None:
    end = add_working_days(start, days, calendar)

    assert end > start
    assert add_working_days(start, days + more, calendar) > end
    assert add_working_days(start + later, days, calendar) >= end


@given(calendars(), STARTS, st.integers(1, 30), st.sampled_from(["hours", "days"]))
def test_what_is_counted_ends_within_the_hours(
    calendar: Calendar, start: float, amount: int, unit: str
) -> None:
    end = add_business(start, amount, unit, calendar)

    assert is_at_work(calendar, end) or is_near_a_change(calendar, end)


@given(st.sampled_from(ZONES), STARTS, st.integers(1, 10_000_000))
def test_where_there_is_always_work_time_is_added_plainly(zone: str, start: float, seconds: int) -> None:
    always = calendar_of(ALWAYS | {"timezone": zone})

    assert add_open_time(start, seconds, always) == start + seconds
