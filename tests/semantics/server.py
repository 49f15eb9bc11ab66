"""The server that cases know as ``$SERVER``."""

from typing import Final

from aiohttp import web

PICTURE: Final = b"\x89PNG\r\n\x1a\n\x00\x01"
"""What ``/picture.png`` holds: no text."""


def application() -> web.Application:
    """Routes that echo, refuse and show a picture."""
    app = web.Application()
    app.router.add_route("*", "/echo", _echo)
    app.router.add_route("*", "/status/{status}", _status)
    app.router.add_get("/picture.png", _picture)
    app.on_response_prepare.append(_end_connection)
    return app


async def _end_connection(_: web.Request, response: web.StreamResponse) -> None:
    """A connection ends with its answer: its task would otherwise outlive the test."""
    response.force_close()


async def _echo(request: web.Request) -> web.Response:
    body = await request.text()
    return web.json_response(
        {
            "method": request.method,
            "query": dict(request.query),
            "key": request.headers.get("Idempotency-Key", "").partition("/")[2],
            "header": request.headers.get("X-Test"),
            "calls": len(request.headers.get("X-Sim-Via", "").split(",")),
            "body": body,
        }
    )


async def _status(request: web.Request) -> web.Response:
    return web.json_response({"why": "told to"}, status=int(request.match_info["status"]))


async def _picture(_: web.Request) -> web.Response:
    return web.Response(body=PICTURE, content_type="image/png")
