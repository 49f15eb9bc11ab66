"""A pause point whose run failed is tried again by an operator; decisions in branches; cancellation."""

import pytest

from signoff.engine.definitions.definition import Loop, Parallel
from signoff.engine.points.policies import NO_POLICY, Policy
from signoff.events.times import iso
from signoff.events.types import SYSTEM, ChildChanged, ClaimPause, Command, Quorum, RetryExecution
from support.bdd import HUMAN, LOG, Answer, an_id, calls, fails, gives, refold, workflow
from support.decisions import ANN, BOB, OPERATOR, Deciding, asks_by, code, paused, person, step

SAME = "11111111-1111-5111-8111-111111111111"
APART = ("start > ask > after > end", "start > other > b")


def failed(*paths: str, policy: Policy = NO_POLICY, **script: Answer) -> Deciding:
    """An execution whose point ``ask`` was decided by Ann, and whose block ``after`` failed then."""
    graph = workflow(*(paths or ("start > ask > after > end",)), ask=HUMAN, other=HUMAN)
    asked = {"ask": asks_by(policy), "other": asks_by(NO_POLICY)}
    story = Deciding(graph, {**asked, "after": fails(tries=1), **script})
    story.start().work()
    story.decide(ANN)
    story.work()
    return story


# --- Retries ----------------------------------------------------------------------------------------


def test_in_a_failed_execution_a_retry_reopens_it_and_starts_what_failed() -> None:
    story = failed()
    assert story.state.status == "failed"
    outcome = story.decide(OPERATOR, None, retry=True)
    assert story.told()[-3:] == ["execution:reopened", "execution:resumed", "block:started after"]
    assert outcome.event_id == story.events[-2].event_id
    assert story.events[-3].run_id == outcome.resume_execution_id
    story.work()
    assert (story.state.status, story.point().status, story.state.failure) == ("completed", "resumed", None)


def test_in_a_paused_execution_a_retry_leaves_other_points_as_they_are() -> None:
    story = failed(*APART)
    assert story.state.status == "paused"
    story.decide(OPERATOR, None, retry=True)
    story.work()
    assert (story.point().status, story.point("other").status) == ("resumed", "paused")
    story.decide(BOB, at="other")
    story.work()
    assert story.state.status == "completed"


def test_with_what_was_decided_then_nothing_that_ended_runs_again() -> None:
    story = failed()
    submission = story.state.outputs["ask"]["submission"]
    story.decide(OPERATOR, None, retry=True)
    story.work()
    assert story.told("block:completed").count("block:completed ask") == 1
    assert story.state.outputs["ask"]["submission"] == submission
    resumed = story.last("execution:resumed")
    assert (resumed.actor, resumed.input) == (OPERATOR.actor, {"approved": True})


def test_who_tries_it_again_has_decided_nothing() -> None:
    story = failed()
    (decided,) = story.state.entries.values()
    story.decide(OPERATOR, None, retry=True)
    story.work()
    again = story.last("execution:resumed")
    assert (again.made, again.retry_of) == (None, decided.entry_id)
    assert story.state.outputs["ask"]["submittedBy"] == ANN.actor.id


def test_with_something_else_what_follows_reads_that() -> None:
    story = failed()
    story.decide(BOB, False, retry=True)
    assert story.state.outputs["ask"]["approved"] is False
    story.work()
    assert story.told("block:started").count("block:started ask") == 1
    assert (story.state.status, story.point().status) == ("completed", "resumed")


def test_something_else_is_decided_by_whoever_may_decide() -> None:
    story = failed(policy=Policy(assignees=["user:ann", "group:board"]))
    assert code(story.decide(OPERATOR, False, retry=True)) == "NOT_ELIGIBLE"
    assert code(story.decide(BOB, "perhaps", retry=True)) == "FORM_INVALID"
    assert code(story.decide(BOB, False, retry=True, seen="sha256:old")) == "CONTENT_CHANGED"
    assert story.decide(BOB, False, retry=True).outcome == "accepted"


def test_a_former_claim_hinders_nobody() -> None:
    story = Deciding(workflow("start > ask > after", ask=HUMAN), {"after": fails(tries=1)})
    story.script["ask"] = asks_by(NO_POLICY)
    story.start().work()
    story.ask(ClaimPause, ANN)
    story.decide(ANN)
    story.work()
    assert story.decide(BOB, False, retry=True).outcome == "accepted"


def test_what_several_decided_is_tried_again_as_it_was() -> None:
    story = failed(policy=Policy(quorum=Quorum(required=1, field="approved")))
    assert code(story.decide(BOB, False, retry=True)) == "NOT_ELIGIBLE"
    assert story.decide(OPERATOR, None, retry=True).outcome == "accepted"


@pytest.mark.parametrize("over", ["paused", "resuming", "completed", "cancelled"])
def test_only_a_point_whose_run_failed_is_tried_again(over: str) -> None:
    story = paused()
    if over in {"resuming", "completed"}:
        story.decide(ANN)
    if over == "completed":
        story.work()
    if over == "cancelled":
        story.cancel()
    assert code(story.decide(OPERATOR, None, retry=True)) == "NOT_FAILED"


def test_not_even_a_failed_one_of_a_cancelled_execution() -> None:
    story = failed(*APART)
    story.cancel()
    assert code(story.decide(OPERATOR, None, retry=True)) == "NOT_FAILED"


def test_a_retry_waits_for_its_turn_and_has_one_at_a_time() -> None:
    story = failed(*APART)
    story.decide(BOB, at="other")
    assert story.decide(OPERATOR, None, retry=True).outcome == "queued"
    assert code(story.decide(OPERATOR, None, retry=True)) == "NOT_FAILED"
    story.work()
    assert story.state.status == "completed"


def test_a_retry_that_fails_may_be_tried_again() -> None:
    story = failed(after=fails(tries=2))
    story.decide(OPERATOR, None, retry=True)
    story.work()
    assert (story.state.status, story.point().status) == ("failed", "failed")
    story.decide(OPERATOR, None, retry=True)
    story.work()
    assert story.state.status == "completed"


def test_a_retry_that_is_delivered_twice_has_one_effect() -> None:
    story = failed()
    first = story.decide(OPERATOR, None, retry=True, command_id=SAME)
    again = story.decide(OPERATOR, None, retry=True, command_id=SAME)
    assert (again.outcome, again.event_id) == ("duplicate", first.event_id)
    assert again.resume_execution_id == first.resume_execution_id


def test_a_failure_that_is_mended_does_not_fail_the_execution_and_another_one_does() -> None:
    story = failed(*APART, b=fails(tries=1))
    story.decide(BOB, at="other")
    story.work()
    assert [story.point(name).status for name in ("ask", "other")] == ["failed", "failed"]
    story.decide(OPERATOR, None, retry=True)
    story.work()
    assert (story.state.status, story.last("execution:error").error) == ("failed", "B: boom")
    story.decide(OPERATOR, None, at="other", retry=True)
    story.work()
    assert story.state.status == "completed"


def test_what_the_execution_was_reopened_for_is_not_tried_again_by_its_point() -> None:
    story = failed(*APART, b=fails())
    story.decide(BOB, at="other")
    story.work()
    story.command(RetryExecution(reason="mended"))
    assert code(story.decide(OPERATOR, None, retry=True)) == "NOT_FAILED"
    story.work()
    assert story.point().status == "resumed"


def test_a_failure_that_a_reopening_mended_does_not_come_back() -> None:
    story = failed()
    story.command(RetryExecution(reason="mended"))
    story.script["end"] = fails()
    story.work()
    assert story.last("execution:error").error == "End: boom"
    story.script["end"] = gives()
    story.command(RetryExecution(reason="mended"))
    story.work()
    assert (story.state.status, story.state.failure) == ("completed", None)


def test_a_point_that_failed_in_time_opens_again_and_is_decided_there() -> None:
    story = Deciding(workflow("start > ask > after", ask=HUMAN))
    story.script["ask"] = asks_by(Policy(deadlines=[step(30, "fail")]))
    story.start().work().later(30)
    assert code(story.decide(ANN, retry=True)) == "NOT_ELIGIBLE"
    story.script["ask"] = asks_by(NO_POLICY)
    story.decide(OPERATOR, None, retry=True)
    story.work()
    assert (story.state.status, story.point().status, story.point().entry_id) == ("paused", "paused", None)
    story.decide(ANN)
    story.work()
    assert story.state.status == "completed"


def test_a_child_that_failed_is_called_again_and_nobody_decides_in_its_place() -> None:
    story = Deciding(workflow("start > child > after", child="workflow"), {"child": calls()})
    story.start().work()
    child_changes(story, "paused")
    child_changes(story, "failed")
    assert story.point("child").status == "failed"
    assert code(story.decide(ANN, at="child", retry=True)) == "NOT_ELIGIBLE"
    story.decide(OPERATOR, None, at="child", retry=True)
    story.work()
    child_changes(story, "completed")
    assert story.running() == ["after"]


def child_changes(story: Deciding, status: str) -> None:
    """Tell the story how the execution that it called last does."""
    flight, point = story.state.in_flight.get("child"), story.state.points.get("child")
    child = (flight.child if flight else None) or (point.child if point else None)
    assert child is not None
    change = ChildChanged(
        instance="child",
        child_execution_id=child.execution_id,
        event_id=1,
        status=status,  # type: ignore[arg-type]
        error="B: boom" if status == "failed" else None,
    )
    command = Command(
        command_id=an_id(1_000 + len(story.events)),
        type=change.TYPE,
        execution_id=str(LOG),
        issued_at=iso(story.now),
        actor=SYSTEM,
        data=change,
    )
    story.send(command)


# --- Branches and turns -----------------------------------------------------------------------------


def test_points_of_branches_and_turns_are_decided_each_for_itself() -> None:
    containers = [
        Parallel(id="branches", nodes=("turns",), count=2),
        Loop(id="turns", nodes=("ask",), iterations=2),
    ]
    story = Deciding(workflow("start > branches > end", ask=HUMAN, containers=containers))
    story.script["ask"] = asks_by(Policy(assignees=["user:ann"]))
    story.start().work()
    for turn in range(2):
        for branch in (1, 0):
            story.decide(ANN, at=f"ask₍{branch}₎_loop{turn}")
            story.work()
    assert story.state.status == "completed"
    assert [each.status for each in story.state.points.values()] == ["resumed"] * 4


def test_a_parallel_in_a_run_that_is_well_is_not_stopped_by_one_that_failed() -> None:
    graph = workflow(
        "start > ask > after", "start > other > branches", ask=HUMAN, other=HUMAN,
        containers=[Parallel(id="branches", nodes=("b",), count=3, batch_size=1)],
    )  # fmt: skip
    story = Deciding(graph, {"after": fails()})
    story.start().work()
    for point in ("ask", "other"):
        story.resume(point)
        story.work()
    assert story.told("block:completed").count("block:completed b") == 3
    assert story.told("block:completed")[-1] == "block:completed branches"


# --- Cancellation -----------------------------------------------------------------------------------


def test_a_cancellation_closes_what_is_claimed_fails_what_is_queued_and_ends_what_is_held() -> None:
    graph = workflow(
        "start > ask > a", "start > other > b", "start > mine > c > late",
        ask=HUMAN, other=HUMAN, mine=HUMAN, late=HUMAN,
    )  # fmt: skip
    story = Deciding(graph)
    story.start().work()
    story.ask(ClaimPause, ANN, at="mine")
    story.decide(person("eve"), at="late", hold=60)
    for point in ("ask", "other"):
        story.resume(point)
    story.cancel()
    assert story.told()[-4:] == [
        "pause:closed mine",
        "resume:failed other",
        "decision:expired late",
        "execution:cancelled",
    ]
    statuses = [story.point(name).status for name in ("ask", "other", "mine")]
    assert statuses == ["failed", "failed", "closed"]
    assert (story.state.queue, story.state.held_decisions, story.state.timers) == ([], {}, {})


def test_without_its_graph_the_log_tells_the_same_of_its_points() -> None:
    story = failed(policy=Policy(quorum=Quorum(required=1, field="approved")))
    story.decide(OPERATOR, None, retry=True)
    story.work()
    told = refold(story.raws, None)
    assert (told.points, told.entries) == (story.state.points, story.state.entries)
