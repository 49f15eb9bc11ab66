"""Decisions on a server that is killed without warning, and started again on what it had written."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from e2e.shell import Embedded
from signoff.events.codec import decode_event
from signoff.events.types import Event
from support.deciders import ASK, check_queue, of_kind
from support.executors import until

AFTER = {"type": "function", "code": "for (let i = 0; i < 3e5; i++) {} return 1"}
FIFTY = {
    **{f"ask{number}": {**ASK, "then": f"after{number}"} for number in range(50)},
    **{f"after{number}": AFTER for number in range(50)},
}
REQUESTS = [(f"ask{number}", str(uuid4())) for number in list(range(50)) * 2]

Answer = tuple[int, Any]


class Caller:
    """Calls a server that comes and goes.

    Attributes:
        execution: that it works with.
    """

    def __init__(self, server: Embedded, session: aiohttp.ClientSession, execution: str) -> None:
        self._server = server
        self._session = session
        self.execution = execution

    @classmethod
    @asynccontextmanager
    async def of(cls, server: Embedded) -> AsyncIterator["Caller"]:
        """A caller with the server's own key."""
        headers = {"X-API-Key": server.key, "Connection": "close"}
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(server.url, headers=headers, timeout=timeout) as session:
            yield cls(server, session, str(uuid4()))

    async def call(self, method: str, path: str, **given: Any) -> Answer:
        """Send a request; gives status and JSON."""
        async with self._session.request(method, path, **given) as answered:
            return answered.status, await answered.json()

    async def start(self, blocks: dict[str, Any], start: list[str]) -> None:
        """Run a workflow up to its pauses, or where it waits otherwise."""
        await self.call("PUT", "/api/workflows/decided", json={"blocks": blocks, "start": start})
        headers = {"X-Execution-Id": self.execution, "X-Execution-Mode": "async"}
        status, answer = await self.call("POST", "/api/workflows/decided/execute", json={}, headers=headers)
        assert status == 202, answer

    async def decide(self, context_id: str, key: str = "", query: str = "") -> Answer | None:
        """Decide; gives nothing where the server went away."""
        path = f"/api/resume/decided/{self.execution}/{context_id}{query}"
        headers = {"Idempotency-Key": key} if key else {}
        try:
            return await self.call("POST", path, json={"approved": True}, headers=headers)
        except aiohttp.ClientError:
            return None

    async def events(self) -> list[Event]:
        """The execution's log."""
        path = f"/api/executions/{self.execution}/events?limit=1000"
        _, body = await self.call("GET", path)
        return [decode_event(json.dumps(each).encode()) for each in body.get("events", [])]

    async def reached(self, kind: str, count: int = 1) -> list[Event]:
        """Wait until the log has some events of a type; gives it."""

        async def there() -> bool:
            return len(of_kind(await self.events(), kind)) >= count

        await until(there)
        return await self.events()

    async def crash(self) -> None:
        """Kill the server, and start it again."""
        await asyncio.to_thread(self._server.kill)
        await asyncio.to_thread(self._server.serve)


async def test_fifty_points_decided_twice_each_all_run_once_though_the_server_is_killed_in_the_middle(
    embedded: Embedded,
) -> None:
    await asyncio.to_thread(embedded.serve)
    async with Caller.of(embedded) as caller:
        await caller.start(FIFTY, [each for each in FIFTY if each.startswith("ask")])
        await caller.reached("execution:paused")
        deciding = [asyncio.create_task(caller.decide(*each)) for each in REQUESTS]
        for answered in islice(asyncio.as_completed(deciding), 10):
            await answered
        await caller.crash()
        first = await asyncio.gather(*deciding)
        again = await asyncio.gather(*(caller.decide(*each) for each in REQUESTS))
        events = await caller.reached("execution:completed")

    assert None in first
    assert [now for before, now in zip(first, again, strict=True) if before is not None] == [
        before for before in first if before is not None
    ]
    assert sorted(each[0] == 409 for each in again if each is not None) == [False] * 50 + [True] * 50
    check_queue(events)
    assert len(of_kind(events, "execution:resumed")) == 50
    done = [each.data.block_id for each in of_kind(events, "block:completed")]
    assert len(done) == len(set(done)) == 1 + 2 * 50


async def test_what_was_held_and_who_was_being_told_survive_a_kill(
    embedded: Embedded, tmp_path: Path
) -> None:
    silent = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.set()
        while await reader.read(1000):
            pass
        writer.close()

    channel = await asyncio.start_server(accept, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{channel.sockets[0].getsockname()[1]}/told"
    blocks = {"ask": {**ASK, "notify": [{"url": url}], "then": "next"}, "next": ASK}
    await asyncio.to_thread(embedded.serve, SIGNOFF_ALLOW_PRIVATE_NETWORKS="127.0.0.0/8")
    async with channel, Caller.of(embedded) as caller:
        await caller.start(blocks, ["ask"])
        await asyncio.wait_for(silent.wait(), 10)
        held = await caller.decide("next", "held", "?early=true")
        await asyncio.to_thread(embedded.kill)
        channel.close()
        await asyncio.to_thread(embedded.serve, SIGNOFF_ALLOW_PRIVATE_NETWORKS="127.0.0.0/8")
        again = await caller.decide("next", "held", "?early=true")
        told = await caller.reached("pause:notified")
        await caller.decide("ask")
        events = await caller.reached("execution:completed")

    assert held is not None
    assert (held[0], again) == (202, held)
    assert "execution:paused" in [event.type for event in told]
    kinds = [event.type for event in events]
    assert [kinds.count(each) for each in ("pause:notified", "decision:held", "execution:resumed")] == [
        1, 1, 2,
    ]  # fmt: skip
