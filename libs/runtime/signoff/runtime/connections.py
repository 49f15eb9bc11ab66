"""What is no HTTP is answered like every other fault, and leaves nothing of its bytes in the log.

Left alone, aiohttp answers such bytes with plain text and logs an error with a traceback, both of which quote
them: a token in a query or a key in a header would come to stand in the log, and anybody could fill it.
"""

import json
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

_log: Final = structlog.get_logger("signoff.runtime.connections")


class Connection(web.RequestHandler):
    """A connection of a client."""

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
        _log.debug("no HTTP", remote=request.remote, kind=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("bytes that are no HTTP came while an answer was being sent")
        response = web.Response(
            status=status, body=json.dumps({"error": _reason(exc)}), content_type="application/json"
        )
        response.force_close()
        return response


def _reason(fault: HttpProcessingError) -> str:
    if isinstance(fault, LineTooLong):
        return "The address or a header of the request is too long"
    return "The request is not HTTP/1.1"
