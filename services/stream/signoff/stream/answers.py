"""JSON answers, and the one place where an exception becomes one."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import structlog
from aiohttp import web

from signoff.access.errors import InvalidKeyError
from signoff.events.errors import StoreUnavailableError
from signoff.stream.errors import RefusedError
from signoff.tail import (
    BadCursorError,
    BadFilterError,
    CursorPastEndError,
    FeedPastEndError,
    TailError,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NO_GUESSING: Final = {"X-Content-Type-Options": "nosniff"}
_RETRY_AFTER: Final = {"Retry-After": "1"}
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    401: {"WWW-Authenticate": "Bearer"}, 429: _RETRY_AFTER, 503: _RETRY_AFTER,
}  # fmt: skip
_encode: Final = msgspec.json.Encoder().encode
_log = structlog.get_logger("signoff.stream")


def answer(status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    told = {**_NO_GUESSING, **(headers or {})}
    return web.Response(status=status, body=_encode(body), headers=told, content_type="application/json")


def answering_errors(handler: Handler) -> Handler:
    """Answer what a handler raises before it began its response, as http-contract.md says."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (RefusedError, InvalidKeyError, TailError) as error:
            return _refusal(error)
        except StoreUnavailableError as error:
            _log.warning("cannot serve", path=request.path, reason=str(error))
            return answer(503, {"error": "Service temporarily unavailable"}, _RETRY_AFTER)

    return answered


def _refusal(error: RefusedError | InvalidKeyError | TailError) -> web.Response:
    body: dict[str, object] = {"error": str(error)}
    match error:
        case RefusedError(status=status):
            pass
        case InvalidKeyError():
            status = 401
        case BadCursorError() | BadFilterError():
            status = 400
        case CursorPastEndError(last_event_id=last) | FeedPastEndError(last=last):
            status, body = 409, {"error": "Cursor is past the end of the log", "lastEventId": last}
        case _:
            status, body = 503, {"error": "Service temporarily at capacity"}
    return answer(status, body, _HEADERS.get(status))


@web.middleware
async def json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer unknown routes and methods as JSON; what nobody expected is logged, and tells nothing."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        text = f"{request.method} is not allowed here"
        return answer(405, {"error": text}, {"Allow": ", ".join(sorted(error.allowed_methods))})
    except web.HTTPException as error:
        return answer(error.status, {"error": "Not found" if error.status == 404 else error.reason})
    except Exception:  # noqa: BLE001 - whatever it was, it is logged
        _log.exception("unexpected error", method=request.method, path=request.path)
        return answer(500, {"error": "Internal server error"})
