"""What holds for the fork of any execution, wherever it is taken."""

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from signoff.engine.evolve import evolve
from signoff.engine.messages import Told
from signoff.engine.state import TERMINAL, State
from signoff.events.codec import broken_link
from signoff.events.times import from_iso
from signoff.events.types import (
    BlockCompleted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
)
from support.bdd import Story, ends_loop
from support.forks import FORK_LOG, begin_fork
from unit.engine.test_properties import ANSWERS, Chance, Course, courses, told

OWN = {
    "url", "resumeEndpoint", "apiUrl", "uiUrl", "executionId", "childExecutionId", "waitDuration", "resumeAt",
    "submittedAt", "workflowId", "contextId", "startTime", "executionMode",
}  # fmt: skip
"""What names the execution itself, or tells how long it took."""

ENDED = (ExecutionPaused, ExecutionCompleted, ExecutionError, ExecutionCancelled)


class Fork(Chance):
    """A fork, driven as its source is."""

    def __init__(self, source: Chance) -> None:
        Story.__init__(self, source.graph, source.script, log_id=FORK_LOG)
        self.inputs, self.results = [], []
        self._commands = source._commands  # a fork knows the commands of its past: its own have other ids
        self.now = source.now + 5000


def drive(story: Chance) -> Chance:
    """Go on in one and the same way, whatever was at work, until the execution ends."""
    while story.state.status not in TERMINAL:
        before = story.state.version
        while story.tries:
            run = min(story.tries, key=lambda each: each.instance)
            flight = story.state.in_flight.get(run.instance)
            kind = "" if flight is None else story.graph.nodes[flight.block_id].block.type
            evaluates = flight is not None and flight.evaluates
            if kind:
                story.script[run.instance] = ends_loop() if evaluates else ANSWERS[kind][0]
            story.answer(run)
        for instance, child in sorted(story.children()):
            story.child(instance, child, "completed")
        for point in sorted(story.state.open_points(), key=lambda each: each.context_id):
            if point.kind == "human" and point.status == "paused":
                story.resume(point.context_id, {"ok": True})
        due = story.state.next_due()
        if not story.tries and due is not None:
            story.later(max(0.0, due - story.now))
        assert story.state.version > before, "nothing is left to happen, and it has not ended"
    return story


def essence(value: Any) -> Any:
    """A value without what is the execution's own."""
    if isinstance(value, dict):
        return {name: essence(each) for name, each in value.items() if name not in OWN}
    if isinstance(value, list):
        return [essence(each) for each in value]
    return value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(courses())
def test_a_fork_without_edits_ends_as_its_source_does_and_leaves_it_as_it_is(course: Course) -> None:
    source = told(Course(course.graph, "async", None, course.steps))
    assume(source.state.status not in TERMINAL)
    # A response ends the run that it is in. The fork makes one run of what its source does in several, since
    # what was called is called again; so what comes after such a pause is not started there.
    assume(all(block.type != "response" for block in course.graph.definition.blocks))
    fork = Fork(source)

    assert begin_fork(fork, source).outcome == "accepted"
    raws = list(source.raws)
    drive(fork)
    assert source.raws == raws
    drive(source)

    assert fork.state.status == source.state.status
    assert essence(fork.state.outputs) == essence(source.state.outputs)
    assert fork.state.variables == source.state.variables
    assert essence(fork.state.output) == essence(source.state.output)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(courses())
def test_a_fork_of_anything_that_has_not_completed_ends_once_all_is_in(course: Course) -> None:
    source = told(course)
    assume(source.state.status != "completed")
    fork = Fork(source)

    assert begin_fork(fork, source).outcome == "accepted"
    assert [event.copy_of is not None for event in fork.events[: len(source.events)]] == [
        False,
        *[True] * (len(source.events) - 1),
    ]
    assert not any(isinstance(message, Told) for _, message in fork.inputs)
    drive(fork)

    assert broken_link(fork.raws) is None
    assert fork.state.status in TERMINAL


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(courses(), st.data())
def test_whatever_is_forked_runs_begin_before_they_end_and_count_no_time_before_the_fork(
    course: Course, data: st.DataObject
) -> None:
    source = told(course)
    upto = data.draw(st.sampled_from(whole_steps(source)))
    fork = Fork(source)
    assume(begin_fork(fork, source, upto=upto).outcome == "accepted")
    began = fork.now

    drive(fork)

    own = [event for event in fork.events if event.copy_of is None]
    assert all(event.data.duration_ms >= 0 for event in own if isinstance(event.data, BlockCompleted))
    for event in own:
        if isinstance(event.data, ENDED):
            start, end = from_iso(event.data.start_time), from_iso(event.data.end_time)
            assert began <= start <= end == from_iso(event.timestamp)
            assert event.data.duration == round((end - start) * 1000)
    for state in states(fork):
        assert state.ended_at is None or state.started_at <= state.ended_at
        for run in state.runs.values():
            assert run.started_at <= state.time
            assert run.ended_at is None or run.started_at <= run.ended_at


def whole_steps(story: Chance) -> list[int]:
    """The events after which a fork may be taken: each the last one of its step."""
    after = [*story.events[1:], None]
    return [
        event.event_id
        for event, following in zip(story.events, after, strict=True)
        if following is None or following.timestamp != event.timestamp
    ]


def states(story: Chance) -> Iterator[State]:
    """The state after each event."""
    state = State()
    for event in story.events:
        evolve(state, event)
        yield state
