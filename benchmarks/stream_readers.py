"""Readers of streams, a process of its own: `python -m benchmarks.stream_readers`, led by lines of JSON.

It reads raw bytes, so that it is not what is slow, and looks at every frame: whether it is the one that
follows, and whether its bytes are those that were written.
"""

import asyncio
import re
import sys
import time
import zlib
from typing import Final, cast

import msgspec
import uvloop
from msgspec import Struct

_FRAME: Final = re.compile(rb"id: ([^\n]+)\ndata: ([^\n]+)$")
_PLACE: Final = re.compile(rb'"eventId":(\d+),"executionId":"([^"]+)"')
_LIMIT: Final = 120.0


class Wanted(Struct, frozen=True, kw_only=True):
    """A stream to read.

    Attributes:
        path: with its query.
        executions: whose events it has.
        feed: it is one.
    """

    path: str
    executions: list[str]
    feed: bool = False


class Order(Struct, frozen=True, kw_only=True):
    """What to do next.

    Attributes:
        open: streams to open, and to wait for.
        drop: cut all off, and come back at once with the ``Last-Event-ID`` of each.
        expect: the last event and the checksum of each execution: wait until every stream has it, and tell
            how every stream has done.
        forget: delays up to now do not count.
        port: of the service, with the first order.
        key: the same.
    """

    port: int = 0
    key: str = ""
    open: list[Wanted] = []
    drop: bool = False
    expect: dict[str, tuple[int, int]] | None = None
    forget: bool = False


class Done(Struct, frozen=True, kw_only=True):
    """What became of an order.

    Attributes:
        seconds: until it was done.
        cpu: of this process since it began.
        frames: that came, in all.
        out_of_order: frames that were not the ones that follow.
        other_bytes: executions, once for each of their readers, whose bytes were not those written.
        behind: streams that do not have all that was written, when the time was up.
        arrivals: of ``expect``: when each frame came, by execution and event, seconds of the monotonic clock.
        refused: answers that were not 200.
    """

    seconds: float
    cpu: float
    frames: int = 0
    out_of_order: int = 0
    other_bytes: int = 0
    behind: int = 0
    refused: int = 0
    arrivals: list[tuple[str, int, float]] = []


class Reader(asyncio.Protocol):
    """One stream, over all its connections."""

    def __init__(self, readers: "Readers", wanted: Wanted) -> None:
        self.last: dict[str, int] = {}
        self.checksum: dict[str, int] = {}
        self.cursor = ""
        self.wanted = wanted
        self._readers = readers
        self._rest = b""
        self._opened: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    async def connect(self) -> None:
        """Open the stream, after what it has."""
        loop = asyncio.get_running_loop()
        self._rest, self._opened = b"", loop.create_future()
        await loop.create_connection(lambda: self, "127.0.0.1", self._readers.port)
        await self._opened

    def drop(self) -> None:
        """Cut it off."""
        assert self._transport is not None
        transport, self._transport = self._transport, None
        transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio says that it is connected."""
        self._transport = cast("asyncio.Transport", transport)
        lines = [f"GET {self.wanted.path} HTTP/1.1", "Host: 127.0.0.1", f"X-API-Key: {self._readers.key}"]
        if self.cursor:
            lines.append(f"Last-Event-ID: {self.cursor}")
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def data_received(self, data: bytes) -> None:
        """Asyncio brings some bytes."""
        if self._transport is None:
            return
        if self._opened is not None and not self._opened.done():
            self._open(data)
        # Chunks end where frames end: their lengths stand before frames, and in none.
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        now = time.monotonic()
        for block in blocks:
            if (found := _FRAME.search(block)) is not None:
                self._take(found[1], found[2], now)

    def connection_lost(self, error: Exception | None) -> None:
        """Asyncio says that the server is gone."""
        if self._transport is not None:
            self._readers.lost.append(f"{self.wanted.path}: cut off by the server ({error})")

    def _open(self, data: bytes) -> None:
        assert self._opened is not None
        if not data.startswith(b"HTTP/1.1 200"):
            self._readers.refused += 1
        self._opened.set_result(None)

    def _take(self, cursor: bytes, data: bytes, now: float) -> None:
        self.cursor = cursor.decode()
        place = _PLACE.search(data)
        if place is None:
            return  # that a feed opened
        number, execution = int(place[1]), place[2].decode()
        readers = self._readers
        readers.frames += 1
        readers.out_of_order += number != self.last.get(execution, 0) + 1
        if not self.wanted.feed:
            readers.out_of_order += cursor != place[1]
        self.last[execution] = number
        self.checksum[execution] = zlib.crc32(data, self.checksum.get(execution, 0))
        readers.arrivals.append((execution, number, now))


class Readers:
    """All of them, and what they found together."""

    def __init__(self) -> None:
        self.port = 0
        self.key = ""
        self.frames = self.out_of_order = self.refused = 0
        self.arrivals: list[tuple[str, int, float]] = []
        self.lost: list[str] = []
        self._all: list[Reader] = []

    async def obey(self, order: Order) -> Done:
        """Do what is said."""
        begun, behind, other = time.monotonic(), 0, 0
        self.port, self.key = order.port or self.port, order.key or self.key
        if order.forget:
            self.arrivals.clear()
        if order.drop:
            for reader in self._all:
                reader.drop()
            await asyncio.gather(*(reader.connect() for reader in self._all))
        if order.open:
            new = [Reader(self, wanted) for wanted in order.open]
            self._all += new
            for at in range(0, len(new), 100):
                await asyncio.gather(*(reader.connect() for reader in new[at : at + 100]))
        if order.expect is not None:
            behind = await self._caught_up(order.expect)
            other = self._other_bytes(order.expect)
        if self.lost:
            raise ConnectionError(self.lost[0])
        return Done(
            seconds=time.monotonic() - begun,
            cpu=time.process_time(),
            frames=self.frames,
            out_of_order=self.out_of_order,
            other_bytes=other,
            behind=behind,
            refused=self.refused,
            arrivals=self.arrivals if order.expect is not None else [],
        )

    async def _caught_up(self, expect: dict[str, tuple[int, int]]) -> int:
        ends = time.monotonic() + _LIMIT
        while True:
            behind = sum(self._is_behind(reader, expect) for reader in self._all)
            if not behind or time.monotonic() > ends:
                return behind
            await asyncio.sleep(0.05)

    @staticmethod
    def _is_behind(reader: Reader, expect: dict[str, tuple[int, int]]) -> bool:
        return any(reader.last.get(name) != expect[name][0] for name in reader.wanted.executions)

    def _other_bytes(self, expect: dict[str, tuple[int, int]]) -> int:
        return sum(
            reader.checksum.get(name) != expect[name][1]
            for reader in self._all
            for name in reader.wanted.executions
        )


async def _work() -> None:
    """Obey a line at a time, and read streams while there is none."""
    readers, loop = Readers(), asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        done = await asyncio.wait_for(readers.obey(msgspec.json.decode(line, type=Order)), 2 * _LIMIT)
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(_work())
