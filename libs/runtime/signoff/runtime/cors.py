"""Calls from pages of other sites, where these are allowed (Fetch standard, CORS protocol)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import hdrs, web

ANY: Final = "*"
"""Any site; its visitors' sessions count for nothing then."""

EXPOSED: Final = (
    "X-Execution-Id", "X-Run-Id", "X-Response-Block", "Retry-After", "X-RateLimit-Limit",
    "X-RateLimit-Remaining", "X-RateLimit-Reset", "ETag", "Server-Timing",
)  # fmt: skip
"""Headers of answers that such a page may read."""

_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
_HEADERS: Final = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "Range",
    "X-API-Key", "X-Execution-Id", "X-Execution-Mode", "X-Execution-Timeout-Seconds", "X-Run-Id",
    "X-Signoff-Code", "X-Sim-Via", "X-Stream-Response", "X-Workspace-Id", "traceparent",
)  # fmt: skip
_MAX_AGE: Final = "600"

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def allow_origins(app: web.Application, origins: Sequence[str]) -> None:
    """Let pages of other sites call an application; without origins nothing is changed.

    Args:
        app: not started yet.
        origins: such as ``https://app.example.org``. `ANY` among them allows every site, but without its
            visitors' sessions: only a site that is named is trusted with these.
    """
    if not origins:
        return
    allowed = frozenset(origins)

    @web.middleware
    async def answer_preflight(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
            return web.Response(status=204)
        return await handler(request)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or not (origin in allowed or ANY in allowed):
            return
        named = origin in allowed
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin if named else ANY
        if named:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        if request.method == hdrs.METH_OPTIONS:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = _METHODS
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(_HEADERS)
            response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = _MAX_AGE
        else:
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = ", ".join(EXPOSED)

    app.middlewares.insert(0, answer_preflight)
    # A signal, since the headers of a stream are gone before its handler returns.
    app.on_response_prepare.append(add_headers)
