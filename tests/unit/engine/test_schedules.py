"""Schedules: every moment once, in the clock of its zone, and after a stop what its policy says."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from signoff.engine.deciding.timetable import COUNTED, MOST, PartElsewhereError, read_schedules
from signoff.engine.deciding.workflow import WorkflowState, decide_workflow, evolve_workflow, take_schedules
from signoff.engine.messages import Draft, Tick
from signoff.events.codec import decode_event, encode
from signoff.events.times import from_iso, iso
from signoff.events.topics import scheduled_log_id, workflow_log_id
from signoff.events.types import (
    ActivateVersion,
    Command,
    CommandData,
    DeployWorkflow,
    Event,
    Outcome,
    ScheduleFired,
    SwitchSchedule,
    UndeployWorkflow,
)
from support.bdd import MAKER, an_id

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
LARGE = {"$blob": "sha256:00", "size": 300_000, "mediaType": "application/json"}


def at(text: str, zone: str = "UTC", *, fold: int = 0) -> float:
    """Seconds since the epoch of a time of day in a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def schedule(block_id: str = "nightly", *, enabled: bool = True, **params: Any) -> dict[str, Any]:
    return {
        "id": block_id,
        "enabled": enabled,
        "metadata": {"id": "schedule", "name": block_id, "category": "triggers"},
        "config": {"tool": "", "params": params},
    }


OTHER = {
    "id": "say",
    "enabled": True,
    "metadata": {"id": "response", "name": "say"},
    "config": {"tool": "", "params": {"cron": "* * * * *"}},
}


class Workflow:
    """A workflow's log with a clock that is set by hand; whatever is decided is folded, and folds again."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.state = WorkflowState()
        self.events: list[Event] = []
        self._reread = WorkflowState()  # folded from the log's bytes, as another process does

    def deploy(self, *blocks: dict[str, Any]) -> None:
        self.deploy_definition({"blocks": [*blocks, OTHER]})

    def deploy_definition(self, definition: Any) -> None:
        data = DeployWorkflow(
            workspace_id="ws", workflow_id="reports", name="Reports", definition=definition, digest="d"
        )
        assert self._send(data).outcome == "accepted"

    def undeploy(self) -> None:
        assert self._send(UndeployWorkflow(workspace_id="ws", workflow_id="reports")).outcome == "accepted"

    def roll_back(self, version: int) -> None:
        data = ActivateVersion(workspace_id="ws", workflow_id="reports", version=version)
        assert self._send(data).outcome == "accepted"

    def switch(self, block_id: str, *, enabled: bool) -> Outcome:
        data = SwitchSchedule(workspace_id="ws", workflow_id="reports", block_id=block_id, enabled=enabled)
        return self._send(data)

    def _send(self, data: CommandData) -> Outcome:
        command = Command(
            command_id=an_id(len(self.events) + 1),
            type=data.TYPE,
            execution_id="reports",
            issued_at=iso(self.now),
            actor=MAKER,
            data=data,
        )
        (outcome,) = self._decide(command)
        return outcome

    def tick(self, now: float) -> list[ScheduleFired]:
        """Let time pass; gives what was fired."""
        self.now = now
        before = len(self.fired())
        assert self._decide(Tick()) == []
        return self.fired()[before:]

    def _decide(self, message: Command | Tick) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for result in decide_workflow(self.state, message, self.now):
            if isinstance(result, Draft):
                self._record(result)
            else:
                outcomes.append(result)
        assert self._reread == self.state
        return outcomes

    def _record(self, draft: Draft) -> None:
        event = Event(
            type=draft.data.TYPE,
            event_id=self.state.version + 1,
            workflow_id="reports",
            timestamp=iso(self.now),
            causation_id=draft.causation_id,
            data=draft.data,
        )
        evolve_workflow(self.state, event)
        read = decode_event(encode(event))
        evolve_workflow(self._reread, read)
        self.events.append(read)

    def reread(self) -> WorkflowState:
        state = WorkflowState()
        for event in self.events:
            evolve_workflow(state, event)
        return state

    def fired(self) -> list[ScheduleFired]:
        return [event.data for event in self.events if isinstance(event.data, ScheduleFired)]

    def next_due(self) -> float | None:
        return self.state.next_due(self.now)

    def moments_until(self, end: float, zone: ZoneInfo) -> list[str]:
        """The clock's time at each start, when every moment is fired as it comes."""
        while (due := self.next_due()) is not None and due <= end:
            self.tick(due)
        return [
            datetime.fromtimestamp(from_iso(fired.due_at), zone).strftime("%d %H:%M %z")
            for fired in self.fired()
        ]


def a_workflow(cron: str, since: float, **params: Any) -> Workflow:
    workflow = Workflow(since)
    workflow.deploy(schedule(cron=cron, **params))
    return workflow


# When it is due -----------------------------------------------------------------------------------------


def test_a_deployed_schedule_is_due_at_its_next_moment() -> None:
    workflow = a_workflow("0 9 * * 1-5", at("2025-06-06 12:00"))

    assert workflow.next_due() == at("2025-06-09 09:00")


def test_the_moment_of_the_deployment_itself_is_not_fired() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 09:00"))

    assert workflow.next_due() == at("2025-06-07 09:00")


def test_before_its_moment_nothing_is_fired() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))

    assert workflow.tick(at("2025-06-06 09:00") - 0.001) == []


def test_at_its_moment_it_is_fired_with_all_that_a_start_needs() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))

    (fired,) = workflow.tick(at("2025-06-06 09:00") + 0.25)

    due_at = "2025-06-06T09:00:00.000000Z"
    log_id = workflow_log_id("ws", "reports")
    assert fired == ScheduleFired(
        workspace_id="ws",
        version=1,
        digest="d",
        block_id="nightly",
        execution_id=str(scheduled_log_id(log_id, "nightly", due_at)),
        due_at=due_at,
    )
    assert UUID(fired.execution_id).version == 5
    assert workflow.events[-1].causation_id == "1"


def test_a_moment_is_fired_once_however_often_time_passes() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))

    starts = [workflow.tick(at("2025-06-06 09:00") + seconds) for seconds in (0, 0, 1, 59)]

    assert [len(each) for each in starts] == [1, 0, 0, 0]
    assert workflow.next_due() == at("2025-06-07 09:00")


def test_of_several_schedules_each_has_its_moments_and_the_earliest_comes_first() -> None:
    workflow = Workflow(at("2025-06-06 08:00"))
    workflow.deploy(
        schedule("late", cron="10 9 * * *", catchUp="all"),
        schedule("early", cron="5,15 9 * * *", catchUp="all"),
        schedule("off", enabled=False, cron="* * * * *"),
    )

    fired = workflow.tick(at("2025-06-06 09:20"))

    assert [(each.block_id, each.due_at[11:16]) for each in fired] == [
        ("early", "09:05"),
        ("late", "09:10"),
        ("early", "09:15"),
    ]


def test_an_expression_that_matches_nothing_is_never_due() -> None:
    assert a_workflow("0 0 */31 2 1#5", at("2025-06-06 08:00")).next_due() is None


def test_a_block_from_before_schedules_were_kept_to_is_never_due() -> None:
    workflow = Workflow(at("2025-06-06 08:00"))

    workflow.deploy(schedule(scheduleType="daily", dailyTime="09:00"))

    assert workflow.next_due() is None


def test_a_new_deployment_replaces_the_schedule() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))
    workflow.now = at("2025-06-06 08:30")

    workflow.deploy(schedule("weekly", cron="0 12 * * 0"))

    assert workflow.next_due() == at("2025-06-08 12:00")


def test_a_version_without_a_schedule_ends_it() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))

    workflow.deploy()

    assert workflow.next_due() is None
    assert workflow.tick(at("2025-07-01 00:00")) == []


def test_a_rollback_brings_the_schedule_of_the_earlier_version_back() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))
    workflow.deploy(schedule("weekly", cron="0 12 * * 0"))
    workflow.now = at("2025-06-06 10:00")

    workflow.roll_back(1)

    (fired,) = workflow.tick(at("2025-06-07 09:00"))
    assert (fired.version, fired.block_id) == (1, "nightly")


def test_moments_from_before_a_rollback_are_not_made_up_for() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"), catchUp="all")
    workflow.deploy()
    workflow.now = at("2025-06-09 10:00")

    workflow.roll_back(1)

    assert workflow.tick(workflow.now) == []
    assert workflow.next_due() == at("2025-06-10 09:00")


def test_undeploying_ends_it() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))

    workflow.undeploy()

    assert workflow.next_due() is None
    assert workflow.tick(at("2025-07-01 00:00")) == []


def test_a_schedule_that_is_off_is_never_due() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))

    assert workflow.switch("nightly", enabled=False).outcome == "accepted"

    assert workflow.next_due() is None
    assert workflow.tick(at("2025-07-01 00:00")) == []


def test_the_moments_that_it_missed_while_it_was_off_are_let_go() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"), catchUp="all")
    workflow.switch("nightly", enabled=False)
    workflow.now = at("2025-06-09 10:00")

    workflow.switch("nightly", enabled=True)

    assert workflow.next_due() == at("2025-06-10 09:00")
    (fired,) = workflow.tick(at("2025-06-10 09:00"))
    assert fired.missed == 0


def test_a_new_version_keeps_what_is_off_by_the_id_of_its_block() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))
    workflow.switch("nightly", enabled=False)

    workflow.deploy(schedule("nightly", cron="0 12 * * *"), schedule("noon", cron="0 12 * * *"))

    (fired,) = workflow.tick(at("2025-06-06 12:00"))
    assert fired.block_id == "noon"


def test_the_other_schedules_go_on_while_one_is_off() -> None:
    workflow = Workflow(at("2025-06-06 08:00"))
    workflow.deploy(schedule("nightly", cron="0 9 * * *"), schedule("noon", cron="0 12 * * *"))

    workflow.switch("noon", enabled=False)

    assert workflow.next_due() == at("2025-06-06 09:00")


def test_what_was_due_before_it_is_switched_off_is_fired_before_it() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))
    workflow.now = at("2025-06-06 09:00") + 1

    workflow.switch("nightly", enabled=False)

    assert [event.type for event in workflow.events][1:] == ["schedule:fired", "schedule:switched"]


@pytest.mark.parametrize("given", ["a block that is none", "a workflow that is undeployed"])
def test_what_is_no_schedule_cannot_be_switched(given: str) -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))
    if given == "a workflow that is undeployed":
        workflow.undeploy()
    before = len(workflow.events)

    outcome = workflow.switch("say" if given == "a block that is none" else "nightly", enabled=False)

    assert outcome.outcome == "refused"
    assert len(workflow.events) == before


def test_what_was_due_before_a_command_is_fired_before_it() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))
    workflow.now = at("2025-06-06 09:00") + 1

    workflow.undeploy()

    assert [event.type for event in workflow.events] == [
        "workflow:deployed",
        "schedule:fired",
        "workflow:undeployed",
    ]


def test_what_is_fired_is_not_kept_among_the_commands_that_were_taken() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-06-06 08:00"))

    workflow.tick(at("2025-06-06 09:00"))

    assert list(workflow.state.commands.values()) == [1]


# Where the clock is put forward or back -----------------------------------------------------------------


def test_a_moment_in_a_skipped_hour_is_due_at_the_first_moment_after_it() -> None:
    workflow = a_workflow("30 2 * * *", at("2025-03-29 12:00"), timezone="Europe/Berlin")

    assert workflow.moments_until(at("2025-03-31 12:00"), BERLIN) == ["30 03:00 +0200", "31 02:30 +0200"]


def test_two_moments_that_meet_behind_a_skipped_hour_are_one() -> None:
    workflow = a_workflow("0 2,3 * * *", at("2025-03-29 12:00"), timezone="Europe/Berlin")

    assert workflow.moments_until(at("2025-03-30 12:00"), BERLIN) == ["30 03:00 +0200"]


def test_a_moment_in_a_repeated_hour_is_due_the_first_time() -> None:
    workflow = a_workflow("30 2 * * *", at("2025-10-25 12:00"), timezone="Europe/Berlin")

    assert workflow.moments_until(at("2025-10-27 12:00"), BERLIN) == ["26 02:30 +0200", "27 02:30 +0100"]


def test_a_deployment_in_the_repeated_hour_fires_nothing_of_its_first_time() -> None:
    again = at("2025-10-26 02:15", "Europe/Berlin", fold=1)
    workflow = a_workflow("30 2 * * *", again, timezone="Europe/Berlin")

    assert workflow.tick(again) == []
    assert workflow.next_due() == at("2025-10-27 02:30", "Europe/Berlin")


def test_what_goes_by_the_time_that_passes_runs_through_a_skipped_hour() -> None:
    workflow = a_workflow("*/30 * * * *", at("2025-03-30 00:15"), timezone="Europe/Berlin")

    assert workflow.moments_until(at("2025-03-30 01:30"), BERLIN) == [
        "30 01:30 +0100",
        "30 03:00 +0200",
        "30 03:30 +0200",
    ]


def test_what_goes_by_the_time_that_passes_runs_twice_in_a_repeated_hour() -> None:
    workflow = a_workflow("*/30 * * * *", at("2025-10-25 23:45"), timezone="Europe/Berlin")

    assert workflow.moments_until(at("2025-10-26 02:00"), BERLIN) == [
        "26 02:00 +0200",
        "26 02:30 +0200",
        "26 02:00 +0100",
        "26 02:30 +0100",
        "26 03:00 +0100",
    ]


def test_a_daily_moment_keeps_its_time_of_day_over_the_change() -> None:
    workflow = a_workflow("0 9 * * *", at("2025-03-29 00:00"), timezone="Europe/Berlin")

    assert workflow.moments_until(at("2025-03-30 12:00"), BERLIN) == ["29 09:00 +0100", "30 09:00 +0200"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "0,15 1-3 * * *", "*/20 * * * *", "7 */2 * * *", "0 0 * * 1"])
@pytest.mark.parametrize("step", [7 * MINUTE, 13 * HOUR, 400 * DAY])
def test_a_catch_up_fires_the_moments_that_a_living_executor_would_have_fired(
    zone: str, cron: str, step: float
) -> None:
    start, end = at("2025-10-24 00:30"), at("2025-10-27 00:00")
    lived = a_workflow(cron, start, timezone=zone, catchUp="all")
    expected = lived.moments_until(end, ZoneInfo("UTC"))
    stopped = a_workflow(cron, start, timezone=zone, catchUp="all")

    now = start
    while now < end:
        now = min(now + step, end)
        stopped.tick(now)

    fired = stopped.fired()
    assert [each.due_at for each in fired] == [each.due_at for each in lived.fired()][-len(fired) :]
    assert len(fired) + sum(each.missed for each in fired) == len(expected)


# After a stop -------------------------------------------------------------------------------------------


def test_none_lets_go_of_what_is_over_a_minute_late() -> None:
    workflow = a_workflow("0 * * * *", at("2025-06-06 08:30"), catchUp="none")

    assert workflow.tick(at("2025-06-06 12:01:01")) == []
    assert workflow.next_due() == at("2025-06-06 13:00")


def test_none_fires_what_is_a_minute_late() -> None:
    workflow = a_workflow("0 * * * *", at("2025-06-06 08:30"), catchUp="none")

    (fired,) = workflow.tick(at("2025-06-06 12:01:00"))

    assert (fired.due_at[11:16], fired.missed) == ("12:00", 3)


def test_what_none_let_go_is_counted_by_the_next_start() -> None:
    workflow = a_workflow("0 * * * *", at("2025-06-06 08:30"), catchUp="none")
    workflow.tick(at("2025-06-06 11:30"))

    (fired,) = workflow.tick(at("2025-06-06 12:00"))
    (after,) = workflow.tick(at("2025-06-06 13:00"))

    assert (fired.missed, after.missed) == (3, 0)


def test_last_makes_up_for_all_with_one_start_for_the_latest_moment() -> None:
    workflow = a_workflow("0 * * * *", at("2025-06-06 08:30"), catchUp="last")

    (fired,) = workflow.tick(at("2025-06-06 12:30"))

    assert (fired.due_at[11:16], fired.missed) == ("12:00", 3)
    assert workflow.next_due() == at("2025-06-06 13:00")


def test_last_is_the_policy_of_a_schedule_that_names_none() -> None:
    workflow = a_workflow("0 * * * *", at("2025-06-06 08:30"))

    assert [each.missed for each in workflow.tick(at("2025-06-06 12:30"))] == [3]


def test_all_starts_once_for_each_moment_in_their_order() -> None:
    workflow = a_workflow("0 * * * *", at("2025-06-06 08:30"), catchUp="all")

    fired = workflow.tick(at("2025-06-06 12:30"))

    assert [(each.due_at[11:16], each.missed) for each in fired] == [
        ("09:00", 0),
        ("10:00", 0),
        ("11:00", 0),
        ("12:00", 0),
    ]
    assert len({each.execution_id for each in fired}) == 4


def test_all_makes_up_for_the_newest_hundred_and_says_how_many_it_leaves_out() -> None:
    start = at("2025-06-06 00:00")
    workflow = a_workflow("* * * * *", start, catchUp="all")

    fired = workflow.tick(start + 130 * MINUTE)

    assert (len(fired), fired[0].missed) == (MOST, 30)
    assert (from_iso(fired[0].due_at), from_iso(fired[-1].due_at)) == (
        start + 31 * MINUTE,
        start + 130 * MINUTE,
    )
    assert {each.missed for each in fired[1:]} == {0}


def test_a_stop_of_years_is_made_up_for_in_bounded_time_and_counted_to_a_bound() -> None:
    start = at("2015-06-06 00:00")
    workflow = a_workflow("* * * * *", start, catchUp="last")

    (fired,) = workflow.tick(at("2025-06-06 00:00"))

    assert (fired.due_at[:16], fired.missed) == ("2025-06-06T00:00", COUNTED)


def test_of_rare_moments_each_is_found_after_a_stop_of_years() -> None:
    workflow = a_workflow("0 0 29 2 *", at("2015-06-06 00:00"), catchUp="all")

    fired = workflow.tick(at("2025-06-06 00:00"))

    assert [each.due_at[:10] for each in fired] == ["2016-02-29", "2020-02-29", "2024-02-29"]


# A definition that is too large for its event -----------------------------------------------------------


@pytest.mark.parametrize(
    "definition",
    [
        LARGE,
        {"blocks": LARGE},
        {"blocks": [OTHER, LARGE]},
        {"blocks": [{**schedule(cron="0 9 * * *"), "config": LARGE}]},
        {"blocks": [{**schedule(), "config": {"tool": "", "params": LARGE}}]},
    ],
)
def test_a_definition_with_a_part_elsewhere_is_known_to_be_read_later(definition: Any) -> None:
    with pytest.raises(PartElsewhereError):
        read_schedules(definition)

    workflow = Workflow(at("2025-06-06 08:00"))
    workflow.deploy_definition(definition)

    assert (workflow.state.elsewhere, workflow.next_due()) == (definition, None)


def test_once_it_is_resolved_it_goes_on_where_its_events_say() -> None:
    workflow = Workflow(at("2025-06-06 08:00"))
    workflow.deploy_definition(LARGE)
    take_schedules(workflow.state, {"blocks": [schedule(cron="0 9 * * *")]})
    (draft,) = decide_workflow(workflow.state, Tick(), at("2025-06-06 09:00"))
    assert isinstance(draft, Draft)
    workflow._record(draft)

    reloaded = workflow.reread()
    take_schedules(reloaded, {"blocks": [schedule(cron="0 9 * * *")]})

    assert reloaded.elsewhere is None
    assert reloaded.next_due(at("2025-06-06 09:00")) == at("2025-06-07 09:00")


def test_a_rollback_to_a_large_definition_asks_for_it_again() -> None:
    workflow = Workflow(at("2025-06-06 08:00"))
    workflow.deploy_definition(LARGE)
    workflow.deploy(schedule("weekly", cron="0 12 * * 0"))

    workflow.roll_back(1)

    assert (workflow.state.lacks_schedules(), workflow.next_due()) == (True, None)


def test_a_large_definition_that_was_undeployed_is_not_asked_for() -> None:
    workflow = Workflow(at("2025-06-06 08:00"))
    workflow.deploy_definition(LARGE)

    workflow.undeploy()

    assert workflow.state.elsewhere is None
