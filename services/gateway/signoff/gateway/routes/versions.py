"""``GET /api/workflows/{id}/versions``: what was deployed, the newest first."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.gateway.gateway import GATEWAY, find_workflow
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.routes.v2.workflows import VERSION_EXAMPLE
from signoff.gateway.v2.schemas import VersionItem
from signoff.gateway.v2.versions import list_versions
from signoff.gateway.workflows.versions import VersionsQuery


class VersionList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of versions, the newest first."""

    versions: list[VersionItem]
    next_cursor: str | None


async def versions(request: web.Request, caller: Principal) -> web.Response:
    """A page of a workflow's versions."""
    gateway = request.app[GATEWAY]
    query = read_query(request, VersionsQuery)
    row = await find_workflow(gateway, caller, request.match_info["id"])
    items, cursor = await list_versions(gateway.store, row, cursor=query.cursor, limit=query.limit)
    return answer(VersionList(versions=items, next_cursor=cursor))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/workflows/{id}/versions",
        handler=versions,
        operation="workflows:read",
        name="listVersions",
        summary="The versions of a workflow, the newest first.",
        tag="Workflows",
        query=VersionsQuery,
        answers={
            200: Answer(
                body=VersionList,
                description="A page of versions.",
                example={"versions": [VERSION_EXAMPLE], "nextCursor": None},
            )
        },
    ),
)
