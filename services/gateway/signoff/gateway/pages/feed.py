"""Where the feed of a page begins: before its data were read. What comes later is told, and nothing twice."""

from typing import Final, cast

from aiohttp import web
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.routing import Handler
from signoff.gateway.pages.page import Page
from signoff.gateway.pages.visitors import LIVE_HEADER
from signoff.tail.cursors import LABEL, Cursors

BEGINNING: Final = web.RequestKey("feed_beginning", str)
"""The cursor of that place, for assets/feed.js: without one it would have the page read a second time."""

CURSORS: Final = web.AppKey("feed_cursors", Cursors)


def add_cursors(app: web.Application) -> None:
    """Let pages name places of the feed, as the stream service does; the app has its `Gateway` already."""
    app[CURSORS] = Cursors(app[GATEWAY].sealer.keys_for(LABEL))


def fed(page: Page) -> Page:
    """The same page, which knows where its feed begins once it is shown to somebody who may have one."""
    if page.method != "GET" or page.operation is None:
        return page
    handler = cast("Handler", page.handler)  # an operation is asked for: a caller is given

    async def handle(request: web.Request, caller: Principal) -> web.StreamResponse:
        if caller.link_id is None and caller.may("executions:read") and LIVE_HEADER not in request.headers:
            last = await request.app[GATEWAY].store.last_position()
            request[BEGINNING] = request.app[CURSORS].between(last)
        return await handler(request, caller)

    return replace(page, handler=handle)
