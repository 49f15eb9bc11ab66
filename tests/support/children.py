"""Parents and children: one suite for every log and bus that executors run on."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from signoff.blocks import Context, PermanentError, Registry, block
from signoff.events.store.search import Search
from signoff.events.types import Event
from support.executor_blocks import Probe, registry
from support.executors import ACTOR, Sent, Site, of_type, output_of, until


def calls(workflow_id: str, **more: Any) -> dict[str, Any]:
    """A block that calls a workflow with the number that the execution was given."""
    return {"type": "workflow", "workflow": workflow_id, "input": {"n": "<start.n>"}, **more}


def workflow(*, given: bool = True, **blocks: Any) -> dict[str, Any]:
    """A definition with a number as its input."""
    return {**({"input": {"n": "number"}} if given else {}), "blocks": blocks}


DOUBLES = workflow(double={"type": "function", "code": "return <start.n> * 2"})
FAILS = workflow(Fn={"type": "function", "code": "throw new Error('boom')"})
BOOM = "Fn: boom (line 1)"
"""What that fails with."""

ASKS = workflow(
    ask={"type": "human_in_the_loop", "form": {"ok": {"type": "boolean", "required": True}}, "then": "say"},
    say={"type": "function", "code": "return <ask.ok>"},
)
ENDLESS = workflow(wait={"type": "wait", "for": "1d"})
CALLS_B = workflow(call=calls("B", then="after"), after={"type": "function", "code": "return <call.result>"})


class Flaky:
    """A block that fails on its first call in all, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.registry: Registry = registry(self._flaky())

    def _flaky(self) -> Callable[..., object]:
        @block("probe.flaky")
        async def flaky(ctx: Context) -> str:
            self.calls += 1
            if self.calls == 1:
                raise PermanentError("not yet")
            return ctx.execution_id

        return flaky


async def started(site: Site, given: object = None, **documents: Any) -> Sent:
    """Deploy workflows by id and start ``A``."""
    rows = {name: await site.deploy(document, workflow_id=name) for name, document in documents.items()}
    return await site.start(rows["A"], {"n": 21} if given is None else given, mode="async")


async def ended(site: Site, log_id: UUID) -> list[Event]:
    """The events of an execution, once it has ended for good."""

    async def final() -> bool:
        return is_over(await site.events(log_id))

    await until(final)
    return await site.events(log_id)


def is_over(events: list[Event]) -> bool:
    """Whether an execution has ended for good."""
    return bool(events) and (
        events[-1].type in {"execution:completed", "execution:cancelled"}
        or getattr(events[-1].data, "final", False) is True
    )


def data_of(event: Event) -> Any:
    """What an event says, whatever its type."""
    return event.data


async def children(site: Site, log_id: UUID, count: int = 1) -> list[UUID]:
    """The executions that an execution called, once it called so many."""
    found = await site.until_event(log_id, "child:called", count=count)
    return [UUID(data.child_execution_id) for data in map(data_of, found)]


def error_of(events: list[Event]) -> str:
    """What an execution failed with."""
    error: str = of_type(events, "execution:error")[-1].error
    return error


class ChildrenSuite:
    """What a parent and its children owe each other. A subclass says on what they run."""

    async def test_a_child_runs_in_its_own_log_and_its_parent_goes_on_with_its_output(
        self, site: Site
    ) -> None:
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=DOUBLES)
            events = await ended(site, sent.log_id)
            (child,) = await children(site, sent.log_id)
            of_child = await site.events(child)
            await site.topic_equals_log()

        assert output_of(events, "call") == {
            "success": True,
            "childWorkflowName": "B",
            "childWorkflowId": "B",
            "childExecutionId": str(child),
            "result": {"result": 42, "stdout": ""},
        }
        assert data_of(events[-1]).output["result"] == {"result": 42, "stdout": ""}
        (begun,) = of_type(of_child, "execution:started")
        assert (begun.trigger, begun.mode, begun.actor) == ("workflow", "async", ACTOR)
        assert (begun.parent.execution_id, begun.parent.instance) == (str(sent.log_id), "call")

    async def test_a_childs_response_is_its_result(self, site: Site) -> None:
        answer = workflow(answer={"type": "response", "status": 201, "data": {"n": "<start.n>"}})
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=answer)
            events = await ended(site, sent.log_id)

        result = output_of(events, "call")["result"]
        assert (result["status"], result["data"]) == (201, {"n": 21})

    async def test_a_childs_failure_is_the_calling_blocks(self, site: Site) -> None:
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=FAILS)
            events = await ended(site, sent.log_id)

        (failed,) = of_type(events, "block:error")
        assert failed.error == f'"B" failed: {BOOM}'
        assert error_of(events) == f'call: "B" failed: {BOOM}'

    async def test_a_failure_three_levels_deep_tells_the_chain(self, site: Site) -> None:
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=workflow(call=calls("C")), C=FAILS)
            events = await ended(site, sent.log_id)

        (failed,) = of_type(events, "block:error")
        assert failed.error == f"Workflow chain: B → C | {BOOM}"

    async def test_an_error_edge_takes_a_childs_failure(self, site: Site) -> None:
        mended = workflow(call=calls("B", catch="mend"), mend={"type": "function", "code": "return 'mended'"})
        async with site.executor():
            sent = await started(site, A=mended, B=FAILS)
            events = await ended(site, sent.log_id)

        assert events[-1].type == "execution:completed"
        assert output_of(events, "mend")["result"] == "mended"

    async def test_a_childs_pause_pauses_its_parent_until_the_child_has_ended(self, site: Site) -> None:
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=ASKS)
            (paused,) = await site.until_event(sent.log_id, "execution:paused")
            (child,) = await children(site, sent.log_id)
            await site.resume(child, "ask", {"ok": True})
            events = await ended(site, sent.log_id)

        (point,) = data_of(paused).pause_points
        assert (point.pause_kind, point.context_id) == ("child", "call")
        (opened,) = of_type(events, "pause:opened")
        assert opened.response["data"]["_resume"]["executionId"] == str(child)
        assert output_of(events, "call")["result"]["result"] is True
        assert events[-1].type == "execution:completed"

    async def test_a_paused_childs_failure_fails_its_parent(self, site: Site) -> None:
        breaks = workflow(
            ask={"type": "human_in_the_loop", "then": "Fn"},
            Fn={"type": "function", "code": "throw new Error('boom')"},
        )
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=breaks)
            await site.until_event(sent.log_id, "execution:paused")
            (child,) = await children(site, sent.log_id)
            await site.resume(child, "ask", {})
            events = await ended(site, sent.log_id)

        assert error_of(events) == f'call: "B" failed: {BOOM}'

    async def test_two_children_in_a_parallel_each_have_their_own_log(self, site: Site) -> None:
        call = {"type": "workflow", "workflow": "B", "input": {"n": "<parallel.currentItem>"}}
        both = workflow(all={"type": "parallel", "forEach": [1, 2], "blocks": {"call": call}})
        async with site.executor():
            sent = await started(site, A=both, B=DOUBLES)
            events = await ended(site, sent.log_id)

        called = of_type(events, "child:called")
        assert len({data.child_execution_id for data in called}) == 2
        results = output_of(events, "all")["results"]
        assert [[each["result"]["result"] for each in branch] for branch in results] == [[2], [4]]

    async def test_each_iteration_of_a_loop_calls_a_child_of_its_own(self, site: Site) -> None:
        call = {"type": "workflow", "workflow": "B", "input": {"n": "<loop.index>"}}
        loop = workflow(again={"type": "loop", "for": 3, "blocks": {"call": call}})
        async with site.executor():
            sent = await started(site, A=loop, B=DOUBLES)
            events = await ended(site, sent.log_id)

        assert len({data.child_execution_id for data in of_type(events, "child:called")}) == 3
        results = output_of(events, "again")["results"]
        assert [[each["result"]["result"] for each in turn] for turn in results] == [[0], [2], [4]]

    async def test_a_retry_of_a_failed_child_starts_a_new_one(self, site: Site) -> None:
        flaky = Flaky()
        retried = workflow(call=calls("B", retry={"maxTries": 3, "waitBetweenTriesMs": 1}))
        async with site.executor(flaky.registry):
            sent = await started(site, A=retried, B=workflow(work={"type": "probe.flaky"}))
            events = await ended(site, sent.log_id)

        first, second = of_type(events, "child:called")
        assert first.child_execution_id != second.child_execution_id
        assert output_of(events, "call")["result"] == {"result": second.child_execution_id}
        assert flaky.calls == 2

    async def test_cancelling_a_parent_cancels_its_child_and_the_childs_child(self, site: Site) -> None:
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=workflow(call=calls("C")), C=ENDLESS)
            (child,) = await children(site, sent.log_id)
            (grandchild,) = await children(site, child)
            await site.until_event(grandchild, "timer:set")
            await site.cancel(sent.log_id)
            logs = [await ended(site, each) for each in (sent.log_id, child, grandchild)]

        assert [events[-1].type for events in logs] == ["execution:cancelled"] * 3
        assert data_of(logs[2][-1]).reason == "no longer wanted"

    async def test_a_paused_child_is_cancelled_with_its_parent(self, site: Site) -> None:
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=ASKS)
            await site.until_event(sent.log_id, "execution:paused")
            (child,) = await children(site, sent.log_id)
            await site.cancel(sent.log_id)
            events = await ended(site, child)

        assert events[-1].type == "execution:cancelled"

    async def test_a_cancelled_childs_parent_fails(self, site: Site) -> None:
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=ENDLESS)
            (child,) = await children(site, sent.log_id)
            await site.until_event(child, "timer:set")
            await site.cancel(child)
            events = await ended(site, sent.log_id)

        assert error_of(events) == 'call: "B" failed: the execution was cancelled'

    async def test_a_chain_of_more_than_25_calls_fails(self, site: Site) -> None:
        async with site.executor():
            sent = await started(site, A=workflow(call=calls("A")))
            events = await ended(site, sent.log_id)

        assert error_of(events).endswith("Maximum workflow call chain depth (25) exceeded.")
        assert len(await site.store.executions(Search(workspace_id=UUID(int=0)), limit=100)) == 26

    async def test_what_is_not_deployed_is_not_called(self, site: Site) -> None:
        async with site.executor():
            sent = await started(site, A=CALLS_B)
            events = await ended(site, sent.log_id)

        text = "Child workflow is not deployed. Please deploy the workflow before invoking it."
        assert error_of(events) == f"call: {text}"
        assert of_type(events, "child:called") == []

    async def test_a_child_that_cannot_start_says_so_in_its_log_and_to_its_parent(self, site: Site) -> None:
        by_hand = {
            "version": "1.0",
            "blocks": [
                {
                    "id": "start",
                    "position": {"x": 0, "y": 0},
                    "enabled": True,
                    "metadata": {"id": "manual_trigger", "name": "Start", "category": "triggers"},
                    "config": {"tool": "", "params": {}},
                    "inputs": {},
                    "outputs": {},
                }
            ],
            "connections": [],
            "loops": {},
            "parallels": {},
        }
        async with site.executor():
            sent = await started(site, A=CALLS_B, B=by_hand)
            events = await ended(site, sent.log_id)
            (child,) = await children(site, sent.log_id)
            kinds = await site.kinds(child)
            again = await site.outcome(await site.cancel(child))

        assert kinds == ["execution:started", "execution:error"]
        text = "workflow B has no block to start with for a workflow run"
        assert error_of(events) == f'call: "B" failed: {text}'
        assert again.refusal is not None
        assert again.refusal.message == text
        assert await site.store.broken() == []

    async def test_a_large_input_goes_to_the_child_and_a_large_output_comes_back(self, site: Site) -> None:
        big = "x" * 600_000
        echo = workflow(echo={"type": "function", "code": "return <start.text>"}, given=False)
        passes = workflow(
            call={"type": "workflow", "workflow": "B", "input": {"text": "<start.text>"}, "then": "size"},
            size={"type": "function", "code": "return <call.result.result>.length"},
            given=False,
        )
        async with site.executor():
            sent = await started(site, {"text": big}, A=passes, B=echo)
            events = await ended(site, sent.log_id)
            raws = await site.raw(sent.log_id)

        assert output_of(events, "size")["result"] == len(big)
        assert max(map(len, raws[1:])) < len(big)

    async def test_no_event_of_many_families_is_lost_or_doubled(self, site: Site, probe: Probe) -> None:
        async with site.executor(probe.registry):
            rows = {
                name: await site.deploy(document, workflow_id=name)
                for name, document in {
                    "A": workflow(call=calls("B")),
                    "B": workflow(call=calls("C")),
                    "C": workflow(work={"type": "probe.work", "with": {"value": "<start.n>"}}),
                }.items()
            }
            sent = [await site.start(rows["A"], {"n": n}, mode="async") for n in range(20)]
            ends = [await ended(site, each.log_id) for each in sent]
            await site.topic_equals_log()

        assert [events[-1].type for events in ends] == ["execution:completed"] * 20
        assert len(probe.calls) == 20
        assert await site.store.dead_commands() == []
