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
from signoff.gateway.errors import RETRY_AFTER, ApiError

_JSON: Final = "application/json"
_CLIENT_GONE: Final = 499
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
    return web.Response(body=_encode(value), status=status, headers=headers, content_type=_JSON)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as ``{"error", …}``; what nobody expected is logged, and tells nothing."""
    try:
        return await handler(request)
    except ApiError as error:
        return answer(error.body(), status=error.status, headers=error.headers)
    except web.HTTPException as error:
        return _framework_error(request, error)
    except ConnectionResetError:
        return web.Response(status=_CLIENT_GONE)  # nobody reads it: the client went away
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the caller gets an answer
        return _failure(request, error)


def _failure(request: web.Request, error: Exception) -> web.Response:
    if isinstance(error, BlobNotFoundError):
        _log.error("a large value is missing", path=request.path, reason=str(error))
        return answer({"error": "A large value of this execution is missing"}, status=500)
    if isinstance(error, FileTooLargeError):
        return answer({"error": str(error)}, status=413)
    if isinstance(error, BusFullError):
        return answer({"error": "Service temporarily at capacity"}, status=503, headers=RETRY_AFTER)
    if isinstance(error, (StoreUnavailableError, BusUnavailableError, BlobError)):
        _log.warning("cannot serve", path=request.path, reason=str(error))
        return answer({"error": "Service temporarily unavailable"}, status=503, headers=RETRY_AFTER)
    _log.error("unexpected error", method=request.method, path=request.path, exc_info=error)
    return answer({"error": "Internal server error"}, status=500)


def _framework_error(request: web.Request, error: web.HTTPException) -> web.Response:
    if error.status == 413:
        limit = request.app[MAX_BODY]
        return answer({"error": f"The body is larger than {limit} bytes"}, status=413)
    if error.status == 405:
        return answer(
            {"error": f"{request.method} is not allowed here"},
            status=405,
            headers={"Allow": error.headers["Allow"]},
        )
    text = "Not found" if error.status == 404 else error.reason
    return answer({"error": text}, status=error.status)


MAX_BODY: Final = web.AppKey("max_body", int)
