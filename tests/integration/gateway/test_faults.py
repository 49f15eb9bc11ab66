"""What callers see when they, the broker, the database or all executors are not as they should be."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs
from yarl import URL

from signoff.events.errors import BusFullError, BusUnavailableError, StoreUnavailableError
from signoff.gateway.admission import ADMISSION
from signoff.gateway.app import run
from signoff.gateway.gateway import GATEWAY
from support.gateways import APPROVAL, KEY, LIMIT, Server, serving, settings
from support.growing_logs import until


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "Unauthorized"),
        ({"X-API-Key": "wrong"}, "Invalid API key"),
        ({"Authorization": "Bearer wrong", "X-API-Key": KEY}, "Invalid API key"),
    ],
)
async def test_who_has_no_key_or_a_wrong_one_is_401(
    server: Server, headers: dict[str, str], text: str
) -> None:
    async with server.client.get("/api/workflows", headers=headers) as response:
        assert (response.status, await response.json()) == (401, {"error": text})


async def test_a_bearer_token_is_a_key(server: Server) -> None:
    async with server.client.get("/api/workflows", headers={"Authorization": f"Bearer {KEY}"}) as response:
        assert response.status == 200


async def test_unknown_routes_and_methods_are_json_errors(server: Server) -> None:
    assert await server.get("/api/nowhere") == (404, {"error": "Not found"})
    async with server.client.patch("/api/workflows/x", headers={"X-API-Key": KEY}) as response:
        assert (response.status, response.headers["Allow"]) == (405, "DELETE,GET,HEAD,PUT")
        assert await response.json() == {"error": "PATCH is not allowed here"}


async def test_an_unexpected_fault_is_a_500_that_tells_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise KeyError("a secret detail")

    monkeypatch.setattr(server.store, "workflows", fail)

    with capture_logs() as logs:
        answer = await server.get("/api/workflows")

    assert answer == (500, {"error": "Internal server error"})
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["unexpected error"]


async def test_a_database_that_is_away_is_503_with_retry_after(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow_id = await server.deploy(APPROVAL)

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("connection refused")

    monkeypatch.setattr(server.store, "workflow", away)
    path = f"/api/workflows/{workflow_id}/execute"

    async with server.client.post(path, headers={"X-API-Key": KEY}) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(
    ("error", "unknown"), [(BusFullError("full"), False), (BusUnavailableError("away"), True)]
)
async def test_a_command_that_could_not_be_sent_is_503_and_says_whether_it_may_arrive(
    server: Server, monkeypatch: pytest.MonkeyPatch, error: Exception, unknown: bool
) -> None:
    workflow_id = await server.deploy(APPROVAL)

    async def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(server.bus, "send", fail)
    status, body = await server.post(f"/api/workflows/{workflow_id}/execute")

    assert (status, body.get("outcome") == "unknown", "executionId" in body) == (503, unknown, unknown)
    assert len(server.client.app[GATEWAY].waiting) == 0


async def test_without_an_executor_a_caller_learns_that_the_outcome_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signoff.gateway.commands.GRACE", 0.1)
    async with serving(settings(command_timeout=0.2), executor=False, look_every=0.05) as server:
        status, body = await server.call("PUT", "/api/workflows/w", json={"blocks": APPROVAL})

        assert (status, body["outcome"]) == (503, "unknown")


async def test_lost_outcomes_cost_a_look_at_the_log_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(settings(), look_every=0.05) as server:
        publish = server.bus.publish

        async def deaf(topic: str, partition: int, records: Any) -> Any:
            return await publish(topic, partition, [] if topic == "signoff.outcomes" else records)

        monkeypatch.setattr(server.bus, "publish", deaf)
        workflow_id = await server.deploy(APPROVAL)
        body = await server.execute(workflow_id)
        path = f"/api/resume/{workflow_id}/{body['executionId']}/approve"

        assert (await server.post(path, json={"approved": True}))[1]["status"] == "completed"


async def test_more_requests_than_allowed_are_turned_away_with_retry_after() -> None:
    async with serving(settings(max_requests=1)) as server:
        workflow_id = await server.deploy({"hold": {"type": "hold", "with": {"name": "full"}}})
        first = asyncio.create_task(server.execute(workflow_id))
        await server.gate.reached("full")

        async with server.client.get("/api/workflows", headers={"X-API-Key": KEY}) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
            assert await response.json() == {"error": "Service temporarily at capacity"}
        server.gate.open("full")
        await first


async def test_health_and_metrics_need_no_key(server: Server) -> None:
    async with server.client.get("/readyz") as response:
        assert response.status == 200
        assert {"log", "broker"} <= set((await response.json())["checks"])
    async with server.client.get("/metrics") as response:
        assert "signoff_gateway_request_seconds" in await response.text()


async def test_a_gateway_starts_without_its_broker_and_is_not_ready(free_port: int, tmp_path: Path) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    given = settings(port=free_port, data=tmp_path)  # a bus in memory on which nobody has made the topics
    gateway = asyncio.create_task(run(given, stop, on_ready=lambda _: ready.set()))
    async with asyncio.timeout(LIMIT), ClientSession(f"http://127.0.0.1:{free_port}") as client:
        await ready.wait()

        async with client.get("/healthz") as alive, client.get("/readyz") as readiness:
            assert (alive.status, readiness.status) == (200, 503)
            assert not (await readiness.json())["checks"]["outcomes"]["ok"]

        stop.set()
        await gateway


@pytest.mark.parametrize("text", ["%00", "%FF", "%ED%A0%80", "%F0%9F%98%80", "..%2F..", "x" * 5_000])
async def test_ids_that_nobody_could_have_are_404(server: Server, text: str) -> None:
    for path in (f"/api/jobs/{text}", f"/api/executions/{text}/events", f"/api/workflows/{text}/status"):
        async with server.client.get(URL(path, encoded=True), headers={"X-API-Key": KEY}) as response:
            assert (response.status, list(await response.json())) == (404, ["error"])


async def test_a_body_that_is_not_finished_leaves_nothing(server: Server) -> None:
    workflow_id = await server.deploy(APPROVAL)
    before = await server.store.last_position()
    port = server.client.port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /api/workflows/{workflow_id}/execute HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n"
    writer.write(f'{head}Content-Length: 100\r\n\r\n{{"a": '.encode())
    await writer.drain()
    await until(lambda: server.client.app[ADMISSION].under_way == 1)

    writer.close()
    await writer.wait_closed()

    await until(lambda: server.client.app[ADMISSION].under_way == 0)
    assert await server.store.last_position() == before
