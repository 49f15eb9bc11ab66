"""Server-sent events as a strict client reads them."""

import asyncio
from dataclasses import dataclass, field

import aiohttp

from support.growing_logs import LIMIT


async def read_block(response: aiohttp.ClientResponse) -> dict[bytes, bytes]:
    """The fields up to the next empty line; none at the end of the response."""
    lines = []
    while (line := await response.content.readline()).rstrip(b"\n"):
        lines.append(line.rstrip(b"\n"))
    fields = dict(line.split(b": ", 1) for line in lines)
    assert len(fields) == len(lines), "a field came twice"
    return fields


@dataclass
class FeedStream:
    """A response of a feed. It knows what was read up to now.

    Attributes:
        raws: the events' bytes, in order.
        cursor: the last that came; an ``EventSource`` sends it when it comes back.
        cursors: of the events.
        opened: whether the feed said that it begins here.
        heartbeats: how many came.
    """

    response: aiohttp.ClientResponse
    raws: list[bytes] = field(default_factory=list)
    cursor: str = ""
    cursors: list[str] = field(default_factory=list)
    opened: bool = False
    heartbeats: int = 0

    async def begun(self) -> None:
        """Read until there is a cursor."""
        async with asyncio.timeout(LIMIT):
            while not self.cursor and await self.next():
                pass
        assert self.cursor, f"the feed did not begin: {self.response.status}"

    async def events(self, count: int) -> None:
        """Read until so many events came in all."""
        async with asyncio.timeout(LIMIT):
            while len(self.raws) < count and await self.next():
                pass
        assert len(self.raws) == count, "the feed ended before"

    async def to_end(self) -> None:
        """Read until the server ends the response."""
        async with asyncio.timeout(LIMIT):
            while await self.next():
                pass

    async def next(self) -> bool:
        """Read one frame; tells whether there was any."""
        fields = await read_block(self.response)
        if b"id" in fields:
            self.cursor = fields[b"id"].decode()
        match fields:
            case {b"retry": b"1000"}:
                pass
            case {b"data": b'{"type":"feed:opened"}'}:
                self.opened = True
            case {b"data": data}:
                self.raws.append(data)
                self.cursors.append(self.cursor)
            case {b"": b"heartbeat", b"id": _}:
                self.heartbeats += 1
            case _:
                assert not fields, f"unexpected: {fields}"
        return bool(fields)


@dataclass
class Stream:
    """One response. It knows what was read up to now.

    Attributes:
        ids: of the events, in order.
        raws: their bytes.
        retry: what the server asked for, in milliseconds.
        heartbeats: how many comments came.
        done: whether ``[DONE]`` came.
    """

    response: aiohttp.ClientResponse
    ids: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    retry: int | None = None
    heartbeats: int = 0
    done: bool = False

    async def to_end(self) -> None:
        """Read until the server ends the response."""
        async with asyncio.timeout(LIMIT):
            while await self._block():
                pass

    async def events(self, count: int) -> None:
        """Read until so many events came in all."""
        async with asyncio.timeout(LIMIT):
            while len(self.ids) < count and await self._block():
                pass
        assert len(self.ids) >= count, "the stream ended before"

    async def _block(self) -> bool:
        """Read up to the next empty line; tells whether there was anything."""
        fields = await read_block(self.response)
        self._take(fields)
        return bool(fields)

    def _take(self, fields: dict[bytes, bytes]) -> None:
        rest: dict[bytes, bytes]
        match fields:
            case {b"retry": retry, **rest}:
                self.retry = int(retry)
            case {b"id": event_id, b"data": data, **rest}:
                self.ids.append(int(event_id))
                self.raws.append(data)
            case {b"data": b"[DONE]", **rest}:
                self.done = True
            case {b"": b"heartbeat", **rest}:
                self.heartbeats += 1
            case _:
                rest = fields
        assert not rest, f"unexpected: {rest}"
