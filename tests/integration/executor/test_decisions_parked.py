"""Executions wait a month for a decision: nothing runs, and each step strikes once, at its moment."""

import asyncio
import gc
import tracemalloc
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from signoff.events.times import from_iso
from signoff.events.types import Event
from support.executors import of_type
from support.leaping import DAY, HOUR, Years, in_years, leaping, years

__all__ = ["leaping", "years"]

LADDER: dict[str, Any] = {
    "deadline": {
        "steps": [
            {"after": "10d", "remind": True},
            {"after": "20d", "escalate": ["role:admin"]},
            {"after": "30d", "decide": {"approved": False}},
        ]
    }
}
STRUCK = ["pause:reminded", "pause:escalated", "pause:expired"]
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = {"timezone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}}


def steps_of(events: list[Event]) -> list[float]:
    """The moments that were promised when the point opened."""
    (opened,) = of_type(events, "pause:opened")
    return [from_iso(each.at) for each in opened.deadlines]


def kept_in_memory() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@in_years
async def test_a_month_passes_and_nothing_runs_nothing_is_written_and_nothing_leaks(years: Years) -> None:
    async with years.executor():
        await years.park(LADDER, count=100)
        await years.leap(DAY)
        rows, position = await years.inbox(), await years.site.store.last_position()
        years.store.appends = years.store.loads = 0
        tasks = asyncio.all_tasks()
        tracemalloc.start()
        before = kept_in_memory()
        for _ in range(80):
            await years.leap(DAY / 10)
        grown = kept_in_memory() - before
        tracemalloc.stop()

        assert (years.store.appends, years.store.loads) == (0, 0)
        assert (await years.inbox(), await years.site.store.last_position()) == (rows, position)
        assert len(asyncio.all_tasks()) == len(tasks)
        assert grown < 100_000


@in_years
async def test_every_step_strikes_once_at_its_moment_and_the_last_one_decides(years: Years) -> None:
    async with years.executor():
        (sent,) = await years.park(LADDER)
        steps = steps_of(await years.site.events(sent.log_id))
        for step in steps:
            await years.leap_to(step - 1)
            await years.leap_to(step)
        await years.leap(30 * DAY)

    story = await years.story(sent)
    assert [each for each in story if each[0] in STRUCK] == list(zip(STRUCK, steps, strict=True))
    (resumed,) = of_type(await years.site.events(sent.log_id), "execution:resumed")
    assert (resumed.submission, resumed.made.auth_method) == ({"approved": False}, "deadline")
    assert await years.inbox() == []


@in_years
async def test_steps_that_were_due_while_no_executor_lived_strike_at_once_in_order_and_once(
    years: Years,
) -> None:
    async with years.executor():
        sent = await years.park(LADDER, count=20)
    years.clock.leap_to(years.clock() + 40 * DAY)
    late = years.clock()

    async with years.executor():
        for each in sent:
            await years.site.until_event(each.log_id, "execution:completed")
    async with years.executor():
        await years.leap(DAY)

    for each in sent:
        story = await years.story(each)
        assert [kind for kind, _ in story] == [
            *STRUCK, "execution:resumed", "block:completed", "execution:completed",
        ]  # fmt: skip
        assert {moment for _, moment in story} == {late}


@in_years
async def test_a_step_strikes_once_where_its_executor_ends_and_another_one_comes(years: Years) -> None:
    async with years.executor():
        (sent,) = await years.park(LADDER)
        (remind, escalate, _) = steps_of(await years.site.events(sent.log_id))
        await years.leap_to(remind)
    async with years.executor():
        await years.leap(DAY)
    years.clock.leap_to(escalate + DAY)
    async with years.executor():
        await years.site.until_event(sent.log_id, "pause:escalated")

    assert [kind for kind, _ in await years.story(sent)] == ["pause:reminded", "pause:escalated"]


@in_years
async def test_a_person_in_the_second_before_the_deadline_wins_and_it_never_strikes(years: Years) -> None:
    async with years.executor():
        (sent,) = await years.park({"deadline": {"after": "30d", "default": {"approved": False}}})
        (deadline,) = steps_of(await years.site.events(sent.log_id))
        await years.leap_to(deadline - 0.5)
        decision = await years.decide(sent)
        outcome = await years.site.outcome(decision)
        await years.leap(DAY)

    events = await years.site.events(sent.log_id)
    assert outcome.outcome == "accepted"
    (resumed,) = of_type(events, "execution:resumed")
    assert resumed.submission == {"approved": True}
    assert "pause:expired" not in [event.type for event in events]


@in_years
async def test_a_person_in_the_second_of_the_deadline_loses_to_it_and_reads_which_event_was_first(
    years: Years,
) -> None:
    async with years.executor():
        (sent,) = await years.park({"deadline": {"after": "30d", "default": {"approved": False}}})
        (deadline,) = steps_of(await years.site.events(sent.log_id))
        years.clock.leap_to(deadline)
        decision = await years.decide(sent)
        outcome = await years.site.outcome(decision)

    events = await years.site.events(sent.log_id)
    (won,) = [event for event in events if event.type == "execution:resumed"]
    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.winning_event_id) == ("ALREADY_RESUMED", won.event_id)
    assert won.data.made.auth_method == "deadline"


@in_years
async def test_a_decision_that_no_executor_read_before_the_deadline_has_lost_to_it(years: Years) -> None:
    async with years.executor():
        (sent,) = await years.park({"deadline": {"after": "30d", "default": {"approved": False}}})
    (deadline,) = steps_of(await years.site.events(sent.log_id))
    years.clock.leap_to(deadline - 1)
    decision = await years.decide(sent)
    years.clock.leap_to(deadline + DAY)

    async with years.executor():
        outcome = await years.site.outcome(decision)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "ALREADY_RESUMED"
    (resumed,) = of_type(await years.site.events(sent.log_id), "execution:resumed")
    assert resumed.made.auth_method == "deadline"


@in_years
async def test_deadlines_of_one_moment_settle_their_points_one_after_the_other(years: Years) -> None:
    each = {"deadline": {"after": "30d", "default": {"approved": False}}}
    async with years.executor():
        (sent,) = await years.park(each, each, each)
        await years.leap(31 * DAY)

    events = await years.site.events(sent.log_id)
    resumed = of_type(events, "execution:resumed")
    assert sorted(each.context_id for each in resumed) == ["ask1", "ask2", "ask3"]
    assert events[-1].type == "execution:completed"
    assert await years.inbox() == []


@in_years
async def test_a_held_decision_is_kept_for_its_time_and_ends_visibly(years: Years) -> None:
    later = {"ask": {"type": "human_in_the_loop", "form": {"approved": "boolean"}}}
    async with years.executor():
        workflow = await years.site.deploy(
            {"blocks": {"rest": {"type": "wait", "for": "20d", "then": "ask"}, **later}}, "later"
        )
        sent = [await years.site.start(workflow, mode="async") for _ in range(2)]
        for each, days in zip(sent, (19, 21), strict=True):
            await years.site.until_event(each.log_id, "timer:set")
            await years.hold(each, "ask", until=years.clock() + days * DAY)
        for _ in range(22):
            await years.leap(DAY)

    kinds = [await years.site.kinds(each.log_id) for each in sent]
    assert [each.count("decision:expired") for each in kinds] == [1, 0]
    assert [each.count("execution:resumed") for each in kinds] == [0, 1]


@pytest.mark.parametrize(
    ("opens", "steps"),
    [
        # The clocks go forward in the night to Sunday, 31 March 2030: Monday begins an hour earlier.
        ("2030-03-29T16:00", ["2030-04-01T10:00", "2030-04-02T10:00", "2030-04-03T16:00"]),
        # They go back in the night to Sunday, 27 October 2030.
        ("2030-10-25T16:00", ["2030-10-28T10:00", "2030-10-29T10:00", "2030-10-30T16:00"]),
    ],
)
@in_years
async def test_business_hours_follow_the_clock_on_the_wall_when_it_changes(
    years: Years, opens: str, steps: list[str]
) -> None:
    ladder = [
        {"after": "2h", "remind": True},
        {"after": "10h", "escalate": ["role:admin"]},
        {"after": "3d", "decide": {"approved": False}},
    ]
    async with years.executor():
        await years.leap_to(on_the_wall(opens))
        (sent,) = await years.park({"deadline": {"calendar": OFFICE, "steps": ladder}})
        for _ in range(6 * 24):
            await years.leap(HOUR)

    struck = [each for each in await years.story(sent) if each[0] in STRUCK]
    assert struck == list(zip(STRUCK, map(on_the_wall, steps), strict=True))


def on_the_wall(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()
