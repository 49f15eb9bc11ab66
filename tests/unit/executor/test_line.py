"""Blocks that wait for their turn: in turn between workspaces, and no more than are bearable."""

from typing import Any

import pytest
from msgspec import Struct

from signoff.events.types import Actor, Command, StartExecution
from signoff.executor.partition.overload import turned_away
from signoff.executor.running.line import FULL, MOST_WAITING, PATIENCE, Line

GREEDY, SMALL = "greedy", "small"


class Clock:
    """A clock that goes on when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Waiting(Struct, eq=False):
    """What a line looks at in a job."""

    workspace_id: str


@pytest.fixture
def clock() -> Clock:
    return Clock()


def add(line: Line, workspace_id: str, count: int = 1) -> None:
    for _ in range(count):
        line.add(Waiting(workspace_id))  # type: ignore[arg-type]


def launch(line: Line) -> list[Any]:
    """Everything that may run now."""
    return [*iter(line.next, None)]


def test_one_with_thousands_waiting_delays_anothers_block_by_one_turn(clock: Clock) -> None:
    line = Line(1, clock=clock)
    add(line, GREEDY, 1000)
    (running,) = launch(line)
    add(line, SMALL)

    order = []
    for _ in range(3):
        line.ended(running)
        (running,) = launch(line)
        order.append(running.workspace_id)

    assert order.index(SMALL) <= 1


def test_blocks_of_one_workspace_keep_their_order(clock: Clock) -> None:
    line = Line(10, clock=clock)
    jobs: list[Any] = [Waiting(GREEDY) for _ in range(5)]
    for job in jobs:
        line.add(job)

    assert launch(line) == jobs


def test_slow_blocks_of_one_workspace_leave_places_for_others(clock: Clock) -> None:
    line = Line(100, clock=clock)
    add(line, GREEDY, 1000)
    held = launch(line)
    add(line, SMALL)

    assert (len(held), [job.workspace_id for job in launch(line)]) == (90, [SMALL])


def test_two_that_want_all_places_share_them(clock: Clock) -> None:
    line = Line(100, clock=clock)
    add(line, GREEDY, 1000)
    running = launch(line)
    add(line, SMALL, 1000)
    for _ in range(500):
        line.ended(running.pop(0))
        running += launch(line)

    count = sum(job.workspace_id == SMALL for job in running)
    assert 40 <= count <= 60


def test_so_many_waiting_blocks_are_too_many_for_more_commands(clock: Clock) -> None:
    line = Line(1, clock=clock)
    add(line, GREEDY, FULL)

    assert line.full
    line.clear()
    assert not line.full


def start(mode: Any = "sync", trigger: str = "api", workspace_id: str = GREEDY) -> Command:
    return Command(
        command_id="c",
        type="StartExecution",
        execution_id="e",
        issued_at="2026-01-01T00:00:00.000000Z",
        actor=Actor(type="user", id="u"),
        data=StartExecution(
            workspace_id=workspace_id, workflow_id="w", workflow_version=1, definition_digest="d",
            mode=mode, trigger=trigger, input={},
        ),
    )  # fmt: skip


def refusal(line: Line, **given: Any) -> Any:
    command = start(**given)
    assert isinstance(command.data, StartExecution)
    outcome = turned_away(command, command.data, line)
    return None if outcome is None else outcome.refusal


def test_a_start_whose_caller_waits_is_turned_away_when_its_workspaces_blocks_are_late(clock: Clock) -> None:
    line = Line(1, clock=clock)
    add(line, GREEDY, 2)
    launch(line)
    clock.now += PATIENCE + 2.5

    assert (refusal(line).code, refusal(line).retry_after) == ("AT_CAPACITY", 4)
    assert refusal(line, mode="async") is None
    assert refusal(line, workspace_id=SMALL) is None


def test_a_start_that_nobody_waits_for_is_turned_away_when_the_line_is_long(clock: Clock) -> None:
    line = Line(1, clock=clock)
    add(line, GREEDY, MOST_WAITING)

    assert refusal(line, mode="async").code == "AT_CAPACITY"


@pytest.mark.parametrize("trigger", ["workflow", "schedule"])
def test_what_nobody_would_send_again_is_never_turned_away(clock: Clock, trigger: str) -> None:
    line = Line(1, clock=clock)
    add(line, GREEDY, FULL)
    clock.now += 100.0

    assert refusal(line, trigger=trigger) is None
