"""The MCP server over streamable HTTP, on this machine alone. Who calls is their own Signoff key."""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

import uvicorn
from mcp.server.lowlevel import Server
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from signoff.cli.mcp.errors import AddressError, ToolError
from signoff.cli.mcp.server import Context

PATH: Final = "/mcp"

_STOP_LIMIT: Final = 5
"""Seconds that open requests may take to end when the server is stopped."""

_MOST_REQUESTS: Final = 64
"""Requests at once; each may wait for minutes. More are answered with 503."""

_MOST_BYTES: Final = 1_000_000
"""Of a request."""


def bearer_of(context: Context) -> str:
    """The key in the ``Authorization`` header of a request.

    Raises:
        ToolError: there is none; without it the client would act with the key of this process.
    """
    key = None if context.request is None else _bearer(context.request.headers.get("authorization", ""))
    if key is None:
        raise ToolError("the request carries no Signoff API key: send it as Authorization: Bearer <key>")
    return key


async def serve_http(server: Server[Any], address: str, *, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to end.

    Args:
        server: what is served.
        address: ``HOST:PORT``; port 0 takes a free one.
        ready: called with the URL as soon as it listens.

    Raises:
        AddressError: the address is none of this machine alone, or is taken.
    """
    with _listen(address) as listening:
        host, port = listening.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        app = server.streamable_http_app(
            streamable_http_path=PATH, host=host, stateless_http=True, max_request_body_size=_MOST_BYTES
        )
        config = uvicorn.Config(
            _with_bearer(app),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=_MOST_REQUESTS,
            timeout_graceful_shutdown=_STOP_LIMIT,
        )
        ready(f"http://{name}:{port}{PATH}")
        await uvicorn.Server(config).serve(sockets=[listening])


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    if not _is_loopback(host) or not port.isdecimal():
        raise AddressError(
            f"{address} is no address of this machine alone: give one such as 127.0.0.1:8765 and, for other "
            "machines, put a proxy with TLS before it"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family)
    except (OSError, OverflowError) as error:
        raise AddressError(f"{address} cannot be listened on ({error}): choose another port") from error


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _with_bearer(app: ASGIApp) -> ASGIApp:
    """Refuse requests that carry no key; whether it is good, Signoff says."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _bearer(_header(scope, b"authorization")):
            refusal = PlainTextResponse(
                "send your Signoff API key: Authorization: Bearer <key>\n",
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
            await refusal(scope, receive, send)
        else:
            await app(scope, receive, send)

    return guarded


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _bearer(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
