"""The token of a decision link in a cookie: once its page is open, the token stands in no address any more.

Addresses, unlike cookies, are kept in histories, synchronised between devices, seen on shared screens and
written to the logs of proxies. The cookie goes to the pages of one execution alone, and is named by its link,
as is the address: a page decides as whom it showed, whichever links and sessions the browser has besides.
"""

from typing import Final

from aiohttp import web

from signoff.access.links.links import PARAMETER
from signoff.gateway.people.signing_in import is_secure

BY: Final = "by"
"""The query parameter with the id of the link that a page's visitor came by. The id is no secret."""

_NAME: Final = "signoff_link_"


def keep_link(request: web.Request, response: web.Response, token: str, *, path: str, link_id: str) -> None:
    """Give a browser the token of a link, until it is closed.

    Args:
        request: that came with the token.
        response: which takes it along.
        token: of the link.
        path: of the pages that it is for, encoded as their addresses are.
        link_id: of the link.
    """
    response.set_cookie(
        _NAME + link_id, token, path=path, httponly=True, samesite="Lax", secure=is_secure(request)
    )


def named_link(request: web.Request) -> str | None:
    """The id of the link that the address of a page names."""
    return None if request.path.startswith("/api/") else request.query.get(BY)


def kept_link(request: web.Request) -> str | None:
    """The token of the link that the address of a page names, if its browser knows it."""
    link_id = named_link(request)
    return None if link_id is None else request.cookies.get(_NAME + link_id)


def is_by_link(request: web.Request) -> bool:
    """Whether the visitor of a page came by a decision link, of which the browser may know no more."""
    return named_link(request) is not None or PARAMETER in request.query
