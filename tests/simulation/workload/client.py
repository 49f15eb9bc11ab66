"""An honest client: it retries what is safe to retry, under the same key, and notes what it was told."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final
from uuid import UUID

import aiohttp

from simulation.workload.followed import Followed
from simulation.world.network import Connector, Network
from simulation.world.services import KEY
from support.proof import Answered, Streamed

_GATEWAYS: Final = ("gateway-1", "gateway-2")
_STREAMS: Final = ("stream-1", "stream-2")
_TRY: Final = aiohttp.ClientTimeout(total=20.0)
_READ: Final = aiohttp.ClientTimeout(total=None, sock_read=20.0)
_UNSETTLED: Final = frozenset({0, 429, 503})
_PAUSE: Final = 0.5
_FAILED: Final = 500
_AWAY: Final = 503
_DONE: Final = b'data: "[DONE]"\n\n'
_MODES: Final[Mapping[str, dict[str, str]]] = {
    "sync": {}, "async": {"X-Execution-Mode": "async"}, "stream": {"X-Stream-Response": "true"},
}  # fmt: skip
"""The headers that ask for each mode."""


class Client:
    """Everybody outside who asks for something.

    Args:
        network: reaches the services.
        random: decides whom to ask, and how long to wait.

    Attributes:
        answers: what was told at last about each thing.
        streams: what readers were given.
        followed: the same of feeds.
        faulty: answers that no client may get, whatever is away.
        gone: set when nobody tries anything any more.
    """

    def __init__(self, network: Network, random: Random) -> None:
        self._session = aiohttp.ClientSession(connector=Connector(network))
        self._random = random
        self._keys = [KEY]
        self.answers: list[Answered] = []
        self.streams: list[Streamed] = []
        self.followed: list[Followed] = []
        self.faulty: list[str] = []
        self.gone = asyncio.Event()

    def has_read(self, heads: Mapping[UUID, int]) -> bool:
        """Whether every reader has been given all that the logs hold."""
        return all(
            bool(each.frames) and each.frames[-1][0] >= heads.get(UUID(each.execution_id), 0)
            for each in self.streams
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def deploy(self, name: str, definition: object) -> None:
        """Deploy a workflow."""
        status, _, body = await self._ask("PUT", f"/api/workflows/{name}", definition, key=f"deploy {name}")
        assert status < 300, (status, body)

    async def make_keys(self, count: int) -> None:
        """Make API keys for several who decide."""
        for number in range(count):
            body = {"name": f"decider {number}", "roles": ["write", "approver"]}
            status, _, made = await self._ask("POST", "/api/keys", body, key=f"key {number}")
            assert status < 300, (status, made)
            self._keys.append(made["key"])

    async def start(
        self, workflow: str, ticket: str, amount: int, *, mode: str, keyed: bool, patience: float | None
    ) -> Answered:
        """Start an execution; the ticket is its key, if it has one.

        Args:
            mode: ``sync``, ``async`` or ``stream``.
            patience: seconds after which the client gives up on an answer, once.
        """
        headers = _MODES[mode]
        status, tries, body = await self._ask(
            "POST", f"/api/workflows/{workflow}/execute", {"input": {"ticket": ticket, "amount": amount}},
            key=ticket if keyed else None, headers=headers, patience=patience,
        )  # fmt: skip
        return self._note(
            "start", status, tries, body, key=ticket if keyed else None, execution_id=body.get("executionId")
        )

    async def resume(self, workflow: str, execution_id: str, context_id: str, key: str) -> Answered:
        """Decide on a pause point, as one of those who may."""
        path = f"/api/resume/{workflow}/{execution_id}/{context_id}"
        status, tries, body = await self._ask(
            "POST", path, {"approved": True}, key=key, by=self._random.choice(self._keys)
        )
        return self._note(
            "resume", status, tries, body, key=key, execution_id=execution_id, context_id=context_id
        )

    async def cancel(self, workflow: str, execution_id: str, key: str) -> Answered:
        """Cancel an execution."""
        path = f"/api/workflows/{workflow}/executions/{execution_id}/cancel"
        status, tries, body = await self._ask("POST", path, {}, key=key)
        return self._note("cancel", status, tries, body, key=key, execution_id=execution_id)

    async def retry(self, execution_id: str, key: str) -> Answered:
        """Try a failed execution again."""
        path = f"/api/executions/{execution_id}/retry"
        status, tries, body = await self._ask("POST", path, {}, key=key)
        return self._note("retry", status, tries, body, key=key, execution_id=execution_id)

    async def resume_all(self, points: Sequence[tuple[str, str]], key: str) -> None:
        """Decide on several pause points, by their executions and contexts, in one request."""
        wanted = [
            {"executionId": execution_id, "contextId": context_id, "input": {"approved": True}}
            for execution_id, context_id in points
        ]
        asked, tries, results = {"decisions": wanted}, 0, list[dict[str, Any]]()
        unknown = True
        while unknown and not self.gone.is_set():
            status, tried, body = await self._ask("POST", "/api/inbox/decisions", asked, key=key)
            tries, results = tries + tried, body.get("results", []) if status == 200 else []
            unknown = any(each["httpStatus"] in _UNSETTLED for each in results)
            await asyncio.sleep(self._random.random() * _PAUSE if unknown else 0)
        for each in results:
            told = {"executionId": each["runId"]} if "runId" in each else each
            self._note(
                "resume", each["httpStatus"], tries, told, key=key,
                execution_id=each["executionId"], context_id=each["contextId"],
            )  # fmt: skip

    async def hook(self, url: str) -> None:
        """Have a URL told of what happens."""
        status, _, body = await self._ask("POST", "/api/hooks", {"url": url}, key="hook")
        assert status < 300, (status, body)

    async def look(self, path: str) -> None:
        """Ask a gateway for something, once."""
        await self._ask("GET", path, None, key=None)

    async def follow(self, types: str) -> None:
        """Follow what happens everywhere, for ever, coming back with the last id whenever it breaks off.

        Args:
            types: of events; empty: all.
        """
        followed = Followed(types=types, frames=[])
        self.followed.append(followed)
        path = f"/api/stream?types={types}" if types else "/api/stream"
        while not self.gone.is_set():
            await self._follow_once(path, followed)
            await asyncio.sleep(self._random.random() * _PAUSE)

    async def _follow_once(self, path: str, followed: Followed) -> None:
        headers = {"X-API-Key": KEY, **({"Last-Event-ID": followed.cursor} if followed.cursor else {})}
        host = self._random.choice(_STREAMS)
        try:
            async with self._session.get(f"http://{host}{path}", headers=headers, timeout=_READ) as response:
                self._judge(response.method, path, response, {})
                if response.status == 200:
                    await followed.take_all(response.content)
        except (aiohttp.ClientError, TimeoutError):
            return

    async def read(self, workflow: str, execution_id: str, *, begins_in: float) -> Streamed:
        """Follow a stream to its end, coming back with the last id whenever it breaks off.

        Args:
            begins_in: seconds until it begins.
        """
        path = f"/api/workflows/{workflow}/executions/{execution_id}/stream?follow=true"
        streamed = Streamed(execution_id=execution_id, frames=[])
        self.streams.append(streamed)
        await asyncio.sleep(begins_in)
        ended = False
        while not ended and not self.gone.is_set():
            ended = await self._read_once(path, streamed.frames)
            await asyncio.sleep(0 if ended else self._random.random() * _PAUSE)
        return streamed

    async def _read_once(self, path: str, frames: list[tuple[int, bytes]]) -> bool:
        headers = {"X-API-Key": KEY, **({"Last-Event-ID": str(frames[-1][0])} if frames else {})}
        host = self._random.choice(_STREAMS)
        try:
            async with self._session.get(f"http://{host}{path}", headers=headers, timeout=_READ) as response:
                self._judge(response.method, path, response, {})
                if response.status == 204:
                    return True
                return response.status == 200 and await _take_frames(response, frames)
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _note(self, kind: str, status: int, tries: int, body: dict[str, Any], **said: Any) -> Answered:
        answer = Answered(kind=kind, status=status, tries=tries, body=body, **said)
        self.answers.append(answer)
        return answer

    async def _ask(
        self,
        method: str,
        path: str,
        body: object,
        *,
        key: str | None,
        headers: dict[str, str] | None = None,
        patience: float | None = None,
        by: str = KEY,
    ) -> tuple[int, int, dict[str, Any]]:
        """Send something until it is answered, or once if it has no key; gives status, tries and JSON."""
        given = {"X-API-Key": by, **(headers or {}), **({} if key is None else {"Idempotency-Key": key})}
        limit, tries = _TRY if patience is None else aiohttp.ClientTimeout(total=patience), 0
        while True:
            tries += 1
            status, said = 0, {}
            host = self._random.choice(_GATEWAYS)
            try:
                async with self._session.request(
                    method, f"http://{host}{path}", json=body, headers=given, timeout=limit
                ) as response:
                    raw = await response.read()
                    said = _said(response, raw)
                    status = response.status
                    self._judge(method, path, response, said)
            except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
                limit = _TRY  # no answer: under its key it may be sent again
            if status not in _UNSETTLED or key is None or self.gone.is_set():
                return status, tries, said
            await asyncio.sleep(self._random.random() * _PAUSE)

    def _judge(
        self, method: str, path: str, response: aiohttp.ClientResponse, said: Mapping[str, Any]
    ) -> None:
        """Note a failure that is no run's own, and a refusal that does not say when to come back."""
        status = response.status
        of_a_run = status == _FAILED and said.get("success") is False
        if status >= _FAILED and not of_a_run and (status != _AWAY or "Retry-After" not in response.headers):
            self.faulty.append(f"{method} {path} was answered {status}: {said}")


def _said(response: aiohttp.ClientResponse, raw: bytes) -> dict[str, Any]:
    """The JSON of an answer; of a stream of chunks, its execution, once it was told how that ended."""
    if response.content_type == "text/event-stream":
        if not raw.endswith(_DONE):
            raise aiohttp.ClientPayloadError("the stream ends before its end")
        return {"executionId": response.headers["X-Execution-Id"]}
    said: dict[str, Any] = json.loads(raw) if response.content_type == "application/json" else {}
    return said


async def _take_frames(response: aiohttp.ClientResponse, frames: list[tuple[int, bytes]]) -> bool:
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
