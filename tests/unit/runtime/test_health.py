"""The probes of a service."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signoff.runtime import health as module
from signoff.runtime.health import Health, add_health_routes

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def client(health: Health) -> AsyncIterator[Client]:
    app = web.Application()
    add_health_routes(app, health)
    async with TestClient(TestServer(app)) as client:
        yield client


async def _away() -> None:
    raise ConnectionError("the database is away")


async def _fine() -> None:
    return None


async def test_a_process_that_lives_says_so_whatever_it_depends_on(health: Health, client: Client) -> None:
    health.add_check("log", _away)

    response = await client.get("/healthz")

    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_a_service_is_ready_when_all_its_checks_pass(health: Health, client: Client) -> None:
    async def remark() -> str:
        return "three brokers"

    health.add_check("log", _fine)
    health.add_check("topics", remark)

    response = await client.get("/readyz")

    assert response.status == 200
    assert await response.json() == {
        "status": "ready",
        "checks": {"log": {"ok": True}, "topics": {"ok": True, "detail": "three brokers"}},
    }


async def test_a_failing_check_takes_readiness_down_and_says_why(health: Health, client: Client) -> None:
    health.add_check("log", _away)

    response = await client.get("/readyz")

    assert response.status == 503
    assert await response.json() == {
        "status": "unavailable",
        "checks": {"log": {"ok": False, "detail": "the database is away"}},
    }


async def test_a_check_that_hangs_fails_in_bounded_time(
    health: Health, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECK_LIMIT", 0.05)
    health.add_check("log", lambda: asyncio.Event().wait())  # type: ignore[arg-type, return-value]

    response = await client.get("/readyz")

    assert response.status == 503
    assert (await response.json())["checks"]["log"]["detail"] == "no answer within 0.05 s"


async def test_probes_in_the_same_second_share_one_check(health: Health) -> None:
    asked = 0

    async def counted() -> None:
        nonlocal asked
        asked += 1

    health.add_check("log", counted)

    await asyncio.gather(*(health.readiness() for _ in range(20)))

    assert asked == 1


async def test_what_was_closed_keeps_readiness_down_until_it_is_opened(health: Health) -> None:
    health.closed("partition 3", "the topic is ahead of the log")
    closed = await health.readiness()
    health.opened("partition 3")
    opened = await health.readiness()

    assert closed.status == "unavailable"
    assert closed.checks["partition 3"].detail == "the topic is ahead of the log"
    assert opened.status == "ready"


async def test_a_background_task_that_fails_takes_readiness_down(health: Health) -> None:
    async def fails() -> None:
        raise ValueError("a bug")

    task = asyncio.create_task(fails())
    health.watch(task, "relay")
    await asyncio.wait([task])

    readiness = await health.readiness()

    assert readiness.status == "unavailable"
    assert readiness.checks["relay"].detail == "ended with ValueError: a bug; restart this process"


async def test_a_background_task_that_is_cancelled_or_done_is_no_fault(health: Health) -> None:
    endless = asyncio.create_task(asyncio.Event().wait())
    short = asyncio.create_task(_fine())
    health.watch(endless, "endless")  # type: ignore[arg-type]
    health.watch(short, "short")
    endless.cancel()
    await asyncio.wait([endless, short])

    assert (await health.readiness()).status == "ready"


async def test_metrics_are_those_of_this_process(client: Client) -> None:
    response = await client.get("/metrics")

    assert response.status == 200
    assert response.content_type == "text/plain"
    assert "process_resident_memory_bytes" in await response.text()
