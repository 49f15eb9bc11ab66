"""The engine and its reference, driven side by side: whatever happens, they say the same.

Each example is one execution of a workflow with some of the points of :mod:`model.world`: hypothesis draws
what people, blocks, time and failing processes do to it.
"""

from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from model.engine import Engine
from model.reference import Execution
from model.terms import ENDED, Who
from model.views import view_of
from model.world import PEOPLE, ROOTS, STARTER, graph_of, steps_of
from signoff.engine.messages import Sent, Told
from signoff.events.times import iso
from signoff.events.types import (
    AmendPause,
    CancelExecution,
    ClaimPause,
    CommandData,
    CommentPause,
    DelegatePause,
    PauseCommand,
    ReassignPause,
    ReleasePause,
    ResumeExecution,
    RetryExecution,
    ReturnPause,
)

PLACES: Final = st.integers(0, 19)
ELSEWHERE: Final = ("after_plain", "item", "item_loop1", "more", "plain")
OPERATOR: Final = "dee, an operator"
ANYBODY: Final = st.sampled_from(sorted(PEOPLE))
ANSWERS: Final = st.sampled_from([True, True, True, False, None])
SEEN: Final = st.sampled_from([None, "current", "stale"])
INPUTS: Final = {True: {"approved": True}, False: {"approved": False}, None: {"approved": "perhaps"}}


class Decisions(RuleBasedStateMachine):
    """One execution and its reference."""

    @initialize(
        roots=st.sets(st.sampled_from((*ROOTS, "board", "board")), min_size=1, max_size=4),
        opened=st.booleans(),
    )
    def start(self, roots: set[str], opened: bool) -> None:
        first = sorted(roots)
        self.engine = Engine(graph_of(first))
        self.engine.start(STARTER)
        self.reference = Execution(steps_of(first), first, STARTER)
        self.amendments = 0
        self.earlier: list[Callable[[], None]] = []
        if opened:
            self.finish_all(blocks_fail=False)

    # Blocks, time and failures ------------------------------------------------------------------------

    @precondition(lambda self: self.engine.tries)
    @rule(place=st.integers(0, 9), fails=st.sampled_from([False, False, False, True]))
    def finish(self, place: int, fails: bool) -> None:
        """A try ends."""
        name, attempt = self.engine.tries.pop(place % len(self.engine.tries))
        self._finish(name, attempt, fails=fails)
        self.earlier.append(lambda: self._finish(name, attempt, fails=fails))

    @precondition(lambda self: self.engine.tries)
    @rule(blocks_fail=st.booleans())
    def finish_all(self, blocks_fail: bool) -> None:
        """Everything at work ends; points open."""
        while self.engine.tries:
            name, attempt = self.engine.tries.pop(0)
            self._finish(name, attempt, fails=blocks_fail and self.reference.steps[name].policy is None)

    def _finish(self, name: str, attempt: int, *, fails: bool) -> None:
        step = self.reference.steps[name]
        outcome = "fails" if fails else "succeeds" if step.policy is None else "pauses"
        content = self.engine.finish(name, attempt, outcome, step)
        self.reference.result(name, attempt, outcome, self.engine.now, content)

    @rule(seconds=st.sampled_from([1, 5, 5, 10, 20]), said=st.booleans())
    def later(self, seconds: int, said: bool) -> None:
        """Time passes, and an executor notices at once or with the next thing that happens."""
        self.engine.later(seconds, said=said)
        if said:
            self.reference.later(self.engine.now)

    @precondition(lambda self: self.reference.next_due() is not None)
    @rule(said=st.booleans())
    def wait_for_what_is_due(self, said: bool) -> None:
        due, _ = self.reference.next_due() or (self.engine.now, "")
        self.later(max(0, due - self.engine.now), said)

    @rule(seconds=st.sampled_from([0, 0, 5, 30]))
    def crash(self, seconds: int) -> None:
        """The process is lost; after a while another one folds the log and takes over."""
        self.earlier += [self._late(name, attempt) for name, attempt in self.engine.tries]
        self.engine.now += seconds
        self.engine.crash()
        self.reference.crash(self.engine.now)

    def _late(self, name: str, attempt: int) -> Callable[[], None]:
        """What a process that was thought dead delivers after all."""
        return lambda: self._finish(name, attempt, fails=False)

    @precondition(lambda self: self.earlier)
    @rule(place=st.integers(0, 99))
    def repeat(self, place: int) -> None:
        """A command or a result is delivered once more."""
        before = self.engine.state.version
        due = self.reference.next_due()
        nothing_due = due is None or due[0] > self.engine.now
        self.earlier[place % len(self.earlier)]()
        assert not nothing_due or self.engine.state.version == before, "a repetition had an effect"

    @precondition(lambda self: self.engine.notices)
    @rule()
    def tell(self) -> None:
        """A notification was sent."""
        told = Told(
            self.engine.notices.pop(0),
            [Sent(channel="mailto", success=True), Sent(channel="sms", success=False)],
        )
        self._tell(told)
        self.earlier.append(lambda: self._tell(told))

    def _tell(self, told: Told) -> None:
        self.reference.later(self.engine.now)
        self.engine.send(told)

    # People -------------------------------------------------------------------------------------------

    def _send(self, data: CommandData, person: str, asked: Callable[[str], object]) -> None:
        command_id = self.engine.new_id()

        def deliver() -> None:
            given = self.engine.command(command_id, data, PEOPLE[person].actor)
            wanted = self.reference.command(command_id, self.engine.now, lambda: asked(command_id))
            assert given == wanted, f"{data} by {person}: the engine says {given}, the reference {wanted}"

        deliver()
        if command_id in self.reference.done:
            self.earlier.append(deliver)

    def _somewhere(self, place: int, *statuses: str) -> str:
        """A point, of some statuses if there is one, or once in a while none."""
        points = self.reference.points
        names = [name for name, point in points.items() if point.status in statuses] or list(points)
        return names[place % len(names)] if names and place > 1 else ELSEWHERE[place % len(ELSEWHERE)]

    def _somebody(self, name: str, person: str, place: int) -> str:
        """Mostly one who may decide there."""
        may = sorted(self.engine.who_may().get(name, ()))
        return may[place % len(may)] if may and place % 3 else person

    def _content(self, name: str, seen: str | None) -> str | None:
        point = self.reference.points.get(name)
        return point.content if seen == "current" and point is not None else seen

    @rule(place=PLACES, person=ANYBODY, answer=ANSWERS, seen=SEEN)
    def decide(self, place: int, person: str, answer: bool | None, seen: str | None) -> None:
        name = self._somewhere(place, "paused")
        person, seen = self._somebody(name, person, place), self._content(name, seen)
        maker, who = PEOPLE[person].maker, PEOPLE[person].who
        data = ResumeExecution(context_id=name, input=INPUTS[answer], seen_digest=seen, maker=maker)
        self._send(data, person, lambda _: self.reference.decide(name, who, answer, seen))

    @precondition(lambda self: any(self.engine.who_may().values()))
    @rule(place=PLACES, approves=st.booleans())
    def decide_where_one_may(self, place: int, approves: bool) -> None:
        may = [(name, each) for name, people in self.engine.who_may().items() for each in sorted(people)]
        name, person = may[place % len(may)]
        who, maker = PEOPLE[person].who, PEOPLE[person].maker
        data = ResumeExecution(context_id=name, input=INPUTS[approves], maker=maker)
        self._send(data, person, lambda _: self.reference.decide(name, who, approves))

    @precondition(lambda self: len(self.reference.held) < 8)  # their bound is far away
    @rule(
        place=PLACES,
        people=st.lists(ANYBODY, min_size=1, max_size=3),
        answer=ANSWERS,
        seconds=st.sampled_from([5, 40]),
    )
    def hold(self, place: int, people: list[str], answer: bool | None, seconds: int) -> None:
        """Decide on a point that has not opened, mostly."""
        points = [name for name, step in self.reference.steps.items() if step.policy is not None]
        names = [name for name in points if name not in self.reference.points] or points
        name = names[place % len(names)] if place > 1 else ELSEWHERE[place]
        for person in people:
            self._hold(name, person, answer, self.engine.now + seconds)

    def _hold(self, name: str, person: str, answer: bool | None, until: int) -> None:
        maker, who = PEOPLE[person].maker, PEOPLE[person].who
        data = ResumeExecution(context_id=name, input=INPUTS[answer], maker=maker, hold_until=iso(until))
        self._send(data, person, lambda held_id: self.reference.hold(held_id, name, who, answer, until))

    @precondition(lambda self: any(each.settled for each in self.reference.points.values()))
    @rule(place=PLACES, person=ANYBODY, answer=ANSWERS, anew=st.booleans())
    def retry(self, place: int, person: str, answer: bool | None, anew: bool) -> None:
        """Try a point again, mostly one that has failed."""
        name = self._somewhere(place, "failed" if place < 16 else "resumed")
        person = self._somebody(name, person, place)
        maker, who = PEOPLE[person].maker, PEOPLE[person].who
        given = INPUTS[answer] if anew else None
        data = ResumeExecution(context_id=name, input=given, maker=maker, retry=True)
        self._send(data, person, lambda _: self.reference.retry(name, who, answer, anew=anew))

    def _ask(
        self,
        kind: type[PauseCommand],
        place: int,
        person: str,
        then: Callable[[str, Who], object],
        **fields: Any,
    ) -> None:
        """Ask something of a point that mostly waits, as somebody who mostly may."""
        name = self._somewhere(place, "paused")
        person = self._somebody(name, person, place)
        data = kind(context_id=name, maker=PEOPLE[person].maker, **fields)
        self._send(data, person, lambda _: then(name, PEOPLE[person].who))

    @rule(place=PLACES, person=ANYBODY)
    def claim(self, place: int, person: str) -> None:
        self._ask(ClaimPause, place, person, self.reference.claim)

    @rule(place=PLACES, person=ANYBODY)
    def release(self, place: int, person: str) -> None:
        self._ask(ReleasePause, place, person, self.reference.release)

    @rule(place=PLACES, person=ANYBODY)
    def send_back(self, place: int, person: str) -> None:
        self._ask(ReturnPause, place, person, self.reference.send_back, reason="too vague")

    @rule(place=PLACES, person=ANYBODY)
    def comment(self, place: int, person: str) -> None:
        self._ask(CommentPause, place, person, lambda name, _: self._look(name), text="hm")

    def _look(self, name: str) -> None:
        self.reference.open(name)

    @rule(place=PLACES, person=ANYBODY, to=st.sampled_from(["ann", "bob", "eve"]))
    def delegate(self, place: int, person: str, to: str) -> None:
        self._ask(
            DelegatePause, place, person, lambda name, who: self.reference.delegate(name, who, to), to=to
        )

    @rule(place=PLACES, person=ANYBODY, seen=st.sampled_from(["current", "current", "stale"]))
    def amend(self, place: int, person: str, seen: str) -> None:
        name = self._somewhere(place, "paused")
        self.amendments += 1
        content, known = f"content {self.amendments}", str(self._content(name, seen))
        data = AmendPause(
            context_id=name,
            maker=PEOPLE[person].maker,
            response=self.engine.response_of(name),
            content_digest=content,
            seen_digest=known,
            reason="corrected",
        )
        self._send(data, person, lambda _: self.reference.amend(name, content, known))

    @rule(place=PLACES, to=st.sampled_from([[], ["user:eve"], ["group:g", "user:ann"]]))
    def reassign(self, place: int, to: list[str]) -> None:
        name = self._somewhere(place, "paused")
        data = ReassignPause(context_id=name, maker=PEOPLE[OPERATOR].maker, assignees=to, reason="moved")
        self._send(data, OPERATOR, lambda _: self.reference.reassign(name, to))

    @rule(place=PLACES)
    def cancel(self, place: int) -> None:
        if place < 2:  # too many would end too soon
            self._send(CancelExecution(reason="over"), OPERATOR, lambda _: self.reference.cancel())

    @precondition(lambda self: self.reference.status in ENDED)
    @rule()
    def retry_all(self) -> None:
        self._send(RetryExecution(reason="mended"), OPERATOR, lambda _: self.reference.retry_all())

    # What holds ---------------------------------------------------------------------------------------

    @invariant()
    def both_say_the_same(self) -> None:
        if hasattr(self, "engine") and self.engine.noticed == self.engine.now:
            assert self.engine.view() == view_of(self.reference)

    @invariant()
    def nothing_contradicts_itself(self) -> None:
        if hasattr(self, "engine"):
            self.engine.check()

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.check_whole()


def _drive(examples: int) -> None:
    run_state_machine_as_test(
        Decisions,
        settings=settings(
            max_examples=examples,
            stateful_step_count=80,
            deadline=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


@pytest.mark.timeout(180)
def test_whatever_people_blocks_and_time_do_the_engine_does_what_the_reference_says() -> None:
    _drive(500)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_whatever_they_do_for_long_the_engine_does_what_the_reference_says() -> None:
    _drive(5_000)
