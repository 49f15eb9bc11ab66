"""A workflow that cannot run: its log says so, and nothing else comes of it."""

from uuid import UUID

import msgspec

from signoff.engine.deciding.unrunnable import decide_unrunnable
from signoff.engine.evolve import evolve
from signoff.engine.messages import Draft, Input, Result, RunEnded, Tick
from signoff.engine.state import State
from signoff.events.times import iso
from signoff.events.types import (
    SYSTEM,
    Command,
    Event,
    ExecutionError,
    ExecutionStarted,
    Outcome,
    Parent,
    RetryExecution,
    StartExecution,
)

CHILD = str(UUID(int=5))
DATA = StartExecution(
    workspace_id="ws",
    workflow_id="b",
    workflow_version=9,
    definition_digest="sha256:1",
    trigger="workflow",
    mode="async",
    input={"n": 1},
    time_limit=30.0,
    parent=Parent(execution_id="a", block_id="call", instance="call", depth=1),
)
START = Command(
    command_id=str(UUID(int=6)),
    type=DATA.TYPE,
    execution_id=CHILD,
    issued_at=iso(1.0),
    actor=SYSTEM,
    data=DATA,
)


REASON = "workflow b has no version 9"


def decided(state: State, message: Input) -> list[Result]:
    """What follows, folded."""
    results = []
    for result in decide_unrunnable(state, message, REASON, 2.0):
        results.append(result)
        if isinstance(result, Draft):
            event = Event(
                type=result.data.TYPE,
                event_id=state.version + 1,
                execution_id=CHILD,
                workflow_id="b",
                timestamp=iso(2.0),
                causation_id=result.causation_id,
                data=result.data,
            )
            evolve(state, event)
    return results


def test_a_start_that_cannot_run_has_begun_and_failed_for_good() -> None:
    state = State()

    accepted, started, failed, ended = decided(state, START)

    assert isinstance(accepted, Outcome)
    assert isinstance(started, Draft)
    assert isinstance(started.data, ExecutionStarted)
    assert started.data.parent == DATA.parent
    assert started.data.timeout_at == iso(32.0)
    assert isinstance(failed, Draft)
    assert isinstance(failed.data, ExecutionError)
    assert (failed.data.error, failed.data.final) == (REASON, True)
    assert ended == RunEnded(CHILD, 2)
    assert state.status == "failed"


def test_its_repetition_gets_the_same_answer_and_changes_nothing() -> None:
    state = State()
    decided(state, START)

    (outcome,) = decided(state, START)

    assert isinstance(outcome, Outcome)
    assert (outcome.outcome, outcome.event_id) == ("duplicate", 1)
    assert state.version == 2


def test_any_other_command_is_refused_with_the_reason() -> None:
    state = State()
    decided(state, START)
    retry = msgspec.structs.replace(
        START, command_id=str(UUID(int=7)), type="RetryExecution", data=RetryExecution(reason="again")
    )

    (outcome,) = decided(state, retry)

    assert isinstance(outcome, Outcome)
    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.message) == ("CANNOT_RUN", REASON)


def test_time_changes_nothing() -> None:
    assert decided(State(), Tick()) == []
