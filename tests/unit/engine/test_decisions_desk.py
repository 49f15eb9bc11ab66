"""What people do with a pause point beside deciding it: claim, delegate, send back, amend."""

from collections.abc import Callable

import pytest

from signoff.engine.points.desk import MAX_COMMENTS
from signoff.engine.points.policies import Policy
from signoff.events.types import ClaimPause, Outcome, Quorum, ReleasePause
from support.decisions import ANN, BOB, CID, OPERATOR, code, key_of, paused, person

SAME = "11111111-1111-5111-8111-111111111111"
BOTH = Policy(assignees=["user:ann", "group:board"])
QUORUM = Policy(
    assignees=["user:ann", "group:board"], quorum=Quorum(required=2, field="approved", rejections=2)
)


# --- Claims -----------------------------------------------------------------------------------------


def test_what_somebody_has_claimed_nobody_else_decides_delegates_or_sends_back() -> None:
    story = paused(BOTH)
    assert story.ask(ClaimPause, ANN).outcome == "accepted"
    refusals = (
        story.decide(BOB),
        story.delegate(BOB, "eve"),
        story.send_back(BOB),
        story.ask(ClaimPause, BOB),
    )
    assert {code(each) for each in refusals} == {"CLAIMED"}
    assert story.decide(ANN).outcome == "accepted"


def test_whoever_may_not_decide_does_not_claim() -> None:
    assert code(paused(BOTH).ask(ClaimPause, person("eve"))) == "NOT_ELIGIBLE"


def test_a_claim_ends_by_its_owner_or_by_an_operator_and_by_nobody_else() -> None:
    story = paused(BOTH)
    for who in (ANN, OPERATOR):
        story.ask(ClaimPause, ANN)
        assert code(story.ask(ReleasePause, BOB)) == "NOT_ELIGIBLE"
        assert story.ask(ReleasePause, who).outcome == "accepted"
    assert story.decide(BOB).outcome == "accepted"


def test_somebody_in_the_place_of_who_claimed_it_decides() -> None:
    story = paused(BOTH)
    story.ask(ClaimPause, ANN)
    assert story.decide(person("eve", stands_in_for={"ann": []})).outcome == "accepted"


def test_a_claim_ends_with_the_decision() -> None:
    story = paused(BOTH)
    story.ask(ClaimPause, ANN)
    story.decide(ANN)
    assert story.point().claimed_by is None


# --- Delegates --------------------------------------------------------------------------------------


def test_a_seat_that_is_given_away_is_another_ones() -> None:
    story = paused(BOTH)
    story.delegate(ANN, "eve")
    refusal = story.decide(ANN).refusal
    assert (refusal.code, refusal.message) == (
        "NOT_ELIGIBLE",
        "You have handed this on; others decide it now",
    )
    story.decide(person("eve"))
    assert story.last("execution:resumed").made.on_behalf_of == "ann"


def test_where_one_decides_alone_a_delegate_has_claimed_it() -> None:
    story = paused(BOTH)
    story.delegate(ANN, "eve")
    assert (story.point().claimed_by, code(story.decide(BOB))) == ("eve", "CLAIMED")


def test_nobody_decides_for_two_for_one_of_their_votes_would_be_lost() -> None:
    story = paused(QUORUM)
    story.delegate(ANN, "eve")

    assert code(story.delegate(BOB, "eve")) == "NOT_DELEGABLE"


def test_a_place_is_not_handed_to_one_who_has_decided() -> None:
    story = paused(QUORUM)
    story.decide(ANN)

    assert code(story.delegate(BOB, "ann")) == "NOT_DELEGABLE"


def test_a_delegate_gives_the_seat_to_a_third() -> None:
    story = paused(BOTH)
    story.delegate(ANN, "eve")
    story.delegate(person("eve"), "zoe")
    assert code(story.decide(person("eve"))) == "NOT_ELIGIBLE"
    story.decide(person("zoe"))
    assert story.last("execution:resumed").made.on_behalf_of == "ann"


def test_a_seat_that_is_given_back_is_its_owners_and_the_delegate_keeps_their_own() -> None:
    story = paused(QUORUM)
    story.delegate(ANN, "bob")
    story.delegate(BOB, "ann")
    assert story.decide(ANN).outcome == "accepted"
    assert story.decide(BOB).resume_execution_id is not None


def test_a_delegate_of_several_who_decide_counts_once_with_the_one_they_decide_for() -> None:
    story = paused(QUORUM)
    story.delegate(ANN, "bob")
    story.decide(BOB)
    assert [(each.person, each.on_behalf_of) for each in story.point().decisions] == [("bob", "ann")]
    assert code(story.decide(BOB)) == "ALREADY_DECIDED"


def test_where_anybody_may_decide_who_gave_it_away_does_not() -> None:
    story = paused()
    story.delegate(ANN, "eve")
    story.ask(ReleasePause, person("eve"))
    assert code(story.decide(ANN)) == "NOT_ELIGIBLE"
    assert story.decide(BOB).outcome == "accepted"


def test_nobody_stands_in_for_who_gave_the_seat_away() -> None:
    story = paused(QUORUM)
    story.delegate(ANN, "eve")
    assert code(story.decide(person("zoe", stands_in_for={"ann": []}))) == "NOT_ELIGIBLE"
    assert story.decide(person("zoe", stands_in_for={"eve": []})).outcome == "accepted"


def test_one_does_not_delegate_to_oneself() -> None:
    assert code(paused(BOTH).delegate(ANN, "ann")) == "BAD_REQUEST"


def test_a_key_gives_its_owners_seat_away() -> None:
    story = paused(Policy(assignees=["role:approver"]))
    story.delegate(key_of("ann", "approver"), "eve")
    assert code(story.decide(key_of("ann", "approver"))) in {"NOT_ELIGIBLE", "CLAIMED"}
    assert story.decide(person("eve")).outcome == "accepted"


def test_after_a_reassignment_others_decide_and_no_claim_or_seat_is_left() -> None:
    story = paused(BOTH)
    story.delegate(ANN, "eve")
    story.reassign("user:cid", "user:ann")
    refusals = [code(story.decide(who)) for who in (person("eve"), BOB)]
    assert refusals == ["NOT_ELIGIBLE", "NOT_ELIGIBLE"]
    assert story.decide(ANN).outcome == "accepted"


# --- Content ----------------------------------------------------------------------------------------


def test_what_was_sent_back_nobody_decides_until_it_is_amended() -> None:
    story = paused(BOTH)
    story.ask(ClaimPause, ANN)
    story.send_back(ANN)
    assert (story.point().claimed_by, code(story.decide(ANN))) == (None, "RETURNED")
    assert code(story.send_back(BOB)) == "RETURNED"
    story.amend()
    assert story.decide(BOB).outcome == "accepted"


def test_an_amendment_voids_what_was_decided_on_the_former_content() -> None:
    story = paused(QUORUM)
    before = story.point().content_digest
    story.decide(ANN)
    story.amend("sha256:new")
    assert (story.point().decisions, story.point().content_digest) == ([], "sha256:new")
    assert code(story.decide(ANN, seen=before)) == "CONTENT_CHANGED"
    assert story.decide(ANN, seen="sha256:new").outcome == "accepted"
    assert story.point().status == "paused"


def test_an_amendment_of_something_else_than_is_shown_is_refused() -> None:
    assert code(paused().amend(seen="sha256:old")) == "CONTENT_CHANGED"


def test_comments_are_bounded() -> None:
    story = paused()
    story.state.points["ask"].comments = story._shadow.points["ask"].comments = MAX_COMMENTS - 1
    assert story.comment().outcome == "accepted"
    assert code(story.comment()) == "TOO_MANY"


# --- Each of them -----------------------------------------------------------------------------------

ASKED: list[Callable[..., Outcome]] = [
    lambda story, **more: story.ask(ClaimPause, ANN, **more),
    lambda story, **more: story.delegate(ANN, "eve", **more),
    lambda story, **more: story.reassign("user:eve", **more),
    lambda story, **more: story.send_back(ANN, **more),
    lambda story, **more: story.amend(**more),
    lambda story, **more: story.comment(**more),
]


@pytest.mark.parametrize("ask", ASKED)
def test_what_is_asked_twice_happens_once(ask: Callable[..., Outcome]) -> None:
    story = paused(BOTH)
    first = ask(story, command_id=SAME, digest="d")
    before = len(story.events)
    again = ask(story, command_id=SAME, digest="d")
    assert (again.outcome, again.event_id, len(story.events)) == ("duplicate", first.event_id, before)
    assert code(ask(story, command_id=SAME, digest="other")) == "IDEMPOTENCY_CONFLICT"


OVER = {
    "ALREADY_RESUMED": lambda story: story.decide(ANN),
    "NOT_RESUMABLE": lambda story: story.cancel(),
}


@pytest.mark.parametrize("ask", [*ASKED, lambda story, **more: story.ask(ReleasePause, ANN, **more)])
@pytest.mark.parametrize("refusal", OVER)
def test_nothing_is_done_with_a_point_that_does_not_wait(ask: Callable[..., Outcome], refusal: str) -> None:
    story = paused()
    OVER[refusal](story)
    before = len(story.events)
    assert (code(ask(story)), len(story.events)) == (refusal, before)


def test_nothing_is_done_with_a_point_that_never_was() -> None:
    assert code(paused().comment(at="nowhere")) == "POINT_NOT_FOUND"


def test_a_delegation_of_somebody_who_may_not_decide_is_refused() -> None:
    assert code(paused(BOTH).delegate(person("eve"), "cid")) == "NOT_ELIGIBLE"
    assert paused(BOTH).delegate(CID, "eve").outcome == "accepted"
