"""The rest of what processes reach: an object store, a sandbox, threads, a model, and the world outside."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from random import Random
from typing import Any, Final

from aiohttp import web
from yarl import URL

from signoff.blocks import Context, Registry, block
from signoff.events.errors import BlobError, BlobNotFoundError
from signoff.events.objects import TIMEOUT, Objects
from signoff.sandbox.javascript import JavaScript
from signoff.sandbox.places import Places
from signoff.sandbox.pool import Sandbox
from signoff.sandbox.wire import Answer, Check, Request
from simulation.kernel.processes import CURRENT
from simulation.kernel.trace import Trace
from simulation.world.links import Link
from support.proof.facts import Ran

_QUEUE: Final = 1000

HOOK: Final = "http://outside/hook"
"""Where a hook leads."""


class SimulatedObjects(Objects):
    """An object store behind a line that may fail.

    Args:
        truth: all objects by path, which all processes share.
        link: what lies between.
    """

    def __init__(self, truth: dict[str, bytes], link: Link) -> None:
        self._truth = truth
        self._link = link

    async def write(
        self,
        path: str,
        content: bytes | AsyncIterable[bytes],
        *,
        within: float = TIMEOUT,
    ) -> None:
        """Store an object."""
        whole = content if isinstance(content, bytes) else b"".join([piece async for piece in content])

        async def put() -> None:
            self._truth[path] = whole

        await self._link.call(put)

    async def read(self, path: str) -> bytes:
        """All of an object."""

        async def get() -> bytes | None:
            return self._truth.get(path)

        found: bytes | None = await self._link.call(get)
        if found is None:
            raise BlobNotFoundError(f"{path} is not in the blob store")
        return found

    async def stream(self, path: str, *, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """A part of an object."""
        yield (await self.read(path))[start:end]


def blobs_lost(_: bool) -> Exception:
    """What a caller gets who hears nothing of the object store."""
    return BlobError("the object store does not answer (simulated)")


class SimulatedSandbox(Sandbox):
    """Runs programs in this process, each in a fresh engine, and takes virtual time for it."""

    def __init__(self, random: Random) -> None:
        super().__init__(workers=1, places=Places(usual=1, patience=1.0, queue_limit=_QUEUE, wait_limit=60.0))
        self._random = random

    async def _serve(self, request: Request, workspace: str) -> Answer:
        await asyncio.sleep(0.001 + self._random.random() * 0.02)
        machine = JavaScript()
        return machine.check(request) if isinstance(request, Check) else machine.run(request)


class Outside:
    """The world that blocks act on. It remembers each try, and fails or dawdles now and then.

    Args:
        random: decides when.
        trace: is told of every try.
        owner_of: tells who has the lease for an execution.
        broken: takes what must not be: blocks that a process began for which another had the lease.

    Attributes:
        ran: every try that arrived, in order.
        told: every event that a hook was told of and took, in order.
        failing: of a thousand tries, so many fail.
    """

    def __init__(
        self, random: Random, trace: Trace, owner_of: Callable[[str], str | None], broken: list[str]
    ) -> None:
        self._random = random
        self._trace = trace
        self._owner_of = owner_of
        self.ran: list[Ran] = []
        self.told: list[bytes] = []
        self._broken = broken
        self.failing = 0

    def registry(self) -> Registry:
        """The block type ``act``: does something outside, gives what it was told, ``fail`` times in vain."""

        @block("act")
        async def act(ctx: Context, give: int = 0, fail: int = 0, most: float = 0.3) -> int:
            self._must_own(ctx)
            await self.happen(ctx.idempotency_key, ctx.attempt, most)
            if ctx.attempt <= fail or self._random.randrange(1000) < self.failing:
                raise ValueError("not this time")
            return give

        return Registry([vars(act)["__signoff_block__"]])

    def _must_own(self, ctx: Context) -> None:
        process, owner = CURRENT.get(), self._owner_of(ctx.execution_id)
        if process is not None and owner not in (None, process.name):
            self._broken.append(
                f"{process.name} began {ctx.idempotency_key}, attempt {ctx.attempt}: {owner} had the lease"
            )

    async def happen(self, key: str, attempt: int, most: float) -> None:
        """One try arrives, and is answered later."""
        await asyncio.sleep(self._random.random() * most / 2)
        self._trace.note("outside", f"{key[-24:]} attempt {attempt}")
        self.ran.append(Ran(idempotency_key=key, attempt=attempt))
        await asyncio.sleep(self._random.random() * most / 2)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The same over HTTP, for blocks of type ``api``; which attempt it is, only the log knows."""
        await asyncio.sleep(self._random.random() * 0.1)
        if request.path == URL(HOOK).path:
            return await self._hear(request)
        self._trace.note("outside", f"{request.method} {request.headers.get('Idempotency-Key', '')[-24:]}")
        self.ran.append(Ran(idempotency_key=request.headers["Idempotency-Key"], attempt=0))
        if self._random.randrange(1000) < self.failing:
            return web.json_response({"error": "not now"}, status=503)
        return web.json_response({"done": True})

    async def _hear(self, request: web.BaseRequest) -> web.StreamResponse:
        """A hook is told of an event; what it does not answer well does not count."""
        event = await request.read()
        self._trace.note("outside", f"is told {request.headers['webhook-id'][-24:]}")
        if self._random.randrange(1000) < self.failing:
            return web.json_response({"error": "not now"}, status=503)
        self.told.append(event)
        return web.json_response({})


class NoModel:
    """There is no language model in the simulated world."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"no simulated workflow asks a language model (for {name})")
