"""Business time, as the log tells it: no test can wait for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from semantics.cases import Player
from support.bdd import NOW
from support.engine_runs import Engine
from support.systems import System


def asks(today: datetime) -> dict[str, Any]:
    """A pause with an hour of business time, on a day that is a holiday as those around it are."""
    holidays = [(today + timedelta(days=days)).strftime("%Y-%m-%d") for days in (-1, 0, 1)]
    calendar = {"timezone": "UTC", "hours": {"mon-sun": "09:00-17:00"}, "holidays": holidays}
    steps = [{"after": "1h", "remind": True}, {"after": "1d", "fail": True}]
    deadline = {"calendar": calendar, "steps": steps}
    return {"blocks": {"ask": {"type": "human_in_the_loop", "deadline": deadline}}}


async def assert_holidays_do_not_count(player: Player, today: datetime) -> None:
    await player.start(None)

    (opened,) = (await player.tell()).of_type("pause:opened")
    morning = (today + timedelta(days=2)).strftime("%Y-%m-%d")
    evening = (today + timedelta(days=3)).strftime("%Y-%m-%d")
    moments = [each["at"] for each in opened["deadlines"]]
    assert moments == [f"{morning}T10:00:00.000000Z", f"{evening}T09:00:00.000000Z"]


@pytest.mark.rule("D-40")
async def test_the_engine_counts_the_hours_of_a_calendar_only(engine: Engine) -> None:
    today = datetime.fromtimestamp(NOW, UTC)

    run = await asyncio.to_thread(engine.run, asks(today))  # it reads the time zone's rules from a file
    await assert_holidays_do_not_count(run, today)


@pytest.mark.rule("D-40")
async def test_a_server_counts_the_hours_of_a_calendar_only(system: System) -> None:
    today = datetime.now(UTC)

    await assert_holidays_do_not_count(await system.run(asks(today)), today)
