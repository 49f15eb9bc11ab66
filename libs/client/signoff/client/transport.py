"""HTTP to a Signoff server: one session, bounded waits, refusals as errors."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from signoff.client.errors import BadAnswerError, Detail, RefusedError, UnavailableError, UnreachableError

_CONNECT_LIMIT: Final = 5.0
_DEFAULT_RETRY_AFTER: Final = 1.0
_UNAVAILABLE: Final = frozenset({429, 502, 503, 504})

T = TypeVar("T")


class Reply(Struct, frozen=True):
    """An answer read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

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


class _ErrorBody(Struct, rename="camel"):
    error: str = ""
    details: list[Detail] = []
    execution_id: str | None = None
    outcome: str | None = None


class Transport:
    """Sends requests with the caller's key.

    Args:
        url: the server's base URL.
        api_key: sent as ``X-API-Key``; without one the server answers 401.
        timeout: seconds that one answer may take.
    """

    def __init__(self, url: str, api_key: str | None, *, timeout: float) -> None:
        self.url = url.rstrip("/")
        self._headers = {"X-API-Key": api_key} if api_key else {}
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and read the whole answer, whatever its status.

        Raises:
            UnreachableError: there was none.
        """
        limit = aiohttp.ClientTimeout(total=self._timeout, sock_connect=_CONNECT_LIMIT)
        async with self.open(
            method, path, body=body, headers=headers, params=params, limit=limit
        ) as response:
            return Reply(response.status, response.headers, await response.read())

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        limit: aiohttp.ClientTimeout,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and leave its answer to be read, inside of the context.

        Raises:
            UnreachableError: there was no answer, or it broke off while it was read.
        """
        session = self._open_session()
        try:
            async with session.request(
                method,
                self.url + path,
                data=body,
                headers={**self._headers, **(headers or {})},
                params=params,
                timeout=limit,
            ) as response:
                yield response
        except TimeoutError as error:
            raise UnreachableError(f"{self.url} gave no answer in time: is the server overloaded?") from error
        except aiohttp.InvalidURL as error:
            raise UnreachableError(
                f"{self.url!r} is not a URL: it must begin with http:// or https://"
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise UnreachableError(f"no server answers at {self.url}") from error
        except aiohttp.ClientError as error:
            raise UnreachableError(
                f"the connection to {self.url} broke off ({str(error) or type(error).__name__})"
            ) from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()


def refusal(reply: Reply) -> RefusedError:
    """The error that an answer with a status of 400 or more is."""
    try:
        body = msgspec.json.decode(reply.body, type=_ErrorBody)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        body = _ErrorBody()
    message = body.error or f"the server answered {reply.status} without saying why"
    if reply.status in _UNAVAILABLE:
        return UnavailableError(
            reply.status,
            message,
            retry_after=_seconds(reply.headers.get("Retry-After")),
            unknown=body.outcome == "unknown",
            execution_id=body.execution_id,
        )
    return RefusedError(reply.status, message, details=body.details, execution_id=body.execution_id)


def accepted(reply: Reply) -> Reply:
    """The same answer, if the server did not refuse.

    Raises:
        RefusedError: it did.
    """
    if reply.status >= 400:
        raise refusal(reply)
    return reply


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdecimal() else _DEFAULT_RETRY_AFTER
