"""``GET /api/inbox``: the decisions that somebody is asked for; and one of them with all that it takes."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.inbox.filters import InboxFilter, InboxQuery
from signoff.gateway.inbox.items import InboxTotals, totals
from signoff.gateway.inbox.listing import InboxPage, count_points, list_points
from signoff.gateway.inbox.point import PointDetail, detail_of, read_point

_TAG: Final = "Inbox"


class ScopeTotal(Struct, frozen=True, kw_only=True):
    """How many points one scope has. Not `exact`: at least so many."""

    total: int
    exact: bool


class InboxCounts(InboxTotals, frozen=True, kw_only=True, rename="camel"):
    """How many points the filter finds, in its scope and in two others.

    Attributes:
        mine: With `scope=mine`.
        groups: With `scope=groups`.
    """

    mine: ScopeTotal
    groups: ScopeTotal


async def inbox(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/inbox``."""
    listed = await list_points(request, caller, read_query(request, InboxQuery))
    return conditional(request, answer(listed.page))


async def counts(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/inbox/counts``."""
    query = read_query(request, InboxFilter)
    found = await count_points(request, caller, query, query.scope, "mine", "groups")
    told = totals(found[query.scope])
    return answer(
        InboxCounts(
            total=told.total,
            exact=told.exact,
            overdue=told.overdue,
            by_priority=told.by_priority,
            mine=ScopeTotal(total=found["mine"].total, exact=found["mine"].exact),
            groups=ScopeTotal(total=found["groups"].total, exact=found["groups"].exact),
        )
    )


async def point(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/inbox/{execution}/{context}``: looking decides nothing."""
    read = await read_point(request, caller)
    shown = await detail_of(request, caller, read)
    digest = read.point.content_digest
    return answer(shown, headers={} if digest is None else {"ETag": f'"{digest}"'})


_USER: Final = "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a"
_EXECUTION: Final = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"
_ITEM: Final = {
    "executionId": _EXECUTION,
    "workflowId": "refund",
    "workflowName": "Refund",
    "contextId": "approve",
    "blockId": "approve",
    "title": "Refund 120 € to ACME",
    "priority": "high",
    "openedAt": "2026-07-26T09:00:00.000000Z",
    "dueAt": "2026-07-28T09:00:00.000000Z",
    "overdue": False,
    "assignees": [{"kind": "group", "id": "0198c1f0-2222-7c1a-9f7e-1f2e3d4c5b6a", "name": "finance"}],
    "claimedBy": {"id": _USER, "name": "Ada"},
    "returned": False,
    "approvals": 0,
    "required": 1,
    "contentDigest": "sha256:7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730",
    "mayDecide": True,
    "resumeLinks": {
        "apiUrl": f"/api/resume/refund/{_EXECUTION}/approve",
        "uiUrl": f"/resume/refund/{_EXECUTION}?contextId=approve",
        "contextId": "approve",
        "executionId": _EXECUTION,
        "workflowId": "refund",
    },
    "eventId": 5,
}
_TOTALS: Final = {
    "total": 3,
    "exact": True,
    "overdue": 1,
    "byPriority": {"low": 0, "normal": 2, "high": 1, "urgent": 0},
}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/inbox",
        handler=inbox,
        operation="inbox:read",
        name="listInbox",
        summary="Open pause points: those that the caller may decide, or may see.",
        description="Of one workspace. What opens or is decided meanwhile moves no page.",
        tag=_TAG,
        query=InboxQuery,
        headers=ConditionalHeaders,
        answers={
            200: Answer(
                body=InboxPage,
                description="A page of pause points.",
                headers=CACHEABLE,
                example={"items": [_ITEM], "nextCursor": None, "complete": True, "counts": _TOTALS},
            ),
            304: UNCHANGED,
        },
    ),
    Route(
        method="GET",
        path="/api/inbox/counts",
        handler=counts,
        operation="inbox:read",
        name="countInbox",
        summary="How many open pause points there are, by priority and by scope.",
        description="Above 10,000 each number is a least.",
        tag=_TAG,
        query=InboxFilter,
        answers={
            200: Answer(
                body=InboxCounts,
                description="The numbers.",
                example=_TOTALS
                | {"mine": {"total": 1, "exact": True}, "groups": {"total": 2, "exact": True}},
            )
        },
    ),
    Route(
        method="GET",
        path="/api/inbox/{execution}/{context}",
        handler=point,
        operation="pauses:read",
        name="getInboxPoint",
        summary="One pause point with everything that it takes to decide it. Looking decides nothing.",
        tag=_TAG,
        takes_link=True,
        answers={
            200: Answer(
                body=PointDetail,
                description="The point: what it shows, who may decide until when, what has happened.",
                may_have={"ETag": "What a decision on this content sends as `If-Match`."},
            )
        },
    ),
)
