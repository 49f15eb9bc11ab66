"""The access log in words: what somebody did, and what a page did by itself."""

from typing import Any

from signoff.events.times import iso
from signoff.events.types import Actor, Sighted
from signoff.gateway.accesses.listing import AccessEntry
from signoff.gateway.accesses.recorded import RECORDED
from signoff.gateway.pages.settings.access_log import folded
from signoff.gateway.pages.settings.sentences import SAID, Sentence, sentence_of

ADA = Actor(type="user", id="ada")


def access(operation: str = "getInboxPoint", *, at: float = 0.0, **given: Any) -> AccessEntry:
    """An access of Ada's, so many seconds after 2026 began."""
    moment = iso(1_767_225_600 + at)
    told = {
        "id": f"log/{at}", "type": "access:read", "recorded_at": moment, "workspace_id": "w", "actor": ADA,
        "auth_method": "session", "operation": operation,
        "about": Sighted(kind="pausePoint", names={"executionId": "refund-1", "contextId": "approve"}),
    }  # fmt: skip
    return AccessEntry(**{**told, **given})


def feed(kind: str = "access:read", **given: Any) -> AccessEntry:
    return access("streamFeed", type=kind, about=Sighted(kind="feed", filter={"types": "pause:*"}), **given)


def test_whatever_is_recorded_has_its_words() -> None:
    assert SAID.keys() == RECORDED.keys()


def test_a_read_is_told_with_what_was_read_the_innermost_first() -> None:
    assert sentence_of(access()) == Sentence("Opened the decision", ("approve", "refund-1"))


def test_a_dry_run_is_no_fork() -> None:
    words = sentence_of(access("forkExecution")).words

    assert words == "Tried out, without any effect, what would happen in"


def test_a_refusal_is_told_by_what_was_asked_for_and_names_all_that_it_named() -> None:
    refused = access(
        "forkExecution", type="access:refused", about=Sighted(kind="execution", names={"executionId": "x"})
    )

    assert sentence_of(refused) == Sentence("Fork execution", (), (("executionId", "x"),))


def test_a_refused_decision_names_its_point() -> None:
    told: dict[str, Any] = {"type": "decision:refused", "execution_id": "refund-1", "context_id": "approve"}

    assert sentence_of(access(command="ResumeExecution", **told)).words == "Decide"
    assert sentence_of(access(command="ClaimPause", **told)) == Sentence("Claim", ("approve", "refund-1"))


def test_what_could_not_be_recorded_is_counted() -> None:
    dropped = AccessEntry(
        id="log/1", type="access:dropped", recorded_at=iso(0), workspace_id="w", reads=3, refusals=1
    )

    assert sentence_of(dropped).words == "3 reads and 1 refusals"


def test_the_stream_of_a_page_is_told_as_such_and_a_programs_is_not() -> None:
    assert sentence_of(feed()).words == "Had a page kept up to date"
    assert sentence_of(feed(auth_method="apiKey")) == Sentence(
        "Followed what happens", (), (("types", "pause:*"),)
    )


def test_equal_accesses_within_minutes_are_one_row_whatever_came_between() -> None:
    told = [feed(at=300), access(at=250), feed("access:ended", at=200), feed(at=100), access(at=50)]

    assert [[each.id for each in group] for group in folded(told)] == [
        ["log/300", "log/200", "log/100"],
        ["log/250", "log/50"],
    ]


def test_what_is_long_ago_has_a_row_of_its_own() -> None:
    assert len(folded([access(at=1000), access(at=399)])) == 2


def test_no_refusal_is_folded() -> None:
    assert len(folded([access(type="access:refused", at=at) for at in (2, 1)])) == 2


def test_what_others_did_stays_theirs() -> None:
    bo = Actor(type="user", id="bo")

    assert len(folded([access(at=2), access(at=1, actor=bo)])) == 2
