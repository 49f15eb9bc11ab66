"""What an author of workflows meets in tests: the real engine, in no time."""

import asyncio
import itertools
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from signoff.blocks import BlockDefinitionError, Context, Retry, block
from signoff.testing import (
    DefinitionFaultsError,
    Pause,
    RefusedError,
    UnfinishedError,
    run_workflow,
    run_workflow_async,
)

DAY = 86_400

APPROVAL = {
    "input": {"amount": {"type": "number", "required": True}},
    "blocks": {
        "approve": {
            "type": "human_in_the_loop",
            "show": {"Amount": "<start.amount>"},
            "form": {"approved": {"type": "boolean", "required": True}},
            "then": "decided",
        },
        "decided": {
            "type": "condition",
            "cases": [{"when": "<approve.approved>", "then": "pay"}, {"else": "refuse"}],
        },
        "pay": {"type": "function", "code": "return <start.amount> * 2"},
        "refuse": {"type": "response", "data": {"refunded": False}},
    },
}

TWO_APPROVALS = {
    "blocks": {
        "both": {"type": "variables", "set": {"n": 1}, "then": ["lawyer", "banker"]},
        "lawyer": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "join"},
        "banker": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "join"},
        "join": {"type": "function", "code": "return [<lawyer.ok>, <banker.ok>]"},
    }
}


def blocks_of(*names: str, **fields: object) -> dict[str, object]:
    """Blocks of registered types, one after the other; ``fields`` are of the first."""
    chain = {name: {"type": name, "then": after} for name, after in itertools.pairwise(names)}
    chain[names[-1]] = {"type": names[-1]}
    chain[names[0]] = {**chain[names[0]], **fields}
    return {"blocks": chain}


# What comes out ------------------------------------------------------------------------------------------


def test_a_workflow_runs_to_its_end() -> None:
    outcome = run_workflow(
        {"blocks": {"twice": {"type": "function", "code": "return <start.n> * 2"}}}, {"n": 21}
    )

    assert outcome.status == "completed"
    assert outcome.output["result"] == 42
    assert outcome.outputs["twice"]["result"] == 42
    assert outcome.error is None
    assert outcome.event_types[0] == "execution:started"
    assert outcome.event_types[-1] == "execution:completed"


@pytest.mark.parametrize("form", ["yaml", "json", "file"])
def test_a_definition_may_be_text_or_a_file(form: str, tmp_path: Path) -> None:
    text = {
        "yaml": "blocks:\n  one: {type: function, code: return 1}\n",
        "json": '{"blocks": {"one": {"type": "function", "code": "return 1"}}}',
    }
    file = tmp_path / "workflow.yaml"
    file.write_text(text["yaml"])

    outcome = run_workflow(file if form == "file" else text[form])

    assert outcome.output["result"] == 1


def test_a_run_that_fails_says_why() -> None:
    outcome = run_workflow({"blocks": {"fails": {"type": "function", "code": "throw new Error('no stock')"}}})

    assert outcome.status == "failed"
    assert outcome.error is not None
    assert "no stock" in outcome.error


def test_a_large_value_comes_out_whole() -> None:
    document = {"blocks": {"long": {"type": "function", "code": "return 'x'.repeat(600000)"}}}

    outcome = run_workflow(document)

    assert len(outcome.output["result"]) == 600_000
    assert len(outcome.outputs["long"]["result"]) == 600_000


# Time ------------------------------------------------------------------------------------------------------


def test_a_wait_of_a_month_takes_no_time() -> None:
    outcome = run_workflow(
        {"blocks": {"rest": {"type": "wait", "for": "30d"}}}, started_at=datetime(2030, 5, 1, tzinfo=UTC)
    )

    assert outcome.seconds == 30 * DAY
    assert outcome.events[0].timestamp == "2030-05-01T00:00:00.000000Z"
    assert outcome.events[-1].timestamp == "2030-05-31T00:00:00.000000Z"


def test_several_waits_end_in_their_order() -> None:
    document = {
        "blocks": {
            "all": {"type": "variables", "set": {"n": 1}, "then": ["week", "day", "hour"]},
            "week": {"type": "wait", "for": "7d"},
            "day": {"type": "wait", "for": "1d"},
            "hour": {"type": "wait", "for": "1h"},
        }
    }

    outcome = run_workflow(document)

    assert list(outcome.outputs)[-3:] == ["hour", "day", "week"]
    assert outcome.seconds == 7 * DAY


def test_retries_with_back_off_take_no_time() -> None:
    @block("flaky", retry=Retry(max_tries=4, wait=60, backoff=10))
    async def flaky(ctx: Context) -> int:
        if ctx.attempt < 4:
            raise ConnectionError("the bank is away")
        return ctx.attempt

    outcome = run_workflow(blocks_of("flaky"), blocks=[flaky])

    assert outcome.output == {"result": 4}
    assert outcome.event_types.count("block:retrying") == 3
    assert outcome.seconds >= 60 + 600 + 600


# Decisions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("approved", "last"), [(True, "pay"), (False, "refuse")])
def test_decisions_are_given_by_block(approved: bool, last: str) -> None:
    outcome = run_workflow(APPROVAL, {"amount": 500}, decisions={"approve": {"approved": approved}})

    assert outcome.status == "completed"
    assert list(outcome.outputs)[-1] == last
    assert [pause.context_id for pause in outcome.pauses] == ["approve"]
    assert outcome.waiting == []


def test_a_run_without_a_decision_is_paused_and_shows_what_it_waits_for() -> None:
    outcome = run_workflow(APPROVAL, {"amount": 500})

    assert outcome.status == "paused"
    (waiting,) = outcome.waiting
    assert (waiting.block_id, waiting.kind) == ("approve", "human")
    assert [field["name"] for field in waiting.form] == ["approved"]
    assert waiting.response["data"]["responseStructure"][0]["value"] == 500


def test_decisions_may_depend_on_what_is_shown() -> None:
    def decide(pause: Pause) -> object:
        return {"ok": True} if pause.block_id == "lawyer" else None

    outcome = run_workflow(TWO_APPROVALS, decisions=decide)

    assert outcome.status == "paused"
    assert [pause.block_id for pause in outcome.waiting] == ["banker"]
    assert sorted(pause.block_id for pause in outcome.pauses) == ["banker", "lawyer"]


def test_a_join_waits_for_every_decision() -> None:
    outcome = run_workflow(TWO_APPROVALS, decisions={"banker": {"ok": False}, "lawyer": {"ok": True}})

    assert outcome.output["result"] == [True, False]


def test_each_turn_of_a_loop_has_a_decision_of_its_own() -> None:
    ask = {"type": "human_in_the_loop", "show": {"Who": "<loop.currentItem>"}, "form": {"ok": "boolean"}}
    document = {"blocks": {"each": {"type": "loop", "forEach": ["Ada", "Bob", "Cy"], "blocks": {"ask": ask}}}}

    outcome = run_workflow(
        document, decisions={"ask": {"ok": True}, "ask_loop1": {"ok": False}, "ask_loop2": {"ok": None}}
    )

    assert [pause.context_id for pause in outcome.pauses] == ["ask_loop0", "ask_loop1", "ask_loop2"]
    assert [turn[0]["ok"] for turn in outcome.output["results"]] == [True, False, None]


@pytest.mark.parametrize(("decisions", "status"), [({"ask": {"ok": True}}, "completed"), ({}, "paused")])
def test_a_called_workflow_waits_and_asks_as_if_it_were_the_caller(
    decisions: dict[str, object], status: str
) -> None:
    child = {
        "blocks": {
            "rest": {"type": "wait", "for": "2d", "then": "ask"},
            "ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "told"},
            "told": {"type": "function", "code": "return <ask.ok>"},
        }
    }
    parent = {
        "blocks": {
            "call": {"type": "workflow", "workflow": "child", "then": "after"},
            "after": {"type": "function", "code": "return [<call.result.result>]"},
        }
    }

    outcome = run_workflow(parent, workflows={"child": child}, decisions=decisions)

    assert outcome.status == status
    assert [(pause.workflow_id, pause.kind) for pause in outcome.pauses] == [
        ("child", "human"),
        ("workflow", "child"),  # it hears of the other one
    ]
    assert [pause.block_id for pause in outcome.waiting] == ([] if decisions else ["ask"])
    assert outcome.seconds == 2 * DAY
    if decisions:
        assert outcome.output["result"] == [True]


def test_a_decision_that_does_not_fit_its_form_is_refused_field_by_field() -> None:
    with pytest.raises(RefusedError, match="the decision on approve was refused") as caught:
        run_workflow(APPROVAL, {"amount": 500}, decisions={"approve": {"comments": "no"}})

    assert caught.value.code == "FORM_INVALID"
    assert "\n  approved: " in str(caught.value)


# Blocks -------------------------------------------------------------------------------------------------


def test_what_blocks_log_is_noted() -> None:
    @block
    async def told(ctx: Context) -> None:
        ctx.log("begun", event="first", amount=3)

    @block
    def told_in_a_thread(ctx: Context) -> None:
        ctx.log("done")

    outcome = run_workflow(blocks_of("told", "told_in_a_thread"), blocks=[told, told_in_a_thread])

    assert [(line.block_id, line.attempt, line.message) for line in outcome.logs] == [
        ("told", 1, "begun"),
        ("told_in_a_thread", 1, "done"),
    ]
    assert outcome.logs[0].fields == {"event": "first", "amount": 3}


@pytest.mark.parametrize("is_async", [True, False])
def test_what_a_block_emits_is_streamed(is_async: bool) -> None:
    def tells(ctx: Context) -> None:
        for word in ("once ", "upon ", "a time"):
            ctx.emit(word)
        if ctx.attempt == 1:
            raise ConnectionError("lost the thread")
        ctx.emit("!")

    async def tells_later(ctx: Context) -> None:
        tells(ctx)

    told = block("tells", retry=Retry(max_tries=2))(tells_later if is_async else tells)

    outcome = run_workflow(blocks_of("tells"), blocks=[told])

    assert outcome.streamed == {"tells": "once upon a time!"}


def test_environment_values_are_given_to_references_and_blocks_and_kept_out_of_the_log() -> None:
    @block
    def signs(ctx: Context, salt: str) -> str:
        return f"{salt}+{ctx.secret('KEY')}"

    outcome = run_workflow(
        blocks_of("signs", **{"with": {"salt": "{{SALT}}"}}),
        environment={"KEY": "k-12345", "SALT": "s-67890"},
        blocks=[signs],
    )

    assert outcome.output == {"result": "•••+•••"}
    assert "12345" not in str(outcome.events)


def test_a_module_of_blocks_is_taken_whole() -> None:
    @block
    def greet(name: str) -> str:
        return f"Hello, {name}"

    module = ModuleType("greetings")
    vars(module).update(greet=greet, __name__="greetings")

    outcome = run_workflow(blocks_of("greet", **{"with": {"name": "Ada"}}), blocks=[module])

    assert outcome.output == {"result": "Hello, Ada"}


def test_what_is_no_block_is_refused() -> None:
    with pytest.raises(BlockDefinitionError, match="is neither a module nor a function with @block"):
        run_workflow(APPROVAL, blocks=[len])


# Faults -------------------------------------------------------------------------------------------------


def test_all_faults_of_a_definition_are_told() -> None:
    with pytest.raises(DefinitionFaultsError) as caught:
        run_workflow({"blocks": {"one": {"type": "magic"}, "two": {"type": "wait", "then": "nowhere"}}})

    assert "magic" in str(caught.value)
    assert "nowhere" in str(caught.value)


def test_faults_of_code_are_told_with_their_line_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("blocks:\n  sum:\n    type: function\n    code: |\n      let a;\n      return a +\n")

    with pytest.raises(DefinitionFaultsError, match=r"blocks\.sum\.code: line 2: unexpected token"):
        run_workflow(file)


def test_a_block_that_does_not_end_is_named_when_the_limit_is_over() -> None:
    ended = threading.Event()

    @block
    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(UnfinishedError, match=r"still runs after 0\.3 s\. workflow runs endless"):
        run_workflow(blocks_of("endless"), blocks=[endless], limit=0.3)
    assert ended.is_set()


# Where it is called -------------------------------------------------------------------------------------


async def test_a_test_that_is_a_coroutine_awaits_it() -> None:
    one, other = await asyncio.gather(
        run_workflow_async(APPROVAL, {"amount": 1}, decisions={"approve": {"approved": True}}),
        run_workflow_async({"blocks": {"rest": {"type": "wait", "for": "1d"}}}),
    )

    assert one.output["result"] == 2
    assert other.seconds == DAY
