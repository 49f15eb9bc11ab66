"""Forks: an execution that begins with the past of another, and goes its own way from there."""

from typing import Any, Literal
from uuid import UUID

import pytest
from msgspec.structs import replace

from signoff.engine.deciding.forks import past_state
from signoff.engine.definitions.definition import Loop, Parallel
from signoff.engine.definitions.graph import Graph
from signoff.engine.points.policies import NO_POLICY
from signoff.engine.state import TERMINAL
from signoff.events.codec import decode_event
from signoff.events.times import from_iso, iso
from signoff.events.topics import child_log_id
from signoff.events.types import (
    SYSTEM,
    Actor,
    BlockStarted,
    ChildChanged,
    Command,
    ExecutionCompleted,
    ExecutionForked,
    ForkDecision,
    Maker,
    ResumeExecution,
    Source,
    StartExecution,
)
from support.bdd import (
    APPROVAL,
    HUMAN,
    LOG,
    NOW,
    WORKFLOW,
    Story,
    an_id,
    asks,
    calls,
    fails,
    gives,
    naps,
    workflow,
)
from support.forks import FORK_LOG, FORKER, begin_fork, fork_of

ANOTHER_LOG = UUID("018f0000-0000-7000-8000-00000000beef")
APPROVE = workflow("start > ask > pay", ask=HUMAN)
CALLING = workflow("start > call > end", call="workflow")
CHILD = str(child_log_id(LOG, "call", 1))


def paused() -> Story:
    return Story(APPROVE).start({"amount": 5}).work()


def forked(story: Story) -> ExecutionForked:
    data = next(e.data for e in story.events if e.type == "execution:forked" and e.copy_of is None)
    assert isinstance(data, ExecutionForked)
    return data


# --- What its log says ------------------------------------------------------------------------------


def test_a_fork_has_its_sources_events_as_copies_with_their_numbers_and_times() -> None:
    source = paused()

    fork = fork_of(source)

    copies = [event for event in fork.events if event.copy_of]
    assert [event.type for event in copies] == [event.type for event in source.events[1:]]
    assert all(event.copy_of and event.copy_of.event_id == event.event_id for event in copies)
    assert [event.happened_at for event in copies] == [event.timestamp for event in source.events[1:]]
    assert {from_iso(event.timestamp) for event in fork.events} == {fork.now}


def test_a_fork_says_who_made_it_of_what_and_why() -> None:
    source = paused()

    fork = fork_of(source)

    started, data = fork.events[0].data, forked(fork)
    assert started.actor == data.actor == FORKER
    assert (data.source.kind, data.source.execution_id) == ("fork", str(LOG))
    assert (data.source.event_id, data.reason) == (len(source.events), "What if")
    assert (data.as_of, data.edited) == (source.events[-1].timestamp, [])


def test_nothing_of_the_source_changes() -> None:
    source = paused()
    before = list(source.raws)

    fork_of(source).resume("ask", {"approved": True})

    assert source.raws == before
    assert source.state.status == "paused"


def test_copies_keep_what_people_decided_and_name_runs_of_the_forks_own() -> None:
    source = paused()
    source.resume("ask", {"approved": True})

    fork = fork_of(source)

    resumed = next(event for event in fork.events if event.type == "execution:resumed")
    was = next(event for event in source.events if event.type == "execution:resumed")
    assert resumed.data.actor == was.data.actor
    assert resumed.data.resume_execution_id not in source.state.runs
    assert resumed.data.resume_execution_id[-4:] == str(FORK_LOG)[-4:]
    assert resumed.run_id == resumed.data.resume_execution_id


def test_an_open_point_links_to_the_fork_and_keeps_its_digest() -> None:
    source = paused()

    fork = fork_of(source)

    mine, theirs = fork.state.points["ask"], source.state.points["ask"]
    assert mine.response["data"]["_resume"]["executionId"] == str(FORK_LOG)
    assert str(LOG) not in fork.state.outputs["ask"]["url"]
    assert mine.content_digest == theirs.content_digest
    paused_event = next(event for event in fork.events if event.type == "execution:paused")
    assert paused_event.data.output["data"]["_resume"]["executionId"] == str(FORK_LOG)


# --- What goes on -----------------------------------------------------------------------------------


def test_a_block_that_was_at_work_begins_again() -> None:
    source = Story(workflow("start > work > more")).start()

    fork = fork_of(source)

    assert [event.attempt for event in fork.events if event.type == "block:started"][1:] == [None, 2]
    assert fork.work().state.status == "completed"
    assert source.state.status == "running"


def test_a_point_that_is_open_can_be_decided_in_both() -> None:
    source = paused()
    fork = fork_of(source)

    assert fork.state.status == "paused"
    assert fork.resume("ask", {"approved": False}).outcome == "accepted"
    assert source.resume("ask", {"approved": True}).outcome == "accepted"
    assert fork.work().state.outputs["ask"]["approved"] is False
    assert source.work().state.outputs["ask"]["approved"] is True


def test_people_are_told_anew_of_what_is_open_and_of_nothing_that_was() -> None:
    graph = workflow("start > ask > pay", ask=HUMAN)
    node = graph.nodes["ask"]
    block = replace(node.block, params={"notification": ["mailto:ada@example.org"]})
    graph = replace(graph, nodes={**graph.nodes, "ask": replace(node, block=block)})
    source = Story(graph).start().work()
    opened = source.state.points["ask"].event_id

    fork = fork_of(source)

    assert [(each.context_id, each.occasion) for each in fork.state.telling.values()] == [("ask", "opened")]
    assert list(fork.state.telling) == [opened]
    resumed = paused()
    resumed.resume("ask", {"approved": True})
    assert fork_of(resumed).state.telling == {}


@pytest.mark.parametrize("kind", [Loop, Parallel])
def test_turns_that_were_over_stay_over(kind: type[Loop | Parallel]) -> None:
    counted: dict[str, Any] = {"iterations": 3} if kind is Loop else {"kind": "count", "count": 3}
    each = kind(id="each", nodes=("work",), **counted)
    source = Story(workflow("start > each > end", containers=[each])).start()
    source.finish("each")
    source.answer(source.tries[0])

    fork = fork_of(source).work()
    source.work()

    assert fork.state.status == "completed"
    assert fork.state.outputs["each"] == source.state.outputs["each"]
    ends = [event.data.block_id for event in fork.events if event.type == "block:completed"]
    assert ends.count("work") == 3


def test_a_child_of_the_source_is_left_alone_and_the_fork_calls_its_own() -> None:
    graph = workflow("start > call > end", call="workflow")
    source = Story(graph, {"call": calls()}).start()
    source.finish("call")

    fork = fork_of(source)

    again = [event.data for event in fork.events if isinstance(event.data, BlockStarted)][-1]
    assert again.child_execution_id == str(child_log_id(FORK_LOG, "call", 2))
    assert fork.running() == ["call"]


def test_the_end_of_a_child_that_waits_for_its_turn_is_kept() -> None:
    graph = workflow("start > call > end", "start > slow", call="workflow")
    source = Story(graph, {"call": calls()}).start()
    source.finish("call")
    child_changes(source, "call", "paused")
    child_changes(source, "call", "completed")
    assert source.state.queue

    fork = fork_of(source)

    assert fork.running() == ["slow"]
    assert fork.work().state.status == "completed"
    assert fork.state.outputs["call"]["success"] is True


def test_a_wait_lasts_as_long_as_was_left() -> None:
    graph = workflow("start > nap > end", nap="wait")
    source = Story(graph, {"nap": naps(60)}).start()
    source.finish("nap").later(10)

    fork = fork_of(source, after=5000)

    assert fork.state.next_due() == fork.now + 60  # no event tells of the ten seconds
    fork.later(59)
    assert fork.state.status == "running"
    fork.later(1).work()
    assert fork.state.outputs["nap"]["waitDuration"] == 60_000


def test_a_run_that_goes_on_has_taken_no_time_before_the_fork() -> None:
    source = Story(workflow("start > nap > work", nap="wait"), {"nap": naps(60)}).start()
    source.finish("nap").later(60)

    fork = fork_of(source, after=5000)
    began = fork.now
    fork.now += 3
    fork.work()

    completed = fork.events[-1].data
    assert isinstance(completed, ExecutionCompleted)
    assert (completed.start_time, completed.end_time) == (iso(began), iso(began + 3))
    assert completed.duration == 3000


def test_a_run_that_was_over_keeps_its_time_in_the_source() -> None:
    source = Story(APPROVE).start({"amount": 5})
    source.now += 4
    source.work()

    run = fork_of(source).state.runs[str(FORK_LOG)]

    assert (run.started_at, run.ended_at) == (NOW, NOW + 4)


def test_a_run_has_its_whole_time_limit_again() -> None:
    source = Story(workflow("start > work")).start(time_limit=30)

    fork = fork_of(source, after=5000)

    assert fork.later(100).state.status == "running"


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_an_execution_that_failed_or_was_cancelled_goes_on_in_a_fork(end: str) -> None:
    source = Story(workflow("start > work > more"), {"work": fails()}).start()
    source.work() if end == "failed" else source.cancel()
    assert source.state.status == end

    source.script = {"work": gives({"done": True})}
    fork = fork_of(source)

    assert forked(fork).resume_execution_id in fork.state.runs
    assert fork.work().state.status == "completed"


def test_a_decision_that_was_cancelled_in_its_queue_is_asked_for_again() -> None:
    source = Story(workflow("start > a > slow", "start > b", a=HUMAN, b=HUMAN)).start().work()
    source.resume("a", {"approved": True})
    source.resume("b", {"approved": True})
    source.cancel()

    fork = fork_of(source).work()

    assert [point.context_id for point in fork.state.open_points()] == ["b"]


def test_a_fork_of_a_fork_takes_all_that_came_before() -> None:
    first = fork_of(paused())

    second = fork_of(first, log_id=ANOTHER_LOG)

    assert [event.type for event in second.events[:-1]] == [event.type for event in first.events]
    assert second.events[1].happened_at == first.events[1].happened_at
    second.resume("ask", {"approved": True})
    assert second.work().state.status == "completed"


def test_an_execution_that_has_hardly_begun_is_forked_too() -> None:
    source = Story(workflow("start > work")).start()
    fork = fork_of(source, upto=1)
    assert fork.work().state.status == "completed"


# --- What is edited ---------------------------------------------------------------------------------


def test_another_input_takes_the_place_of_the_first_and_finished_blocks_stay() -> None:
    source = Story(workflow("start > a > b")).start({"amount": 5})
    source.finish("a")

    fork = fork_of(source, given={"amount": 7}, edited=True)

    assert fork.state.input == {"amount": 7}
    assert fork.state.outputs["start"]["amount"] == 7
    assert fork.running() == ["b"]
    assert forked(fork).edited == ["input"]


def test_another_input_lets_open_points_show_anew_what_they_ask() -> None:
    fork = fork_of(paused(), given={"amount": 7}, edited=True)

    assert fork.running() == ["ask"]
    assert [each.context_id for each in fork.work().state.open_points()] == ["ask"]


def test_another_input_is_refused_where_people_have_decided_on_the_first() -> None:
    source = paused()
    source.resume("ask", {"approved": True})
    opened = source.state.points["ask"].event_id

    outcome = begin_fork(Story(APPROVE, log_id=FORK_LOG), source, given={"amount": 1e6}, edited=True)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "DECIDED"
    assert f"before event {opened}," in outcome.refusal.message


def test_another_input_is_refused_where_a_decision_on_the_first_waits_for_its_point() -> None:
    source = Story(APPROVE).start({"amount": 5})
    early = ResumeExecution(context_id="ask", input={"approved": True}, hold_until=iso(source.now + 60))
    assert source.command(early).outcome == "accepted"
    held = source.events[-1]

    outcome = begin_fork(Story(APPROVE, log_id=FORK_LOG), source, given={"amount": 1e6}, edited=True)

    assert held.type == "decision:held"
    assert outcome.refusal is not None
    assert outcome.refusal.code == "DECIDED"
    assert f"before event {held.event_id}," in outcome.refusal.message


def called(*statuses: Literal["paused", "completed"], graph: Graph = CALLING) -> Story:
    """A story that called another execution, which then did so."""
    source = Story(graph, {"call": calls()}).start({"amount": 5})
    source.finish("call")
    for status in statuses:
        child_changes(source, "call", status)
    return source


@pytest.mark.parametrize("statuses", [("paused", "completed"), ("completed",)])
def test_another_input_is_refused_where_people_decided_in_an_execution_that_was_called(
    statuses: tuple[Literal["paused", "completed"], ...],
) -> None:
    source = called(*statuses)
    call = next(event for event in source.events if event.type == "child:called")

    outcome = begin_fork(
        Story(CALLING, log_id=FORK_LOG), source, given={"amount": 1e6}, edited=True, decided_in=[CHILD]
    )

    assert outcome.refusal is not None
    assert outcome.refusal.code == "DECIDED"
    assert f"before event {call.event_id}," in outcome.refusal.message


def test_another_input_is_taken_where_nobody_decided_in_an_execution_that_was_called() -> None:
    fork = fork_of(called("paused", "completed"), given={"amount": 7}, edited=True)

    assert fork.state.outputs["call"]["success"] is True


def test_another_input_is_taken_where_the_execution_that_was_called_is_still_decided() -> None:
    fork = fork_of(called("paused"), given={"amount": 7}, edited=True, decided_in=[CHILD])

    assert fork.running() == ["call"]


def child_changes(story: Story, instance: str, status: Literal["paused", "completed"]) -> None:
    """Tell a story how the execution that it called does."""
    flight, point = story.state.in_flight.get(instance), story.state.points.get(instance)
    child = flight.child if flight is not None else None if point is None else point.child
    assert child is not None
    data = ChildChanged(instance=instance, child_execution_id=child.execution_id, event_id=1, status=status)
    story.send(
        Command(
            command_id=an_id(1_000 + len(story.events)),
            type=data.TYPE,
            execution_id=str(story.log_id),
            issued_at=iso(story.now),
            actor=SYSTEM,
            data=data,
        )
    )


@pytest.mark.parametrize(("before", "refused"), [(HUMAN, True), ("workflow", True), ("function", False)])
def test_another_input_is_refused_where_an_execution_began_with_what_people_may_have_decided(
    before: str, refused: bool
) -> None:
    source = Story(workflow("start > ask > pay > end", ask=before))
    source.command(
        StartExecution(
            workspace_id=str(UUID(int=0)),
            workflow_id=WORKFLOW,
            workflow_version=1,
            definition_digest="sha256:definition",
            mode="async",
            source=Source(execution_id="earlier", event_id=9),
            start_block_id="pay",
            outputs={"start": {}, "ask": {"approved": True}},
        )
    )

    outcome = begin_fork(Story(source.graph, log_id=FORK_LOG), source, given={"amount": 1e6}, edited=True)

    assert outcome.outcome == ("refused" if refused else "accepted")
    if outcome.refusal is not None:
        assert outcome.refusal.code == "DECIDED"
        assert outcome.refusal.message.endswith("earlier")


def test_a_decision_given_with_a_fork_is_the_forkers_own() -> None:
    decision = ForkDecision(context_id="ask", input={"approved": True}, maker=Maker(user_id="u2"))

    fork = fork_of(paused(), decision=decision).work()

    resumed = fork.last("execution:resumed")
    assert resumed.actor == FORKER
    assert fork.state.status == "completed"


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (ForkDecision(context_id="ask", input={}), "FORM_INVALID"),
        (ForkDecision(context_id="nowhere", input={}), "POINT_NOT_FOUND"),
        (ForkDecision(context_id="ask", input={"approved": True}, seen_digest="sha256:0"), "CONTENT_CHANGED"),
    ],
)
def test_a_decision_that_may_not_be_taken_leaves_no_fork(decision: ForkDecision, code: str) -> None:
    fork = Story(APPROVE, log_id=FORK_LOG)

    source = Story(APPROVE, {"ask": asks(APPROVAL)}).start().work()
    outcome = begin_fork(fork, source, decision=decision)

    assert outcome.refusal is not None
    assert outcome.refusal.code == code
    assert fork.events == []


@pytest.mark.parametrize("who", ["u1", "u2"])
def test_neither_who_started_the_source_nor_who_forked_it_decides_what_they_may_not(who: str) -> None:
    policy = replace(NO_POLICY, self_approval=False)
    asking = asks()
    source = Story(APPROVE, {"ask": lambda run, now: replace(asking(run, now), policy=policy)}).start().work()
    fork = fork_of(source)

    outcome = fork.resume("ask", {"approved": True}, actor=Actor(type="user", id=who))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "SELF_APPROVAL"
    allowed = fork.resume("ask", {"approved": True}, actor=Actor(type="user", id="u3"))
    assert allowed.outcome == "accepted"


def test_another_version_takes_the_outputs_of_the_blocks_that_it_still_has() -> None:
    source = Story(workflow("start > a > b > c")).start({"n": 1})
    source.finish("a", "b")
    graph = workflow("start > a > new > b > c")

    fork = fork_of(source, graph=graph, version=2, replanted=True)

    assert forked(fork).outputs.keys() == {"start", "a"}
    assert fork.running() == ["new"]
    fork.work()
    ran = [event.data.block_id for event in fork.events if event.type == "block:completed"]
    assert ran == ["new", "b", "c"]
    assert fork.state.status == "completed"


def test_another_version_asks_people_again_whatever_they_decided() -> None:
    source = paused()
    source.resume("ask", {"approved": True})

    fork = fork_of(source, graph=workflow("start > ask > pay", ask=HUMAN), version=2, replanted=True).work()

    assert [point.context_id for point in fork.state.open_points()] == ["ask"]


@pytest.mark.parametrize(("decided_in", "runs"), [((), ["end"]), ((CHILD,), ["call"])])
def test_another_version_calls_an_execution_anew_in_which_people_decided(
    decided_in: tuple[str, ...], runs: list[str]
) -> None:
    source = called("completed", graph=workflow("start > call > end", call="workflow"))

    fork = fork_of(source, graph=CALLING, version=2, replanted=True, decided_in=decided_in)

    assert fork.running() == runs


def test_another_version_takes_no_decision_over_where_its_block_asks_nobody_any_more() -> None:
    source = paused()
    source.resume("ask", {"approved": True})

    fork = fork_of(source, graph=workflow("start > ask > pay"), version=2, replanted=True)

    assert forked(fork).outputs.keys() == {"start"}
    assert fork.running() == ["ask"]


def test_another_version_takes_no_loop_over_in_which_people_decided() -> None:
    each = Loop(id="each", nodes=("ask",), iterations=1)
    source = Story(workflow("start > each > end", containers=[each], ask=HUMAN)).start().work()
    source.resume(next(iter(source.state.open)), {"approved": True})
    automatic = workflow("start > each > end", containers=[replace(each, nodes=("other",))])

    fork = fork_of(source, graph=automatic, version=2, replanted=True)

    assert "each" in source.state.outputs
    assert fork.running() == ["each"]


def test_an_execution_that_completed_has_nothing_to_fork() -> None:
    source = Story(workflow("start > a")).start().work()
    assert source.state.status in TERMINAL

    outcome = begin_fork(Story(source.graph, log_id=FORK_LOG), source)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "NOTHING_TO_RUN"


def test_a_fork_that_is_asked_for_again_is_there_already() -> None:
    source, fork = paused(), Story(APPROVE, log_id=FORK_LOG)
    begin_fork(fork, source)
    before = len(fork.events)

    again = begin_fork(fork, source)

    assert again.outcome in {"duplicate", "refused"}
    assert len(fork.events) == before


def test_the_state_of_a_past_is_that_of_its_bytes() -> None:
    source = paused()
    assert past_state([decode_event(raw) for raw in source.raws], APPROVE) == source.state
    assert source.now == NOW
