"""Following an execution: its events in order, each once, through lost connections and restarts."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import aiohttp
import msgspec

from signoff.client.answers import StreamEvent
from signoff.client.errors import BadAnswerError, ClientError, UnavailableError, UnreachableError
from signoff.client.sse import Frame, FrameParser
from signoff.client.transport import Reply, Transport, refusal

_DONE: Final = b"[DONE]"
_SILENCE_LIMIT: Final = 45.0
"""Seconds. The server sends a heartbeat each 15 s: three missed ones are a dead connection."""
_CONNECT_LIMIT: Final = 5.0
_LONGEST_PAUSE: Final = 5.0

_decoder: Final = msgspec.json.Decoder(StreamEvent)


class _Ended(Exception):  # noqa: N818 - control flow: the server said that nothing more comes
    pass


class Follower:
    """Reads one stream to its end and reconnects with ``Last-Event-ID`` where it breaks.

    Args:
        transport: where to.
        path: of the stream.
        after: the last event that the caller has; 0 for the whole log.
        through_pauses: stay until the execution has ended for good.
        patience: seconds without a server after which it gives up.
    """

    def __init__(
        self, transport: Transport, path: str, *, after: int, through_pauses: bool, patience: float
    ) -> None:
        self._transport = transport
        self._path = path
        self._last = after
        self._params = {"follow": "true"} if through_pauses else {}
        self._patience = patience
        self._pause = 0.2
        self._failures = 0

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        """The events after the last one known.

        Raises:
            RefusedError: the server will not show them.
            UnreachableError: no server for longer than the patience.
        """
        loop = asyncio.get_running_loop()
        contact = loop.time()
        while True:
            try:
                async with aclosing(self._connection()) as received:
                    async for event in received:
                        contact, self._failures = loop.time(), 0
                        yield event
            except _Ended:
                return
            except (UnreachableError, UnavailableError) as error:
                if loop.time() - contact > self._patience:
                    raise
                await asyncio.sleep(self._next_pause(error))

    async def _connection(self) -> AsyncGenerator[StreamEvent, None]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(self._last)} if self._last else {})
        limit = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_LIMIT, sock_read=_SILENCE_LIMIT)
        async with self._transport.open(
            "GET", self._path, limit=limit, headers=headers, params=self._params
        ) as response:
            await self._check(response)
            parser = FrameParser()
            async for received in response.content.iter_any():
                for frame in parser.feed(received):
                    event = self._event_of(frame)
                    if event is not None:
                        yield event
                self._pause = self._pause if parser.retry is None else parser.retry
        raise UnreachableError("the stream broke off")

    async def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.status == 204:
            raise _Ended
        if response.status >= 400:
            raise refusal(Reply(response.status, response.headers, await response.read()))
        if response.content_type != "text/event-stream":
            raise BadAnswerError(f"{self._path} answers with {response.content_type}: not a stream of events")

    def _event_of(self, frame: Frame) -> StreamEvent | None:
        if frame.data == _DONE:
            raise _Ended
        try:
            event = _decoder.decode(frame.data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadAnswerError(f"the stream holds what is no event: {error}") from error
        if event.event_id <= self._last:
            return None
        self._last = event.event_id
        return msgspec.structs.replace(event, raw=frame.data)

    def _next_pause(self, error: ClientError) -> float:
        """Back-off with jitter, so that a restarted server does not meet all its readers at once."""
        longest = min(self._pause * float(1 << self._failures), _LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 10)
        asked = error.retry_after if isinstance(error, UnavailableError) else 0.0
        return max(asked, longest * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
