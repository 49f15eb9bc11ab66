"""Plays with the executions of a server of any version, over the routes that all of them have."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp

from histories.plays import Document, Step

LIMIT: Final = 30.0
"""Seconds that something may take to happen."""

_LOOK: Final = 0.05
_OPENING: Final = "pause:opened"
_SETTLING: Final = frozenset({"execution:resumed", "resume:queued", "pause:closed", "pause:expired"})
ENDS: Final = frozenset({"execution:completed", "execution:error", "execution:cancelled"})


class Player:
    """A client of one server.

    Args:
        url: of the server.
        key: with which it was started.
        keys: those of people, by name.
    """

    def __init__(self, url: str, key: str, keys: Mapping[str, str] | None = None) -> None:
        self.keys = dict(keys or {})
        self._session = aiohttp.ClientSession(
            url, headers={"X-API-Key": key}, timeout=aiohttp.ClientTimeout(total=LIMIT)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Send a request; gives status and JSON."""
        own = {} if by is None else {"X-API-Key": self.keys[by]}
        async with self._session.request(method, path, json=body, headers={**own, **(headers or {})}) as got:
            return got.status, await got.json(content_type=None)

    async def deploy(self, workflow_id: str, definition: Document) -> None:
        """Deploy a definition."""
        status, answer = await self.call("PUT", f"/api/workflows/{workflow_id}", definition)
        assert status < 300, answer

    async def start(self, workflow_id: str, given: Mapping[str, Any]) -> str:
        """Begin an execution that nobody waits for; gives its id."""
        status, answer = await self.call(
            "POST",
            f"/api/workflows/{workflow_id}/execute",
            {"input": given},
            headers={"X-Execution-Mode": "async"},
        )
        assert status == 202, answer
        return str(answer["executionId"])

    async def log(self, execution_id: str) -> list[dict[str, Any]]:
        """All events of an execution."""
        events: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            status, page = await self.call("GET", f"/api/executions/{execution_id}/events?from={after}")
            if status == 404:
                return []
            assert status == 200, page
            events += page["events"]
            after = page["nextFrom"]
        return events

    async def perform(self, workflow_id: str, execution_id: str, steps: Sequence[Step]) -> None:
        """Do one thing after the other, each as soon as it can be done."""
        for step in steps:
            if step.do == "await":
                await self.until(execution_id, {step.event})
            elif step.do in ("cancel", "retry"):
                await self._steer(workflow_id, execution_id, step.do)
            elif step.child is not None:
                called = (await self.until(execution_id, {"child:called"}))["data"]
                await self._at_point(called["childWorkflowId"], called["childExecutionId"], step)
            else:
                await self._at_point(workflow_id, execution_id, step)

    async def until(self, execution_id: str, kinds: Collection[str]) -> dict[str, Any]:
        """Wait for an event of some types; gives the last one."""
        async with asyncio.timeout(LIMIT):
            while True:
                found = [each for each in await self.log(execution_id) if each["type"] in kinds]
                if found:
                    return found[-1]
                await asyncio.sleep(_LOOK)

    async def ended(self, execution_id: str) -> dict[str, Any]:
        """Wait for an execution's end; gives what is the same whichever version brings it there."""
        event = await self.until(execution_id, ENDS)
        return {"type": event["type"], "output": event["data"].get("output")}

    async def _steer(self, workflow_id: str, execution_id: str, verb: str) -> None:
        path = f"/api/workflows/{workflow_id}/executions/{execution_id}/cancel"
        status, answer = await self.call(
            "POST",
            path if verb == "cancel" else f"/api/executions/{execution_id}/retry",
            {"reason": "as played"},
        )
        assert status < 300, answer

    async def _at_point(self, workflow_id: str, execution_id: str, step: Step) -> None:
        context = quote(await self._open_point(execution_id, step.block), safe="")
        if step.do == "decide":
            path, body = f"/api/resume/{workflow_id}/{execution_id}/{context}", {"input": step.input}
        else:
            path, body = f"/api/inbox/{execution_id}/{context}/{step.do}", step.input or {}
        status, answer = await self.call("POST", path, body, by=step.by)
        assert status < 300, answer

    async def _open_point(self, execution_id: str, block: str) -> str:
        """The first open point of a block, once its run has paused there."""
        async with asyncio.timeout(LIMIT):
            while True:
                open_points: dict[str, None] = {}
                for event in await self.log(execution_id):
                    data = event["data"]
                    if event["type"] == _OPENING and data["blockId"] == block:
                        open_points[data["contextId"]] = None
                    elif event["type"] in _SETTLING:
                        open_points.pop(data["contextId"], None)
                if open_points:
                    return next(iter(open_points))
                await asyncio.sleep(_LOOK)
