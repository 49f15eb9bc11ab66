"""How an execution moves (execution-semantics.md, The graph)."""

from uuid import UUID

from signoff.engine.definitions.definition import Retry
from signoff.events.times import iso
from support.bdd import (
    HUMAN,
    LOG,
    NOW,
    WORKFLOW,
    Story,
    chooses,
    fails,
    fails_for_good,
    gives,
    naps,
    workflow,
)

STARTED = ("block:started",)
RESPONSE = gives({"data": "answer", "status": 200, "headers": {}})


def test_a_chain_runs_one_block_after_the_other() -> None:
    story = Story(workflow("start > a > b")).start({"x": 1}).work()
    assert story.told() == [
        "execution:started",
        "block:started start",
        "block:completed start",
        "block:started a",
        "block:completed a",
        "block:started b",
        "block:completed b",
        "execution:completed",
    ]


def test_a_workflow_of_a_start_block_alone_gives_its_input() -> None:
    story = Story(workflow("start")).start({"x": 1})
    assert story.last("execution:completed").output == {"x": 1}


def test_an_execution_whose_last_block_was_not_chosen_gives_an_empty_output() -> None:
    story = (
        Story(workflow("start > check yes> a", check="condition"), {"check": chooses(None)}).start().work()
    )
    assert story.told(*STARTED) == ["block:started start", "block:started check"]
    assert story.last("execution:completed").output == {}


def test_all_ready_blocks_start_at_once_and_in_order() -> None:
    story = Story(workflow("start > a", "start > b", "start > c")).start()
    assert story.running() == ["a", "b", "c"]
    assert [event.data.execution_order for event in story.events if event.type in STARTED] == [1, 2, 3, 4]


def test_a_join_starts_with_the_last_of_its_branches() -> None:
    story = Story(workflow("start > a > join", "start > b > join")).start().finish("b")
    assert story.running() == ["a"]
    story.finish("a")
    assert story.running() == ["join"]


def test_a_join_behind_a_condition_waits_for_the_branch_taken_only() -> None:
    graph = workflow("start > check yes> a > join", "check else> b > join", check="condition")
    story = Story(graph, {"check": chooses("else")}).start().work()
    assert story.told(*STARTED)[2:] == ["block:started b", "block:started join"]


def test_the_output_is_that_of_the_last_finished_block_without_successors() -> None:
    story = Story(workflow("start > a", "start > b > c")).start().finish("b", "c", "a")
    assert story.last("execution:completed").output == {"result": "a"}


def test_a_response_fixes_the_output_and_nothing_starts_after_it() -> None:
    graph = workflow("start > a > b", "start > answer > c", answer="response")
    story = Story(graph, {"answer": RESPONSE}).start().finish("answer")
    assert story.running() == ["a"]
    story.work()
    ended = story.last("execution:completed")
    assert (ended.output["data"], ended.response_block_id) == ("answer", "answer")
    assert "block:started b" not in story.told()


def test_the_first_of_two_responses_counts() -> None:
    graph = workflow("start > one", "start > two", one="response", two="response")
    story = Story(graph, {"one": gives({"data": 1}), "two": gives({"data": 2})}).start().finish("two", "one")
    ended = story.last("execution:completed")
    assert (ended.output, ended.response_block_id) == ({"data": 2}, "two")


def test_what_finishes_after_a_response_does_not_change_the_output() -> None:
    graph = workflow("start > a", "start > answer", answer="response")
    story = Story(graph, {"answer": RESPONSE}).start().finish("answer", "a")
    assert story.last("execution:completed").output["data"] == "answer"


def test_a_response_does_not_wait_for_durable_waits() -> None:
    graph = workflow("start > nap", "start > answer", nap="wait", answer="response")
    story = Story(graph, {"answer": RESPONSE}).start().finish("nap", "answer")
    assert story.told()[-2:] == ["block:completed answer", "execution:completed"]


def test_stopping_after_a_block_gives_its_output() -> None:
    story = Story(workflow("start > a > b > c")).start(stop_after="b").work()
    assert story.told(*STARTED)[-1] == "block:started b"
    assert story.last("execution:completed").output == {"result": "b"}


def test_stopping_after_a_block_that_fails_into_its_error_edge_runs_nothing_behind_it() -> None:
    graph = workflow("start > a > next", "a !> rescue")
    story = Story(graph, {"a": fails("no money")}).start(stop_after="a").work()
    assert story.told()[-2:] == ["block:error a", "execution:completed"]
    assert story.last("execution:completed").output == {"error": "no money"}


def test_a_start_block_tells_of_its_run_when_it_is_asked_to() -> None:
    graph = workflow("start > a", start="start_trigger")
    start = graph.nodes["start"].block
    start.params["runMetadata"] = True
    story = Story(graph).start({"n": 1}, mode="sync")
    assert story.last("block:completed").output == {
        "n": 1,
        "metadata": {
            "workspaceId": str(UUID(int=0)),
            "workflowId": WORKFLOW,
            "workflowVersion": 1,
            "executionId": str(LOG),
            "executionType": "api",
            "executionMode": "sync",
            "startTime": iso(NOW),
        },
    }


def test_a_failure_with_an_error_edge_takes_that_edge_only() -> None:
    story = Story(workflow("start > a > next", "a !> rescue"), {"a": fails("no money")}).start().work()
    assert story.told()[-5:] == [
        "block:started a",
        "block:error a",
        "block:started rescue",
        "block:completed rescue",
        "execution:completed",
    ]
    assert story.last("block:error").handled
    assert story.state.outputs["a"] == {"error": "no money"}


def test_a_failure_ends_the_execution_with_its_error() -> None:
    story = Story(workflow("start > a > b"), {"a": fails("no money")}).start().work()
    ended = story.last("execution:error")
    assert (ended.error, ended.block_id, ended.code, ended.final) == (
        "A: no money",
        "a",
        "BLOCK_FAILED",
        True,
    )
    assert story.state.status == "failed"


def test_after_a_failure_nothing_starts_and_what_is_in_flight_finishes() -> None:
    story = Story(workflow("start > a > c", "start > b > d"), {"a": fails()}).start().finish("a")
    assert (story.running(), story.state.status) == (["b"], "running")
    story.finish("b")
    assert story.told()[-2:] == ["block:completed b", "execution:error"]


def test_the_first_of_two_errors_is_the_executions() -> None:
    graph = workflow("start > a", "start > b")
    story = Story(graph, {"a": fails("first"), "b": fails("second")}).start().finish("a", "b")
    assert story.last("execution:error").error == "A: first"


def test_a_failed_execution_keeps_its_partial_output() -> None:
    story = Story(workflow("start > a", "start > b"), {"b": fails()}).start().finish("a", "b")
    assert story.last("execution:error").output == {"result": "a"}


def test_a_failed_run_does_not_wait_for_durable_waits() -> None:
    graph = workflow("start > nap", "start > a", nap="wait")
    story = Story(graph, {"a": fails()}).start().finish("nap", "a")
    assert story.told()[-2:] == ["block:error a", "execution:error"]
    assert story.state.next_due() is None


def test_a_failed_run_does_not_wait_for_another_blocks_next_try() -> None:
    graph = workflow("start > a", "start > b", retries={"a": Retry(wait_ms=60_000)})
    story = Story(graph, {"a": fails(), "b": fails("over")}).start().finish("a", "b")
    assert story.last("execution:error").error == "B: over"


def test_an_error_after_the_runs_failure_is_not_retried() -> None:
    graph = workflow("start > a", "start > b", retries={"b": Retry()})
    story = Story(graph, {"a": fails("first"), "b": fails("late")}).start().finish("a", "b")
    assert story.told()[-2:] == ["block:error b", "execution:error"]


def test_a_handled_error_after_the_runs_failure_starts_nothing() -> None:
    graph = workflow("start > a", "start > b !> rescue")
    story = Story(graph, {"a": fails(), "b": fails()}).start().finish("a", "b")
    assert story.told()[-2:] == ["block:error b", "execution:error"]


def test_a_block_that_says_that_another_try_is_useless_is_not_retried() -> None:
    graph = workflow("start > a", retries={"a": Retry()})
    story = Story(graph, {"a": fails_for_good()}).start().work()
    assert story.told("block:retrying") == []


def test_a_pause_lets_every_other_ready_branch_run_to_its_end() -> None:
    graph = workflow("start > ask > after", "start > a > b", ask=HUMAN)
    story = Story(graph).start().finish("ask")
    assert (story.running(), story.state.status) == (["a"], "running")
    story.work()
    assert story.told()[-2:] == ["block:completed b", "execution:paused"]


def test_a_pause_reports_every_open_point_in_order() -> None:
    graph = workflow("start > one", "start > two", one=HUMAN, two=HUMAN)
    paused = Story(graph).start().work().last("execution:paused")
    assert [point.context_id for point in paused.pause_points] == ["one", "two"]
    assert paused.output["pauseCount"] == 2
    assert [each["data"]["_resume"]["contextId"] for each in paused.output["pausedBlocks"]] == ["one", "two"]


def test_the_output_of_a_single_pause_is_what_its_maker_is_shown() -> None:
    story = Story(workflow("start > ask", ask=HUMAN)).start().work()
    assert story.last("execution:paused").output == story.last("pause:opened").response


def test_a_join_with_a_paused_branch_waits() -> None:
    graph = workflow("start > ask > join", "start > a > join", ask=HUMAN)
    story = Story(graph).start().work()
    assert "block:started join" not in story.told()
    story.resume("ask")
    assert story.running() == ["join"]


def test_a_run_that_fails_closes_the_points_that_it_opened() -> None:
    graph = workflow("start > ask", "start > a", ask=HUMAN)
    story = Story(graph, {"a": fails("broke")}).start().finish("ask", "a")
    assert story.told()[-3:] == ["block:error a", "pause:closed ask", "execution:error"]
    assert story.last("pause:closed").reason == "The run failed: A: broke"
    assert story.last("execution:error").final


def test_a_block_that_pauses_after_its_run_failed_opens_its_point_and_loses_it() -> None:
    graph = workflow("start > a", "start > ask", ask=HUMAN)
    story = Story(graph, {"a": fails()}).start().finish("a", "ask")
    assert story.told()[-3:] == ["pause:opened ask", "pause:closed ask", "execution:error"]


def test_variables_are_set_before_the_blocks_that_their_assignment_lets_start() -> None:
    story = Story(workflow("start > a > b"), {"a": gives(1, {"n": 1})}).start().finish("a")
    assert story.told()[-3:] == ["variables:set", "block:completed a", "block:started b"]
    assert story.state.variables == {"n": 1}


def test_a_wait_counts_as_a_block_that_is_still_under_way() -> None:
    story = Story(workflow("start > nap > a", nap="wait"), {"nap": naps(5)}).start().work()
    assert (story.state.status, story.told()[-1]) == ("running", "timer:set nap")


def test_every_event_after_the_first_run_names_its_run() -> None:
    story = Story(workflow("start > ask > a > b", ask=HUMAN), {"a": gives(variables={"n": 1})}).start().work()
    story.resume("ask")
    story.work()
    run_id = story.run_ids()[1]
    resumed = story.envelope("execution:resumed").event_id
    assert {event.run_id for event in story.events if event.event_id < resumed} == {None}
    assert {event.run_id for event in story.events if event.event_id >= resumed} == {run_id}


def test_what_follows_from_a_command_is_caused_by_it_and_what_follows_from_a_result_by_its_start() -> None:
    story = Story(workflow("start > a > b")).start(command_id="11111111-1111-5111-8111-111111111111").work()
    causes = {event.event_id: event.causation_id for event in story.events}
    first = "11111111-1111-5111-8111-111111111111"
    assert causes == {1: first, 2: first, 3: first, 4: first, 5: "4", 6: "4", 7: "6", 8: "6"}
