"""Reads that repeat: who has the answer already is told so, without it."""

import hashlib
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from signoff.gateway.errors import GatewayError
from signoff.gateway.http.routing import Answer

CACHEABLE: Final = {"ETag": "Names this answer. Send it back as `If-None-Match` to get 304 while it stands."}
"""The header of an answer that `conditional` has seen, for the docs."""

UNCHANGED: Final = Answer(
    description="The caller has this answer: its `ETag` is the same.", headers=CACHEABLE
)
"""What such a read answers besides, for the docs."""

_REVALIDATE: Final = "private, no-cache"
_KEPT: Final = ("ETag", "Cache-Control", "Vary")


def conditional(request: web.Request, response: web.Response) -> web.Response:
    """The response with an ``ETag``, or 304 where the request shows the same one.

    Args:
        request: may hold ``If-None-Match``.
        response: with its whole body; an ``ETag`` that it has stays, else its bytes give one.
    """
    if "ETag" not in response.headers:
        if not isinstance(response.body, bytes):
            raise GatewayError("an answer without bytes needs its own ETag")
        response.headers["ETag"] = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    response.headers.setdefault("Cache-Control", _REVALIDATE)
    if not is_unchanged(request.headers, response.headers["ETag"]):
        return response
    kept = {name: response.headers[name] for name in _KEPT if name in response.headers}
    return web.Response(status=304, headers=kept)


def is_unchanged(headers: Mapping[str, str], tag: str) -> bool:
    """Whether a request shows that its sender has what is named so (RFC 9110, 13.1.2).

    Args:
        headers: of the request.
        tag: strong, with its quotes.
    """
    shown = [each.strip() for each in headers.get("If-None-Match", "").split(",")]
    return "*" in shown or any(each.removeprefix("W/") == tag for each in shown)
