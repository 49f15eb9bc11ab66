"""What an event of one execution means for another."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import decode_command, encode
from signoff.events.topics import message_id
from signoff.events.types import (
    SYSTEM,
    Actor,
    CancelExecution,
    ChildCalled,
    ChildCancelled,
    ChildChanged,
    Command,
    Event,
    EventData,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    ExecutionResumed,
    ExecutionStarted,
    Parent,
    ScheduleFired,
    StartExecution,
    TimerFired,
    Turn,
)
from signoff.executor.publishing.messages import CAUSE_TYPES, CAUSES, Lineage, lineage_of, message_of

LOG = UUID("018f0000-0000-7000-8000-000000000001")
CHILD = "6c1b2c9e-0000-5000-8000-000000000002"
ANN = Actor(type="user", id="ann")
NOON = "2026-01-01T12:00:00.000000Z"
CHOSEN = Parent(execution_id="order-7", log_id=str(LOG), block_id="call", instance="call_loop2", depth=1)
SPAN: dict[str, Any] = {"duration": 1, "start_time": NOON, "end_time": NOON}
PARENT = Lineage(
    workspace_id="ws", mode="async", time_limit=90.0, actor=ANN, parent=None, call_chain=["z", "a"]
)
KIN = msgspec.structs.replace(PARENT, parent=CHOSEN)

PAUSED = ExecutionPaused(**SPAN)
RESUMED = ExecutionResumed(
    resume_execution_id="r", context_id="ask", resume_entry_id="e", mode="async", actor=ANN
)
COMPLETED = ExecutionCompleted(success=True, output={"n": 1}, **SPAN)
FAILED = ExecutionError(error="Fn: boom", code="BLOCK_FAILED", final=True, **SPAN)
CANCELLED = ExecutionCancelled(reason="enough", actor=ANN, **SPAN)


def called(**place: Any) -> ChildCalled:
    return ChildCalled(
        block_id="call",
        child_execution_id=CHILD,
        child_workflow_id="b",
        child_workflow_name="B",
        child_workflow_version=3,
        child_definition_digest="sha256:1",
        depth=1,
        input={"a": {"$blob": "sha256:2", "size": 3, "mediaType": "application/json"}},
        **place,
    )


def event_of(data: EventData, *, event_id: int = 7, **envelope: Any) -> Event:
    return Event(
        **{
            "type": data.TYPE,
            "event_id": event_id,
            "execution_id": str(LOG),
            "workflow_id": "a",
            "timestamp": NOON,
            "causation_id": "6",
            "data": data,
            **envelope,
        }
    )


def followed(data: EventData, lineage: Lineage | None = PARENT, **envelope: Any) -> Command:
    message = message_of(event_of(data, **envelope), LOG, lineage, time_limit=60.0)
    assert message is not None
    return message


def test_a_call_starts_the_child_in_the_parents_workspace_mode_and_time() -> None:
    message = followed(called())

    assert (message.execution_id, message.log_id) == (CHILD, None)
    assert message.data == StartExecution(
        workspace_id="ws",
        workflow_id="b",
        workflow_version=3,
        definition_digest="sha256:1",
        trigger="workflow",
        mode="async",
        input=called().input,
        time_limit=90.0,
        parent=Parent(execution_id=str(LOG), block_id="call", instance="call", depth=1),
        call_chain=["z", "a"],
    )


def test_a_childs_first_run_has_the_time_that_is_left_to_its_caller() -> None:
    message = followed(called(timeout_at=NOON))

    assert isinstance(message.data, StartExecution)
    assert (message.data.timeout_at, message.data.time_limit) == (NOON, 90.0)


def test_a_child_acts_for_whoever_began_its_parent() -> None:
    assert followed(called()).actor == ANN


def test_the_parent_is_named_with_the_turns_around_the_call_and_with_its_log() -> None:
    outer = Turn(iteration_current=4, iteration_type="parallel", iteration_container_id="p")
    inside = called(
        iteration_current=2, iteration_type="loop", iteration_container_id="l", parent_iterations=[outer]
    )

    message = followed(inside, execution_id="order-7", log_id=str(LOG))

    assert isinstance(message.data, StartExecution)
    assert message.data.parent == Parent(
        execution_id="order-7", log_id=str(LOG), block_id="call", instance="call₍4₎_loop2", depth=1
    )


def test_a_child_that_nobody_waits_for_is_cancelled_by_the_system() -> None:
    message = followed(ChildCancelled(block_id="call", child_execution_id=CHILD, reason="The run failed: x"))

    assert (message.execution_id, message.actor) == (CHILD, SYSTEM)
    assert message.data == CancelExecution(reason="The run failed: x")


@pytest.mark.parametrize(
    ("data", "news"),
    [
        (PAUSED, {"status": "paused"}),
        (RESUMED, {"status": "resumed"}),
        (COMPLETED, {"status": "completed", "output": {"n": 1}}),
        (FAILED, {"status": "failed", "error": "Fn: boom", "code": "BLOCK_FAILED"}),
        (CANCELLED, {"status": "cancelled"}),
    ],
)
def test_a_child_tells_its_parent_how_it_is(data: EventData, news: dict[str, Any]) -> None:
    message = followed(data, KIN, execution_id=CHILD)

    assert (message.execution_id, message.log_id, message.actor) == ("order-7", str(LOG), SYSTEM)
    assert message.data == ChildChanged(instance="call_loop2", child_execution_id=CHILD, event_id=7, **news)


@pytest.mark.parametrize("data", [PAUSED, RESUMED, COMPLETED, FAILED, CANCELLED])
def test_an_execution_that_nobody_called_tells_nobody(data: EventData) -> None:
    assert message_of(event_of(data), LOG, PARENT, time_limit=60.0) is None


def test_a_failed_run_of_a_child_that_goes_on_is_not_told() -> None:
    failed_once = msgspec.structs.replace(FAILED, final=False)

    assert message_of(event_of(failed_once), LOG, KIN, time_limit=60.0) is None


def test_nothing_follows_from_a_step_of_a_child() -> None:
    fired = TimerFired(timer_id="t", kind="wait", due_at=NOON)

    assert message_of(event_of(fired), LOG, KIN, time_limit=60.0) is None
    assert TimerFired not in CAUSES


def test_a_schedule_that_fires_starts_an_execution() -> None:
    fired = ScheduleFired(
        workspace_id="ws", version=2, digest="sha256:1", block_id="daily", execution_id=CHILD, due_at=NOON
    )

    message = followed(fired, None, execution_id=None)

    assert (message.execution_id, message.actor) == (CHILD, SYSTEM)
    assert message.command_id == str(message_id(LOG, 7))
    assert isinstance(message.data, StartExecution)
    assert (message.data.trigger, message.data.trigger_block_id) == ("schedule", "daily")
    assert message.data.time_limit == 60.0
    assert ScheduleFired in CAUSES


@pytest.mark.parametrize("data", [called(), PAUSED, RESUMED, COMPLETED, FAILED, CANCELLED])
def test_every_event_that_a_message_follows_from_is_a_cause(data: EventData) -> None:
    assert type(data) in CAUSES
    assert data.TYPE in CAUSE_TYPES


def test_the_same_event_gives_the_same_bytes_and_another_one_another_id() -> None:
    first, again, later = followed(called()), followed(called()), followed(called(), event_id=8)

    assert encode(first) == encode(again)
    assert first.command_id == str(message_id(LOG, 7)) != later.command_id


def test_nobody_waits_for_a_message_and_it_never_expires() -> None:
    message = decode_command(encode(followed(called())))

    assert (message.reply_to, message.not_after) == (None, None)


def test_the_lineage_is_what_the_first_event_says() -> None:
    state = State()
    started = ExecutionStarted(
        workspace_id="ws",
        workflow_version=1,
        definition_digest="sha256:1",
        trigger="workflow",
        mode="async",
        actor=ANN,
        parent=CHOSEN,
        call_chain=["z"],
        timeout_at="2026-01-01T12:01:30.000000Z",
        start_time=NOON,
    )
    evolve(state, event_of(started, event_id=1))

    assert lineage_of(state) == KIN
