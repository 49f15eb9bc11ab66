"""Notices to send, and a server on loopback that stands for chat services."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from signoff.notify import Notice
from signoff.runtime.guard import parse_networks

LOOPBACK: Final = parse_networks("127.0.0.0/8, ::1")


def notice(url: str, **fields: Any) -> Notice:
    """A notice of which only the URL matters."""
    return Notice(**{"url": url, "title": "A title", "body": "A body", **fields})


class Chat:
    """A chat service over TLS that keeps what it is sent: paths, headers, and JSON or form fields."""

    def __init__(self) -> None:
        self.port = 0
        self.answer = '{"ok": true, "id": "1"}'
        self.received: list[tuple[str, dict[str, str], Any]] = []

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext) -> AsyncIterator["Chat"]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        self.port = runner.addresses[0][1]
        yield self
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        is_json = request.content_type == "application/json"
        content: Any = await request.json() if is_json else dict(await request.post())
        self.received.append((request.path, dict(request.headers), content))
        return web.Response(text=self.answer, content_type="application/json")
