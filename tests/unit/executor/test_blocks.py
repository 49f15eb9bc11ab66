"""Every kind of block, run by an executor."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from support.executor_blocks import Probe
from support.executors import REFUND, Site, of_type, output_of


async def outputs(site: Site, document: Any, given: object = None) -> dict[str, Any]:
    """Run a workflow to its end; gives the output of each block."""
    async with site.executor():
        events = await site.run(await site.deploy(document), given)
    assert events[-1].type == "execution:completed", events[-1]
    return {data.block_id: data.output for data in of_type(events, "block:completed")}


async def test_a_refund_that_is_small_is_paid_without_asking(site: Site) -> None:
    done = await outputs(site, REFUND, {"amount": 80, "customer": "Ada"})

    assert list(done) == ["start", "check", "pay", "rest"]
    assert done["pay"]["result"] == 160


@pytest.mark.parametrize(
    ("approved", "last"),
    [(True, ["approve", "decided", "pay", "rest"]), (False, ["approve", "decided", "refuse"])],
)
async def test_a_refund_that_is_large_waits_for_a_decision(
    site: Site, approved: bool, last: list[str]
) -> None:
    async with site.executor():
        sent = await site.start(await site.deploy(REFUND), {"amount": 500, "customer": "Ada"})
        await site.ended(sent)
        assert (await site.kinds(sent.log_id))[-1] == "execution:paused"
        resumed = await site.resume(sent.log_id, "approve", {"approved": approved, "comments": "seen"})
        outcome = await site.ended(resumed)
        events = await site.events(sent.log_id)
        await site.topic_equals_log(exactly=True)

    assert outcome.event_id == len(events)
    done = [data.block_id for data in of_type(events, "block:completed")]
    assert done == ["start", "check", *last]
    if not approved:
        assert events[-1].data.output["data"] == {"refunded": False, "why": "seen"}


async def test_a_decision_that_does_not_fit_its_form_is_refused_field_by_field(site: Site) -> None:
    async with site.executor():
        sent = await site.start(await site.deploy(REFUND), {"amount": 500})
        await site.ended(sent)
        outcome = await site.outcome(await site.resume(sent.log_id, "approve", {"comments": 7}))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "FORM_INVALID"
    assert "approved" in [fault.path for fault in outcome.refusal.details]


async def test_variables_are_set_and_read(site: Site) -> None:
    document = {
        "variables": {"limit": 10},
        "blocks": {
            "set": {"type": "variables", "set": {"limit": 25}, "then": "read"},
            "read": {"type": "function", "code": "return <variable.limit> + 1"},
        },
    }

    assert (await outputs(site, document))["read"]["result"] == 26


async def test_a_wait_is_a_timer_and_no_pause(site: Site) -> None:
    done = await outputs(site, {"blocks": {"nap": {"type": "wait", "for": "30ms"}}})

    assert done["nap"]["status"] == "completed"
    assert done["nap"]["waitDuration"] >= 30


async def test_an_async_wait_is_a_pause_of_kind_time_that_ends_by_itself(site: Site) -> None:
    document = {"blocks": {"nap": {"type": "wait", "for": "30ms", "async": True}}}
    async with site.executor():
        sent = await site.start(await site.deploy(document))
        (paused,) = await site.until_event(sent.log_id, "execution:paused")
        await site.until_event(sent.log_id, "execution:completed")

    assert [point.pause_kind for point in paused.data.pause_points] == ["time"]


async def test_a_response_is_the_output(site: Site) -> None:
    document = {"blocks": {"answer": {"type": "response", "status": 201, "data": {"a": "<start.input>"}}}}

    assert (await outputs(site, document))["answer"]["status"] == 201


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """Answers with what it was sent."""

    async def answer(request: web.Request) -> web.Response:
        key = request.headers["Idempotency-Key"]
        return web.json_response({"key": key, "body": await request.json()}, status=202)

    async def fail(request: web.Request) -> web.Response:
        return web.json_response({"why": "never"}, status=400)

    app = web.Application()
    app.router.add_post("/echo", answer)
    app.router.add_get("/fail", fail)
    async with TestServer(app) as server:
        yield server


async def test_an_api_block_sends_its_idempotency_key(site: Site, server: TestServer) -> None:
    document = {
        "blocks": {
            "call": {"type": "api", "method": "POST", "url": str(server.make_url("/echo")), "body": {"n": 1}}
        }
    }
    async with site.executor():
        events = await site.run(await site.deploy(document))

    output = output_of(events, "call")
    assert output["status"] == 202
    assert output["data"] == {"key": f"{events[0].execution_id}/call", "body": {"n": 1}}


async def test_an_error_edge_takes_a_failure(site: Site, server: TestServer) -> None:
    document = {
        "blocks": {
            "call": {"type": "api", "url": str(server.make_url("/fail")), "catch": "mend"},
            "mend": {"type": "function", "code": "return 'mended: ' + <call.error>"},
        }
    }
    async with site.executor():
        events = await site.run(await site.deploy(document))

    assert output_of(events, "mend")["result"].startswith("mended: ")
    assert [data.handled for data in of_type(events, "block:error")] == [True]


async def test_a_registered_block_gets_its_parameters_and_its_context(site: Site, probe: Probe) -> None:
    document = {
        "input": {"n": "number"},
        "blocks": {"work": {"type": "probe.work", "with": {"value": {"n": "<start.n>"}}}},
    }
    async with site.executor(probe.registry):
        events = await site.run(await site.deploy(document), {"n": "7"})

    (context,) = probe.calls
    assert output_of(events, "work") == {"value": {"n": 7}}
    assert (context.workflow_id, context.block_id, context.attempt) == ("refund", "work", 1)


async def test_a_workflow_that_is_not_there_is_refused(site: Site) -> None:
    async with site.executor():
        row = await site.deploy(REFUND)
        sent = await site.start(row, {"amount": 1}, workflow_version=99)
        outcome = await site.outcome(sent)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "WORKFLOW_NOT_FOUND"
    assert await site.raw(sent.log_id) == []


async def test_a_command_that_comes_too_late_changes_nothing(site: Site) -> None:
    async with site.executor():
        row = await site.deploy(REFUND)
        sent = await site.start(row, {"amount": 1}, not_after="2020-01-01T00:00:00Z")
        outcome = await site.outcome(sent)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "EXPIRED"
    assert await site.raw(sent.log_id) == []
