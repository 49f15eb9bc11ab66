"""Schedules are cron expressions in a time zone, whatever they were written as."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.engine.definitions.parse import Parsed, parse
from signoff.engine.definitions.schedules import ScheduleError, check_cron, is_time_zone, sim_cron


@pytest.mark.parametrize(
    ("params", "cron"),
    [
        ({}, "0 9 * * *"),
        ({"scheduleType": "minutes"}, "*/15 * * * *"),
        ({"scheduleType": "minutes", "minutesInterval": "5"}, "*/5 * * * *"),
        ({"scheduleType": "minutes", "minutesInterval": 120}, "0 */2 * * *"),
        ({"scheduleType": "minutes", "minutesInterval": 1440}, "0 0 * * *"),
        ({"scheduleType": "hourly", "hourlyMinute": "30"}, "30 * * * *"),
        ({"scheduleType": "daily", "dailyTime": "07:05"}, "5 7 * * *"),
        ({"scheduleType": "daily", "dailyTime": "07:05:59"}, "5 7 * * *"),
        ({"scheduleType": "weekly"}, "0 9 * * 1"),
        ({"scheduleType": "weekly", "weeklyDay": "SUN", "weeklyDayTime": "23:59"}, "59 23 * * 0"),
        ({"scheduleType": "monthly", "monthlyDay": "31", "monthlyTime": "00:00"}, "0 0 31 * *"),
        ({"scheduleType": "custom", "cronExpression": "0 0 1 1 *"}, "0 0 1 1 *"),
    ],
)
def test_sims_schedules_are_cron_expressions(params: dict[str, Any], cron: str) -> None:
    assert sim_cron(params) == cron
    assert check_cron(cron) is None


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"scheduleType": "yearly"}, "scheduleType"),
        ({"scheduleType": "minutes", "minutesInterval": 90}, "minutesInterval"),
        ({"scheduleType": "minutes", "minutesInterval": 0}, "minutesInterval"),
        ({"scheduleType": "hourly", "hourlyMinute": 60}, "hourlyMinute"),
        ({"scheduleType": "daily", "dailyTime": "24:00"}, "dailyTime"),
        ({"scheduleType": "weekly", "weeklyDay": "FUNDAY"}, "weeklyDay"),
        ({"scheduleType": "monthly", "monthlyDay": True}, "monthlyDay"),
    ],
)
def test_what_sim_would_replace_silently_is_refused(params: dict[str, Any], param: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        sim_cron(params)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* * 32 * *",
        "* * 31 2 *",
        "a b c d e",
        "*/0 * * * *",
        5,
        None,
    ],
)
def test_what_is_no_cron_expression_is_said(cron: Any) -> None:
    assert check_cron(cron)


@given(st.text("0123456789*/,-#L W", max_size=30) | st.text(max_size=20))
def test_no_text_breaks_the_check_of_cron_expressions(text: str) -> None:
    assert isinstance(check_cron(text), str | None)


@given(st.text("./\x00aE", max_size=12) | st.sampled_from(["America", "../UTC", "/etc/passwd", "a" * 5000]))
def test_no_text_breaks_the_check_of_time_zones(text: str) -> None:
    assert is_time_zone(text) is False


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC"])
def test_the_time_zone_database_is_asked(zone: str) -> None:
    assert is_time_zone(zone)


def recipe(**block: Any) -> Parsed:
    return parse(
        {"blocks": {"t": {"type": "schedule", **block}, "end": {"type": "response"}}}, workflow_id="w"
    )


def test_a_schedule_starts_runs_and_needs_no_start_block() -> None:
    parsed = recipe(cron="0 9 * * 1-5", timezone="Europe/Berlin", catchUp="all", then="end")
    assert parsed.definition is not None, parsed.faults
    assert [block.id for block in parsed.definition.blocks] == ["t", "end"]
    assert parsed.definition.blocks[0].trigger
    assert parsed.definition.blocks[0].params == {
        "cron": "0 9 * * 1-5",
        "timezone": "Europe/Berlin",
        "catchUp": "all",
    }


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({}, "blocks.t.cron"),
        ({"cron": "every day"}, "blocks.t.cron"),
        ({"cron": "0 9 * * *", "timezone": "Berlin"}, "blocks.t.timezone"),
        ({"cron": "0 9 * * *", "catchUp": "some"}, "blocks.t.catchUp"),
    ],
)
def test_a_schedule_that_no_clock_can_keep_is_refused(block: dict[str, Any], path: str) -> None:
    assert [fault.path for fault in recipe(then="end", **block).faults] == [path]


def test_sims_schedule_is_kept_as_a_cron_expression() -> None:
    params = {"scheduleType": "daily", "dailyTime": "08:00", "timezone": "Asia/Tokyo", "weeklyDay": "MON"}
    blocks: list[dict[str, Any]] = [{"id": "t", "metadata": {"id": "schedule"}, "config": {"params": params}}]
    parsed = parse({"blocks": blocks, "connections": []}, workflow_id="w")
    assert parsed.definition is not None, parsed.faults
    assert parsed.definition.blocks[0].params == {"cron": "0 8 * * *", "timezone": "Asia/Tokyo"}
    blocks[0]["config"] = {"params": params | {"timezone": ""}}
    assert parse({"blocks": blocks, "connections": []}, workflow_id="w").faults == []
    blocks[0]["config"] = {"params": params | {"dailyTime": "later"}}
    again = parse({"blocks": blocks, "connections": []}, workflow_id="w")
    assert [fault.path for fault in again.faults] == ["blocks[0].config.params.dailyTime"]
