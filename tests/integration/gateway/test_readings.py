"""Verifications and bundles: so few at once that everybody else is served as usual."""

import asyncio
from typing import Any

import pytest

from signoff.events.store.base import Recorded
from support.gateways import APPROVAL, Server
from support.growing_logs import until
from support.identities import Caller, add_workspace, administrator, workspace_key

KINDS = ["verify", "bundle"]


class SlowReading:
    """Lets nobody read a log until it is opened."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self._read = server.store.read
        self._open = asyncio.Event()
        self.waiting = 0
        monkeypatch.setattr(server.store, "read", self._wait)

    async def _wait(self, *given: Any, **named: Any) -> list[Recorded]:
        self.waiting += 1
        await self._open.wait()
        return await self._read(*given, **named)

    def go_on(self) -> None:
        self._open.set()


async def paused(caller: Caller) -> str:
    """An execution that waits, of the caller's workspace."""
    path = "/api/workflows/read"
    status, body, _ = await caller.send("PUT", path, json={"blocks": APPROVAL})
    assert status == 201, body
    status, body, _ = await caller.send("POST", f"{path}/execute", json={})
    assert status == 200, body
    return str(body["executionId"])


async def ask(server: Server, caller: Caller, path: str) -> tuple[int, str | None]:
    async with server.client.get(path, headers=caller.headers) as response:
        await response.read()
        return response.status, response.headers.get("Retry-After")


async def begin(server: Server, reading: SlowReading, caller: Caller, path: str) -> asyncio.Task[Any]:
    """Ask for something whose log is being read when this returns."""
    before = reading.waiting
    task = asyncio.create_task(ask(server, caller, path))
    await until(lambda: reading.waiting > before)
    return task


@pytest.mark.parametrize("kind", KINDS)
async def test_one_workspace_has_its_share_and_others_find_a_place(
    server: Server, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    ours = administrator(server)
    paths = {ours: f"/api/executions/{await paused(ours)}/{kind}"}
    for name in ("B", "C", "D"):
        other = await workspace_key(server, "admin", workspace_id=await add_workspace(server, name))
        paths[other] = f"/api/executions/{await paused(other)}/{kind}"
    _, second, third, fourth = paths
    reading = SlowReading(server, monkeypatch)

    under_way = [await begin(server, reading, each, paths[each]) for each in (ours, ours, second, third)]
    ours_again = await ask(server, ours, paths[ours])
    nobody_else = await ask(server, fourth, paths[fourth])
    reading.go_on()

    assert (ours_again, nobody_else) == ((429, "1"), (503, "1"))
    assert [(await each)[0] for each in under_way] == [200] * 4
    assert (await ask(server, fourth, paths[fourth]))[0] == 200


async def test_who_is_refused_is_told_and_everything_else_is_served(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = administrator(server)
    execution_id = await paused(ours)
    reading = SlowReading(server, monkeypatch)
    under_way = [
        await begin(server, reading, ours, f"/api/executions/{execution_id}/{kind}") for kind in KINDS
    ]

    status, refused = await server.get(f"/api/executions/{execution_id}/verify")
    looked, _ = await server.get("/api/executions")
    reading.go_on()
    await asyncio.gather(*under_way)

    assert (status, looked) == (429, 200)
    assert "its share of the verifications and bundles" in refused["error"]
