"""HTTP to a Signoff server: one session, bounded waits, retries under one idempotency key, errors."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

import aiohttp
import msgspec
from msgspec import Struct

from signoff.client.errors import (
    BadAnswerError,
    ConfigurationError,
    Request,
    TimedOutError,
    UnavailableError,
    UnreachableError,
)
from signoff.client.refusals import redirected, refusal
from signoff.client.retries import Retries

CONNECT_LIMIT: Final = 5.0
"""Seconds that a connection may take to be made."""

RUN_LIMIT: Final = 330.0
"""Seconds that a synchronous run may take to answer: the server gives it up after 300."""

EVENT_STREAM: Final = "text/event-stream"

_NAMELESS: Final = frozenset({"", ".", ".."})
_SOON: Final = 0.001
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

Parameters: TypeAlias = Mapping[str, str | list[str]]
Body: TypeAlias = bytes | Callable[[], Awaitable[Any]]
"""What is sent: bytes, or what makes the body anew for each try, as aiohttp takes it."""

T = TypeVar("T")


class Reply(Struct, frozen=True):
    """An answer read to its end; one that is a stream is not read at all."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_stream: bool = False

    def decode(self, kind: type[T]) -> T:
        """Read the body as JSON of a type.

        Raises:
            BadAnswerError: it is not.
        """
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadAnswerError(
                f"the answer is not Signoff's ({error}): is the URL that of a Signoff server?"
            ) from error

    def decode_any(self) -> Any:
        """Read the body as any JSON; a body that is none stays text."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return self.body.decode("utf-8", "replace")


class Transport:
    """Sends requests with the caller's key, again where that can help.

    Args:
        url: the server's base URL.
        headers: sent with every request, the key among them.
        timeout: seconds that one call may take, its retries included.
        max_retries: tries after the first one.

    Raises:
        ConfigurationError: the URL is none of HTTP.
    """

    def __init__(self, url: str, *, headers: Mapping[str, str], timeout: float, max_retries: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConfigurationError(f"{url!r} is not a URL: it must begin with http:// or https://")
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._headers = dict(headers)
        self._retries = Retries(max_retries)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def call(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        json: object = None,
        params: Parameters | None = None,
        key: str | None = None,
    ) -> T:
        """Send JSON and read the answer as a type.

        Args:
            kind: of the answer.
            method: of HTTP.
            path: under the base URL, from :func:`api_path`.
            json: the body, if there is one.
            params: the query.
            key: the idempotency key of what changes something; one is made where it is not given.

        Raises:
            RefusedError: the server said no, at last.
            UnreachableError: there was no answer, at last.
        """
        body = None if json is None else msgspec.json.encode(json)
        return (await self.request(method, path, body=body, params=params, key=key)).decode(kind)

    async def remove(self, path: str, *, key: str | None = None) -> None:
        """Send a DELETE that is answered with nothing: see :meth:`call`."""
        await self.request("DELETE", path, key=key)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        params: Parameters | None = None,
        key: str | None = None,
        within: float | None = None,
        resendable: bool = True,
        is_answer: Callable[[Reply], bool] = lambda reply: reply.status < 400,
    ) -> Reply:
        """Send a request, again where it may yet be taken, and read its answer.

        Args:
            method: of HTTP.
            path: under the base URL.
            body: bytes of JSON, unless ``headers`` say otherwise.
            headers: further ones.
            params: the query.
            key: the idempotency key.
            within: seconds, in place of the client's.
            resendable: the body can be sent a second time.
            is_answer: tells answers, which end the call, from refusals.

        Raises:
            RefusedError: the server said no, at last.
            UnreachableError: there was no answer, at last.
        """
        asked = Request(method, path, key or (None if method == "GET" else str(uuid4())))
        within = self._timeout if within is None else within
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        failures = 0
        while True:
            try:
                left = max(end - loop.time(), _SOON)  # aiohttp takes 0 and less for no limit at all
                limit = aiohttp.ClientTimeout(total=left, sock_connect=CONNECT_LIMIT)
                async with self.open(
                    asked, limit=limit, body=body, headers=headers, params=params
                ) as response:
                    reply = await _read(response)
                if is_answer(reply):
                    return reply
                raise refusal(reply.status, reply.headers, reply.body, asked)
            except TimedOutError as error:
                raise TimedOutError(
                    f"{self.url} gave no answer to {asked} within {within:g} s: allow a longer timeout, "
                    "or look at the server's load",
                    request=asked,
                ) from error
            except (UnreachableError, UnavailableError) as error:
                failures += 1
                pause = self._retries.pause(failures, error) if resendable else None
                if pause is None or loop.time() + pause >= end:
                    raise
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def open(
        self,
        request: Request,
        *,
        limit: aiohttp.ClientTimeout,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        params: Parameters | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request once and leave its answer to be read, inside of the context.

        Raises:
            UnreachableError: there was no answer, or it broke off while it was read.
            BadAnswerError: it leads elsewhere.
            ConfigurationError: a header cannot be sent.
        """
        session = self._open_session()
        sent = await body() if callable(body) else body
        given = {"Content-Type": "application/json"} if isinstance(sent, bytes) else {}
        if request.idempotency_key is not None:
            given["Idempotency-Key"] = request.idempotency_key
        try:
            async with session.request(
                request.method,
                self.url + request.path,
                data=sent,
                headers=_checked({**given, **self._headers, **(headers or {})}),
                params=params,
                timeout=limit,
                allow_redirects=False,  # followed, it would show the API key to another server
            ) as response:
                if response.status in _REDIRECTS:
                    raise redirected(response.status, response.headers, request)
                yield response
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise UnreachableError(f"no server answers at {self.url}", request=request) from error
        except TimeoutError as error:
            raise TimedOutError(f"{self.url} gave no answer to {request} in time", request=request) from error
        except aiohttp.InvalidURL as error:
            raise ConfigurationError(f"{self.url!r} is not a URL: name a host and a port") from error
        except aiohttp.ClientError as error:
            raise UnreachableError(
                f"the connection to {self.url} broke off ({str(error) or type(error).__name__})",
                request=request,
            ) from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConfigurationError("the client is closed: make another one")
        if self._session is None:
            # Without a limit of its own: streams that are open must not take the places of calls.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._session

    async def close(self) -> None:
        """Let go of every connection. No call can be made any more."""
        self._closed = True
        if self._session is not None:
            await self._session.close()


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers without line breaks; one may be a key as it was read from a file, so that none is shown."""
    for name, value in headers.items():
        if not value.isprintable():
            raise ConfigurationError(f"{name} holds a line break or another control character: take it out")
    return headers


async def _read(response: aiohttp.ClientResponse) -> Reply:
    is_stream = response.content_type == EVENT_STREAM
    return Reply(response.status, response.headers, b"" if is_stream else await response.read(), is_stream)


async def check(response: aiohttp.ClientResponse, request: Request) -> None:
    """Make sure that an opened answer is none of a refusal.

    Raises:
        RefusedError: it is.
    """
    if response.status >= 400:
        raise refusal(response.status, response.headers, await response.read(), request)


def is_answer_of_a_run(reply: Reply) -> bool:
    """Whether an answer is what a run gave: with any status, as a failed run and ``response`` blocks do."""
    if reply.status < 400 or "X-Execution-Id" in reply.headers:
        return True
    body = reply.decode_any()
    return isinstance(body, dict) and "success" in body and "executionId" in body


def api_path(*parts: str) -> str:
    """The path of a route: its parts, each escaped, under ``/api``.

    Raises:
        ConfigurationError: a part names nothing: ``..`` would lead to another route.
    """
    for part in parts:
        if part in _NAMELESS:
            raise ConfigurationError(f"{part!r} is no id and no name: give that of something")
    return "/api/" + "/".join(quote(part, safe="") for part in parts)


def query(**params: str | float | bool | list[str] | None) -> dict[str, str | list[str]]:
    """A query of what is not ``None``, as the API spells it; empty lists are left out."""
    return {name: _spelled(value) for name, value in params.items() if value is not None and value != []}


def _spelled(value: str | float | bool | list[str]) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str | list) else str(value)
