"""JSON out, and the one place where an exception becomes an answer."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import structlog
from aiohttp import web

from signoff.events.errors import (
    BlobError,
    BlobNotFoundError,
    BusFullError,
    BusUnavailableError,
    FileTooLargeError,
    StoreUnavailableError,
)
from signoff.gateway.errors import ApiError, unavailable
from signoff.gateway.http.v2_errors import error_body, is_v2

NO_STORE: Final = {"Cache-Control": "no-store"}
"""For answers with a secret: nobody on the way keeps them."""

NO_GUESSING: Final = {"X-Content-Type-Options": "nosniff"}
"""Browsers take an answer for what it says it is."""

_JSON: Final = "application/json"
_CLIENT_GONE: Final = 499
_AWAY: Final = (StoreUnavailableError, BusUnavailableError, BlobError)
_KNOWN: Final = (ApiError, web.HTTPException, BusFullError, *_AWAY)
_encode: Final = msgspec.json.Encoder().encode
_log = structlog.get_logger("signoff.gateway")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer.

    Args:
        value: a struct or any JSON value.
        status: of the answer.
        headers: further ones.
    """
    told = {**NO_GUESSING, **headers} if headers else NO_GUESSING
    return web.Response(body=_encode(value), status=status, headers=told, content_type=_JSON)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as its path's API spells it; what nobody expected is logged, and tells nothing."""
    try:
        return await handler(request)
    except ConnectionResetError:
        return web.Response(status=_CLIENT_GONE)  # nobody reads it: the client went away
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the caller gets an answer
        return _refusal(request, as_refusal(request, error))


def as_refusal(request: web.Request, error: Exception) -> ApiError:
    """What an error is to the caller of a request; what nobody expected is logged, and tells nothing."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, web.HTTPException):
        return _framework_error(request, error)
    if isinstance(error, ExceptionGroup) and error.split(_KNOWN)[1] is None:
        return as_refusal(request, error.exceptions[0])  # of tasks that ran side by side
    return _failure(request, error)


def _refusal(request: web.Request, error: ApiError) -> web.Response:
    body = error_body(error) if is_v2(request.path) else error.body()
    return answer(body, status=error.status, headers=error.headers)


def _failure(request: web.Request, error: Exception) -> ApiError:
    if isinstance(error, BlobNotFoundError):
        _log.error("a large value is missing", path=request.path, reason=str(error))
        return ApiError(500, "A large value of this execution is missing")
    if isinstance(error, FileTooLargeError):
        return ApiError(413, str(error))
    if isinstance(error, BusFullError):
        return unavailable()
    if isinstance(error, _AWAY):
        _log.warning("cannot serve", path=request.path, reason=str(error))
        return unavailable("Service temporarily unavailable")
    _log.error("unexpected error", method=request.method, path=request.path, exc_info=error)
    return ApiError(500, "Internal server error")


def _framework_error(request: web.Request, error: web.HTTPException) -> ApiError:
    if error.status == 413:
        limit = request.app[MAX_BODY]
        return ApiError(413, f"The body is larger than {limit} bytes")
    if error.status == 405:
        allowed = {"Allow": error.headers["Allow"]}
        return ApiError(405, f"{request.method} is not allowed here", headers=allowed)
    return ApiError(error.status, "Not found" if error.status == 404 else error.reason)


MAX_BODY: Final = web.AppKey("max_body", int)
