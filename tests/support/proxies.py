"""A TCP proxy before any server, which loses, holds up and slows what passes.

It works in a thread of its own, so that it serves this process and any other, also while a test waits:

    with Proxy(postgres.port) as proxy:
        url = proxy.url(postgres.url("signoff"))       # the server's URL, led through the proxy
        proxy.cut()                                    # every connection is reset, new ones are welcome
        with proxy.refusing(): ...                     # reset, and new ones are refused
        with proxy.stalled(): ...                      # accepted and alive, and nothing arrives
        with proxy.stalled(up=False): ...              # only answers are missing
        with proxy.slowed(latency=0.2, rate=50_000): ...
        proxy.switch(other.port)                       # new connections lead elsewhere

Each of the three `with` ends by itself what it began, and what is held up then goes on where it was: nothing
is lost but by ``cut`` and ``refusing``. Kafka tells its clients where to come back to, and so needs to know:

    with Proxy(unused_port()) as proxy:                # before an own listener of the broker's
        broker = Kafka(folder, port=…, controller_port=…, detours={proxy.target: proxy.port})
        bus = KafkaBus(proxy.address)                  # broker.bootstrap still is the straight way
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from support.ports import unused_port

_CHUNK: Final = 65_536
_CALL_LIMIT: Final = 20.0
_CONNECT_LIMIT: Final = 15.0
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER for no seconds, see socket(7)

Result = TypeVar("Result")


class _Direction:
    """How bytes of one direction pass: whether, at how many bytes a second, after how many seconds."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.rate: float | None = None
        self.latency = 0.0

    async def admit(self, size: int) -> None:
        await asyncio.sleep(self.latency + (size / self.rate if self.rate else 0.0))
        await self.open.wait()


class Proxy:
    """Leads connections to a port of this machine on to another.

    Args:
        target: the port on 127.0.0.1 that it leads to.
        port: where it listens on 127.0.0.1; a free one is taken when none is given.

    Attributes:
        port: where it listens.
        target: the port that new connections lead to.
        accepted: connections that it has accepted so far.
    """

    def __init__(self, target: int, *, port: int | None = None) -> None:
        self.port = port or unused_port(taken={target})
        self.accepted = 0
        self.target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy of {target}")
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._up = _Direction()
        self._down = _Direction()

    @property
    def address(self) -> str:
        """``127.0.0.1:<port>``."""
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many lead through it now."""
        return self._call(self._count)

    def url(self, url: str) -> str:
        """A URL of the server, led through this proxy."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{user}@{self.address}" if user else self.address).geturl()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._refuse)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_LIMIT)
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection, on both sides; new ones are served."""
        self._call(self._cut)

    def switch(self, target: int) -> None:
        """Lead new connections to another port; `cut` ends the old ones."""
        self.target = target

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Reset every connection, and refuse new ones."""
        self._call(self._refuse)
        try:
            yield
        finally:
            self._call(self._listen)

    @contextmanager
    def stalled(self, *, up: bool = True, down: bool = True) -> Iterator[None]:
        """Keep all connections, accept new ones, and let nothing pass.

        Args:
            up: nothing passes to the server.
            down: nothing passes from the server.
        """
        chosen = self._chosen(up=up, down=down)
        self._call(_each(chosen, lambda way: way.open.clear()))
        try:
            yield
        finally:
            self._call(_each(chosen, lambda way: way.open.set()))

    @contextmanager
    def slowed(
        self, *, rate: float | None = None, latency: float = 0.0, up: bool = True, down: bool = True
    ) -> Iterator[None]:
        """Let bytes pass late.

        Args:
            rate: bytes a second, for each connection and direction.
            latency: seconds that each piece of at most 64 KiB waits, those behind it too.
            up: to the server.
            down: from the server.
        """

        def slow(way: _Direction) -> None:
            way.rate, way.latency = rate, latency

        def speed_up(way: _Direction) -> None:
            way.rate, way.latency = None, 0.0

        chosen = self._chosen(up=up, down=down)
        self._call(_each(chosen, slow))
        try:
            yield
        finally:
            self._call(_each(chosen, speed_up))

    def _chosen(self, *, up: bool, down: bool) -> list[_Direction]:
        return [way for way, wanted in ((self._up, up), (self._down, down)) if wanted]

    def _call(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(_CALL_LIMIT)

    # In the thread of its own -------------------------------------------------------------------------

    async def _count(self) -> int:
        return len(self._links)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_CHUNK)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut()

    async def _cut(self) -> None:
        links = dict(self._links)
        for link, ends in links.items():
            for end in ends:
                _reset(end)
            link.cancel()
        if links:
            await asyncio.wait(links)

    async def _serve(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        link = asyncio.current_task()
        assert link is not None
        self.accepted += 1
        ends = self._links[link] = [near]
        try:
            async with asyncio.timeout(_CONNECT_LIMIT):
                far_reader, far = await asyncio.open_connection("127.0.0.1", self.target, limit=_CHUNK)
            ends.append(far)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(near_reader, far, self._up))
                pumps.create_task(_pump(far_reader, near, self._down))
        except* OSError:
            for end in ends:
                _reset(end)  # one side broke off, or is not there: so the other one sees it
        except* asyncio.CancelledError:
            pass  # cut
        finally:
            for end in ends:
                end.close()
            del self._links[link]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: _Direction) -> None:
    while data := await reader.read(_CHUNK):
        await way.admit(len(data))
        writer.write(data)
        await writer.drain()
    await way.open.wait()
    with suppress(OSError):  # the other side has ended as well
        writer.write_eof()


def _reset(end: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN, whatever is still to be sent."""
    with suppress(OSError):  # closed already
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    end.transport.abort()


def _each(
    ways: list[_Direction], change: Callable[[_Direction], None]
) -> Callable[[], Coroutine[Any, Any, None]]:
    async def work() -> None:
        for way in ways:
            change(way)

    return work
