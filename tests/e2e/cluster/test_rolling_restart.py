"""All services restarted one after the other under load: no caller notices, no stream has a gap."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import pytest

from e2e.cluster.local_cluster import LocalCluster
from e2e.shell import Embedded

pytestmark = pytest.mark.timeout(120)

LIMIT: Final = 30.0
"""Seconds for one request, or one stream."""

_REFUND: Final = "/api/workflows/refund-approval"
_LAST: Final = {"execution:completed", "execution:error", "execution:cancelled"}
_RESET: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)


class Load:
    """Callers that go on until they are told to stop, each with one thing after the other.

    Attributes:
        done: how often each kind of thing was done.
        resets: connections that were reset; the request was sent once more, with the same key.
        faults: what no caller should have met.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._ending = asyncio.Event()
        self.done: Counter[str] = Counter()
        self.resets = 0
        self.faults: list[str] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Callers of each kind, until the block is left; what they began comes to its end."""
        works = [self._sync, self._sync, self._decided, self._streamed, self._streamed, self._waited]
        callers = [asyncio.create_task(self._again_and_again(work)) for work in works]
        try:
            yield
        finally:
            self._ending.set()
            async with asyncio.timeout(LIMIT):
                await asyncio.gather(*callers)

    async def _again_and_again(self, work: Callable[[str], Awaitable[None]]) -> None:
        count = 0
        while not self._ending.is_set():
            count += 1
            try:
                async with asyncio.timeout(LIMIT):
                    await work(f"{work.__name__}-{id(asyncio.current_task())}-{count}")
            except (AssertionError, TimeoutError, aiohttp.ClientError) as error:
                self.faults.append(f"{work.__name__}: {type(error).__name__}: {error}")
            self.done[work.__name__] += 1

    async def _sync(self, key: str) -> None:
        await self._post(f"{_REFUND}/execute", {"input": {"amount": 1}}, key, status=200)

    async def _waited(self, key: str) -> None:
        answer = await self._post("/api/workflows/slow/execute", {}, key, status=200)
        assert answer["success"], answer

    async def _decided(self, key: str) -> None:
        paused = await self._post(f"{_REFUND}/execute", {"input": {"amount": 500}}, key, status=200)
        execution_id = paused["executionId"]
        url = f"/api/resume/refund-approval/{execution_id}/approve"
        await self._post(url, {"approved": True}, f"{key}-decision", status=200)

    async def _streamed(self, key: str) -> None:
        """Start without waiting, and read the stream; when it ends early, go on after the last event."""
        started = await self._post("/api/workflows/slow/execute", {}, key, status=202, mode="async")
        url = f"/api/workflows/slow/executions/{started['executionId']}/stream"
        seen: list[dict[str, Any]] = []
        while not (seen and seen[-1]["type"] in _LAST):
            headers = {"Last-Event-ID": str(len(seen))} if seen else {}
            async with self._session.get(url, headers=headers) as response:
                assert response.status == 200, await response.text()
                seen += [json.loads(line[6:]) async for line in response.content if line[:7] == b"data: {"]
        assert [event["eventId"] for event in seen] == list(range(1, len(seen) + 1)), seen
        assert seen[-1]["type"] == "execution:completed", seen[-1]

    async def _post(self, path: str, body: object, key: str, *, status: int, mode: str = "sync") -> Any:
        headers = {"Idempotency-Key": key, "X-Execution-Mode": mode}
        try:
            return await self._posted(path, body, headers, status)
        except _RESET:
            self.resets += 1
            return await self._posted(path, body, headers, status)

    async def _posted(self, path: str, body: object, headers: dict[str, str], status: int) -> Any:
        async with self._session.post(path, json=body, headers=headers) as response:
            assert response.status == status, f"{response.status} {await response.text()}"
            return await response.json()


async def test_nobody_notices_that_all_services_are_restarted(cluster: LocalCluster) -> None:
    headers = {"X-API-Key": cluster.settings["SIGNOFF_API_KEY"]}
    async with aiohttp.ClientSession(cluster.url, headers=headers) as session:
        load = Load(session)
        async with load.running():
            said = await asyncio.to_thread(cluster.cluster, "roll")

    assert said.count("-") == 6, said
    assert load.faults == []
    assert min(load.done[name] for name in ("_sync", "_decided", "_streamed", "_waited")) > 0, load.done
    assert load.resets <= 2, load.resets


async def test_an_embedded_server_that_is_told_to_stop_under_load_loses_nothing(embedded: Embedded) -> None:
    await asyncio.to_thread(embedded.serve, "--examples")
    accepted: list[str] = []
    many, stopped = asyncio.Event(), asyncio.Event()

    async def start_some(session: aiohttp.ClientSession) -> None:
        while not stopped.is_set():
            body = {"input": {"amount": len(accepted) + 1}}
            try:
                async with session.post(f"{_REFUND}/execute", json=body) as response:
                    if response.status == 202:
                        accepted.append((await response.json())["executionId"])
                        if len(accepted) == 100:
                            many.set()
            except aiohttp.ClientError:
                return  # it listens no more

    headers = {"X-API-Key": await asyncio.to_thread(lambda: embedded.key), "X-Execution-Mode": "async"}
    async with aiohttp.ClientSession(embedded.url, headers=headers) as session:
        callers = [asyncio.create_task(start_some(session)) for _ in range(8)]
        async with asyncio.timeout(LIMIT):
            await many.wait()
        code = await asyncio.to_thread(embedded.stop)
        stopped.set()
        await asyncio.gather(*callers)
        await asyncio.to_thread(embedded.serve)

        for execution_id in accepted:
            await _until_it_rests(session, execution_id)
    assert code == 0


async def _until_it_rests(session: aiohttp.ClientSession, execution_id: str) -> None:
    """Wait until an execution has ended, or waits for somebody."""
    async with asyncio.timeout(LIMIT):
        while True:
            async with session.get(f"{_REFUND}/executions/{execution_id}") as response:
                assert response.status == 200, await response.text()
                if (await response.json())["status"] in {"completed", "paused"}:
                    return
            await asyncio.sleep(0.02)
