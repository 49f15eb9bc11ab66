"""Differences of states and of timelines, and the story of a log."""

from typing import Any

import pytest

from signoff.audit.life.differences import MAX_CHANGES, Change, align, changes_between, named, subject_of
from signoff.audit.life.replay import Replay, ReplayError
from signoff.audit.life.shape import shape_of
from signoff.audit.life.story import Story as Telling
from signoff.audit.life.story import lines_of
from signoff.engine.definitions.definition import Loop
from signoff.events.store.base import Recorded
from signoff.events.types import ForkDecision
from support.bdd import HUMAN, LOG, Story, asks, workflow
from support.forks import fork_of

SECRET_FORM = [{"name": "pin", "type": "secret"}, {"name": "note", "type": "string"}]


def paused() -> Story:
    return Story(workflow("start > first > ask > last", ask=HUMAN)).start({"amount": 5}).work()


def recorded(story: Story) -> list[Recorded]:
    return [
        Recorded(LOG, version, "signoff:Any", raw, version) for version, raw in enumerate(story.raws, start=1)
    ]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Change(path=["a"], kind="changed", before=1, after=2)]),
        ({"a": True}, {"a": 1}, [Change(path=["a"], kind="changed", before=True, after=1)]),
        ({}, {"a": {"b": 1}}, [Change(path=["a"], kind="added", after={"b": 1})]),
        ({"a": {"b": 1}}, {"a": {}}, [Change(path=["a", "b"], kind="removed", before=1)]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [Change(path=["a", "1"], kind="changed", before=2, after=3)]),
        ([1], [1, 2], [Change(path=[], kind="changed", before=[1], after=[1, 2])]),
    ],
)
def test_a_difference_names_each_place(before: Any, after: Any, found: list[Change]) -> None:
    assert changes_between(before, after) == found


def test_a_large_difference_is_cut_off() -> None:
    assert len(changes_between({}, {str(number): number for number in range(2 * MAX_CHANGES)})) == MAX_CHANGES


def test_a_state_tells_of_blocks_points_and_decisions() -> None:
    story = paused()
    before = shape_of(story.state)
    story.resume("ask", {"approved": True})
    after = shape_of(story.work().state)

    changed = {named(each.path): each for each in changes_between(before, after)}
    assert changed["status"].after == "completed"
    assert changed["pausePoints › ask › status"].after == "resumed"
    assert changed["decisions › ask"].after["by"] == "Ada"
    assert changed["blocks › last"].after == {"output": {"result": "last"}}


def test_what_was_submitted_in_secret_is_not_shown() -> None:
    graph = workflow("start > ask", ask=HUMAN)
    story = Story(graph, {"ask": asks(SECRET_FORM)}).start().work()
    story.resume("ask", {"pin": "1234", "note": "fine"})

    shown = str(shape_of(story.state)["decisions"]) + str(list(Telling().tell(story.events)))

    assert "1234" not in shown
    assert "fine" in shown


def test_a_fork_is_aligned_with_its_source_up_to_where_it_left_it() -> None:
    source = paused()
    fork = fork_of(source, decision=ForkDecision(context_id="ask", input={"approved": False})).work()
    common = len(source.events)
    source.resume("ask", {"approved": True})
    source.work()

    pairs = list(align(source.events, fork.events))

    assert all(pair.same for pair in pairs[:common])
    assert pairs[common].first is None
    assert pairs[common].second is not None
    assert pairs[common].second.type == "execution:forked"
    of_last = [pair for pair in pairs if pair.first is not None and subject_of(pair.first).endswith("last")]
    assert [pair.same for pair in of_last] == [True, True]
    resumed = next(each for each in pairs if each.first and each.first.type == "execution:resumed")
    assert not resumed.same


def test_a_fork_has_no_past_in_common_with_an_execution_that_began_otherwise() -> None:
    fork = fork_of(paused(), decision=ForkDecision(context_id="ask", input={"approved": False})).work()
    other = Story(workflow("start > first > ask > last", ask=HUMAN))
    other.later(60)
    other.start({"amount": 7}).work()

    first = next(align(fork.events, other.events))

    assert (first.first is not None, first.same) == (True, False)


def test_two_forks_have_in_common_what_both_copied() -> None:
    source = paused()
    common = len(source.events)
    early = fork_of(source).work()
    source.later(60)
    source.resume("ask", {"approved": True})
    source.work()
    late = fork_of(source, upto=len(source.events) - 2).work()

    pairs = list(align(early.events, late.events))

    assert all(pair.same for pair in pairs[:common])
    assert not pairs[common].same


def test_the_turns_of_a_loop_are_told_apart() -> None:
    each = Loop(id="each", nodes=("work",), iterations=2)
    story = Story(workflow("start > each", containers=[each])).start().work()

    kinds = ("loop:iteration", "block:started")
    subjects = [subject_of(event) for event in story.events if event.type in kinds]

    assert len(set(subjects)) == len(subjects)


def test_a_story_tells_who_decided_what_on_what() -> None:
    story = paused()
    story.later(60)
    story.resume("ask", {"approved": True})

    entries = list(Telling().tell(story.events))

    decided = next(entry for entry in entries if entry.type == "execution:resumed")
    assert decided.who == "Ada (user u1)"
    assert (decided.about, decided.seconds) == ("ask", 60.0)
    assert decided.submission == {"approved": True}
    assert decided.content_digest == story.state.points["ask"].content_digest
    text = [line for entry in entries for line in lines_of(entry)]
    assert any(line.startswith("    content: sha256:") for line in text)


def test_a_story_tells_of_copies_that_they_are_from_the_source() -> None:
    entries = list(Telling().tell(fork_of(paused()).events))

    assert "as a fork of execution" in entries[0].what
    assert entries[1].copied_from == 2
    assert "(from the source)" in next(lines_of(entries[1]))
    assert entries[-1].what == "Went its own way from here: What if"


def test_a_replay_folds_to_the_state_and_tells_what_each_event_changed() -> None:
    story = paused()
    replay = Replay(story.graph)

    steps = list(replay.steps(recorded(story)))

    assert replay.state == story.state
    assert [step.event for step in steps] == story.events
    opened = next(step for step in steps if step.event.type == "pause:opened")
    assert "pausePoints › ask" in {named(change.path) for change in opened.changes}


@pytest.mark.parametrize("damage", ["leaves one out", "changes a byte"])
def test_a_replay_stops_at_the_first_event_that_does_not_follow(damage: str) -> None:
    log = recorded(paused())
    if damage == "leaves one out":
        del log[3]
    else:
        log[3] = Recorded(LOG, 4, "signoff:Any", log[3].state.replace(b"2025", b"2024", 1), 4)

    with pytest.raises(ReplayError, match="event 5"):
        list(Replay().fold(log))
