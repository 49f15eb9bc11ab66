"""The front, and the choice of a workspace."""

import re
from typing import Final
from uuid import UUID

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.accesses.witness import CALLER
from signoff.gateway.errors import ApiError
from signoff.gateway.http.bodies import read_form
from signoff.gateway.pages.guard import WORKSPACE_COOKIE
from signoff.gateway.pages.page import Page
from signoff.gateway.pages.site import guards, see_other
from signoff.gateway.people.signing_in import is_secure

FRONT: Final = "/inbox"
"""The page that people begin with."""

_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")
"""A path of this server, printable and without ``\\``: browsers take ``//`` and ``/\\`` for other hosts."""

_YEAR: Final = 365 * 24 * 3600


def local_path(text: str | None) -> str:
    """A path of this server to go on with; the front where the text is none."""
    return text if text is not None and _LOCAL.fullmatch(text) else FRONT


async def front(request: web.Request) -> web.Response:
    """``GET /``."""
    return web.Response(status=302, headers={**guards(request), "Location": FRONT})


async def choose_workspace(request: web.Request, _: Principal) -> web.Response:
    """``POST /workspace``: the pages are those of another workspace from here on."""
    chosen = str((await read_form(request)).get("workspaceId", ""))
    try:
        is_known = UUID(chosen) in request[CALLER].grants
    except ValueError:
        is_known = False
    if not is_known:
        raise ApiError(404, "Workspace not found")
    response = see_other(request, FRONT)
    response.set_cookie(
        WORKSPACE_COOKIE,
        chosen,
        max_age=_YEAR,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure(request),
    )
    return response


PAGES: Final = (
    Page(path="/", operation=None, name="front", handler=front),
    Page(
        method="POST", path="/workspace", operation="workspace:read", name="chooseWorkspace",
        handler=choose_workspace,
    ),
)  # fmt: skip
