"""HTTP/1.1 with as little work as can be: what measures must not be what is slow."""

import asyncio
from typing import cast

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


class Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

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
        start = head.find(_LENGTH)
        if start < 0:
            self._answer.set_exception(ConnectionError(f"an answer without a length: {head!r}"))
            return
        start += len(_LENGTH)
        end += len(_END_OF_HEAD)
        size = int(head[start : head.index(b"\r\n", start)])
        if len(self._received) >= end + size:
            body, self._received = self._received[end : end + size], self._received[end + size :]
            answer, self._answer = self._answer, None
            answer.set_result((int(head[9:12]), body))

    def connection_lost(self, error: Exception | None) -> None:
        """Asyncio says that the server is gone."""
        if self._answer is not None:
            self._answer.set_exception(error or ConnectionResetError("closed before it answered"))
            self._answer = None

    async def request(self, message: bytes) -> tuple[int, bytes]:
        """Send a whole request, and wait for status and body.

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
