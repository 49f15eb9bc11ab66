"""Workflows that call one another over HTTP: a request tells who called up to it; behind 25 it is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.gateways import KEY, LIMIT, Server, serving, settings

TOO_DEEP = "Maximum workflow call chain depth (25) exceeded."


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(settings(allow_private_networks=("127.0.0.0/8",))) as running:
        yield running


async def deploy_calling(server: Server, name: str, path: str, **more: Any) -> None:
    """A workflow with a webhook, whose one block sends a request to the server itself."""
    blocks = {
        "start": {"type": "start_trigger", "then": "call"},
        "in": {"type": "webhook", "then": "call"},
        "call": {
            "type": "api",
            "method": "POST",
            "url": str(server.client.make_url(path)),
            "headers": {"X-API-Key": KEY, "X-Sim-Via": "nobody"},
            **more,
        },
    }
    status, answer = await server.call("PUT", f"/api/workflows/{name}", json={"blocks": blocks})
    assert status == 201, answer


async def ended_executions(server: Server, name: str) -> list[Any]:
    """A workflow's executions, the oldest first, once one of them has failed and none is at work."""
    async with asyncio.timeout(LIMIT):
        while True:
            _, found = await server.get(f"/api/executions?workflowId={name}&sort=startedAt")
            states = {each["status"] for each in found["executions"]}
            if "failed" in states and "running" not in states:
                return list(found["executions"])
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("itself", "/api/workflows/itself/execute"),
        ("itself-by-v2", "/api/v2/workflows/itself-by-v2/execute"),
        ("itself-by-webhook", "/api/webhooks/itself-by-webhook/in"),
    ],
)
async def test_a_workflow_that_calls_itself_over_http_is_stopped(
    server: Server, name: str, path: str
) -> None:
    await deploy_calling(server, name, path)

    await server.post(f"/api/workflows/{name}/execute")

    begun = await ended_executions(server, name)
    assert len(begun) == 25
    assert begun[-1]["error"].endswith(f"Error: {TOO_DEEP} | Status: 409")
    first, *_ = await server.events(begun[-1]["executionId"])
    assert first["data"]["callChain"] == [name] * 24


async def test_a_workflow_that_forks_its_own_execution_is_stopped(server: Server) -> None:
    path = "/api/executions/forked-again/forks"
    await deploy_calling(server, "forking", path, body={"mode": "live", "eventId": 2})

    await server.post("/api/workflows/forking/execute", headers={"X-Execution-Id": "forked-again"})

    begun = await ended_executions(server, "forking")
    assert len(begun) == 25
    assert begun[-1]["error"].endswith(f"Error: {TOO_DEEP} | Status: 409")
    first, *_ = await server.events(begun[-1]["executionId"])
    assert first["data"]["callChain"] == ["forking"] * 24


async def test_a_call_chain_that_holds_no_ids_is_refused(server: Server) -> None:
    await deploy_calling(server, "called", "/healthz")

    refused = [
        await server.post("/api/workflows/called/execute", headers={"X-Sim-Via": each})
        for each in ("a workflow", "w" * 129, "a,b/c")
    ]

    assert [status for status, _ in refused] == [400, 400, 400]
    assert [body["details"][0]["path"] for _, body in refused] == ["X-Sim-Via"] * 3
