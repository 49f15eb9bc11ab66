"""``/openapi.json`` and ``/docs``: the API told to programs and to people, open to anybody."""

import asyncio
from collections.abc import Iterable
from functools import cached_property
from importlib.resources import files
from typing import Final

from aiohttp import web

from signoff.events.schemas.structs import Schema
from signoff.events.types import Json
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.responses import NO_GUESSING
from signoff.gateway.http.routing import Answer, Endpoint, Route
from signoff.gateway.openapi.document import build, encode
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.openapi.reference import STYLE, render

_GUARDED: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    **NO_GUESSING,
    "Referrer-Policy": "no-referrer",
}


class Documentation:
    """The document, made when it is first asked for.

    Args:
        endpoints: all that it tells of.
        public_url: where the server is reached.
    """

    def __init__(self, endpoints: Iterable[Endpoint], public_url: str | None) -> None:
        self._endpoints = tuple(endpoints)
        self._public_url = public_url

    @cached_property
    def document(self) -> Schema:
        """The document itself."""
        return build(self._endpoints, public_url=self._public_url)

    @cached_property
    def json(self) -> bytes:
        """As it is served."""
        return encode(self.document)

    @cached_property
    def page(self) -> bytes:
        """The reference page."""
        return render(self.document).encode()

    @cached_property
    def style(self) -> bytes:
        """The style of the page."""
        return files("signoff.gateway.openapi").joinpath("static/reference.css").read_bytes()


DOCUMENTATION: Final = web.AppKey("documentation", Documentation)


def describe(app: web.Application, routes: Iterable[Endpoint]) -> None:
    """Let an application tell of its routes, and of what others serve; it has its `Gateway` already."""
    app[DOCUMENTATION] = Documentation((*routes, *ELSEWHERE), app[GATEWAY].settings.public_url)


async def openapi(request: web.Request) -> web.Response:
    """``GET /openapi.json``."""
    documentation = request.app[DOCUMENTATION]
    body = await asyncio.to_thread(lambda: documentation.json)
    return conditional(request, web.Response(body=body, content_type="application/json", headers=NO_GUESSING))


async def page(request: web.Request) -> web.Response:
    """``GET /docs``."""
    documentation = request.app[DOCUMENTATION]
    body = await asyncio.to_thread(lambda: documentation.page)
    response = web.Response(body=body, content_type="text/html", charset="utf-8", headers=_GUARDED)
    return conditional(request, response)


async def style(request: web.Request) -> web.Response:
    """``GET /docs/reference.css``."""
    documentation = request.app[DOCUMENTATION]
    body = await asyncio.to_thread(lambda: documentation.style)
    return conditional(request, web.Response(body=body, content_type="text/css", headers=_GUARDED))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=openapi,
        operation=None,
        name="getOpenApi",
        summary="This document.",
        tag="Service",
        headers=ConditionalHeaders,
        answers={
            200: Answer(body=dict[str, Json], description="OpenAPI 3.1.", headers=CACHEABLE),
            304: UNCHANGED,
        },
    ),
    Route(
        method="GET",
        path="/docs",
        handler=page,
        operation=None,
        name="getReference",
        summary="This document as a page.",
        tag="Service",
        headers=ConditionalHeaders,
        answers={200: Answer(media="text/html", description="The page.", headers=CACHEABLE), 304: UNCHANGED},
    ),
    Route(
        method="GET",
        path=STYLE,
        handler=style,
        operation=None,
        name="getReferenceStyle",
        summary="The style of that page.",
        tag="Service",
        headers=ConditionalHeaders,
        answers={200: Answer(media="text/css", description="The style.", headers=CACHEABLE), 304: UNCHANGED},
    ),
)
