"""How a run ended is the same answer, whether the news brought the event or the log had to be read for it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from signoff.events.codec import decode_outcome, encode
from signoff.events.types import NO_EVENT
from signoff.gateway.executions.endings import Ending, Endings
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.waiting import Ended
from support.gateways import APPROVAL, Server, serving, settings

Run: TypeAlias = Callable[[Server], Awaitable[None]]

SAY: dict[str, Any] = {"say": {"type": "variables", "set": {"got": "<start.given>"}}}
BAD: dict[str, Any] = {"type": "function", "code": "throw new Error('broken')"}
ASK: dict[str, Any] = {"type": "human_in_the_loop"}
FILE = {
    "type": "file",
    "data": f"data:text/plain;base64,{base64.b64encode(b'hello').decode()}",
    "name": "a.txt",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Server]:
    """One for all tests here: no connection, and no task of one, outlives the test that opened it."""
    async with serving(settings()) as running:
        running.client.session.headers["Connection"] = "close"
        yield running


class Told(msgspec.Struct, frozen=True):
    """One ending that the gateway told, and what it was given to tell it."""

    workspace_id: UUID
    log_id: UUID
    ended: Ended
    base64_most: int | None
    ending: Ending


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    """Every ending that a caller waited for, in order."""
    all_told: list[Told] = []
    of = Endings.of

    async def listening(
        self: Endings, workspace_id: UUID, log_id: UUID, ended: Ended, *, base64_most: int | None = None
    ) -> Ending:
        ending = await of(self, workspace_id, log_id, ended, base64_most=base64_most)
        all_told.append(Told(workspace_id, log_id, ended, base64_most, ending))
        return ending

    monkeypatch.setattr(Endings, "of", listening)
    return all_told


def executed(blocks: dict[str, Any], given: object = None, **more: Any) -> Run:
    async def run(server: Server) -> None:
        workflow_id = await server.deploy(blocks, **more)
        await server.post(f"/api/workflows/{workflow_id}/execute", json={"input": {"given": given}})

    return run


def resumed(blocks: dict[str, Any], decision: dict[str, Any]) -> Run:
    async def run(server: Server) -> None:
        workflow_id = await server.deploy(blocks)
        paused = await server.execute(workflow_id)
        path = f"/api/resume/{workflow_id}/{paused['executionId']}"
        status, body = await server.post(f"{path}/{next(iter(blocks))}", json=decision)
        assert status == 200, body

    return run


async def cancelled(server: Server) -> None:
    workflow_id = await server.deploy({"hold": {"type": "hold", "with": {"name": "cancelled"}}})
    run = asyncio.create_task(server.execute(workflow_id, headers={"X-Execution-Id": workflow_id}))
    await server.gate.reached("cancelled")
    await server.post(f"/api/workflows/{workflow_id}/executions/{workflow_id}/cancel")
    await run


RUNS: dict[str, Run] = {
    "completed": executed(SAY, "a"),
    "failed": executed({"bad": BAD}),
    "cancelled": cancelled,
    "paused": executed(APPROVAL),
    "paused at two points": executed({"one": ASK, "two": ASK}),
    "answered by a response block": executed({"say": {"type": "response", "data": {"a": 1}, "status": 201}}),
    "resumed": resumed(APPROVAL, {"approved": True}),
    "resumed and failed": resumed({"ask": {**ASK, "then": "bad"}, "bad": BAD}, {}),
    "resumed and paused again": resumed({"one": ASK, "two": ASK}, {}),
    "a reference to a large value": executed(SAY, "x" * 300_000),
    "a user's own $blob": executed(SAY, {"$blob": "sha256:" + "0" * 64}),
    "a file with its contents": executed(SAY, FILE, input={"given": "files"}),
}


@pytest.mark.parametrize("run", [pytest.param(run, id=name) for name, run in RUNS.items()])
async def test_the_event_that_came_with_the_news_tells_what_the_log_tells(
    server: Server, told: list[Told], run: Run
) -> None:
    await run(server)

    last = told[-1]
    (recorded,) = await server.store.read(last.log_id, after=last.ended.event_id - 1, limit=1)
    assert last.ended.raw == recorded.state
    endings = server.client.app[GATEWAY].endings
    assert last.ending == await endings.read(
        last.workspace_id, last.log_id, last.ended.event_id, base64_most=last.base64_most
    )


async def test_a_caller_whose_news_has_the_event_costs_no_read_of_the_log(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow_id = await server.deploy(SAY)
    monkeypatch.delattr("signoff.gateway.executions.endings.read_event")

    body = await server.execute(workflow_id, json={"input": {"given": "a"}})

    assert body["output"] == {"got": "a"}


async def test_news_of_an_older_executor_without_the_event_is_looked_up(
    server: Server, told: list[Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = server.bus.publish

    async def older(topic: str, partition: int, records: Any) -> Any:
        if topic == "signoff.outcomes":
            records = [msgspec.structs.replace(each, value=_without_event(each.value)) for each in records]
        return await publish(topic, partition, records)

    monkeypatch.setattr(server.bus, "publish", older)
    workflow_id = await server.deploy(SAY)

    body = await server.execute(workflow_id, json={"input": {"given": "a"}})

    assert (body["output"], told[-1].ended.raw) == ({"got": "a"}, None)


async def test_an_event_too_large_for_the_news_is_looked_up(server: Server, told: list[Told]) -> None:
    workflow_id = await server.deploy(SAY)
    large = "x" * 40_000

    body = await server.execute(workflow_id, json={"input": {"given": large}})

    assert (body["output"], told[-1].ended.raw) == ({"got": large}, None)


def _without_event(raw: bytes) -> bytes:
    return encode(msgspec.structs.replace(decode_outcome(raw), event=NO_EVENT))
