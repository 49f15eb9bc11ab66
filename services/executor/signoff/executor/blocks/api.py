"""The `api` block: one HTTP request, tried again where that is safe.

Parameters, output and texts are Sim's (apps/sim/executor/handlers/api and apps/sim/tools/http, v0.8.9).
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from errno import EACCES
from urllib.parse import urlencode

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from signoff.events.errors import SignoffError
from signoff.executor.blocks.base import Keep
from signoff.executor.blocks.http_errors import error_message, retry_after

RESPONSE_LIMIT = 10 * 1024 * 1024
"""Bytes of a response, after decompression."""

_MOST_SECONDS = 300.0
_MOST_REDIRECTS = 5
_MOST_RETRIES = 10
_MOST_WAIT = 300.0
_ERROR_LENGTH = 1_000
_SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})  # RFC 9110, 9.2.2
_WITHOUT_BODY = frozenset({"GET", "HEAD"})
_METHODS = _SAFE_TO_REPEAT | {"POST", "PATCH"}


_FILE_TYPES = ("image/", "audio/", "video/", "font/")
_TEXT_TYPES = ("json", "xml", "javascript", "yaml", "x-www-form-urlencoded", "csv")


class ApiError(SignoffError):
    """The request failed, or could not be made from the block's parameters.

    Attributes:
        status: HTTP status of the answer, None if there was none.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _Request(msgspec.Struct, frozen=True):
    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | None
    timeout: float
    retries: int
    wait: float
    most_wait: float

    @property
    def waits(self) -> Iterator[float]:
        """Seconds to wait before each further try."""
        for retry in range(self.retries):
            yield min(self.wait * 2**retry, self.most_wait)


class _TryAgainError(Exception):
    """A try failed in a way that another one may mend."""

    def __init__(self, failure: ApiError, *, after: float = 0.0) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.after = after


async def request(
    params: Mapping[str, object],
    *,
    session: aiohttp.ClientSession,
    idempotency_key: str,
    call_chain: Sequence[str] = (),
    keep: Keep,
) -> dict[str, object]:
    """Make the request that the parameters of an `api` block describe.

    It is tried again, up to `retries` times, after no answer, 429 or 5xx, if the method is safe to repeat or
    `retryNonIdempotent` is set. A `Retry-After` is respected as far as `retryMaxDelayMs` allows.

    Args:
        params: `url`, `method`, `params`, `headers`, `body`, `timeout`, `retries`, `retryDelayMs`,
            `retryMaxDelayMs`, `retryNonIdempotent`; references are resolved.
        session: from `guard.guarded_session`.
        idempotency_key: sent as `Idempotency-Key`, unless the headers have one.
        call_chain: the workflows that called one another up to here; sent as `X-Sim-Via`, whatever the
            headers say, so that servers can end a loop of calls.
        keep: stores an answer that is no text.

    Returns:
        `{"data", "status", "headers"}`: `data` is parsed if it is JSON, and the value of a file if it is no
        text; header names are in lower case.

    Raises:
        ApiError: the parameters are wrong, there was no answer, or its status was not 2xx.
    """
    if not _text(params.get("url")).strip():
        return {"data": None, "status": 200, "headers": {}}
    try:
        wanted = _request(params, idempotency_key, call_chain)
    except UnicodeEncodeError as problem:
        raise ApiError("The request holds a lone surrogate: half a character") from problem
    for wait in wanted.waits:
        try:
            return await _try(session, wanted, keep)
        except _TryAgainError as problem:
            await asyncio.sleep(max(wait, min(problem.after, wanted.most_wait)))
    try:
        return await _try(session, wanted, keep)
    except _TryAgainError as problem:
        raise problem.failure from problem


async def _try(session: aiohttp.ClientSession, wanted: _Request, keep: Keep) -> dict[str, object]:
    status, headers, data, file = await _exchange(session, wanted)
    if file is not None:
        data = await keep(*file)
    return {"data": data, "status": status, "headers": headers}


async def _exchange(
    session: aiohttp.ClientSession, wanted: _Request
) -> tuple[int, dict[str, str], object, tuple[bytes, str, str] | None]:
    """Status, headers and data of an answer; in place of data a file, where it is one."""
    try:
        async with session.request(
            wanted.method,
            wanted.url,
            headers=wanted.headers,
            data=wanted.body,
            max_redirects=_MOST_REDIRECTS,
            timeout=aiohttp.ClientTimeout(total=wanted.timeout),
        ) as response:
            body = await _read(response, wanted)
            well = 200 <= response.status < 300
            if well and _is_file(response, body):
                file = (body, _file_name(response), response.content_type)
                return response.status, _headers(response), None, file
            data = _parse(response, body)
            if not well:
                raise _refusal(response, data, wanted)
            return response.status, _headers(response), data, None
    except TimeoutError as problem:
        reason = f"Request timed out after {wanted.timeout * 1000:.0f}ms"
        raise _TryAgainError(_failure(wanted, reason)) from problem
    except aiohttp.TooManyRedirects as problem:
        raise _failure(wanted, f"more than {_MOST_REDIRECTS} redirects") from problem
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as problem:
        raise _failure(wanted, f"invalid URL {problem}") from problem
    except aiohttp.ClientConnectorError as problem:
        failure = _failure(wanted, _reason(problem.os_error))
        if problem.os_error.errno == EACCES:  # the guard's: it will not change its mind
            raise failure from problem
        raise _TryAgainError(failure) from problem
    except aiohttp.ClientError as problem:
        raise _TryAgainError(_failure(wanted, _reason(problem))) from problem
    except ValueError as problem:  # a header or URL that HTTP cannot carry
        raise _failure(wanted, str(problem)) from problem


async def _read(response: aiohttp.ClientResponse, wanted: _Request) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > RESPONSE_LIMIT:
            raise _failure(
                wanted, f"the response is larger than {RESPONSE_LIMIT} bytes", status=response.status
            )
    return bytes(body)


def _parse(response: aiohttp.ClientResponse, body: bytes) -> object:
    if response.content_type.endswith(("/json", "+json")):
        if not body:
            return None
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            pass  # it says JSON and is none: the text shows what it is
    try:
        return body.decode(response.charset or "utf-8", errors="replace")
    except LookupError:  # a charset that nobody knows
        return body.decode(errors="replace")


def _is_file(response: aiohttp.ClientResponse, body: bytes) -> bool:
    """Whether an answer is no text: by its type or, where that does not tell, by its bytes."""
    kind = response.content_type
    if not body or response.charset is not None or kind.startswith("text/") or kind.endswith(_TEXT_TYPES):
        return False
    return kind.startswith(_FILE_TYPES) or b"\0" in body or not _is_utf8(body)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _file_name(response: aiohttp.ClientResponse) -> str:
    disposition = response.content_disposition
    return (disposition.filename if disposition else None) or response.url.name


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    names = dict.fromkeys(name.lower() for name in response.headers)
    return {name: ", ".join(response.headers.getall(name)) for name in names}


def _refusal(response: aiohttp.ClientResponse, data: object, wanted: _Request) -> ApiError | _TryAgainError:
    reason = error_message(data) or response.reason or f"Request failed with status {response.status}"
    failure = _failure(wanted, reason, status=response.status)
    if response.status == 429 or response.status >= 500:
        return _TryAgainError(failure, after=retry_after(response.headers.get("Retry-After", "")))
    return failure


def _reason(problem: BaseException) -> str:
    return getattr(problem, "strerror", None) or str(problem) or type(problem).__name__


def _failure(wanted: _Request, reason: str, *, status: int | None = None) -> ApiError:
    details = [
        f"URL: {wanted.url.with_user(None)}",
        f"Method: {wanted.method}",
        f"Error: {reason[:_ERROR_LENGTH]}",
    ]
    if status is not None:
        details.append(f"Status: {status}")
    return ApiError(f"HTTP Request failed: {' | '.join(details)}", status=status)


def _request(params: Mapping[str, object], idempotency_key: str, call_chain: Sequence[str]) -> _Request:
    method = _text(params.get("method")).strip().upper() or "GET"
    if method not in _METHODS:
        raise ApiError(f"Unknown HTTP method {method!r}: use one of {', '.join(sorted(_METHODS))}")
    if params.get("proxyUrl"):
        raise ApiError("proxyUrl is not supported: a proxy could reach addresses that workflows may not")
    headers = CIMultiDict(_pairs(params, "headers"))
    headers.setdefault("Idempotency-Key", idempotency_key)
    if call_chain:
        headers["X-Sim-Via"] = ",".join(call_chain)
    headers.popall("Content-Length", None)  # it follows from the body
    repeatable = method in _SAFE_TO_REPEAT or params.get("retryNonIdempotent") in {True, "true"}
    retries = int(_number(params, "retries", default=0, most=_MOST_RETRIES))
    return _Request(
        method=method,
        url=_url(params),
        headers=headers,
        body=None if method in _WITHOUT_BODY else _body(params.get("body"), headers),
        timeout=max(
            0.001, _number(params, "timeout", default=_MOST_SECONDS * 1000, most=_MOST_SECONDS * 1000) / 1000
        ),
        retries=retries if repeatable else 0,
        wait=_number(params, "retryDelayMs", default=500, most=_MOST_WAIT * 1000) / 1000,
        most_wait=_number(params, "retryMaxDelayMs", default=30_000, most=_MOST_WAIT * 1000) / 1000,
    )


def _url(params: Mapping[str, object]) -> URL:
    text = _text(params["url"]).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    if not text.lower().startswith(("http://", "https://")):
        raise ApiError(f'Invalid URL: "{text}" - URL must include protocol (try "https://{text}")')
    try:
        url = URL(text)
    except ValueError as problem:
        raise ApiError(f'Invalid URL format: "{text}" - {problem}') from problem
    if not url.host:
        raise ApiError(f'Invalid URL format: "{text}" - it names no host')
    query = list(_pairs(params, "params"))
    return url.extend_query(query) if query else url


def _pairs(params: Mapping[str, object], name: str) -> Iterator[tuple[str, str]]:
    """Names and values of a table `[{"cells": {"Key", "Value"}}]`, or of an object."""
    table = params.get(name)
    if isinstance(table, str) and table.strip():
        table = _json_or_text(table)
    if not table:
        return
    if isinstance(table, dict):
        rows = list(table.items())
    elif isinstance(table, list):
        rows = [_cells(row, name) for row in table]
    else:
        raise ApiError(f"{name} must be a table or an object, not {type(table).__name__}")
    for key, value in rows:
        if key and value is not None:
            yield str(key), _text(value)


def _cells(row: object, name: str) -> tuple[object, object]:
    cells = row.get("cells") if isinstance(row, dict) else None
    if not isinstance(cells, dict):
        raise ApiError(f'{name}: each row must be {{"cells": {{"Key": …, "Value": …}}}}')
    return cells.get("Key"), cells.get("Value")


def _body(body: object, headers: CIMultiDict[str]) -> bytes | None:
    """The bytes of a body; notes their type in the headers if there is none."""
    value = _json_or_text(body) if isinstance(body, str) else body
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.encode()
    if "x-www-form-urlencoded" in headers.get("Content-Type", "") and isinstance(value, dict):
        return urlencode({name: _text(item) for name, item in value.items()}).encode()
    headers.setdefault("Content-Type", "application/json")
    return msgspec.json.encode(value)


def _json_or_text(text: str) -> object:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _number(params: Mapping[str, object], name: str, *, default: float, most: float) -> float:
    """A number that may be written as text, between 0 and `most`."""
    value = params.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ApiError(f"{name} must be a number")
    try:
        number = float(value)
    except ValueError as problem:
        raise ApiError(f"{name} must be a number, not {value!r}") from problem
    if not number >= 0:
        raise ApiError(f"{name} must not be negative")
    return min(number, most)
