"""``Server-Timing`` on the gateway's answers."""

import asyncio
import re
import time

import pytest

from support.gateways import KEY, Server

DONE = {"done": {"type": "variables", "set": {}}}
_TIMING = re.compile(r"gateway;dur=(\d+\.\d\d), wait;dur=(\d+\.\d\d)")


async def _timing(server: Server, method: str, path: str, **given: object) -> tuple[int, float, float]:
    """The status, and what the answer says of the gateway's own time and of its waiting, in milliseconds."""
    headers = {"X-API-Key": KEY}
    async with (
        asyncio.timeout(20),
        server.client.request(method, path, headers=headers, **given) as response,  # type: ignore[arg-type]
    ):
        await response.read()
        match = _TIMING.fullmatch(response.headers["Server-Timing"])
        assert match is not None
        return response.status, float(match[1]), float(match[2])


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/workflows", 200), ("/api/executions/none/events", 404), ("/nowhere", 404), ("/healthz", 200)],
)
async def test_reads_and_refusals_wait_for_nobody(server: Server, path: str, status: int) -> None:
    said, own, waited = await _timing(server, "GET", path)

    assert (said, waited) == (status, 0.0)
    assert own > 0.0


async def test_the_time_of_a_run_is_none_of_the_gateways_own(server: Server) -> None:
    workflow_id = await server.deploy({"hold": {"type": "hold", "with": {"name": "timed"}}})

    async with asyncio.TaskGroup() as tasks:
        began = time.perf_counter()
        executing = tasks.create_task(_timing(server, "POST", f"/api/workflows/{workflow_id}/execute"))
        await server.gate.reached("timed")
        held = time.perf_counter()
        for _ in range(20):
            await server.get("/api/workflows")
        held = time.perf_counter() - held
        server.gate.open("timed")
    whole = time.perf_counter() - began

    status, own, waited = executing.result()
    assert status == 200
    assert waited >= held * 1e3
    assert own + waited <= whole * 1e3


async def test_a_stream_tells_its_time_at_its_start(server: Server) -> None:
    workflow_id = await server.deploy(DONE)

    status, own, waited = await _timing(
        server, "POST", f"/api/workflows/{workflow_id}/execute", json={"stream": True}
    )

    assert status == 200
    assert own > 0.0
    assert waited > 0.0


async def test_each_request_of_a_connection_has_its_own_time(server: Server) -> None:
    workflow_id = await server.deploy(DONE)
    await _timing(server, "POST", f"/api/workflows/{workflow_id}/execute")

    _, _, waited = await _timing(server, "GET", "/api/workflows")

    assert waited == 0.0
