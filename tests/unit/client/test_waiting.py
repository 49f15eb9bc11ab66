"""Waiting for what becomes of an execution."""

import pytest
from aiohttp import web

from signoff.client import ExecutionEndedError, ExecutionFailedError, WaitTimeoutError
from unit.client.conftest import Connect, Handler
from unit.client.test_follow import DONE, frame, stream


def execution(*statuses: str, output: object = None, error: str | None = None) -> Handler:
    """A server with one execution that is in these states one look after the other."""
    left = list(statuses)

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/stream"):
            return await stream(request, frame(1, "execution:paused"), frame(2, "execution:completed"), DONE)
        status = left.pop(0) if len(left) > 1 else left[0]
        view = {"executionId": "e", "workflowId": "w", "status": status, "error": error}
        return web.json_response(view | {"finalOutput": output if "includeOutput" in request.query else None})

    return handler


async def test_a_result_is_waited_for_through_pauses(connect: Connect) -> None:
    client = await connect(execution("running", "paused", "completed", output={"n": 1}))

    assert await client.executions.handle("e", workflow_id="w").result(timeout=5) == {"n": 1}


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_an_execution_without_a_result_says_why(connect: Connect, status: str) -> None:
    client = await connect(execution(status, error="the bank is away"))

    with pytest.raises(ExecutionFailedError, match=f"e is {status}: the bank is away") as caught:
        await client.executions.handle("e", workflow_id="w").result(timeout=5)

    assert caught.value.status == status


async def test_waiting_until_a_pause_ends_at_the_pause(connect: Connect) -> None:
    client = await connect(execution("running", "paused"))

    view = await client.executions.handle("e", workflow_id="w").wait_until("paused", timeout=5)

    assert view.status == "paused"


async def test_a_pause_that_never_comes_is_told_by_the_end(connect: Connect) -> None:
    client = await connect(execution("running", "running", "completed"))

    with pytest.raises(ExecutionEndedError, match="execution e is completed"):
        await client.executions.handle("e", workflow_id="w").wait_until("paused", timeout=5)


async def test_waiting_has_a_limit_that_leaves_the_execution_alone(connect: Connect) -> None:
    silent = execution("running")

    async def handler(request: web.Request) -> web.StreamResponse:
        return await stream(request) if request.path.endswith("/stream") else await silent(request)

    client = await connect(handler)
    with pytest.raises(WaitTimeoutError, match=r"not cancelled or completed or failed within 0\.2 s"):
        await client.executions.handle("e", workflow_id="w").wait(timeout=0.2)
