"""What is no HTTP is answered like every other fault, and leaves nothing of its bytes in the log.

Left alone, aiohttp answers such bytes with plain text and logs an error with a traceback, both of which quote
them: a token in a query or a key in a header would come to stand in the log, and anybody could fill it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

_Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

HEAD_LIMIT: Final = 75.0
"""Seconds within which the head of a request must be there, from the connection's start or from the answer
before. It is also how long an idle connection stays: longer than those of proxies, which would otherwise use
one that is just being closed."""

_THEIRS: Final = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""A request that is none, a body that is not what its headers say, a client that went away."""

_log: Final = structlog.get_logger("signoff.runtime.connections")


def open_to(server: web.Server) -> Callable[[], "Connection"]:
    """What makes a `Connection` of each that a client opens.

    Args:
        server: of an application, as its runner made it.
    """
    server.request_handler = _telling(server.request_handler)
    loop = asyncio.get_running_loop()
    return lambda: Connection(
        server,
        loop=loop,
        access_log=None,  # type: ignore[arg-type]
        keepalive_timeout=HEAD_LIMIT,
    )


class Connection(web.RequestHandler):
    """A connection of a client."""

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """Log what is our fault as an error; what the client did is none of ours."""
        fault = kwargs.get("exc_info")
        if isinstance(fault, _THEIRS):
            _log.debug("no HTTP", kind=type(fault).__name__)
        else:
            super().log_exception(*args, **kwargs)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read as a request; the rest is aiohttp's."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        self.log_exception(exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("bytes that are no HTTP came while an answer was being sent")
        response = _refusal(status, _reason(exc))
        response.force_close()
        return response


def _telling(handler: _Handler) -> _Handler:
    """What aiohttp refuses before any middleware is asked."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPExpectationFailed:
            return _refusal(417, "Only `Expect: 100-continue` is known here")

    return handle


def _refusal(status: int, error: str) -> web.Response:
    return web.Response(status=status, body=json.dumps({"error": error}), content_type="application/json")


def _reason(fault: HttpProcessingError) -> str:
    if isinstance(fault, LineTooLong):
        return "The address or a header of the request is too long"
    return "The request is not HTTP/1.1"
