"""A proxy of HTTP that damages what passes, and fills silence with heartbeats in no time.

It knows streams: it takes them apart at their empty lines, and a damage says what becomes of each piece.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

BEAT = 0.4
"""Seconds of silence after which the proxy sends a heartbeat, in place of the server's 15."""

_END = b"\n\n"
_PER_CONNECTION = {
    "connection",
    "host",
    "transfer-encoding",
    "content-length",
    "keep-alive",
    "date",
    "server",
}


@dataclass
class Passing:
    """One request on its way.

    Attributes:
        method: of HTTP.
        path: of it.
        query: of it; a damage may change it.
        headers: of it; the same.
        number: how many requests came before.
        events: how many events of its stream have passed.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    number: int
    events: int = 0

    @property
    def is_feed(self) -> bool:
        return self.path == "/api/stream"

    @property
    def is_stream(self) -> bool:
        return self.path.endswith("/stream") and not self.is_feed


@dataclass
class Answered:
    """What is answered to it: a damage may change it."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


def _pass_on(_: Passing, block: bytes) -> list[bytes]:
    return [block]


def _leave(_: object) -> None:
    return


def _leave_answer(_: Passing, __: Answered) -> None:
    return


@dataclass(frozen=True)
class Damage:
    """What happens on the way. Nothing, unless it is said.

    Attributes:
        request: changes a request before it is passed on.
        answer: changes an answer that is no stream, and the head of one that is.
        block: what becomes of a piece of a stream, its empty line included.
        late: seconds that a piece is held back.
        beat: what is sent in silence, given the last id that passed.
        beats_after: seconds of silence after which.
    """

    request: Callable[[Passing], None] = _leave
    answer: Callable[[Passing, Answered], None] = _leave_answer
    block: Callable[[Passing, bytes], list[bytes]] = _pass_on
    late: Callable[[Passing, bytes], float] = field(default=lambda _, __: 0.0)
    beat: Callable[[Passing, bytes], bytes] = field(
        default=lambda passing, last: (
            b": heartbeat\nid: %b\n\n" % last if passing.is_feed else b": heartbeat\n\n"
        )
    )
    beats_after: float = BEAT


@asynccontextmanager
async def damaging(target: str, damage: Damage) -> AsyncIterator[str]:
    """Run a proxy before a server; gives its base URL.

    Args:
        target: the server's base URL.
        damage: done to what passes.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False) as session:
        proxy = _Proxy(session, target, damage)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", proxy.serve)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


class _Proxy:
    def __init__(self, session: aiohttp.ClientSession, target: str, damage: Damage) -> None:
        self._session = session
        self._target = target
        self._damage = damage
        self._count = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        passing = Passing(
            request.method, request.path, dict(request.query), _without_own(request.headers), self._count
        )
        self._count += 1
        self._damage.request(passing)
        async with self._session.request(
            passing.method,
            self._target + passing.path,
            params=passing.query,
            headers=passing.headers,
            data=await request.read() or None,
        ) as answer:
            answered = Answered(answer.status, _without_own(answer.headers))
            is_open = answer.content_type == "text/event-stream" and request.method == "GET"
            if not is_open:
                answered.body = await answer.read()
            self._damage.answer(passing, answered)
            if not is_open:
                return web.Response(
                    status=answered.status, headers=answered.headers, body=answered.body or None
                )
            response = web.StreamResponse(status=answered.status, headers=answered.headers)
            await response.prepare(request)
            await self._pass_blocks(passing, answer, response)
            return response

    async def _pass_blocks(
        self, passing: Passing, answer: aiohttp.ClientResponse, response: web.StreamResponse
    ) -> None:
        rest, last = b"", b""
        while True:
            try:
                async with asyncio.timeout(self._damage.beats_after):
                    received = await answer.content.readany()
            except TimeoutError:
                if beat := self._damage.beat(passing, last):
                    await response.write(beat)
                continue
            *blocks, rest = (rest + received).split(_END)
            for block in blocks:
                last = _id_of(block) or last
                await asyncio.sleep(self._damage.late(passing, block))
                for piece in self._damage.block(passing, block + _END):
                    await response.write(piece)
                passing.events += b'"eventId"' in block
            if not received:
                return


def _without_own(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _PER_CONNECTION}


def _id_of(block: bytes) -> bytes:
    return next((line[4:] for line in block.split(b"\n") if line.startswith(b"id: ")), b"")
