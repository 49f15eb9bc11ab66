"""Sends bytes, and reads what comes back, within a limit; knows just enough of HTTP for that."""

import asyncio
from dataclasses import dataclass
from typing import Final

LIMIT: Final = 60.0
"""Seconds within which an answer must have come, or the end of the connection."""

_PATIENCE: Final = 0.2
"""Seconds after which a request that may be incomplete is told to be all."""

_MOST: Final = 64 * 1024 * 1024


class NoAnswerError(Exception):
    """Neither an answer came within the limit, nor the end of the connection."""


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` is 0 where the connection ended without an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def streamed(self) -> bool:
        """Whether it is a stream, of which only the beginning was read."""
        return self.headers.get("content-type", "").startswith("text/event-stream")


_NOTHING: Final = Answer(0, {}, b"")


class Caller:
    """Calls a server, over one connection for as long as that lasts.

    Args:
        host: of the server.
        port: of it.
    """

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, raw: bytes, *, head: bool = False) -> Answer:
        """Send a request that is rightly framed.

        Args:
            raw: its bytes.
            head: an answer to it has no body.

        Raises:
            NoAnswerError: none came in time.
        """
        fresh = self._open is None
        answer = await self._within(raw, head=head, last=False)
        if answer is _NOTHING and not fresh:  # an answer before may have ended the connection after it
            answer = await self._within(raw, head=head, last=False)
        return answer

    async def throw(self, raw: bytes) -> Answer:
        """Send bytes of any kind over a connection of their own, which they end.

        Raises:
            NoAnswerError: nothing happened in time.
        """
        await self.close()
        try:
            return await self._within(raw, head=raw.startswith(b"HEAD"), last=True)
        finally:
            await self.close()

    async def close(self) -> None:
        """End the connection."""
        if self._open is None:
            return
        _, writer = self._open
        self._open = None
        writer.transport.abort()

    async def _within(self, raw: bytes, *, head: bool, last: bool) -> Answer:
        try:
            async with asyncio.timeout(LIMIT):
                return await self._exchange(raw, head=head, last=last)
        except TimeoutError:
            await self.close()
            raise NoAnswerError from None
        except (ConnectionError, asyncio.IncompleteReadError):
            await self.close()
            return _NOTHING

    async def _exchange(self, raw: bytes, *, head: bool, last: bool) -> Answer:
        if self._open is None:
            self._open = await asyncio.open_connection(*self._place, limit=_MOST)
        reader, writer = self._open
        writer.write(raw)
        answer = await (_read_to_end(reader, writer, head=head) if last else _read(reader, head=head))
        if answer.streamed or "close" in answer.headers.get("connection", "") or answer.status == 101:
            await self.close()
        return answer


async def _read_to_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, head: bool) -> Answer:
    """What is answered, before or after the server is told that no more comes."""
    reading = asyncio.create_task(_read(reader, head=head))
    try:
        await asyncio.wait([reading], timeout=_PATIENCE)
        if not reading.done():
            writer.write_eof()
        return await reading
    finally:
        reading.cancel()


async def _read(reader: asyncio.StreamReader, *, head: bool) -> Answer:
    lines: list[str] = []
    status = 100
    while status == 100:  # "continue": the answer follows
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    answer = Answer(status, headers, b"")
    if head or status in (101, 204, 304) or answer.streamed:
        return answer
    return Answer(status, headers, await _body(reader, headers))


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        length = headers.get("content-length")
        return await (reader.read() if length is None else reader.readexactly(int(length)))
    pieces: list[bytes] = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(pieces)
