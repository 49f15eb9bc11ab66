"""Server-sent events as a strict client reads them."""

import asyncio
from dataclasses import dataclass, field

import aiohttp

from support.growing_logs import LIMIT


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
        lines = []
        while (line := await self.response.content.readline()).rstrip(b"\n"):
            lines.append(line.rstrip(b"\n"))
        fields = dict(line.split(b": ", 1) for line in lines)
        assert len(fields) == len(lines), "a field came twice"
        self._take(fields)
        return bool(lines)

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
