"""``GET /api/v2/audit-logs``: who changed what in a workspace."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.access.callers import Principal
from signoff.events.times import iso
from signoff.events.types import Json
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.http.windows import Moment, window
from signoff.gateway.v2.audit import Key, Wanted, read_audit
from signoff.gateway.v2.cursors import Page, read_cursor, write_cursor
from signoff.gateway.v2.log_schemas import AuditEntry


class AuditQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which changes are listed, the newest first.

    Attributes:
        action: Of this kind, such as `workflow.deployed`.
        actor: By the user, key or program of this id.
        resource_type: Of a resource of this kind, such as `workflow`.
        made_from: Made at this moment or later.
        made_to: Made at this moment or earlier.
        limit: Changes on a page.
        cursor: The `nextCursor` of the page before.
    """

    action: str | None = None
    actor: str | None = None
    resource_type: str | None = None
    made_from: Moment | UnsetType = field(default=UNSET, name="from")
    made_to: Moment | UnsetType = field(default=UNSET, name="to")
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str = ""


async def list_changes(request: web.Request, caller: Principal) -> web.Response:
    """A page of changes, from the logs of the workflows and of the directory."""
    query = read_query(request, AuditQuery)
    first, end = window(query.made_from, query.made_to, name="from")
    wanted = Wanted(
        workspace_id=caller.workspace_id,
        action=query.action,
        actor_id=query.actor,
        resource_type=query.resource_type,
        first="" if first is None else iso(first),
        end=None if end is None else iso(end),
        before=read_cursor(query.cursor, Key) if query.cursor else None,
        limit=query.limit + 1,
    )
    found = await read_audit(request.app[GATEWAY].store, wanted)
    shown = found[: query.limit]
    more = len(found) > len(shown)
    cursor = write_cursor(Key(shown[-1].created_at, shown[-1].id)) if more else None
    return answer(Page(shown, cursor))


_EXAMPLE: Final[Json] = {
    "id": "3f335ad3-185a-5c0f-aca7-0ad1aa24669d/2",
    "workspaceId": "00000000-0000-0000-0000-000000000000",
    "actorType": "apiKey",
    "actorId": "bootstrap",
    "actorName": None,
    "action": "workflow.deployed",
    "resourceType": "workflow",
    "resourceId": "refund-approval",
    "resourceName": "Refund approval",
    "description": "workflow Refund approval deployed",
    "metadata": {"version": 2, "name": "Refund approval", "digest": "sha256:5f2d8c0a"},
    "createdAt": "2026-07-26T09:00:00.000000Z",
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/v2/audit-logs",
        handler=list_changes,
        operation="audit:read",
        name="listAuditLogs",
        summary="Who changed what, the newest first.",
        description="Deployments, schedules that were switched, and all changes of members, groups, keys, "
        "environment and webhooks. What concerns the whole installation stands in the default workspace.",
        tag="v2",
        query=AuditQuery,
        answers={
            200: Answer(
                body=Page[AuditEntry],
                description="A page of changes.",
                example={"data": [_EXAMPLE], "nextCursor": None},
            )
        },
        style="v2",
    ),
)
