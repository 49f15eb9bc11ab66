"""Who may decide a pause point, and what several people come to (execution-semantics.md)."""

import pytest

from signoff.engine.points.policies import Policy
from signoff.events.types import ClaimPause, Outcome, Quorum, ReleasePause
from support.decisions import (
    ANN,
    BOB,
    CID,
    OPERATOR,
    STARTER,
    Deciding,
    Person,
    code,
    key_of,
    paused,
    person,
)

TWO = Quorum(required=2, field="approved", rejections=2)


def board(quorum: Quorum = TWO, *, self_approval: bool = False) -> Deciding:
    assignees = ["user:ann", "group:board", "role:approver", f"user:{STARTER.maker.user_id}"]
    return paused(Policy(assignees=assignees, quorum=quorum, self_approval=self_approval))


def verdict(story: Deciding, outcome: Outcome) -> object:
    """What a counted decision came to."""
    assert outcome.outcome == "accepted"
    data = story.events[(outcome.event_id or 0) - 1].data
    return getattr(data, "approvals", None), getattr(data, "rejections", None)


# --- Eligible ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "who"),
    [
        ("user:ann", ANN),
        ("group:board", BOB),
        ("role:approver", CID),
        ("role:approver", key_of("ann", "approver")),
        ("user:ann", person("eve", stands_in_for={"ann": []})),
        ("group:board", person("eve", stands_in_for={"bob": ["board"]})),
    ],
)
def test_who_is_named_by_user_group_or_role_or_stands_in_for_such_a_person_decides(
    key: str, who: Person
) -> None:
    story = paused(Policy(assignees=[key]))
    assert story.decide(who).outcome == "accepted"


@pytest.mark.parametrize("who", [person("eve"), key_of("ann"), OPERATOR])
def test_nobody_else_decides_whatever_they_may_do_otherwise(who: Person) -> None:
    story = paused(Policy(assignees=["user:ann", "group:board"]))
    assert code(story.decide(who)) == "NOT_ELIGIBLE"
    assert story.point().status == "paused"


def test_where_nobody_is_named_anybody_decides() -> None:
    assert paused().decide(person("eve")).outcome == "accepted"


def test_who_started_the_execution_does_not_decide_where_that_is_not_wanted() -> None:
    story = paused(Policy(self_approval=False))
    assert code(story.decide(STARTER)) == "SELF_APPROVAL"


@pytest.mark.parametrize(
    "who",
    [key_of(STARTER.actor.id, "approver"), person("eve", stands_in_for={STARTER.actor.id: []})],
)
def test_nor_through_a_key_of_theirs_nor_through_somebody_in_their_place(who: Person) -> None:
    policy = Policy(self_approval=False, assignees=[f"user:{STARTER.actor.id}", "role:approver"])
    assert code(paused(policy).decide(who)) == "SELF_APPROVAL"


def test_the_log_tells_in_whose_place_and_how_somebody_decided() -> None:
    story = paused(Policy(assignees=["user:ann"]))
    story.decide(person("eve", stands_in_for={"ann": []}, auth_method="session", address="192.0.2.7"))
    made = story.last("execution:resumed").made
    assert (made.on_behalf_of, made.auth_method, made.address) == ("ann", "session", "192.0.2.7")
    assert made.content_digest == story.point().content_digest


def test_a_decision_by_link_needs_a_code_where_that_is_wanted() -> None:
    story = paused(Policy(step_up=True))
    assert code(story.decide(person("ann", auth_method="link"))) == "CODE_REQUIRED"
    assert story.decide(person("ann", auth_method="link", verified=True)).outcome == "accepted"


# --- Several ----------------------------------------------------------------------------------------


def test_approvals_are_counted_until_there_are_enough() -> None:
    story = board()
    assert verdict(story, story.decide(ANN)) == (1, 0)
    assert story.point().status == "paused"
    story.decide(BOB)
    assert story.told()[-4:] == [
        "decision:recorded ask",
        "execution:resumed",
        "block:completed ask",
        "block:started after",
    ]


def test_the_block_tells_who_decided_what() -> None:
    story = board(Quorum(required=2, field="approved", rejections=2))
    for who, approved in ((ANN, True), (BOB, False), (CID, True)):
        story.decide(who, approved)
    told = [
        (each["submittedBy"], each["verdict"], each["weight"])
        for each in story.state.outputs["ask"]["decisions"]
    ]
    assert told == [("ann", "approved", 1), ("bob", "rejected", 1), ("cid", "approved", 1)]
    assert story.state.outputs["ask"]["approved"] is True


def test_rejections_settle_it_too_and_the_settling_submission_counts() -> None:
    story = board(Quorum(required=3, field="approved", rejections=2))
    story.decide(ANN, False)
    story.decide(BOB, False)
    assert story.state.outputs["ask"]["approved"] is False


def test_without_a_field_that_says_yes_or_no_every_decision_is_a_yes() -> None:
    story = board(Quorum(required=2))
    story.decide(ANN, False)
    assert story.decide(BOB, False).resume_execution_id is not None
    assert [each.verdict for each in story.point().decisions] == ["approved", "approved"]


@pytest.mark.parametrize(
    "again",
    [
        person("ann"),
        person("ann", auth_method="link"),
        key_of("ann", "approver"),
        person("eve", stands_in_for={"ann": []}),
        person("ann", "board", roles=["approver"]),
    ],
)
def test_each_person_counts_once_whatever_they_come_by(again: Person) -> None:
    story = board()
    first = story.decide(ANN)
    refused = story.decide(again)
    assert code(refused) == "ALREADY_DECIDED"
    assert refused.refusal is not None
    assert refused.refusal.winning_event_id == first.event_id


def test_who_decided_in_somebodys_place_does_not_decide_in_their_own_too() -> None:
    story = board()
    story.decide(person("eve", stands_in_for={"ann": []}))
    assert code(story.decide(person("eve", "board"))) == "ALREADY_DECIDED"
    assert code(story.decide(ANN)) == "ALREADY_DECIDED"


def test_the_starter_does_not_count() -> None:
    assert code(board().decide(STARTER)) == "SELF_APPROVAL"
    assert board(self_approval=True).decide(STARTER).outcome == "accepted"


def test_of_several_weights_the_highest_counts() -> None:
    story = board(Quorum(required=5, field="approved", weights={"group:board": 2, "role:approver": 3}))
    assert verdict(story, story.decide(CID)) == (3, 0)
    story.decide(BOB)
    assert story.point().status == "resuming"


def test_somebody_in_anothers_place_weighs_what_the_other_does() -> None:
    story = board(Quorum(required=5, field="approved", weights={"group:board": 4}))
    assert verdict(story, story.decide(person("eve", stands_in_for={"bob": ["board"]}))) == (4, 0)


def test_a_veto_settles_it_at_once() -> None:
    story = board(Quorum(required=2, field="approved", rejections=3, veto=["role:approver"]))
    story.decide(BOB, False)
    assert story.point().status == "paused"
    story.decide(CID, False)
    assert story.point().status == "resuming"


def test_a_yes_of_one_who_has_a_veto_is_a_yes_like_any_other() -> None:
    story = board(Quorum(required=2, field="approved", veto=["role:approver"]))
    assert verdict(story, story.decide(CID)) == (1, 0)


def test_a_decision_that_does_not_fit_the_form_is_not_counted() -> None:
    story = board()
    assert code(story.decide(ANN, "perhaps")) == "FORM_INVALID"
    assert story.point().decisions == []


def test_nobody_claims_what_several_decide() -> None:
    assert code(board().ask(ClaimPause, ANN)) == "NOT_CLAIMABLE"
    assert code(board().ask(ReleasePause, ANN)) == "NOT_CLAIMED"


def test_a_counted_decision_that_is_delivered_twice_counts_once() -> None:
    story = board()
    first = story.decide(ANN, digest="d", command_id="11111111-1111-5111-8111-111111111111")
    again = story.decide(ANN, digest="d", command_id="11111111-1111-5111-8111-111111111111")
    assert (again.outcome, again.event_id) == ("duplicate", first.event_id)
    assert len(story.point().decisions) == 1


def test_a_settling_decision_that_is_delivered_twice_names_its_run() -> None:
    story = board()
    story.decide(ANN)
    first = story.decide(BOB, command_id="11111111-1111-5111-8111-111111111111")
    again = story.decide(BOB, command_id="11111111-1111-5111-8111-111111111111")
    assert (again.outcome, again.resume_execution_id) == ("duplicate", first.resume_execution_id)
