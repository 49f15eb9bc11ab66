"""What a server sends on a stream, byte for byte and when: nothing is interpreted, nothing asked again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal, Self

import aiohttp
from msgspec import Struct

from signoff.client.errors import Request, UnreachableError
from signoff.client.transport import EVENT_STREAM

_END_OF_BLOCK: Final = b"\n\n"
_MOST: Final = 64 * 1024 * 1024
"""Bytes that are listened to on one response."""

Ending = Literal["open", "closed", "broken"]


class Answer(Struct, frozen=True):
    """An answer that is no stream, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Listener:
    """What comes on one response of a stream, block by block, while it is listened to.

    Attributes:
        status: of the answer.
        headers: of the answer, by name in any case.
        blocks: what came, cut behind each empty line, its end included.
        times: when each block was there, in seconds of the event loop's clock.
        begun: when the head of the answer was there.
        rest: what came behind the last empty line.
        ending: ``open`` until the server ended the response, ``broken`` where it broke off, or sent more than
            64 MiB.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.blocks: list[bytes] = []
        self.times: list[float] = []
        self.begun = asyncio.get_running_loop().time()
        self.rest = b""
        self.ending: Ending = "open"
        self._left = _MOST
        self._news = asyncio.Event()

    @property
    def body(self) -> bytes:
        """All that came."""
        return b"".join(self.blocks) + self.rest

    async def until(self, enough: Callable[["Listener"], bool], *, limit: float) -> None:
        """Wait until there is enough, the response ends or so many seconds went by."""
        with suppress(TimeoutError):  # what is missing shows in what came
            async with asyncio.timeout(limit):
                while self.ending == "open" and not enough(self):
                    self._news.clear()
                    await self._news.wait()

    async def to_end(self, *, limit: float) -> None:
        """Wait until the response ends, or so many seconds went by."""
        await self.until(lambda _: False, limit=limit)

    async def read(self, content: aiohttp.StreamReader) -> None:
        """Read the body as it comes, to its end; others wait for it meanwhile."""
        try:
            while self._left > 0 and (received := await content.readany()):
                self._take(received)
            self.ending = "closed" if self._left > 0 else "broken"
        except aiohttp.ClientError:
            self.ending = "broken"
        self._news.set()

    def _take(self, received: bytes) -> None:
        *whole, self.rest = (self.rest + received).split(_END_OF_BLOCK)
        now = asyncio.get_running_loop().time()
        self.blocks += [block + _END_OF_BLOCK for block in whole]
        self.times += [now] * len(whole)
        self._left -= len(received)
        self._news.set()


@asynccontextmanager
async def _listening(response: aiohttp.ClientResponse) -> AsyncIterator[Listener]:
    listener = Listener(response)
    reading = asyncio.create_task(listener.read(response.content), name="stream check")
    try:
        yield listener
    finally:
        reading.cancel()
        await asyncio.wait([reading])


class Wire:
    """Sends requests as they are said, once. Use it as an async context manager.

    Args:
        url: the server's base URL.
        key: shown unless a request says otherwise; ``None``: none.
        workspace: to act in; ``None``: the key's own.
        limit: seconds that an answer's head, or an answer that is no stream, may take.
    """

    def __init__(self, url: str, key: str | None, workspace: str | None, *, limit: float) -> None:
        self.limit = limit
        self._url = url.rstrip("/")
        own = {"X-API-Key": key, "X-Workspace-Id": workspace}
        self._headers = {name: value for name, value in own.items() if value}
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        """Nothing is connected yet."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of all connections."""
        await self._session.close()

    @asynccontextmanager
    async def listen(
        self, path: str, *, headers: Mapping[str, str] | None = None, bare: bool = False
    ) -> AsyncIterator[Listener]:
        """Open a stream; left early, it is cut off.

        Args:
            path: under the base URL, with its query.
            headers: further ones.
            bare: without a key.

        Raises:
            UnreachableError: there is no answer.
        """
        async with (
            self._open("GET", path, headers or {}, bare=bare) as response,
            _listening(response) as listener,
        ):
            yield listener

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        bare: bool = False,
    ) -> Answer:
        """Ask for one thing; a stream in place of it is not read.

        Args:
            method: of HTTP.
            path: under the base URL, with its query.
            headers: further ones.
            body: JSON.
            bare: without a key.

        Raises:
            UnreachableError: there is no answer.
        """
        async with self._open(method, path, headers or {}, bare=bare, body=body) as response:
            if response.content_type == EVENT_STREAM and method != "HEAD":
                return Answer(response.status, response.headers, b"")
            async with _listening(response) as listener:
                await listener.to_end(limit=self.limit)
            return Answer(response.status, response.headers, listener.body)

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, headers: Mapping[str, str], *, bare: bool, body: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        given = {} if body is None else {"Content-Type": "application/json"}
        sent = {**({} if bare else self._headers), **given, **headers}
        try:
            async with asyncio.timeout(self.limit):
                response = await self._session.request(
                    method,
                    self._url + path,
                    headers=sent,
                    data=body,
                    allow_redirects=False,  # followed, it would show the key to another server
                    timeout=aiohttp.ClientTimeout(total=None),
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            raise UnreachableError(
                f"{self._url} cannot be asked ({reason})", request=Request(method, path)
            ) from error
        try:
            yield response
        finally:
            response.close()
