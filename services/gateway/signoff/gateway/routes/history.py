"""An execution's log itself: its events, the very bytes, and the large values that they name."""

import re
from typing import Final
from uuid import UUID

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.errors import BlobNotFoundError
from signoff.events.store.base import EventStore
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.events import EventsQuery, page_of_events
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, is_unchanged
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.http.sending import pieces_of, send_pieces
from signoff.gateway.schemas import EventPage

_MISSING: Final = "Execution not found"
_SOME: Final = 50
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


async def events(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/executions/{id}/events?from&to&limit``: events after ``from`` up to ``to``.

    A page ends earlier than ``limit`` when it is large; ``nextFrom`` is where the next one begins.
    """
    gateway = request.app[GATEWAY]
    query = read_query(request, EventsQuery)
    row = await find_execution(gateway, caller, request.match_info["execution"], missing=_MISSING)
    page, more = await page_of_events(
        gateway.store, row.log_id, after=query.after, last=query.last, limit=query.limit
    )
    next_from = b"%d" % page[-1].version if more else b"null"
    body = b'{"events":[%b],"nextFrom":%b}' % (b",".join(each.state for each in page), next_from)
    return web.Response(body=body, content_type="application/json")


async def blob(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /api/executions/{id}/blobs/{sha256}``: a large value that an event of the execution names."""
    gateway = request.app[GATEWAY]
    row = await find_execution(gateway, caller, request.match_info["execution"], missing=_MISSING)
    match = _DIGEST.fullmatch(request.match_info["digest"])
    digest = "" if match is None else f"sha256:{match[1]}"
    media_type = await _media_type(gateway.store, row.log_id, digest) if digest else None
    if media_type is None:
        raise ApiError(404, "Value not found")
    try:
        value = await gateway.blobs.get(row.workspace_id, digest)
    except BlobNotFoundError as error:
        raise ApiError(404, "Value not found") from error
    headers = {
        "Content-Type": media_type,
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=31536000, immutable",
        "ETag": f'"{digest}"',
    }
    if is_unchanged(request.headers, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    response = web.StreamResponse(headers=headers)
    response.content_length = len(value)
    return await send_pieces(request, response, pieces_of(value), value=digest)


async def _media_type(store: EventStore, log_id: UUID, digest: str) -> str | None:
    """The media type of a value as an event of the log names it; ``None`` if none does."""
    # No input can forge this: a user's own field would be called "$$blob".
    reference = re.compile(
        rb'\{"\$blob":"%b","size":\d+,"mediaType":"([\w!#$&^.+/;= -]+)"\}' % digest.encode(), re.ASCII
    )
    after = 0
    while found := await store.read(log_id, after=after, limit=_SOME):
        for recorded in found:
            match = reference.search(recorded.state)
            if match is not None:
                return match[1].decode()
        after = found[-1].version
    return None


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/executions/{execution}/events",
        handler=events,
        operation="executions:read",
        name="listEvents",
        summary="The events of an execution's log.",
        description="The very bytes that were recorded, in their order. Large values are references.",
        tag="Executions",
        query=EventsQuery,
        answers={200: Answer(body=EventPage, description="A page of events.")},
    ),
    Route(
        method="GET",
        path="/api/executions/{execution}/blobs/{digest}",
        handler=blob,
        operation="executions:read",
        name="getLargeValue",
        summary="A large value that an event of the execution names.",
        tag="Executions",
        headers=ConditionalHeaders,
        answers={
            200: Answer(
                media="*/*",
                description="The value, as an attachment of the media type that the event names.",
                headers=CACHEABLE,
            ),
            304: UNCHANGED,
        },
    ),
)
