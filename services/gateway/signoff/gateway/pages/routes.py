"""Every page; each room tells of its own in a table."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web
from msgspec.structs import replace

from signoff.gateway.admission import Admission
from signoff.gateway.http.routing import Endpoint, check_distinct
from signoff.gateway.pages import front, serving
from signoff.gateway.pages.executions import pages as executions
from signoff.gateway.pages.executions.looks import LOOKS, Looks
from signoff.gateway.pages.feed import add_cursors, fed
from signoff.gateway.pages.followed import FollowedLogs
from signoff.gateway.pages.graph.kept import DRAWINGS, Drawings
from signoff.gateway.pages.guard import guarded
from signoff.gateway.pages.inbox import pages as inbox
from signoff.gateway.pages.kept import Kept
from signoff.gateway.pages.page import Page
from signoff.gateway.pages.refusals import ROOM, room_for_forms
from signoff.gateway.pages.resume import pages as resume
from signoff.gateway.pages.resume.changes import COMPARISONS, Comparisons
from signoff.gateway.pages.resume.followed import FOLLOWING, Points
from signoff.gateway.pages.resume.outcomes import OUTCOMES
from signoff.gateway.pages.settings import pages as settings
from signoff.gateway.pages.sign_in import pages as sign_in
from signoff.gateway.pages.site import SITE, read_site
from signoff.gateway.pages.workflows import pages as workflows
from signoff.gateway.pages.workflows.history import COMPARED
from signoff.gateway.pages.workflows.versions import TEXTS

ALL: Final[tuple[Page, ...]] = (
    *front.PAGES,
    *sign_in.PAGES,
    *inbox.PAGES,
    *resume.PAGES,
    *executions.PAGES,
    *workflows.PAGES,
    *settings.PAGES,
)


def add_pages(app: web.Application, admission: Admission, *, beside: Sequence[Endpoint]) -> None:
    """Serve the pages.

    Args:
        app: has its `Gateway` already.
        admission: lets visitors in, as it does callers of the API.
        beside: what else is served: the routes of the API.

    Raises:
        GatewayError: two pages clash, or a page and what else is served.
    """
    check_distinct([*beside, *(replace(page.route, name=page.name) for page in ALL)])

    async def read(_: web.Application) -> None:
        app[SITE] = await asyncio.to_thread(read_site)

    app.on_startup.append(read)
    add_cursors(app)
    app[DRAWINGS], app[TEXTS], app[COMPARED], app[COMPARISONS] = Drawings(), Kept(), Kept(), Comparisons()
    app[LOOKS], app[ROOM] = Looks(), room_for_forms()
    app[FOLLOWING], app[OUTCOMES] = FollowedLogs(Points), Kept()
    for page in ALL:
        for method in ("GET", "HEAD") if page.method == "GET" else (page.method,):
            app.router.add_route(method, page.path, guarded(fed(page), admission))
    for method in ("GET", "HEAD"):
        app.router.add_route(method, serving.PATH, serving.serve_asset)
