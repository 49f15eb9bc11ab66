"""What starts by itself: schedules as their clock says, webhooks as others deliver."""

import asyncio
import math
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from signoff.engine.deciding.timetable import zone_of
from signoff.engine.deciding.workflow import WorkflowState, decide_workflow
from signoff.engine.definitions.definition import digest, encode
from signoff.engine.messages import Tick
from signoff.events.times import from_iso, iso
from signoff.events.topics import (
    DEFAULT_WORKSPACE,
    delivery_log_id,
    scheduled_log_id,
    workflow_log_id,
)
from signoff.events.types import (
    Command,
    CommandData,
    DeployWorkflow,
    ScheduleFired,
    StartExecution,
    UndeployWorkflow,
)
from signoff.executor.logs.loaded import Loaded
from signoff.executor.partition.scheduled import scheduled_start
from support.bdd import MAKER, NOW, WORKFLOW
from support.engine_runs import Engine
from support.systems import BY_THE_MINUTE, REPLACED, UNDEPLOYED, System
from support.told import Told

WORKSPACE: Final = str(DEFAULT_WORKSPACE)
LOG: Final = workflow_log_id(WORKSPACE, WORKFLOW)
MINUTE: Final = 60.0
MIDNIGHT: Final = from_iso("2025-06-16T00:00:00Z")

HOOK: Final[dict[str, Any]] = {
    "blocks": {
        "hook": {"type": "webhook", "then": "keep"},
        "keep": {"type": "test.give", "with": {"value": "<hook.n>"}},
    }
}
PLAIN: Final[dict[str, Any]] = {"blocks": {"a": {"type": "test.give"}}}


def by_the_hour(**more: str) -> dict[str, Any]:
    """A workflow that is due at the full hours."""
    return {
        "blocks": {
            "hourly": {"type": "schedule", "cron": "0 * * * *", **more, "then": "note"},
            "note": {"type": "test.give", "with": {"value": ["<hourly.scheduledFor>", "<hourly.missed>"]}},
        }
    }


class Clockwork:
    """A workflow's own log, and the starts that follow from it as time passes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loaded = Loaded(LOG, WorkflowState(), None)
        self._loaded.name(execution_id=None, workflow_id=WORKFLOW)

    def deploy(self, document: object, at: float) -> list[StartExecution]:
        """Deploy a definition; gives what was due before."""
        definition = self._engine.parse(document).definition
        assert definition is not None
        return self._tell(
            DeployWorkflow(
                workspace_id=WORKSPACE,
                workflow_id=WORKFLOW,
                name=WORKFLOW,
                definition=encode(definition),
                digest=digest(definition),
            ),
            at,
        )

    def undeploy(self, at: float) -> list[StartExecution]:
        """Undeploy; gives what was due before."""
        return self._tell(UndeployWorkflow(workspace_id=WORKSPACE, workflow_id=WORKFLOW), at)

    def pass_time(self, to: float) -> list[StartExecution]:
        """What is due then and was not fired."""
        return list(self._starts(Tick(), to))

    def _tell(self, data: CommandData, at: float) -> list[StartExecution]:
        command = Command(
            command_id=str(uuid4()),
            type=data.TYPE,
            execution_id=str(LOG),
            issued_at=iso(at),
            actor=MAKER,
            data=data,
        )
        return list(self._starts(command, at))

    def _starts(self, message: Command | Tick, at: float) -> Iterator[StartExecution]:
        assert isinstance(self._loaded.state, WorkflowState)
        step = self._loaded.step(decide_workflow(self._loaded.state, message, at), at)
        for event in step.events:
            if isinstance(event.data, ScheduleFired):
                start = scheduled_start(event, event.data, LOG, time_limit=MINUTE).data
                assert isinstance(start, StartExecution)
                yield start


def scheduled_for(starts: list[StartExecution]) -> list[tuple[str, int]]:
    """The hours and minutes that starts are for, and how many were missed before each."""
    return [(start.input["scheduledFor"][11:16], start.input["missed"]) for start in starts]


@pytest.mark.rule("W-4")
async def test_the_engine_starts_an_execution_at_each_moment_of_a_schedule(engine: Engine) -> None:
    await asyncio.to_thread(zone_of, "UTC")  # the first time it is read from a file
    clock = Clockwork(engine)
    clock.deploy(by_the_hour(), MIDNIGHT + 1)

    before = clock.pass_time(MIDNIGHT + 59 * MINUTE)
    (start,) = clock.pass_time(MIDNIGHT + 60 * MINUTE)
    again = clock.pass_time(MIDNIGHT + 60 * MINUTE)
    run = engine.run(by_the_hour())
    await run.trigger(start.trigger, start.trigger_block_id or "", start.input)

    assert (before, again) == ([], [])
    told = await run.until("completed")
    assert told.ended == ["hourly", "note"]
    assert told.output == {"result": ["2025-06-16T01:00:00.000000Z", 0]}


async def first_minute(system: System, workflow_id: str, holds: Callable[[Told], bool]) -> Told:
    """What is told of the first moment after all schedules were deployed, once it holds."""
    log_id = scheduled_log_id(workflow_log_id(WORKSPACE, workflow_id), "minute", full_minute(system))
    return await system.until(str(log_id), holds, "firing", within=MINUTE + 15)


def full_minute(system: System) -> str:
    """The first moment after all schedules were deployed."""
    return iso((math.floor(system.scheduled_at / MINUTE) + 1) * MINUTE)


@pytest.mark.rule("W-4")
@pytest.mark.timeout(120)
async def test_a_server_starts_an_execution_when_its_clock_says_so(system: System) -> None:
    told = await first_minute(system, BY_THE_MINUTE, lambda told: told.status == "completed")

    assert told.ended == ["minute", "note"]
    assert told.output == {"result": full_minute(system)}
    started = next(told.of_type("execution:started"))
    assert (started["trigger"], started["mode"], started["input"]["missed"]) == ("schedule", "async", 0)


@pytest.mark.rule("W-4")
@pytest.mark.parametrize(
    ("catch_up", "starts"),
    [
        ("none", []),
        ("last", [("03:00", 2)]),
        ("all", [("01:00", 0), ("02:00", 0), ("03:00", 0)]),
    ],
)
def test_the_engine_makes_up_for_what_was_missed_as_the_schedule_says(
    engine: Engine, catch_up: str, starts: list[tuple[str, int]]
) -> None:
    clock = Clockwork(engine)
    clock.deploy(by_the_hour(catchUp=catch_up), MIDNIGHT + 1)

    assert scheduled_for(clock.pass_time(MIDNIGHT + 210 * MINUTE)) == starts


@pytest.mark.rule("W-4")
def test_the_engine_goes_by_the_clock_of_the_time_zone(engine: Engine) -> None:
    clock = Clockwork(engine)
    document = by_the_hour(cron="30 9 * * *", timezone="Europe/Berlin")
    clock.deploy(document, MIDNIGHT)

    assert scheduled_for(clock.pass_time(MIDNIGHT + 24 * 60 * MINUTE)) == [("07:30", 0)]


@pytest.mark.rule("W-5")
def test_the_engine_ends_a_schedule_with_its_deployment(engine: Engine) -> None:
    replaced, undeployed = Clockwork(engine), Clockwork(engine)
    for clock in (replaced, undeployed):
        clock.deploy(by_the_hour(), MIDNIGHT + 1)

    due_before = replaced.deploy(PLAIN, MIDNIGHT + 90 * MINUTE), undeployed.undeploy(MIDNIGHT + 30 * MINUTE)

    assert list(map(scheduled_for, due_before)) == [[("01:00", 0)], []]
    assert replaced.pass_time(NOW) == undeployed.pass_time(NOW) == []


@pytest.mark.rule("W-5")
@pytest.mark.timeout(120)
async def test_a_server_ends_a_schedule_with_its_deployment(system: System) -> None:
    await first_minute(system, BY_THE_MINUTE, lambda told: bool(told.events))

    for ended in (REPLACED, UNDEPLOYED):
        assert (await first_minute(system, ended, lambda _: True)).events == []


@pytest.mark.rule("W-3")
async def test_the_engine_starts_one_execution_for_a_delivery_that_comes_twice(engine: Engine) -> None:
    run = engine.run(HOOK)
    await run.trigger("webhook", "hook", {"n": 1})
    started = run.story.last("execution:started")
    first, again, other = (delivery_log_id(LOG, "hook", name) for name in ("one", "one", "two"))

    outcome = run.story.command(
        StartExecution(
            workspace_id=WORKSPACE, workflow_id=WORKFLOW, workflow_version=1,
            definition_digest=started.definition_digest, trigger="webhook", trigger_block_id="hook",
            mode="async", input={"n": 2},
        ),
        command_id=run.story.events[0].causation_id,
    )  # fmt: skip

    assert first == again != other
    assert outcome.outcome == "duplicate"
    assert (await run.until("completed")).output == {"result": 1}


@pytest.mark.rule("W-3")
async def test_a_server_starts_one_execution_for_a_delivery_that_comes_twice(system: System) -> None:
    run = await system.run(HOOK)
    path = f"/api/webhooks/{run.workflow_id}/hook"

    answers = [
        await system.call("POST", path, json={"n": n}, headers={"Idempotency-Key": name})
        for n, name in ((1, "one"), (2, "one"), (3, "two"))
    ]

    assert [status for status, _ in answers] == [202, 200, 202]
    first, again, other = (UUID(answer["executionId"]) for _, answer in answers)
    assert first == again != other
    told = await system.until(str(first), lambda told: told.status == "completed", "end")
    assert told.output == {"result": 1}
