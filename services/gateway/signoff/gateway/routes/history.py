"""An execution's log itself: its events, the very bytes, and the large values that they name."""

import re
from typing import Final
from uuid import UUID

from aiohttp import web

from signoff.access.keys import Principal
from signoff.events.errors import BlobNotFoundError
from signoff.events.store.base import EventStore, Recorded
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.headers import whole_number

_MISSING: Final = "Execution not found"
_SOME: Final = 50
_PAGE_BYTES: Final = 4 * 1024 * 1024
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


async def events(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/executions/{id}/events?from&to&limit``: events after ``from`` up to ``to``.

    A page ends earlier than ``limit`` when it is large; ``nextFrom`` is where the next one begins.
    """
    gateway = request.app[GATEWAY]
    after = whole_number(request, "from", 0)
    last = whole_number(request, "to", 2**31 - 1)
    limit = whole_number(request, "limit", 100, least=1, most=1000)
    row = await find_execution(gateway, caller, request.match_info["execution"], missing=_MISSING)
    page, more = await _page(gateway.store, row.log_id, after=after, last=last, limit=limit)
    next_from = b"%d" % page[-1].version if more else b"null"
    body = b'{"events":[%b],"nextFrom":%b}' % (b",".join(each.state for each in page), next_from)
    return web.Response(body=body, content_type="application/json")


async def _page(
    store: EventStore, log_id: UUID, *, after: int, last: int, limit: int
) -> tuple[list[Recorded], bool]:
    """Events of one page, and whether more follow."""
    page: list[Recorded] = []
    size = 0
    while True:
        found = await store.read(log_id, after=after, limit=_SOME)
        for recorded in found:
            if recorded.version > last:
                return page, False
            if len(page) == limit or size > _PAGE_BYTES:
                return page, True
            page.append(recorded)
            size += len(recorded.state)
        if len(found) < _SOME:
            return page, False
        after = found[-1].version


async def blob(request: web.Request, caller: Principal) -> web.Response:
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
    return web.Response(
        body=value,
        headers={
            "Content-Type": media_type,
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=31536000, immutable",
            "ETag": f'"{digest}"',
        },
    )


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
