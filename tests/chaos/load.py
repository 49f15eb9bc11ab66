"""A steady load of honest clients, in a thread of its own, whatever happens to the servers meanwhile."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import aiohttp
from msgspec import Struct

from chaos.client import LIMIT, SAFE_TO_RETRY, Client
from chaos.desk import Desk
from chaos.workflows import workflows
from support.proof import Answered, Facts

_PAUSE: Final = 0.4
_POLL: Final = 0.05
_EXPECTED: Final = {
    "start": {200, 202},
    "resume": {200, 202, 409},
    "cancel": {200, 409},
    "stream": {200, 204},
}


class Flow(Struct, frozen=True):
    """Something that a client did from its beginning to its end. Times are ``time.monotonic()``."""

    kind: str
    begun: float
    ended: float


class Load:
    """Clients that start, decide, cancel and follow executions until they are told to stop.

    Args:
        url: the server's base URL.
        key: the API key.

    Attributes:
        flows: what came to its end.
        desk: what blocks did outside.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self.flows: list[Flow] = []
        self.desk = Desk()
        self._client: Client | None = None
        self._going = True
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(LIMIT)
        self._check()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Begin nothing more, and wait until all that was begun has come to its end."""
        self._going = False
        self._thread.join(3 * LIMIT)
        assert not self._thread.is_alive(), "the clients do not come to an end"
        self._check()

    def await_progress(self, *, limit: float = 45.0) -> float:
        """Wait until clients of each kind got through with something that they begin from now on.

        Returns:
            Seconds that this took.

        Raises:
            AssertionError: They do not within ``limit`` seconds.
        """
        begun = time.monotonic()
        while missing := _KINDS.keys() - {flow.kind for flow in self.flows if flow.begun >= begun}:
            self._check()
            assert time.monotonic() < begun + limit, f"no {', '.join(missing)} for {limit} s"
            time.sleep(_POLL)
        return time.monotonic() - begun

    def facts(self) -> Facts:
        """What clients and the outside have seen until now."""
        assert self._client is not None
        return Facts(
            answers=list(self._client.answers), streams=list(self._client.streams), runs=list(self.desk.runs)
        )

    def unexpected(self) -> list[Answered]:
        """Answers that are neither an effect, nor a refusal that can be right, nor safe to retry."""
        return [
            answer
            for answer in self.facts().answers
            if answer.status not in _EXPECTED[answer.kind] and answer.status not in SAFE_TO_RETRY
        ]

    def _check(self) -> None:
        if self._failure is not None:
            raise AssertionError("a client failed") from self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001 - told to whoever waits, in the other thread
            self._failure = error
        finally:
            self._ready.set()

    async def _work(self) -> None:
        await self.desk.open()
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                self._client = Client(session, self._url, self._key)
                for name, definition in workflows(self.desk.url).items():
                    await self._client.deploy(name, definition)
                self._ready.set()
                async with asyncio.TaskGroup() as clients:
                    for kind, flow in _KINDS.items():
                        clients.create_task(self._repeat(kind, flow, self._client))
        finally:
            await self.desk.close()

    async def _repeat(
        self, kind: str, flow: Callable[[Client, str], Awaitable[bool]], client: Client
    ) -> None:
        for number in count():
            if not self._going:
                return
            begun = time.monotonic()
            if await flow(client, f"{kind}-{number}-{uuid4()}"):
                self.flows.append(Flow(kind, begun, time.monotonic()))
            await asyncio.sleep(_PAUSE)


async def _plain(client: Client, ticket: str) -> bool:
    return (await client.start("chaos-plain", ticket, mode="sync")).status == 200


async def _fan(client: Client, ticket: str) -> bool:
    started = await client.start("chaos-fan", ticket)
    return started.status == 202 and (await client.read("chaos-fan", str(started.execution_id))).ended


async def _approval(client: Client, ticket: str) -> bool:
    """Two people decide at the same time, while another one follows the execution to its end."""
    started = await client.start("chaos-approval", ticket)
    if started.status != 202:
        return False
    execution_id = str(started.execution_id)
    following = asyncio.create_task(client.read("chaos-approval", execution_id, follow=True))
    await client.read("chaos-approval", execution_id)
    await asyncio.gather(
        *(client.resume("chaos-approval", execution_id, "ask", f"{ticket}-{n}") for n in range(2))
    )
    return (await following).ended


async def _two(client: Client, ticket: str) -> bool:
    """Two points are decided at the same time: one of the runs queues behind the other."""
    started = await client.start("chaos-two", ticket)
    if started.status != 202:
        return False
    execution_id = str(started.execution_id)
    await client.read("chaos-two", execution_id)
    await asyncio.gather(
        *(client.resume("chaos-two", execution_id, side, f"{ticket}-{side}") for side in ("left", "right"))
    )
    return (await client.read("chaos-two", execution_id, follow=True)).ended


async def _family(client: Client, ticket: str) -> bool:
    """A decision in a child lets its parent go on."""
    started = await client.start("chaos-family", ticket)
    if started.status != 202:
        return False
    execution_id = str(started.execution_id)
    seen = await client.read("chaos-family", execution_id)
    child = next((child for _, data in seen.frames if (child := _called(data)) is not None), None)
    if child is None:
        return False
    await client.resume("chaos-approval", child, "ask", f"{ticket}-child")
    return (await client.read("chaos-family", execution_id, follow=True)).ended


def _called(data: bytes) -> str | None:
    event: dict[str, Any] = json.loads(data)
    return str(event["data"]["childExecutionId"]) if event["type"] == "child:called" else None


async def _cancel(client: Client, ticket: str) -> bool:
    """Somebody thinks better of it at once."""
    started = await client.start("chaos-approval", ticket)
    if started.status != 202:
        return False
    execution_id = str(started.execution_id)
    await client.cancel("chaos-approval", execution_id, f"{ticket}-cancel")
    return (await client.read("chaos-approval", execution_id, follow=True)).ended


_KINDS: Final[Mapping[str, Callable[[Client, str], Awaitable[bool]]]] = {
    "plain": _plain,
    "fan": _fan,
    "approval": _approval,
    "two": _two,
    "family": _family,
    "cancel": _cancel,
}
