"""What time does: waits, tries, points of kind ``time``, time limits."""

from typing import Any

import pytest

from signoff.engine.definitions.definition import Retry
from signoff.engine.messages import BlockCalls, RunBlock
from signoff.events.times import from_iso, iso
from support.bdd import HUMAN, MAKER, NOW, Story, fails, gives, naps, pauses_until, workflow

NAP = workflow("start > nap > after", nap="wait")


def waiting(seconds: float = 60, **start: Any) -> Story:
    return Story(NAP, {"nap": naps(seconds)}).start(**start).work()


# --- Waits ------------------------------------------------------------------------------------------


def test_a_wait_ends_when_its_moment_has_come_and_not_before() -> None:
    story = waiting(60).later(59.999999)
    assert story.told()[-1] == "timer:set nap"
    story.later(0.000001)
    assert story.told()[-3:] == ["timer:fired nap", "block:completed nap", "block:started after"]
    assert story.state.outputs["nap"] == {"status": "completed", "waitDuration": 60_000}


def test_a_late_tick_does_not_make_a_wait_longer_than_it_was() -> None:
    story = waiting(60).later(3_600)
    assert story.last("timer:fired").due_at == story.last("timer:set").due_at
    assert story.state.outputs["nap"]["waitDuration"] == 60_000


def test_a_wait_is_no_pause_to_the_caller() -> None:
    story = waiting(60).later(60).work()
    assert story.told("execution:paused", "execution:completed") == ["execution:completed"]


def test_what_is_due_fires_in_the_order_of_its_moments_however_late() -> None:
    graph = workflow(
        "start > long", "start > short", "start > middle", long="wait", short="wait", middle="wait"
    )
    story = Story(graph, {"long": naps(30), "short": naps(10), "middle": naps(20)}).start().work().later(100)
    assert story.told("timer:fired") == ["timer:fired short", "timer:fired middle", "timer:fired long"]


def test_an_execution_that_only_waits_is_parked_and_knows_its_moment() -> None:
    story = waiting(60)
    assert story.state.parked()
    assert story.state.next_due() == NOW + 60


def test_an_execution_with_a_block_at_work_is_not_parked() -> None:
    graph = workflow("start > nap", "start > a", nap="wait")
    story = Story(graph).start().finish("nap")
    assert not story.state.parked()


def test_a_result_for_a_block_that_waits_changes_nothing() -> None:
    story = Story(NAP).start()
    stale = story.tries[0]
    story.work()
    story.tries.append(stale)
    assert story.answer(stale) == []


# --- Tries ------------------------------------------------------------------------------------------


def test_a_failed_block_is_tried_again_after_its_wait() -> None:
    graph = workflow("start > a", retries={"a": Retry(max_tries=3, wait_ms=1_000)})
    story = Story(graph, {"a": fails(tries=1)}).start().work()
    assert (story.told()[-1], story.running()) == ("block:retrying a", [])
    story.later(1).work()
    assert story.told()[-3:] == ["block:started a", "block:completed a", "execution:completed"]
    assert story.events[-2].attempt == 2


def test_the_wait_grows_with_each_try() -> None:
    graph = workflow("start > a", retries={"a": Retry(max_tries=4, wait_ms=1_000, backoff=3)})
    story = Story(graph, {"a": fails()}).start().work()
    waits = []
    while story.state.status == "running":
        retrying = story.events[-1]
        waits.append(from_iso(retrying.data.next_attempt_at) - from_iso(retrying.timestamp))
        story.later(waits[-1]).work()
    assert waits == [1, 3, 9]
    assert story.told()[-2:] == ["block:error a", "execution:error"]


def test_jitter_makes_a_wait_a_tenth_longer_at_most() -> None:
    graph = workflow("start > a", retries={"a": Retry(wait_ms=1_000)})
    story = Story(graph, {"a": fails(jitter=1)}).start().work()
    assert story.state.next_due() == pytest.approx(NOW + 1.1)


def test_the_error_edge_is_taken_after_the_last_try_only() -> None:
    graph = workflow("start > a > b", "a !> rescue", retries={"a": Retry(max_tries=2, wait_ms=0)})
    story = Story(graph, {"a": fails()}).start().work().later(0).work()
    assert story.told("block:retrying", "block:error", "block:started")[-4:] == [
        "block:retrying a",
        "block:started a",
        "block:error a",
        "block:started rescue",
    ]


def test_a_try_keeps_the_order_of_its_block() -> None:
    graph = workflow("start > a > c", "start > b", retries={"a": Retry(wait_ms=0)})
    story = Story(graph, {"a": fails(tries=1)}).start().work().later(0).work()
    orders = {
        (e.data.block_id, e.attempt): e.data.execution_order
        for e in story.events
        if e.type == "block:started"
    }
    assert orders == {("start", None): 1, ("a", None): 2, ("b", None): 3, ("a", 2): 2, ("c", None): 4}


# --- Points of kind time ----------------------------------------------------------------------------


def paused_until(seconds: float, *paths: str) -> Story:
    graph = workflow(*(paths or ("start > nap > after",)), nap="wait", ask=HUMAN, block="function")
    return Story(graph, {"nap": pauses_until(seconds)}).start()


def test_an_asynchronous_wait_is_a_pause_of_kind_time() -> None:
    story = paused_until(60).work()
    assert story.told()[-2:] == ["pause:opened nap", "execution:paused"]
    assert story.last("execution:paused").pause_points[0].pause_kind == "time"
    assert story.state.parked()


def test_a_point_of_kind_time_is_resumed_by_the_system_when_it_is_due() -> None:
    story = paused_until(60).work().later(60).work()
    assert story.told()[-6:] == [
        "timer:fired nap",
        "execution:resumed",
        "block:completed nap",
        "block:started after",
        "block:completed after",
        "execution:completed",
    ]
    assert story.last("execution:resumed").actor.type == "system"
    assert story.state.outputs["nap"] == {"status": "completed", "waitDuration": 60_000}


def test_what_time_resumes_follows_from_the_log_and_not_from_a_command() -> None:
    story = paused_until(60).work().later(60)
    fired = story.envelope("timer:fired nap")
    assert fired.causation_id == str(story.envelope("pause:opened nap").event_id)
    assert story.envelope("execution:resumed").causation_id == str(fired.event_id)
    assert len(story.state.commands) == 1


def test_a_person_cannot_resume_a_point_of_kind_time() -> None:
    refusal = paused_until(60).work().resume("nap").refusal
    assert refusal is not None
    assert refusal.code == "NOT_RESUMABLE"
    assert "goes on by itself" in refusal.message


def test_a_point_of_kind_time_takes_its_turn_behind_a_run_at_work() -> None:
    story = paused_until(60, "start > nap > after", "start > ask > block").work()
    story.resume("ask")
    story.later(60)
    assert story.told()[-2:] == ["timer:fired nap", "resume:queued nap"]
    story.work()
    assert story.told("execution:resumed", "execution:completed")[-2:] == [
        "execution:resumed",
        "execution:completed",
    ]


def test_a_queued_point_of_kind_time_is_resumed_because_it_was_queued() -> None:
    story = paused_until(60, "start > nap", "start > ask > block").work()
    story.resume("ask")
    story.later(60).work()
    queued = story.envelope("resume:queued nap")
    assert queued.causation_id == str(story.envelope("timer:fired nap").event_id)
    resumed = [event for event in story.events if event.type == "execution:resumed"][-1]
    assert resumed.causation_id == str(queued.event_id)


def test_a_point_of_kind_time_that_was_closed_is_never_due() -> None:
    story = paused_until(60).work()
    story.cancel()
    assert (story.told()[-2], story.state.next_due()) == ("pause:closed nap", None)


# --- Time limits ------------------------------------------------------------------------------------


def test_a_run_over_its_time_limit_ends_and_its_blocks_are_stopped() -> None:
    story = Story(workflow("start > a", "start > b")).start(time_limit=300).later(300)
    ended = story.last("execution:error")
    assert (ended.error, ended.code, ended.final) == ("Execution timed out after 5 minutes", "TIMEOUT", True)
    assert [each.instance for each in story.stopped] == ["a", "b"]
    assert story.ended == [(story.run_ids()[0], story.events[-1].event_id)]


@pytest.mark.parametrize(
    ("limit", "text"), [(1, "1 second"), (30, "30 seconds"), (60, "1 minute"), (5_400, "90 minutes")]
)
def test_a_time_limit_is_told_in_seconds_below_a_minute(limit: float, text: str) -> None:
    story = Story(workflow("start > a")).start(time_limit=limit).later(limit)
    assert story.last("execution:error").error == f"Execution timed out after {text}"


def test_a_call_says_when_its_run_is_out_of_time() -> None:
    def call(run: RunBlock, _: float) -> BlockCalls:
        return BlockCalls(
            instance=run.instance, attempt=1, workflow_id="b", name="B", version=1, digest="d", input=None
        )

    story = Story(workflow("start > call", call="workflow"), {"call": call}).start(time_limit=10)
    story.later(4).work()

    assert story.last("child:called").timeout_at == iso(NOW + 10)


def test_a_first_run_ends_when_its_caller_is_out_of_time() -> None:
    story = Story(workflow("start > a")).start(time_limit=300, timeout_at=iso(NOW + 10)).later(10)
    assert story.last("execution:error").error == "Execution timed out after 5 minutes"


def test_a_caller_with_more_time_gives_none_away() -> None:
    story = Story(workflow("start > a")).start(time_limit=10, timeout_at=iso(NOW + 300)).later(10)
    assert story.last("execution:error").code == "TIMEOUT"


def test_a_later_run_has_the_whole_time_limit_although_the_first_had_less() -> None:
    graph = workflow("start > ask > a", ask=HUMAN)
    story = Story(graph).start(time_limit=300, timeout_at=iso(NOW + 10)).work()
    story.later(5)
    story.resume("ask", {"approved": True})

    story.later(299)
    assert story.state.status == "running"
    story.later(1)
    assert story.last("execution:error").code == "TIMEOUT"


def test_a_result_after_the_time_limit_changes_nothing() -> None:
    story = Story(workflow("start > a")).start(time_limit=10).later(10)
    assert story.answer(story.tries[0]) == []


def test_a_late_tick_does_not_move_a_time_limit() -> None:
    story = Story(workflow("start > a > b")).start(time_limit=10)
    story.now += 100
    story.finish("a")
    assert story.told()[-1] == "execution:error"


def test_paused_time_does_not_count() -> None:
    story = Story(workflow("start > ask > a", ask=HUMAN)).start(mode="sync", time_limit=10).work()
    story.later(1_000_000)
    assert story.state.status == "paused"
    story.resume("ask")
    story.later(9)
    assert story.state.status == "running"
    story.later(1)
    assert story.last("execution:error").code == "TIMEOUT"


def test_a_durable_wait_counts_for_a_synchronous_call() -> None:
    story = waiting(60, mode="sync", time_limit=30).later(30)
    assert story.last("execution:error").code == "TIMEOUT"
    assert story.stopped == []


@pytest.mark.parametrize("mode", ["async", "stream"])
def test_a_durable_wait_does_not_count_for_other_calls(mode: str) -> None:
    story = waiting(60, mode=mode, time_limit=30).later(60)
    assert story.running() == ["after"]
    story.later(29)
    assert story.state.status == "running"
    story.later(1)
    assert story.last("execution:error").code == "TIMEOUT"


def test_time_in_which_a_block_works_beside_a_wait_counts() -> None:
    graph = workflow("start > nap", "start > a", nap="wait")
    story = Story(graph, {"nap": naps(60)}).start(time_limit=30).finish("nap").later(30)
    assert story.last("execution:error").code == "TIMEOUT"


def test_time_stands_still_from_the_moment_when_only_waits_are_left() -> None:
    graph = workflow("start > nap > after", "start > a", nap="wait")
    story = Story(graph, {"nap": naps(1_000)}).start(time_limit=30).finish("nap").later(10).finish("a")
    assert story.state.next_due() == NOW + 1_000
    story.later(990)
    assert story.state.next_due() == NOW + 1_000 + 20


def test_time_counts_again_when_the_first_of_two_waits_has_ended() -> None:
    graph = workflow("start > short > a", "start > long", short="wait", long="wait")
    story = Story(graph, {"short": naps(10), "long": naps(1_000)}).start(time_limit=30).work().later(10)
    assert story.state.next_due() == NOW + 10 + 30
    story.later(30)
    assert story.last("execution:error").code == "TIMEOUT"


def test_time_between_two_tries_counts() -> None:
    graph = workflow("start > a", retries={"a": Retry(wait_ms=60_000)})
    story = Story(graph, {"a": fails()}).start(time_limit=30).work().later(30)
    assert story.last("execution:error").code == "TIMEOUT"


def test_time_between_two_tries_counts_beside_a_wait_too() -> None:
    graph = workflow("start > nap", "start > a", nap="wait", retries={"a": Retry(wait_ms=50_000)})
    story = (
        Story(graph, {"nap": naps(100), "a": fails(tries=1)}).start(time_limit=300).work().later(50).work()
    )
    assert story.state.runs[story.run_ids()[0]].deadline == NOW + 300
    story.later(50)
    assert story.told()[-1] == "execution:completed"


def test_of_a_wait_and_a_time_limit_that_are_both_over_the_earlier_one_strikes_first() -> None:
    story = waiting(10, mode="sync", time_limit=20).later(100)
    assert story.told()[-4:] == [
        "timer:fired nap",
        "block:completed nap",
        "block:started after",
        "execution:error",
    ]
    assert [each.instance for each in story.stopped] == ["after"]


def test_a_run_that_times_out_closes_the_points_that_it_opened() -> None:
    graph = workflow("start > ask", "start > a", ask=HUMAN)
    story = Story(graph).start(time_limit=10).finish("ask").later(10)
    assert story.told()[-2:] == ["pause:closed ask", "execution:error"]


def test_each_run_has_the_whole_time_limit() -> None:
    story = Story(workflow("start > a > ask > b", ask=HUMAN)).start(time_limit=10).later(9).work()
    story.resume("ask")
    story.later(9).work()
    assert story.told()[-1] == "execution:completed"


# --- Before a decision ------------------------------------------------------------------------------


def test_what_is_due_fires_before_a_command_is_decided() -> None:
    story = waiting(60)
    story.now += 60
    story.cancel()
    assert story.told()[-4:] == [
        "timer:fired nap",
        "block:completed nap",
        "block:started after",
        "execution:cancelled",
    ]


def test_a_cancellation_after_the_time_limit_finds_a_failed_execution() -> None:
    story = Story(workflow("start > a")).start(time_limit=10)
    story.now += 10
    refusal = story.cancel().refusal
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("FINISHED", "Execution cannot be cancelled while failed")


def test_what_is_due_fires_before_a_result_is_taken() -> None:
    graph = workflow("start > nap > b", "start > a", nap="wait")
    story = Story(graph, {"nap": naps(5), "a": gives()}).start().finish("nap")
    story.now += 5
    story.finish("a")
    assert story.told()[-4:] == [
        "timer:fired nap",
        "block:completed nap",
        "block:started b",
        "block:completed a",
    ]


def test_nothing_fires_in_an_execution_that_has_ended() -> None:
    story = waiting(60)
    story.cancel(correlation_id=MAKER.id)
    before = len(story.events)
    story.later(60)
    assert (len(story.events), story.state.next_due()) == (before, None)
