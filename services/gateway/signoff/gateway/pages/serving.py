"""``/assets``: files that browsers keep for good, since another content has another address."""

from typing import Final

from aiohttp import web

from signoff.gateway.errors import ApiError
from signoff.gateway.http.headers import takes_gzip
from signoff.gateway.http.responses import NO_GUESSING
from signoff.gateway.pages.site import SITE

PATH: Final = "/assets/{digest}/{name}"

_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_NOT_KEPT: Final = "no-cache"
_OWN: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Opened by itself, a drawing runs nothing; another site's page cannot use it."""


async def serve_asset(request: web.Request) -> web.Response:
    """``GET /assets/{digest}/{name}``.

    A page that another version of the server made asks for that one's files: it gets those of this version,
    and keeps them no longer than for now.
    """
    assets = request.app[SITE].assets
    asset = assets.by_name.get(request.match_info["name"])
    if asset is None:
        raise ApiError(404, "Not found")
    is_current = request.match_info["digest"] == assets.digest
    headers = {
        **NO_GUESSING,
        **_OWN,
        "Cache-Control": _FOR_GOOD if is_current else _NOT_KEPT,
        "Vary": "Accept-Encoding",
    }
    body = asset.body
    if takes_gzip(request.headers):
        headers["Content-Encoding"] = "gzip"
        body = asset.compressed
    return web.Response(body=body, content_type=asset.media_type, charset="utf-8", headers=headers)
