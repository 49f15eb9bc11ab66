"""Decisions on pause points (execution-semantics.md, Human in the loop)."""

import sys

import pytest

from signoff.engine.state import PausePoint
from support.bdd import APPROVAL, HUMAN, MAKER, NOW, Story, asks, fails, gives, naps, workflow

TWO = workflow("start > one > join", "start > two > join", one=HUMAN, two=HUMAN)
APART = workflow("start > one > a", "start > two > b", one=HUMAN, two=HUMAN)


def paused(form: list[dict[str, object]] | None = None) -> Story:
    """An execution that waits at its only point."""
    return Story(workflow("start > ask > after", ask=HUMAN), {"ask": asks(form)}).start().work()


def points(story: Story) -> dict[str, str]:
    return {point.context_id: point.status for point in story.state.points.values()}


# --- Taking a decision up ---------------------------------------------------------------------------


def test_a_decision_ends_the_pause_block_and_starts_what_is_ready_by_it() -> None:
    story = paused()
    story.resume("ask")
    assert story.told()[-3:] == ["execution:resumed", "block:completed ask", "block:started after"]
    assert points(story) == {"ask": "resuming"}


def test_the_pause_block_is_not_started_again_and_finished_blocks_never_run_again() -> None:
    story = Story(workflow("start > a > ask > after", ask=HUMAN)).start().work()
    story.resume("ask")
    story.work()
    starts = story.told("block:started")
    assert len(starts) == len(set(starts))


def test_a_pause_block_with_nothing_after_it_ends_the_execution_with_its_merged_output() -> None:
    story = Story(workflow("start > ask", ask=HUMAN), {"ask": asks(APPROVAL)}).start().work()
    story.resume("ask", {"approved": True, "comment": "fine"})
    output = story.last("execution:completed").output
    assert (output["approved"], output["comment"], output["submittedBy"]) == (True, "fine", "Ada")
    assert output["submission"] == {"approved": True, "comment": "fine"}
    assert output["response"]["data"]["submission"] == {"approved": True, "comment": "fine"}
    assert points(story) == {"ask": "resumed"}


def test_before_the_decision_the_output_holds_the_links_and_the_forms_fields() -> None:
    story = paused([{"name": "note", "value": "none"}])
    output = story.state.outputs["ask"]
    assert (output["note"], output["url"]) == ("none", output["response"]["data"]["_resume"]["uiUrl"])


def test_outputs_of_finished_blocks_stay_readable_after_a_decision() -> None:
    story = Story(workflow("start > a > ask > after", ask=HUMAN)).start().work()
    story.resume("ask")
    assert story.state.outputs["a"] == {"result": "a"}


def test_the_new_run_has_an_id_of_its_own_in_the_logs_partition() -> None:
    story = paused()
    outcome = story.resume("ask")
    assert outcome.resume_execution_id == story.run_ids()[1]
    assert story.run_ids()[1][-4:] == story.state.log_id[-4:]


def test_the_pause_blocks_end_has_its_own_place_in_the_order() -> None:
    graph = workflow("start > ask > after", "start > a > b", ask=HUMAN)
    story = Story(graph).start().work()
    story.resume("ask")
    assert story.envelope("block:completed ask").data.execution_order == 2


def test_the_pause_blocks_end_tells_the_try_that_opened_the_point() -> None:
    story = Story(workflow("start > ask", ask=HUMAN)).start().crash().work()
    story.resume("ask")
    assert story.envelope("block:completed ask").attempt == 2


def test_a_run_may_be_resumed_in_another_mode() -> None:
    story = paused()
    story.resume("ask", mode="sync")
    assert story.state.runs[story.run_ids()[1]].mode == "sync"


def test_without_a_mode_a_decision_has_that_of_the_execution() -> None:
    story = Story(workflow("start > ask > after", ask=HUMAN)).start(mode="stream").work()
    story.resume("ask")
    assert story.state.runs[story.run_ids()[1]].mode == "stream"


# --- Several points ---------------------------------------------------------------------------------


def test_with_points_still_open_the_resumed_run_ends_and_the_execution_stays_paused() -> None:
    story = Story(APART).start().work()
    story.resume("one")
    story.work()
    assert story.told()[-1] == "execution:paused"
    assert [each.context_id for each in story.last("execution:paused").pause_points] == ["two"]
    assert (story.state.status, points(story)) == ("paused", {"one": "resumed", "two": "paused"})


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_points_may_be_resumed_in_any_order_and_the_last_one_completes(order: tuple[str, str]) -> None:
    story = Story(APART).start().work()
    for context_id in order:
        story.resume(context_id)
        story.work()
    assert story.told()[-1] == "execution:completed"
    assert points(story) == {"one": "resumed", "two": "resumed"}


def test_a_join_waits_for_every_point_and_sees_every_submission() -> None:
    story = Story(TWO).start().work()
    story.resume("one", {"by": "editor"})
    assert story.told()[-1] == "execution:paused"
    story.resume("two", {"by": "lawyer"})
    assert story.running() == ["join"]
    assert [story.state.outputs[name]["submission"]["by"] for name in ("one", "two")] == ["editor", "lawyer"]


def test_a_point_that_a_resumed_run_opens_pauses_it_again() -> None:
    story = Story(workflow("start > one > two > after", one=HUMAN, two=HUMAN)).start().work()
    story.resume("one")
    story.work()
    assert story.state.points["two"].run_id == story.run_ids()[1]
    story.resume("two")
    story.work()
    assert story.told()[-1] == "execution:completed"


# --- The queue --------------------------------------------------------------------------------------


def test_a_decision_while_another_run_is_at_work_is_queued() -> None:
    story = Story(APART).start().work()
    story.resume("one")
    outcome = story.resume("two")
    assert (outcome.outcome, outcome.queue_position) == ("queued", 1)
    assert outcome.event_id == story.envelope("resume:queued two").event_id
    assert points(story) == {"one": "resuming", "two": "queued"}


def test_a_decision_before_the_first_run_has_ended_is_queued() -> None:
    story = Story(workflow("start > ask", "start > a", ask=HUMAN)).start().finish("ask")
    assert story.resume("ask").outcome == "queued"
    story.finish("a")
    assert story.told()[-4:] == [
        "execution:paused",
        "execution:resumed",
        "block:completed ask",
        "execution:completed",
    ]


def test_queued_decisions_take_their_turns_first_in_first_out() -> None:
    names = ("one", "two", "three")
    graph = workflow(*(f"start > {name} > after-{name}" for name in names), **dict.fromkeys(names, HUMAN))
    story = Story(graph).start().work()
    positions = [story.resume(name).queue_position for name in ("two", "three", "one")]
    assert positions == [None, 1, 2]
    story.work()
    resumed = [event.data.context_id for event in story.events if event.type == "execution:resumed"]
    assert resumed == ["two", "three", "one"]


def test_a_queued_decision_names_its_run_from_the_start() -> None:
    story = Story(APART).start().work()
    story.resume("one")
    outcome = story.resume("two")
    story.work()
    assert story.run_ids()[2] == outcome.resume_execution_id


def test_a_queued_decision_is_caused_by_its_command_and_keeps_its_digest() -> None:
    story = Story(APART).start().work()
    story.resume("one")
    command_id = story.resume("two", digest="d2").command_id
    story.work()
    resumed = [event for event in story.events if event.type == "execution:resumed"][-1]
    assert (resumed.causation_id, resumed.data.request_digest) == (command_id, "d2")


def test_a_run_that_only_waits_does_not_hold_the_queue() -> None:
    graph = workflow("start > ask > after", "start > nap", ask=HUMAN, nap="wait")
    story = Story(graph, {"nap": naps(60)}).start().work()
    assert story.resume("ask").outcome == "accepted"


def test_a_decision_that_finds_the_run_before_it_out_of_time_does_not_overtake_the_queue() -> None:
    names = ("one", "two", "three")
    graph = workflow(*(f"start > {name} > after-{name}" for name in names), **dict.fromkeys(names, HUMAN))
    story = Story(graph).start(time_limit=10).work()
    story.resume("one")
    story.resume("two")
    story.now += 10
    assert story.resume("three").outcome == "queued"
    assert story.told("execution:resumed", "resume:queued")[-1] == "resume:queued three"
    assert story.running()[-1] == "after-two"


def test_a_queued_decision_takes_its_turn_when_the_run_before_it_begins_to_wait() -> None:
    graph = workflow("start > ask > after", "start > a > nap", ask=HUMAN, nap="wait")
    story = Story(graph, {"nap": naps(60)}).start().finish("ask")
    story.resume("ask")
    story.finish("a", "nap")
    assert story.running() == ["after"]


def test_a_resumed_run_that_ends_beside_one_that_waits_does_not_end_the_execution() -> None:
    graph = workflow("start > ask", "start > nap", ask=HUMAN, nap="wait")
    story = Story(graph, {"nap": naps(60)}).start().work()
    story.resume("ask")
    assert (story.told()[-1], story.state.status) == ("execution:paused", "running")
    story.later(60)
    assert story.told()[-1] == "execution:completed"


def test_a_very_long_queue_is_worked_off_without_deep_recursion() -> None:
    names = [f"ask{number}" for number in range(sys.getrecursionlimit() // 3)]
    graph = workflow("start > a", *(f"start > {name}" for name in names), **dict.fromkeys(names, HUMAN))
    story = Story(graph).start().finish(*names)
    for name in names:
        story.resume(name)
    story.finish("a")
    assert (story.state.queue, story.told()[-1]) == ([], "execution:completed")
    assert len(story.told("execution:resumed")) == len(names)


# --- Failures ---------------------------------------------------------------------------------------


def test_a_resumed_run_that_fails_ends_alone_while_other_points_are_open() -> None:
    story = Story(APART, {"a": fails("broke")}).start().work()
    story.resume("one")
    story.work()
    assert (story.last("execution:error").error, story.last("execution:error").final) == ("A: broke", False)
    assert (story.state.status, points(story)) == ("paused", {"one": "failed", "two": "paused"})


def test_after_a_failed_run_the_last_point_ends_the_execution_with_that_error() -> None:
    story = Story(APART, {"a": fails("broke")}).start().work()
    story.resume("one")
    story.work()
    story.resume("two")
    story.work()
    ended = story.last("execution:error")
    assert (ended.error, ended.block_id, ended.final) == ("A: broke", "a", True)
    assert story.state.status == "failed"


def test_a_run_that_went_well_is_not_blamed_for_the_failure_of_another() -> None:
    story = Story(APART, {"a": fails("broke")}).start().work()
    story.resume("one")
    story.work()
    story.resume("two")
    story.work()
    assert points(story) == {"one": "failed", "two": "resumed"}
    reasons = [(entry.status, entry.failure_reason) for entry in story.state.entries.values()]
    assert reasons == [("failed", "A: broke"), ("completed", None)]


def test_a_run_that_runs_out_of_time_after_another_failed_has_failed_too() -> None:
    story = Story(APART, {"a": fails("broke")}).start(time_limit=10).work()
    story.resume("one")
    story.work()
    story.resume("two")
    story.later(10)
    assert points(story) == {"one": "failed", "two": "failed"}
    assert story.last("execution:error").final


def test_of_two_runs_that_fail_the_first_one_gives_the_executions_error() -> None:
    story = Story(APART, {"a": fails("first"), "b": fails("second")}).start().work()
    story.resume("one")
    story.work()
    story.resume("two")
    story.work()
    assert [entry.failure_reason for entry in story.state.entries.values()] == ["A: first", "B: second"]
    assert story.state.failure is not None
    assert story.state.failure.error == "A: first"


def test_a_failing_run_closes_its_own_points_only() -> None:
    graph = workflow("start > one > a", "one > two", "start > three", one=HUMAN, two=HUMAN, three=HUMAN)
    story = Story(graph, {"a": fails()}).start().work()
    story.resume("one")
    story.finish("two", "a")
    assert story.told("pause:closed") == ["pause:closed two"]
    assert story.envelope("pause:closed two").run_id == story.run_ids()[1]


def test_a_queued_decision_still_has_its_run_after_the_one_before_it_failed() -> None:
    story = Story(APART, {"a": fails()}).start().work()
    story.resume("one")
    story.resume("two")
    story.work()
    assert story.told("execution:error", "execution:resumed") == [
        "execution:resumed",
        "execution:error",
        "execution:resumed",
        "execution:error",
    ]
    assert story.state.outputs["b"] == {"result": "b"}


def test_a_decision_that_was_queued_before_the_run_of_its_point_failed_is_not_lost() -> None:
    graph = workflow("start > ask > after", "start > a", ask=HUMAN)
    story = Story(graph, {"a": fails("broke")}).start().finish("ask")
    story.resume("ask")
    story.work()
    assert story.told()[-6:] == [
        "execution:error",
        "execution:resumed",
        "block:completed ask",
        "block:started after",
        "block:completed after",
        "execution:error",
    ]
    assert points(story) == {"ask": "resumed"}


def test_the_error_edge_of_a_pause_block_does_not_fire_on_a_decision() -> None:
    story = Story(workflow("start > ask > after", "ask !> rescue", ask=HUMAN)).start().work()
    story.resume("ask")
    assert story.running() == ["after"]


def test_an_output_from_before_the_failure_is_kept() -> None:
    graph = workflow("start > one > a", "start > two", "start > first", one=HUMAN, two=HUMAN)
    story = Story(graph, {"a": fails(), "first": gives("kept")}).start().work()
    story.resume("one")
    story.work()
    assert story.last("execution:error").output == "kept"


# --- Who and when -----------------------------------------------------------------------------------


def test_the_log_tells_who_decided_what_and_when() -> None:
    story = paused()
    story.now += 60
    story.resume("ask", {"submission": {"ok": 1}, "note": "x"})
    data = story.last("execution:resumed")
    assert (data.actor, data.submission) == (MAKER, {"ok": 1})
    assert data.input == {"submission": {"ok": 1}, "note": "x"}
    point: PausePoint = story.state.points["ask"]
    assert (point.opened_at, point.closed_at) == (NOW, NOW + 60)
