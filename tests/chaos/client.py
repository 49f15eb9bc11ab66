"""An honest client: it retries what is safe to retry, under the same key, and notes what it was told."""

import asyncio
import json
import time
from collections import deque
from typing import Any, Final

import aiohttp

from support.proof import Answered, Streamed

LIMIT: Final = 90.0
"""Seconds for which one thing is tried."""

_TRY: Final = aiohttp.ClientTimeout(total=25.0, sock_connect=5.0)
_READ: Final = aiohttp.ClientTimeout(
    total=None, sock_connect=5.0, sock_read=20.0
)  # a heartbeat comes each 15 s
SAFE_TO_RETRY: Final = frozenset({0, 429, 503})
"""Statuses after which the same request is sent again under the same key; 0 is no answer."""

_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 2.0
_REMEMBERED: Final = 100_000


class Client:
    """Asks and reads.

    Args:
        session: to ask by.
        url: the server's base URL.
        key: the API key.

    Attributes:
        answers: what it was told at last about each thing, the latest of them.
        streams: what its readers were given.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        self._session = session
        self._url = url
        self._headers = {"X-API-Key": key}
        self.answers: deque[Answered] = deque(maxlen=_REMEMBERED)
        self.streams: deque[Streamed] = deque(maxlen=_REMEMBERED)

    async def deploy(self, workflow_id: str, definition: object) -> None:
        """Deploy a workflow."""
        answer = await self._ask("PUT", f"/api/workflows/{workflow_id}", definition, key=workflow_id)
        assert answer[0] < 300, answer

    async def start(self, workflow_id: str, ticket: str, *, mode: str = "async") -> Answered:
        """Start an execution; the ticket is its idempotency key."""
        path = f"/api/workflows/{workflow_id}/execute"
        headers = {"X-Execution-Mode": "async"} if mode == "async" else {}
        status, tries, body = await self._ask(
            "POST", path, {"input": {"ticket": ticket}}, key=ticket, headers=headers
        )
        return self._note("start", status, tries, body, key=ticket, execution_id=body.get("executionId"))

    async def resume(self, workflow_id: str, execution_id: str, context_id: str, key: str) -> Answered:
        """Decide."""
        path = f"/api/resume/{workflow_id}/{execution_id}/{context_id}"
        status, tries, body = await self._ask("POST", path, {"approved": True}, key=key)
        return self._note(
            "resume", status, tries, body, key=key, execution_id=execution_id, context_id=context_id
        )

    async def cancel(self, workflow_id: str, execution_id: str, key: str) -> Answered:
        """Cancel."""
        path = f"/api/workflows/{workflow_id}/executions/{execution_id}/cancel"
        status, tries, body = await self._ask("POST", path, {}, key=key)
        return self._note("cancel", status, tries, body, key=key, execution_id=execution_id)

    async def read(self, workflow_id: str, execution_id: str, *, follow: bool = False) -> Streamed:
        """Read a stream to its end, coming back with the last id whenever it breaks off."""
        path = f"/api/workflows/{workflow_id}/executions/{execution_id}/stream"
        frames: list[tuple[int, bytes]] = []
        end, ended, tries, status = time.monotonic() + LIMIT, False, 0, 0
        while not ended and time.monotonic() < end:
            tries += 1
            headers = {**self._headers, **({"Last-Event-ID": str(frames[-1][0])} if frames else {})}
            try:
                async with (
                    asyncio.timeout_at(asyncio.get_running_loop().time() + end - time.monotonic()),
                    self._session.get(
                        self._url + path + "?follow=true" * follow, headers=headers, timeout=_READ
                    ) as response,
                ):
                    status = response.status
                    ended = status == 204 or (status == 200 and await _read_frames(response, frames))
            except (aiohttp.ClientError, TimeoutError):
                status = 0
            if status not in SAFE_TO_RETRY and status not in (200, 204):
                break
            await asyncio.sleep(0 if ended else _PAUSE)
        self._note("stream", status, tries, {}, execution_id=execution_id)
        streamed = Streamed(execution_id=execution_id, frames=frames, ended=ended)
        self.streams.append(streamed)
        return streamed

    def _note(self, kind: str, status: int, tries: int, body: dict[str, Any], **said: Any) -> Answered:
        answer = Answered(kind=kind, status=status, tries=tries, body=body, **said)
        self.answers.append(answer)
        return answer

    async def _ask(
        self, method: str, path: str, body: object, *, key: str, headers: dict[str, str] | None = None
    ) -> tuple[int, int, dict[str, Any]]:
        """Send something until it is answered; gives the status, how often it was sent, and the JSON."""
        given = {**self._headers, **(headers or {}), "Idempotency-Key": key}
        end, tries = time.monotonic() + LIMIT, 0
        while True:
            tries += 1
            pause = _PAUSE
            status, said = 0, {}
            try:
                async with self._session.request(
                    method, self._url + path, json=body, headers=given, timeout=_TRY
                ) as response:
                    said = await response.json()
                    status = response.status
                    pause = float(response.headers.get("Retry-After", pause))
            except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
                pass  # no answer: under its key it may be sent again
            if status not in SAFE_TO_RETRY or time.monotonic() > end:
                return status, tries, said
            await asyncio.sleep(min(pause, _LONGEST_PAUSE))


async def _read_frames(response: aiohttp.ClientResponse, frames: list[tuple[int, bytes]]) -> bool:
    """Add what comes, each event by its id; tells whether the stream said that it is over."""
    event_id = 0
    async for line in response.content:
        name, _, value = line.rstrip(b"\n").partition(b": ")
        if name == b"id":
            event_id = int(value)
        elif name == b"data" and value == b"[DONE]":
            return True
        elif name == b"data":
            frames.append((event_id, value))
    return False
