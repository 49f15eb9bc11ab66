"""Decisions that come before their pause point."""

import pytest

from signoff.engine.definitions.definition import Loop, Parallel
from signoff.engine.definitions.graph import Graph
from signoff.engine.points.held import MAX_HELD
from signoff.engine.points.policies import NO_POLICY, Policy
from signoff.events.types import Quorum
from support.bdd import HUMAN, NOW, asks, fails, workflow
from support.decisions import ALONE, ANN, BOB, CID, Deciding, asks_by, code, person

SAME = "11111111-1111-5111-8111-111111111111"
LATER = workflow("start > first > ask > after", ask=HUMAN)


def early(policy: Policy = NO_POLICY, graph: Graph = LATER) -> Deciding:
    """An execution whose point has not opened."""
    story = Deciding(graph, {"ask": asks_by(policy)})
    story.start()
    return story


def test_an_early_decision_is_kept_and_taken_when_its_point_opens() -> None:
    story = early()
    assert story.decide(ANN, hold=60).outcome == "accepted"
    assert story.told()[-1] == "decision:held ask"
    story.finish("first", "ask")
    assert story.told()[-4:] == [
        "execution:paused",
        "execution:resumed",
        "block:completed ask",
        "block:started after",
    ]
    assert (story.state.held_decisions, story.state.next_due()) == ({}, None)


def test_of_several_the_first_that_may_is_taken_and_the_others_end_visibly() -> None:
    story = early(Policy(assignees=["user:bob", "user:cid"]))
    for who in (ANN, BOB, CID):
        story.decide(who, hold=60)
    story.finish("first", "ask")
    assert story.last("execution:resumed").actor == BOB.actor
    reasons = [each.data.reason for each in story.events if each.type == "decision:expired"]
    assert reasons == [
        "You are not among those who may decide this",
        "Pause point already resumed or in progress",
    ]


def test_for_a_quorum_all_that_came_early_count() -> None:
    story = early(Policy(quorum=Quorum(required=2, field="approved")))
    story.decide(ANN, hold=60)
    story.decide(BOB, hold=60)
    story.finish("first", "ask")
    assert [each.person for each in story.point().decisions] == ["ann", "bob"]
    assert (story.point().status, story.state.held_decisions) == ("resuming", {})


def test_who_says_what_they_saw_does_not_decide_before_there_is_anything_to_see() -> None:
    story = early()
    assert code(story.decide(ANN, hold=60, seen="sha256:other")) == "CONTENT_CHANGED"
    assert story.state.held_decisions == {}


def test_what_is_counted_is_not_held_any_more() -> None:
    story = early(Policy(quorum=Quorum(required=2, field="approved")))
    story.decide(ANN, hold=60)
    story.finish("first", "ask")
    assert (story.state.held_decisions, story.state.next_due()) == ({}, None)
    story.later(60)
    assert story.told("decision:expired") == []


def test_what_does_not_fit_the_form_ends_with_what_is_wrong() -> None:
    story = early()
    story.decide(ANN, "perhaps", hold=60)
    story.finish("first", "ask")
    assert story.last("decision:expired").reason.endswith('approved: "approved" must be true or false')
    assert story.point().status == "paused"


def test_what_waits_too_long_ends_at_its_moment() -> None:
    story = early()
    story.decide(ANN, hold=60)
    assert story.state.next_due() == NOW + 60
    story.later(60)
    assert story.told()[-1] == "decision:expired ask"
    story.finish("first", "ask")
    assert story.point().status == "paused"


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_what_is_held_ends_before_the_execution_does(end: str) -> None:
    graph = workflow("start > first yes> ask", "first no> a", first="condition", ask=HUMAN)
    story = Deciding(graph, {"first": fails()} if end == "failed" else {})
    story.start()
    story.decide(ANN, hold=60)
    story.cancel() if end == "cancelled" else story.work()
    assert (story.state.status, story.told()[-2]) == (end, "decision:expired ask")
    assert story.state.next_due() is None


def test_one_that_ends_the_execution_leaves_the_others_ended_once() -> None:
    story = early(graph=workflow("start > first > ask", ask=HUMAN))
    story.decide(ANN, hold=60)
    story.decide(BOB, hold=60)
    story.finish("first", "ask")
    assert story.told("decision:expired", "execution:completed") == [
        "decision:expired ask",
        "execution:completed",
    ]


def test_one_that_is_taken_waits_behind_what_was_decided_before() -> None:
    graph = workflow("start > ask > after", "start > other > b", ask=HUMAN, other=HUMAN)
    story = Deciding(graph, {"ask": asks(), "other": asks()})
    story.start().finish("other")
    story.decide(ANN, at="ask", hold=60)
    assert story.decide(BOB, at="other").outcome == "queued"
    story.finish("ask")
    resumed = [each.data.context_id for each in story.events if each.type == "execution:resumed"]
    assert (resumed, story.point("ask").status) == (["other"], "queued")


def test_they_are_bounded() -> None:
    story = early()
    assert {story.decide(ANN, hold=60).outcome for _ in range(MAX_HELD)} == {"accepted"}
    assert code(story.decide(ANN, hold=60)) == "TOO_MANY"


def test_an_early_decision_that_is_delivered_twice_is_kept_once_also_after_it_was_taken() -> None:
    story = early()
    first = story.decide(ANN, hold=60, command_id=SAME)
    again = story.decide(ANN, hold=60, command_id=SAME)
    assert (again.outcome, again.event_id) == ("duplicate", first.event_id)
    story.finish("first", "ask")
    again = story.decide(ANN, hold=60, command_id=SAME)
    assert (again.outcome, again.event_id) == ("duplicate", first.event_id)


def test_on_an_open_point_an_early_decision_is_one_like_any_other() -> None:
    story = Deciding(ALONE, {"ask": asks_by(NO_POLICY)})
    story.start().work()
    assert story.decide(person("eve"), hold=60).resume_execution_id is not None


NESTED = workflow(
    "start > outer",
    ask=HUMAN,
    containers=[
        Loop(id="outer", nodes=("inner",), iterations=2),
        Parallel(id="inner", nodes=("ask",), count=2),
    ],
)


@pytest.mark.parametrize("context_id", ["ask_loop1₍0₎", "ask_loop17₍300₎"])
def test_a_turn_that_has_not_begun_may_be_decided_early(context_id: str) -> None:
    assert early(graph=NESTED).decide(ANN, at=context_id, hold=60).outcome == "accepted"


@pytest.mark.parametrize(
    "context_id", ["ask", "ask_loop1", "ask₍0₎_loop1", "ask_loop₍0₎", "ask_loop1₍0₎x", "inner", "nowhere", ""]
)
def test_a_point_that_can_never_open_is_not_waited_for(context_id: str) -> None:
    assert code(early(graph=NESTED).decide(ANN, at=context_id, hold=60)) == "POINT_NOT_FOUND"


@pytest.mark.parametrize("context_id", ["first", "start", "ask_loop0"])
def test_nor_is_a_block_that_asks_nobody(context_id: str) -> None:
    assert code(early().decide(ANN, at=context_id, hold=60)) == "POINT_NOT_FOUND"
