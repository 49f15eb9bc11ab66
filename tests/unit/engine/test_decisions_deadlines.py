"""What happens at a pause point when nobody decides in time (execution-semantics.md)."""

from typing import Any

from signoff.engine.points.policies import Policy
from signoff.events.types import SYSTEM, ClaimPause, Quorum
from support.bdd import HUMAN, NOW, Answer, fails, workflow
from support.decisions import ANN, BOB, Deciding, asks_by, code, paused, person, step

REMIND = step(10, "remind")
ESCALATE = step(20, "escalate", ["group:board"])
DECIDE = step(30, "decide", given={"approved": False})
FAIL = step(30, "fail")
LADDER = Policy(assignees=["user:ann"], deadlines=[REMIND, ESCALATE, DECIDE])


def waiting(policy: Policy, *paths: str, **script: Answer) -> Deciding:
    """An execution that waits at ``ask``, and at ``other`` where the paths have it."""
    graph = workflow(*paths, ask=HUMAN, other=HUMAN)
    story = Deciding(graph, {"ask": asks_by(policy), "other": asks_by(Policy()), **script})
    story.start().work()
    return story


def steps(story: Deciding) -> list[tuple[str, int]]:
    kinds = {"pause:reminded", "pause:escalated", "pause:expired"}
    return [(each.type, step_of(each.data)) for each in story.events if each.type in kinds]


def step_of(data: Any) -> int:
    return int(data.step)


# --- Steps ------------------------------------------------------------------------------------------


def test_each_step_strikes_at_its_moment_and_not_before() -> None:
    story = paused(LADDER)
    assert (story.state.next_due(), story.state.parked()) == (NOW + 10, True)
    story.later(9.999999)
    assert steps(story) == []
    story.later(0.000001)
    assert (steps(story), story.state.next_due()) == ([("pause:reminded", 1)], NOW + 20)
    story.later(10)
    assert (steps(story)[-1], story.state.next_due()) == (("pause:escalated", 2), NOW + 30)
    story.later(10)
    assert (steps(story)[-1], story.state.next_due()) == (("pause:expired", 3), None)


def test_after_executors_were_down_all_steps_strike_in_order_and_each_once() -> None:
    story = paused(LADDER)
    story.now += 3_600
    story.crash()
    assert steps(story) == [("pause:reminded", 1), ("pause:escalated", 2), ("pause:expired", 3)]
    story.crash()
    assert len(steps(story)) == 3


def test_an_escalation_asks_others_too_and_ends_a_claim() -> None:
    story = paused(LADDER)
    story.ask(ClaimPause, ANN)
    assert code(story.decide(BOB)) == "NOT_ELIGIBLE"
    story.later(20)
    assert story.point().claimed_by is None
    assert story.decide(BOB).outcome == "accepted"


def test_where_anybody_may_decide_an_escalation_takes_that_from_nobody() -> None:
    story = paused(Policy(deadlines=[ESCALATE]))
    story.later(20)
    assert story.decide(person("eve")).outcome == "accepted"


def test_a_default_decision_is_the_systems_and_says_on_what() -> None:
    story = paused(LADDER)
    story.later(30)
    resumed = story.last("execution:resumed")
    assert (resumed.actor, resumed.submission) == (SYSTEM, {"approved": False})
    assert (resumed.made.auth_method, resumed.made.content_digest) == (
        "deadline",
        story.point().content_digest,
    )
    assert story.state.outputs["ask"]["approved"] is False
    assert story.running() == ["after"]


def test_a_default_decision_takes_the_forms_defaults() -> None:
    form = [{"name": "approved", "type": "boolean", "value": False}]
    policy = Policy(deadlines=[step(30, "decide", given={})])
    story = waiting(policy, "start > ask > after", ask=asks_by(policy, form))
    story.later(30)
    assert story.state.outputs["ask"]["approved"] is False


def test_a_default_decision_stands_above_a_quorum_a_claim_and_a_return() -> None:
    story = paused(Policy(quorum=Quorum(required=2, field="approved"), deadlines=[DECIDE]))
    story.decide(ANN)
    story.send_back(BOB)
    story.later(30)
    assert story.state.outputs["ask"]["approved"] is False
    assert [each["submittedBy"] for each in story.state.outputs["ask"]["decisions"]] == ["ann"]


# --- Failing ----------------------------------------------------------------------------------------


def test_a_deadline_that_fails_fails_the_run() -> None:
    story = paused(Policy(deadlines=[FAIL]))
    story.later(30)
    assert story.last("block:error").code == "DEADLINE_EXPIRED"
    assert (story.state.status, story.point().status) == ("failed", "failed")


def test_a_deadline_that_fails_takes_the_error_edge() -> None:
    story = waiting(Policy(deadlines=[FAIL]), "start > ask > after", "ask !> rescue")
    story.later(30)
    assert (story.running(), story.point().status) == (["rescue"], "resuming")
    story.work()
    assert (story.state.status, story.point().status) == ("completed", "resumed")


def test_other_points_stay_open_when_one_fails_in_time() -> None:
    story = waiting(Policy(deadlines=[FAIL]), "start > ask > after", "start > other > b")
    story.later(30)
    assert (story.state.status, story.point("other").status) == ("paused", "paused")


# --- Races ------------------------------------------------------------------------------------------


def test_a_person_who_decides_at_the_very_moment_is_too_late_and_is_told_who_won() -> None:
    story = paused(LADDER)
    story.now += 30
    refused = story.decide(ANN)
    assert code(refused) == "ALREADY_RESUMED"
    assert refused.refusal is not None
    assert refused.refusal.winning_event_id == story.envelope("execution:resumed").event_id


def test_a_person_who_is_a_microsecond_earlier_ends_the_deadline() -> None:
    story = paused(LADDER)
    story.later(29.999999)
    assert story.decide(ANN).outcome == "accepted"
    story.later(60)
    assert steps(story)[-1] == ("pause:escalated", 2)


def test_what_is_asked_after_an_escalation_was_due_finds_it_done() -> None:
    story = paused(LADDER)
    story.now += 20
    assert story.decide(BOB).outcome == "accepted"
    assert story.told("pause:escalated", "execution:resumed") == ["pause:escalated ask", "execution:resumed"]


def test_a_decision_in_the_queue_has_settled_its_point_and_ended_its_deadline() -> None:
    story = waiting(LADDER, "start > ask > after", "start > other > b")
    story.decide(ANN, at="other")
    assert story.decide(ANN).outcome == "queued"
    story.later(60)
    assert (steps(story), story.point().status) == ([], "queued")


def test_a_default_decision_waits_for_its_turn_like_any_other() -> None:
    story = waiting(LADDER, "start > ask > after", "start > other > b")
    story.decide(ANN, at="other")
    story.later(30)
    assert story.point().status == "queued"
    story.work()
    assert story.state.status == "completed"
    assert story.told("resume:queued", "execution:resumed") == [
        "execution:resumed",
        "resume:queued ask",
        "execution:resumed",
    ]


def test_a_closed_or_cancelled_point_has_no_deadline() -> None:
    story = waiting(LADDER, "start > ask > after", "start > bad", bad=fails())
    assert (story.point().status, story.state.next_due()) == ("closed", None)
    story = paused(LADDER)
    story.cancel()
    assert (story.state.next_due(), story.later(60).told()[-1]) == (None, "execution:cancelled")
