"""Too much work, as callers meet it: what is refused, what is not, and when to come back (docs/limits.md)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from signoff.events.errors import StoreError
from signoff.events.store.base import Append
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.overload.starts import STARTS
from support.gateways import APPROVAL, Server, serving, settings
from support.growing_logs import until
from support.identities import Caller, add_workspace, administrator, workspace_key

NOBODY_WAITS = {"X-Execution-Mode": "async"}
NOTHING = {"done": {"type": "variables", "set": {}}}
HOLD = {"wait": {"type": "hold", "with": {"name": "held"}}}


class SlowLog:
    """Lets a log's appends through, or holds them all up."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self._append = server.store.append
        self._open = asyncio.Event()
        self._open.set()
        monkeypatch.setattr(server.store, "append", self._write)

    async def _write(self, append: Append) -> int:
        await self._open.wait()
        return await self._append(append)

    def stop(self) -> None:
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(settings(max_requests=40)) as running:
        yield running


@pytest.fixture
def log(server: Server, monkeypatch: pytest.MonkeyPatch) -> SlowLog:
    return SlowLog(server, monkeypatch)


async def start(caller: Caller, workflow_id: str, **headers: str) -> tuple[int, Any, Any]:
    path = f"/api/workflows/{workflow_id}/execute"
    return await caller.send("POST", path, headers={**NOBODY_WAITS, **headers}, json={})


def burst(caller: Caller, workflow_id: str, count: int) -> list[asyncio.Task[tuple[int, Any, Any]]]:
    return [asyncio.create_task(start(caller, workflow_id)) for _ in range(count)]


async def executions(server: Server, workflow_id: str) -> int:
    _, body = await server.get(f"/api/executions?workflowId={workflow_id}&limit=1000")
    return len(body["executions"])


async def test_over_a_log_that_is_slow_so_many_starts_wait_and_the_others_leave_nothing(
    server: Server, log: SlowLog
) -> None:
    workflow_id = await server.deploy(NOTHING)
    log.stop()
    tasks = burst(administrator(server), workflow_id, 100)
    starts = server.client.app[STARTS]

    await until(lambda: sum(task.done() for task in tasks) + starts.requests.total == len(tasks))
    answers = [task.result() for task in tasks if task.done()]
    waiting = len(tasks) - len(answers)
    log.go_on()
    await asyncio.gather(*tasks)

    assert 1 <= waiting <= 36
    assert {status for status, _, _ in answers} == {503}
    assert {body["error"] for _, body, _ in answers} == {"Service temporarily at capacity"}
    assert all(int(headers["Retry-After"]) >= 1 for _, _, headers in answers)
    assert await executions(server, workflow_id) == waiting


async def test_decisions_and_looks_go_through_while_starts_are_refused(server: Server, log: SlowLog) -> None:
    approval = await server.deploy(APPROVAL)
    paused, unwanted = [(await server.execute(approval))["executionId"] for _ in range(2)]
    log.stop()
    tasks = burst(administrator(server), approval, 60)
    await until(lambda: any(task.done() for task in tasks))

    looked, _ = await server.get("/api/workflows")
    decision = asyncio.create_task(
        server.post(f"/api/resume/{approval}/{paused}/approve", json={"approved": True})
    )
    cancel = asyncio.create_task(server.post(f"/api/workflows/{approval}/executions/{unwanted}/cancel"))
    waiting = server.client.app[GATEWAY].waiting
    await until(lambda: len(waiting) == server.client.app[STARTS].queue.total + 2)
    log.go_on()
    await asyncio.gather(*tasks)

    assert (looked, (await decision)[0], (await cancel)[0]) == (200, 200, 200)


async def test_a_small_workspace_is_served_beside_a_greedy_one(server: Server, log: SlowLog) -> None:
    greedy_work = await server.deploy(NOTHING)
    other = await add_workspace(server)
    await administrator(server).within(other).do("PUT", "/api/workflows/small", json={"blocks": NOTHING})
    small = await workspace_key(server, "write", workspace_id=other)
    log.stop()
    greedy = burst(administrator(server), greedy_work, 60)
    await until(lambda: any(task.done() for task in greedy))

    served = burst(small, "small", 1)
    await until(lambda: server.client.app[STARTS].requests.held(UUID(other)) == 1)
    status, body, headers = await start(administrator(server), greedy_work)
    log.go_on()
    await asyncio.gather(*greedy, *served)

    assert served[0].result()[0] == 202
    assert (status, "share" in body["error"]) == (429, True)
    assert int(headers["Retry-After"]) >= 1


async def test_who_comes_back_when_told_is_let_in(server: Server, log: SlowLog) -> None:
    workflow_id = await server.deploy(NOTHING)
    log.stop()
    tasks = burst(administrator(server), workflow_id, 60)
    await until(lambda: any(task.done() for task in tasks))
    log.go_on()
    answers = await asyncio.gather(*tasks)
    waits = [int(headers["Retry-After"]) for status, _, headers in answers if status == 503]

    async def again(seconds: int) -> int:
        await asyncio.sleep(seconds)
        return (await start(administrator(server), workflow_id))[0]

    assert waits
    assert set(await asyncio.gather(*map(again, waits))) == {202}


async def test_when_the_log_is_as_usual_again_nobody_is_refused_any_more(
    server: Server, log: SlowLog
) -> None:
    workflow_id = await server.deploy(NOTHING)
    log.stop()
    tasks = burst(administrator(server), workflow_id, 60)
    await until(lambda: any(task.done() for task in tasks))
    log.go_on()
    await asyncio.gather(*tasks)

    assert [(await start(administrator(server), workflow_id))[0] for _ in range(5)] == [202] * 5
    assert server.client.app[STARTS].queue.total == 0


async def test_what_was_refused_once_is_taken_under_the_same_key(server: Server, log: SlowLog) -> None:
    workflow_id = await server.deploy(NOTHING)
    log.stop()
    tasks = burst(administrator(server), workflow_id, 60)
    await until(lambda: any(task.done() for task in tasks))
    key = {"Idempotency-Key": "once"}
    before, _, _ = await start(administrator(server), workflow_id, **key)
    log.go_on()
    await asyncio.gather(*tasks)

    after = [(await start(administrator(server), workflow_id, **key))[1]["executionId"] for _ in range(2)]

    assert before == 503
    assert after[0] == after[1]


async def test_starts_whose_callers_wait_are_refused_while_blocks_wait_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signoff.executor.running.line.PATIENCE", 0.0)
    async with serving(settings(block_concurrency=1)) as server:
        workflow_id = await server.deploy(HOLD)
        running = await start(administrator(server), workflow_id)
        await server.gate.reached("held")
        waiting = await start(administrator(server), workflow_id)
        status, body, headers = await start(
            administrator(server), workflow_id, **{"X-Execution-Mode": "sync"}
        )
        count = await executions(server, workflow_id)
        server.gate.open("held")
        for each in (running, waiting):
            await server.ended_job(each[1]["jobId"])

        assert (status, body["error"]) == (503, "Service temporarily at capacity")
        assert int(headers["Retry-After"]) >= 1
        assert count == 2


async def test_a_log_that_fails_frees_every_place(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow_id = await server.deploy(NOTHING)

    async def away(*_: Any, **__: Any) -> None:
        raise StoreError("away")

    with monkeypatch.context() as broken:
        broken.setattr(server.store, "workflow", away)
        answers = await asyncio.gather(*burst(administrator(server), workflow_id, 20))
    starts = server.client.app[STARTS]

    assert all(status >= 500 for status, _, _ in answers)
    assert (starts.queue.total, starts.requests.total) == (0, 0)
