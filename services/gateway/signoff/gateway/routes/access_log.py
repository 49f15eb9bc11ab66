"""``GET /api/access-log``: who read what in a workspace, and who was turned away."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.topics import access_log_id
from signoff.events.types import Json
from signoff.gateway.accesses.listing import AccessList, AccessQuery, accesses_of
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route


async def list_accesses(request: web.Request, caller: Principal) -> web.Response:
    """A page of the workspace's access log."""
    return answer(await accesses_of(request, caller, read_query(request, AccessQuery)))


_LOG: Final = access_log_id("00000000-0000-0000-0000-000000000000", 17, "2026-07-26")
_EXAMPLE: Final[Json] = {
    "id": f"{_LOG}/12",
    "type": "access:read",
    "recordedAt": "2026-07-26T09:00:06.120000Z",
    "workspaceId": "00000000-0000-0000-0000-000000000000",
    "actor": {"type": "user", "id": "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a"},
    "authMethod": "session",
    "operation": "listEvents",
    "about": {
        "kind": "events",
        "names": {"executionId": "refund-1"},
        "filter": {"from": "0", "to": "100"},
    },
    "firstAt": "2026-07-26T09:00:00.000000Z",
    "lastAt": "2026-07-26T09:00:03.250000Z",
    "count": 2,
    "observer": "0198c1f0-5555-7c1a-9f7e-1f2e3d4c5b6a",
    "batch": 7,
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/access-log",
        handler=list_accesses,
        operation="audit:read",
        name="listAccesses",
        summary="Who read what, and who was turned away, the newest first.",
        description="Reads, exports and checks of what the workspace has, refused requests and refused "
        "decisions, as they stand in the logs of accesses. A page looks through a bounded part of these, and "
        "so may be short, or empty, and have another one after it. Asking is an access, too.",
        tag="Auditing",
        query=AccessQuery,
        answers={
            200: Answer(
                body=AccessList,
                description="A page of accesses.",
                example={"accesses": [_EXAMPLE], "nextCursor": None},
            )
        },
    ),
)
