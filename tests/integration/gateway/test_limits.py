"""Limits as callers meet them: rates, requests at once, executions at work (docs/limits.md)."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import pytest

from signoff.runtime.settings import Rate
from support.gateways import KEY, Server, serving, settings
from support.identities import workspace_key

RATE_TEXT = "Rate limit exceeded. Please try again later."
ONE = Rate(1, 60.0)
HOLD = {"wait": {"type": "hold", "with": {"name": "held"}}}

Started = Callable[..., Awaitable[Server]]


@pytest.fixture
async def started() -> AsyncIterator[Started]:
    """Starts a server with the limits that a test gives it."""
    async with AsyncExitStack() as stack:

        async def start(**limits: Any) -> Server:
            return await stack.enter_async_context(serving(settings(**limits)))

        yield start


class Said:
    """An answer: status, headers, JSON."""

    def __init__(self, status: int, headers: Any, body: Any) -> None:
        self.status = status
        self.headers = headers
        self.body = body


async def _ask(server: Server, method: str, path: str, **given: Any) -> Said:
    headers = {"X-API-Key": KEY, **given.pop("headers", {})}
    async with (
        asyncio.timeout(20),
        server.client.request(method, path, headers=headers, **given) as response,
    ):
        return Said(response.status, response.headers, await response.json())


async def _execute(server: Server, workflow_id: str, **headers: str) -> Said:
    return await _ask(server, "POST", f"/api/workflows/{workflow_id}/execute", headers=headers, json={})


async def _execute_v2(server: Server, workflow_id: str, **body: Any) -> Said:
    return await _ask(server, "POST", f"/api/v2/workflows/{workflow_id}/execute", json=body)


async def test_without_limits_answers_have_no_headers_about_them(started: Started) -> None:
    server = await started()

    said = await _ask(server, "GET", "/api/workflows")

    assert not [name for name in said.headers if name.startswith("X-RateLimit")]


async def test_who_asks_too_often_is_told_when_to_come_back_in_v1(started: Started) -> None:
    server = await started(rate_reads=Rate(2, 60.0))

    said = [await _ask(server, "GET", "/api/workflows") for _ in range(3)]

    assert [each.status for each in said] == [200, 200, 429]
    assert [each.headers["X-RateLimit-Remaining"] for each in said] == ["1", "0", "0"]
    refused = said[-1]
    assert refused.body == {"error": RATE_TEXT}
    assert refused.headers["X-RateLimit-Limit"] == "2"
    assert 1 <= int(refused.headers["Retry-After"]) <= 30  # one of two a minute comes back in half a minute
    assert 0 < int(refused.headers["X-RateLimit-Reset"]) - time.time() <= 61


async def test_v2_spells_the_refusal_and_the_moment_in_its_own_way(started: Started) -> None:
    server = await started(rate_sync=Rate(2, 60.0))
    workflow_id = await server.deploy({"done": {"type": "variables", "set": {}}})

    said = [await _execute_v2(server, workflow_id) for _ in range(3)]

    assert [each.status for each in said] == [200, 200, 429]
    refused = said[-1]
    assert refused.body == {"error": {"code": "RATE_LIMITED", "message": RATE_TEXT}}
    reset = datetime.fromisoformat(refused.headers["X-RateLimit-Reset"])
    assert 0 < reset.timestamp() - time.time() <= 61


@pytest.mark.parametrize("execute", [_execute, _execute_v2], ids=["v1", "v2"])
async def test_a_waited_for_execution_counts_once(started: Started, execute: Any) -> None:
    server = await started(rate_sync=Rate(3, 3600.0))
    workflow_id = await server.deploy({"done": {"type": "variables", "set": {}}})

    said = [await execute(server, workflow_id) for _ in range(4)]

    assert [each.status for each in said] == [200, 200, 200, 429]


async def test_executions_that_nobody_waits_for_have_a_rate_of_their_own(started: Started) -> None:
    server = await started(rate_async=ONE)
    workflow_id = await server.deploy({"done": {"type": "variables", "set": {}}})
    nobody_waits = {"X-Execution-Mode": "async"}

    said = [
        await _execute(server, workflow_id, **nobody_waits),
        await _execute(server, workflow_id, **nobody_waits),
        await _execute_v2(server, workflow_id, **{"async": True}),
        await _execute(server, workflow_id),
        await _execute_v2(server, workflow_id),
    ]

    assert [each.status for each in said] == [202, 429, 429, 200, 200]


async def test_what_starts_nothing_has_a_rate_of_its_own(started: Started) -> None:
    server = await started(rate_reads=Rate(2, 3600.0))  # one of which the deploy takes
    workflow_id = await server.deploy({"done": {"type": "variables", "set": {}}})

    said = [await _ask(server, "GET", "/api/workflows") for _ in range(2)]
    executed = await _execute(server, workflow_id)

    assert [each.status for each in (*said, executed)] == [200, 429, 200]


async def test_a_request_for_nothing_that_exists_counts_too(started: Started) -> None:
    server = await started(rate_sync=ONE)

    said = [await _execute(server, "nowhere") for _ in range(2)]

    assert [each.status for each in said] == [404, 429]


async def test_a_request_that_does_not_say_what_it_wants_counts_too(started: Started) -> None:
    server = await started(rate_sync=Rate(2, 3600.0))

    said = [
        await _execute(server, "nowhere", **{"X-Execution-Mode": "soon"}),
        await _execute_v2(server, "nowhere", unknown=1),
        await _execute_v2(server, "nowhere", unknown=1),
    ]

    assert [each.status for each in said] == [400, 400, 429]


async def test_the_stricter_of_two_limits_is_told(started: Started) -> None:
    server = await started(rate_reads=Rate(100, 60.0), workspace_rate_reads=Rate(7, 60.0))

    said = await _ask(server, "GET", "/api/workflows")

    assert (said.headers["X-RateLimit-Limit"], said.headers["X-RateLimit-Remaining"]) == ("7", "6")


async def test_all_callers_of_a_workspace_share_its_rate(started: Started) -> None:
    server = await started(rate_reads=Rate(100, 60.0), workspace_rate_reads=Rate(3, 3600.0))
    other = await workspace_key(server, "read")

    said = [await _ask(server, "GET", "/api/workflows", headers=each) for each in ({}, other.headers, {})]

    assert [each.status for each in said] == [200, 200, 429]


async def test_each_key_has_a_rate_of_its_own(started: Started) -> None:
    server = await started(rate_reads=Rate(2, 3600.0))
    other = await workspace_key(server, "read")  # the first of two

    said = [
        await _ask(server, "GET", "/api/workflows", headers=each)
        for each in ({}, {}, other.headers, other.headers, other.headers)
    ]

    assert [each.status for each in said] == [200, 429, 200, 200, 429]


async def test_only_so_many_requests_of_a_workspace_are_worked_on_at_once(started: Started) -> None:
    server = await started(workspace_requests=1)
    workflow_id = await server.deploy(HOLD)

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(_execute(server, workflow_id))
        await server.gate.reached("held")
        second = await _ask(server, "GET", "/api/workflows")
        server.gate.open("held")
    third = await _ask(server, "GET", "/api/workflows")

    assert [each.status for each in (first.result(), second, third)] == [200, 429, 200]
    assert second.headers["Retry-After"] == "1"
    assert "X-RateLimit-Limit" not in second.headers


async def test_only_so_many_executions_of_a_workspace_are_at_work(started: Started) -> None:
    server = await started(workspace_executions=1)
    workflow_id = await server.deploy(HOLD)
    first = await _execute(server, workflow_id, **{"X-Execution-Mode": "async"})
    await server.gate.reached("held")

    refused = [await _execute(server, workflow_id), await _execute_v2(server, workflow_id)]
    server.gate.open("held")
    await server.ended_job(first.body["jobId"])
    again = await _execute(server, workflow_id)

    assert [each.status for each in (*refused, again)] == [429, 429, 200]
    assert refused[0].headers["Retry-After"] == "1"


async def test_a_burst_of_starts_gets_no_more_places_than_there_are(started: Started) -> None:
    server = await started(workspace_executions=3)
    workflow_id = await server.deploy(HOLD)

    said = await asyncio.gather(
        *(_execute(server, workflow_id, **{"X-Execution-Mode": "async"}) for _ in range(20))
    )

    assert sorted(each.status for each in said) == [202] * 3 + [429] * 17
    server.gate.open("held")


async def test_an_execution_that_waits_for_people_takes_no_place(started: Started) -> None:
    server = await started(workspace_executions=1)
    workflow_id = await server.deploy({"approve": {"type": "human_in_the_loop", "form": {"ok": "boolean"}}})

    said = [await _execute(server, workflow_id) for _ in range(3)]

    assert [each.status for each in said] == [200, 200, 200]


async def test_deliveries_of_webhooks_count_as_executions_that_nobody_waits_for(started: Started) -> None:
    server = await started(rate_async=ONE)
    workflow_id = await server.deploy({"hook": {"type": "webhook", "secret": None}})

    said = [await _ask(server, "POST", f"/api/webhooks/{workflow_id}/hook", json={}) for _ in range(2)]

    assert [each.status for each in said] == [202, 429]
