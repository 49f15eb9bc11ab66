"""HTTP/1.1 with as little work as can be: what measures must not be what is slow."""

import asyncio
from typing import NamedTuple, cast

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_OWN = b"\r\nserver-timing: gateway;dur="
_RETRY_AFTER = b"\r\nretry-after:"


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: of HTTP.
        body: all of it.
        own: milliseconds that the gateway says it took itself; None where it says nothing.
        retry_after: seconds after which to ask again, where that is said.
    """

    status: int
    body: bytes
    own: float | None
    retry_after: float | None


class Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio says that it is connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has another base

    def data_received(self, data: bytes) -> None:
        """Asyncio brings some bytes."""
        self._received += data
        end = self._received.find(_END_OF_HEAD)
        if end < 0 or self._answer is None:
            return
        head = self._received[:end].lower() + b"\r\n"
        length = _value(head, _LENGTH)
        if length is None:
            self._answer.set_exception(ConnectionError(f"an answer without a length: {head!r}"))
            return
        end += len(_END_OF_HEAD)
        size = int(length)
        if len(self._received) >= end + size:
            body, self._received = self._received[end : end + size], self._received[end + size :]
            answer, self._answer = self._answer, None
            own = _value(head, _OWN)
            answer.set_result(Answer(int(head[9:12]), body, own, _value(head, _RETRY_AFTER)))

    def connection_lost(self, error: Exception | None) -> None:
        """Asyncio says that the server is gone."""
        if self._answer is not None:
            self._answer.set_exception(error or ConnectionResetError("closed before it answered"))
            self._answer = None

    async def request(self, message: bytes) -> Answer:
        """Send a whole request, and wait for its answer.

        Raises:
            OSError: the connection ended, or what came was no answer with a length.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def _value(head: bytes, name: bytes) -> float | None:
    """The number behind a header's name, up to a comma or the end of the line."""
    start = head.find(name)
    if start < 0:
        return None
    line = head[start + len(name) : head.index(b"\r\n", start + len(name))]
    return float(line.partition(b",")[0])
