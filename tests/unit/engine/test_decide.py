"""Starting, cancelling, repeating and taking over an execution; results that nobody waits for."""

import pytest

from signoff.engine.definitions.definition import Retry, Variable
from signoff.engine.messages import RunBlock, TakenOver, Tick
from signoff.events.times import iso
from signoff.events.types import DeployWorkflow, Outcome
from support.bdd import HUMAN, MAKER, NOW, Story, fails, naps, workflow

SAME = "11111111-1111-5111-8111-111111111111"
CHAIN = workflow("start > a > b")
APART = workflow("start > one > a", "start > two > b", one=HUMAN, two=HUMAN)


def code(outcome: Outcome) -> str:
    assert outcome.outcome == "refused"
    assert outcome.refusal is not None
    return outcome.refusal.code


# --- Start ------------------------------------------------------------------------------------------


def test_a_start_is_accepted_with_its_first_event() -> None:
    story = Story(CHAIN).start()
    assert story.outcome is not None
    assert (story.outcome.outcome, story.outcome.event_id) == ("accepted", 1)
    assert (story.last("execution:started").actor, story.state.status) == (MAKER, "running")


def test_the_start_block_gives_the_input_and_counts_as_the_first_block() -> None:
    story = Story(CHAIN).start({"amount": 5})
    assert story.state.outputs["start"] == {"amount": 5}
    assert story.tries == [RunBlock("a", story.state.execution_id, 1)]


def test_variables_begin_with_the_values_of_the_definition_read_by_type() -> None:
    story = Story(workflow("start > a", variables=[Variable("v", "limit", "number", "10")])).start()
    assert story.told()[1] == "variables:set"
    assert story.state.variables == {"limit": 10}


def test_a_start_that_is_delivered_twice_has_one_effect() -> None:
    story = Story(CHAIN).start(command_id=SAME)
    before = len(story.events)
    story.start(command_id=SAME)
    assert story.outcome is not None
    assert (story.outcome.outcome, story.outcome.event_id, len(story.events)) == ("duplicate", 1, before)


def test_another_start_under_the_same_id_is_refused() -> None:
    story = Story(CHAIN).start()
    story.start()
    assert story.outcome is not None
    assert code(story.outcome) == "EXECUTION_ID_CONFLICT"


def test_a_start_with_the_same_key_and_request_is_a_duplicate_whatever_its_id() -> None:
    story = Story(CHAIN).start(digest="d1")
    story.start(digest="d1")
    assert story.outcome is not None
    assert story.outcome.outcome == "duplicate"


def test_a_start_with_the_same_key_and_another_request_is_a_conflict() -> None:
    story = Story(CHAIN).start(command_id=SAME, digest="d1")
    story.start(command_id=SAME, digest="d2")
    assert story.outcome is not None
    assert code(story.outcome) == "IDEMPOTENCY_CONFLICT"


def test_a_command_that_comes_too_late_changes_nothing() -> None:
    story = Story(CHAIN)
    story.start(not_after=iso(NOW - 1))
    assert story.outcome is not None
    assert (code(story.outcome), story.events) == ("EXPIRED", [])


def test_a_repetition_is_answered_however_late_it_comes() -> None:
    story = Story(CHAIN).start(command_id=SAME, not_after=iso(NOW))
    story.now += 60
    story.start(command_id=SAME, not_after=iso(NOW))
    assert story.outcome is not None
    assert story.outcome.outcome == "duplicate"


def test_a_command_for_a_workflow_is_none_for_an_execution() -> None:
    deploy = DeployWorkflow(workspace_id="w", workflow_id="w", name="w", definition={}, digest="d")
    assert code(Story(CHAIN).start().command(deploy)) == "BAD_REQUEST"


def test_the_first_event_keeps_the_correlation_of_its_command() -> None:
    story = Story(CHAIN).start(correlation_id="order-7")
    assert story.events[0].correlation_id == "order-7"


# --- Cancel -----------------------------------------------------------------------------------------


def test_cancelling_stops_what_runs_and_ends_the_execution() -> None:
    story = Story(workflow("start > a", "start > b")).start()
    outcome = story.cancel()
    assert (outcome.outcome, outcome.event_id) == ("accepted", story.events[-1].event_id)
    assert [each.instance for each in story.stopped] == ["a", "b"]
    assert story.ended == [(story.run_ids()[0], story.state.version)]
    assert story.state.status == "cancelled"


def test_a_result_after_the_cancellation_changes_nothing() -> None:
    story = Story(CHAIN).start()
    story.cancel()
    assert story.answer(story.tries[0]) == []


def test_cancellation_beats_errors() -> None:
    story = Story(workflow("start > a", "start > b"), {"a": fails()}).start().finish("a")
    story.cancel()
    assert story.told("execution:error", "execution:cancelled") == ["execution:cancelled"]
    assert story.state.failure is not None
    assert story.state.failure.code == "CANCELLED"


def test_a_block_of_a_cancelled_execution_is_not_tried_again() -> None:
    story = Story(workflow("start > a", retries={"a": Retry()}), {"a": fails()}).start().work()
    story.cancel()
    assert story.state.next_due() is None


def test_cancelling_a_paused_execution_closes_its_points() -> None:
    story = Story(APART).start().work()
    story.cancel()
    assert story.told()[-3:] == ["pause:closed one", "pause:closed two", "execution:cancelled"]
    assert story.ended[1:] == []


def test_cancelling_closes_each_point_in_the_name_of_the_run_that_opened_it() -> None:
    story = (
        Story(workflow("start > one > two", "start > three", one=HUMAN, two=HUMAN, three=HUMAN))
        .start()
        .work()
    )
    story.resume("one")
    story.work()
    story.cancel()
    assert story.envelope("pause:closed two").run_id == story.run_ids()[1]
    assert story.envelope("pause:closed three").run_id is None


def test_cancelling_fails_queued_decisions_and_ends_their_runs() -> None:
    story = Story(APART).start().work()
    story.resume("one")
    queued = story.resume("two").resume_execution_id
    story.cancel()
    assert story.envelope("resume:failed two").run_id == queued
    assert {point.context_id: point.status for point in story.state.points.values()} == {
        "one": "failed",
        "two": "failed",
    }
    assert story.ended[1:] == [(story.run_ids()[1], story.state.version), (queued, story.state.version)]
    assert {entry.failure_reason for entry in story.state.entries.values()} == {
        "No longer needed",
        "The execution was cancelled",
    }


def test_cancelling_again_says_so_and_changes_nothing() -> None:
    story = Story(CHAIN).start()
    story.cancel()
    before = len(story.events)
    assert (code(story.cancel()), len(story.events)) == ("ALREADY_CANCELLED", before)


@pytest.mark.parametrize("digest", [None, "d1"])
def test_a_cancellation_that_is_delivered_twice_is_a_duplicate_with_or_without_a_key(
    digest: str | None,
) -> None:
    story = Story(CHAIN).start()
    story.cancel(command_id=SAME, digest=digest)
    assert story.cancel(command_id=SAME, digest=digest).outcome == "duplicate"


def test_a_finished_execution_cannot_be_cancelled() -> None:
    outcome = Story(CHAIN).start().work().cancel()
    assert code(outcome) == "FINISHED"
    assert outcome.refusal is not None
    assert outcome.refusal.message == "Execution cannot be cancelled while completed"


def test_an_execution_that_never_was_cannot_be_cancelled() -> None:
    assert code(Story(CHAIN).cancel()) == "NOT_FOUND"


# --- Results ----------------------------------------------------------------------------------------


def test_the_result_of_an_earlier_try_changes_nothing() -> None:
    story = Story(CHAIN).start()
    stale = story.tries[0]
    story.crash()
    story.tries.append(stale)
    assert story.answer(stale) == []
    assert story.finish("a").running() == ["b"]


def test_a_result_that_is_delivered_twice_has_one_effect() -> None:
    story = Story(CHAIN).start()
    first = story.tries[0]
    story.answer(first)
    story.tries.append(first)
    assert story.answer(first) == []


def test_the_passing_of_time_alone_changes_nothing() -> None:
    assert Story(CHAIN).start().send(Tick()) == []


# --- Take-over --------------------------------------------------------------------------------------


def test_after_a_take_over_a_block_in_flight_is_tried_again_with_the_next_attempt() -> None:
    story = Story(CHAIN).start().crash()
    assert story.tries == [RunBlock("a", story.state.execution_id, 2)]
    started = next(event for event in story.events if event.type == "block:started" and event.attempt)
    assert (started.attempt, started.data.execution_order) == (2, 2)
    assert started.causation_id == "4"


def test_a_take_over_repeats_no_finished_block() -> None:
    story = Story(CHAIN).start().finish("a").crash().work()
    assert story.told("block:started").count("block:started a") == 1
    assert story.told()[-1] == "execution:completed"


def test_a_take_over_leaves_waits_and_tries_to_come_alone() -> None:
    graph = workflow("start > nap", "start > a", nap="wait", retries={"a": Retry(wait_ms=60_000)})
    story = Story(graph, {"nap": naps(60), "a": fails()}).start().work()
    assert story.crash().tries == []


def test_a_take_over_leaves_blocks_alone_that_run_in_this_process() -> None:
    story = Story(workflow("start > a", "start > b")).start()
    story.send(TakenOver(running=frozenset({("a", 1)})))
    assert [(run.instance, run.attempt) for run in story.tries] == [("a", 1), ("b", 1), ("b", 2)]


def test_a_take_over_does_not_try_again_what_a_timer_has_just_started() -> None:
    graph = workflow("start > nap > after", "start > a", nap="wait", retries={"a": Retry(wait_ms=1_000)})
    story = Story(graph, {"nap": naps(1), "a": fails(tries=1)}).start().work()
    story.now += 10
    story.crash()
    assert [(run.instance, run.attempt) for run in story.tries] == [("a", 2), ("after", 1)]


def test_a_take_over_after_the_time_limit_ends_the_run_instead() -> None:
    story = Story(CHAIN).start(time_limit=10)
    story.now += 10
    assert story.crash().tries == []
    assert story.told()[-1] == "execution:error"


def test_a_take_over_of_a_paused_execution_changes_nothing() -> None:
    story = Story(APART).start().work()
    assert story.send(TakenOver()) == []


def test_a_resumed_runs_block_keeps_its_run_over_a_take_over() -> None:
    story = Story(workflow("start > ask > after", ask=HUMAN)).start().work()
    story.resume("ask")
    story.crash()
    assert story.tries == [RunBlock("after", story.run_ids()[1], 2)]
    assert story.events[-1].run_id == story.run_ids()[1]


# --- Determinism ------------------------------------------------------------------------------------


def test_the_same_inputs_at_the_same_times_give_the_same_bytes() -> None:
    def told() -> list[bytes]:
        story = Story(APART).start({"x": 1}).work()
        story.resume("one", {"y": 2})
        story.work().later(5)
        story.cancel()
        return story.raws

    assert told() == told()
