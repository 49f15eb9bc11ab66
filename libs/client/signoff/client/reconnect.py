"""A stream of frames that lives through cut connections: each is asked for after the last one received."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import aiohttp

from signoff.client.errors import BadAnswerError, ClientError, Request, UnavailableError, UnreachableError
from signoff.client.retries import SHORTEST_PAUSE, pause_after
from signoff.client.sse import Frame, FrameParser
from signoff.client.transport import CONNECT_LIMIT, EVENT_STREAM, Body, Parameters, Transport, check

DONE: Final = b"[DONE]"

_SILENCE_LIMIT: Final = 45.0
"""Seconds. The server sends a heartbeat each 15 s: three missed ones are a dead connection."""


class FrameStream:
    """Reads one stream to its end and reconnects with ``Last-Event-ID`` where it breaks.

    Args:
        transport: where to.
        request: that opens the stream.
        params: its query.
        cursor: the id to begin after; ``None`` for where the server begins.
        body: of the request.
        patience: seconds without a server after which it gives up.
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        *,
        params: Parameters | None = None,
        cursor: str | None = None,
        body: Body | None = None,
        patience: float,
    ) -> None:
        self._transport = transport
        self._request = request
        self._params = params
        self._cursor = cursor
        self._body = body
        self._patience = patience
        self._pause = SHORTEST_PAUSE
        self._failures = 0
        self._failing_since: float | None = None

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """The frames after the cursor, until the server says that nothing more comes.

        Raises:
            RefusedError: the server will not show them.
            UnreachableError: no server for longer than the patience.
        """
        while True:
            try:
                async with aclosing(self._connection()) as received:
                    async for frame in received:
                        if frame.data == DONE:
                            return
                        self._failures = 0
                        yield frame
            except (UnreachableError, UnavailableError) as error:
                pause = self._next_pause(error)
                if pause is None:
                    raise
            else:
                return
            await asyncio.sleep(pause)

    def _next_pause(self, error: ClientError) -> float | None:
        """Seconds before the next try; ``None`` where nothing was heard for longer than the patience."""
        now = asyncio.get_running_loop().time()
        self._failures += 1
        self._failing_since = now if self._failing_since is None else self._failing_since
        pause = pause_after(self._failures, error, shortest=self._pause)
        return pause if now + pause - self._failing_since <= self._patience else None

    async def _connection(self) -> AsyncGenerator[Frame, None]:
        """The frames of one connection; it returns where there are none to come, ever."""
        async with self._open() as response:
            if response.status == 204:
                return
            parser = FrameParser()
            async for received in response.content.iter_any():
                self._failing_since = None
                for frame in parser.feed(received):
                    self._cursor = frame.id or self._cursor
                    yield frame
                self._cursor = parser.last_id or self._cursor
                self._pause = self._pause if parser.retry is None else parser.retry
        raise UnreachableError("the stream broke off", request=self._request)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": EVENT_STREAM} | ({"Last-Event-ID": self._cursor} if self._cursor else {})
        limit = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT, sock_read=_SILENCE_LIMIT)
        async with self._transport.open(
            self._request, limit=limit, headers=headers, params=self._params, body=self._body
        ) as response:
            await check(response, self._request)
            if response.status != 204 and response.content_type != EVENT_STREAM:
                raise BadAnswerError(
                    f"{self._request} is answered with {response.content_type}, not with a stream of events: "
                    "is the URL that of a Signoff server?"
                )
            yield response
