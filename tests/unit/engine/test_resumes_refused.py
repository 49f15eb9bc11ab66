"""Decisions that change nothing: refused, or delivered before (http-contract.md, ``POST /api/resume``)."""

from signoff.events.types import FieldFault, Outcome
from support.bdd import APPROVAL, HUMAN, Story, asks, fails, workflow

SAME = "11111111-1111-5111-8111-111111111111"
APART = workflow("start > one > a", "start > two > b", one=HUMAN, two=HUMAN)


def paused(form: list[dict[str, object]] | None = None) -> Story:
    """An execution that waits at its only point."""
    return Story(workflow("start > ask > after", ask=HUMAN), {"ask": asks(form)}).start().work()


def points(story: Story) -> dict[str, str]:
    return {point.context_id: point.status for point in story.state.points.values()}


def code(outcome: Outcome) -> str:
    assert outcome.outcome == "refused"
    assert outcome.refusal is not None
    return outcome.refusal.code


# --- Refusals ---------------------------------------------------------------------------------------


def test_an_input_that_does_not_fit_the_form_leaves_all_as_it_was() -> None:
    story = paused(APPROVAL)
    before = len(story.events)
    outcome = story.resume("ask", {"approved": "perhaps"})
    assert code(outcome) == "FORM_INVALID"
    assert outcome.refusal is not None
    assert outcome.refusal.details == [FieldFault("approved", '"approved" must be true or false')]
    assert (len(story.events), points(story)) == (before, {"ask": "paused"})


def test_after_a_refusal_the_point_may_still_be_resumed() -> None:
    story = paused(APPROVAL)
    story.resume("ask", {})
    assert story.resume("ask", {"approved": "true"}).outcome == "accepted"
    assert story.state.outputs["ask"]["approved"] is True


def test_the_second_of_two_decisions_is_refused_and_told_who_won() -> None:
    story = paused()
    won = story.resume("ask").event_id
    outcome = story.resume("ask")
    assert code(outcome) == "ALREADY_RESUMED"
    assert outcome.refusal is not None
    assert outcome.refusal.winning_event_id == won


def test_a_point_whose_decision_is_queued_is_decided() -> None:
    story = Story(APART).start().work()
    story.resume("one")
    story.resume("two")
    assert code(story.resume("two")) == "ALREADY_RESUMED"


def test_a_decision_on_content_that_has_changed_is_refused_with_the_current_digest() -> None:
    story = paused()
    outcome = story.resume("ask", seen="sha256:old")
    assert code(outcome) == "CONTENT_CHANGED"
    assert outcome.refusal is not None
    assert outcome.refusal.details == [
        FieldFault("contentDigest", story.state.points["ask"].content_digest or "")
    ]


def test_a_decision_on_exactly_what_was_shown_is_taken() -> None:
    story = paused()
    assert story.resume("ask", seen=story.last("pause:opened").content_digest).outcome == "accepted"


def test_an_execution_that_never_paused_has_nothing_to_resume() -> None:
    assert code(Story(workflow("start > a")).start().resume("a")) == "NOT_PAUSED"


def test_a_point_that_does_not_exist_is_not_found() -> None:
    assert code(paused().resume("after")) == "POINT_NOT_FOUND"


def test_an_execution_that_does_not_exist_is_not_found() -> None:
    assert code(Story(APART).resume("one")) == "NOT_FOUND"


def test_a_point_of_a_cancelled_execution_is_not_resumable() -> None:
    story = paused()
    story.cancel()
    assert code(story.resume("ask")) == "NOT_RESUMABLE"


def test_a_point_that_its_failed_run_closed_is_not_resumable() -> None:
    graph = workflow("start > one > two", "one > bad", "start > three", one=HUMAN, two=HUMAN, three=HUMAN)
    story = Story(graph, {"bad": fails()}).start().work()
    story.resume("one")
    story.work()
    assert points(story) == {"one": "failed", "three": "paused", "two": "closed"}
    assert code(story.resume("two")) == "NOT_RESUMABLE"


# --- Repetitions ------------------------------------------------------------------------------------


def test_a_decision_that_is_delivered_twice_has_one_effect() -> None:
    story = paused()
    first = story.resume("ask", command_id=SAME)
    before = len(story.events)
    again = story.resume("ask", command_id=SAME)
    assert (again.outcome, again.event_id) == ("duplicate", first.event_id)
    assert again.resume_execution_id == first.resume_execution_id
    assert len(story.events) == before


def test_a_repetition_with_another_request_is_a_conflict() -> None:
    story = paused()
    story.resume("ask", command_id=SAME, digest="d1")
    assert story.resume("ask", command_id=SAME, digest="d1").outcome == "duplicate"
    assert code(story.resume("ask", command_id=SAME, digest="d2")) == "IDEMPOTENCY_CONFLICT"


def test_a_repetition_of_a_queued_decision_names_its_run() -> None:
    story = Story(APART).start().work()
    story.resume("one")
    first = story.resume("two", command_id=SAME, digest="d1")
    again = story.resume("two", command_id=SAME, digest="d1")
    assert (again.outcome, again.resume_execution_id) == ("duplicate", first.resume_execution_id)
