"""What the reader of a feed was given, event by event as an ``EventSource`` takes them."""

from typing import Final

from aiohttp import StreamReader
from msgspec import Struct

_OPENED: Final = b'{"type":"feed:opened"}'


class Followed(Struct, kw_only=True):
    """What one reader was given over all its connections.

    Attributes:
        types: of the events that it asked for, such as ``execution:*``; empty: all.
        frames: their bytes, in order.
        cursor: where it goes on.
    """

    types: str
    frames: list[bytes]
    cursor: str = ""

    async def take_all(self, lines: StreamReader) -> None:
        """Take what comes; an event counts, with its id, once the empty line behind it is there."""
        cursor, data = self.cursor, b""
        async for line in lines:
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if name == b"id":
                cursor = value.decode()
            elif name == b"data":
                data = value
            elif line == b"\n":
                self.cursor = cursor
                if data not in (b"", _OPENED):
                    self.frames.append(data)
                data = b""
