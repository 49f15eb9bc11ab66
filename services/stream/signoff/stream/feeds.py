"""``GET /api/stream``: everything that the caller may see, across executions (docs/streaming.md)."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final

from aiohttp import web

from signoff.access.gate import WORKSPACE_HEADER
from signoff.stream.accesses import StreamWitness
from signoff.stream.callers import Callers, Presented, feed_workspaces
from signoff.stream.errors import RefusedError
from signoff.stream.permits import Permit, Permits
from signoff.stream.rooms import Rooms
from signoff.tail import Feed, Feeds, filter_of
from signoff.tail.feed_filter import PARAMETERS
from signoff.tail.sending import HEADERS, RETRY, send

PATH: Final = "/api/stream"

_OPENED: Final = b'id: %b\ndata: {"type":"feed:opened"}\n\n'
"""Comes first where a client has no cursor yet. An event, since only an event tells a page its ``id``."""

_HEARTBEAT: Final = b": heartbeat\nid: %b\n\n"
"""No event, since it has no data; but its ``id`` is where an ``EventSource`` goes on (WHATWG HTML, 9.2.6)."""


class FeedStreams:
    """Serves feeds.

    Args:
        feeds: follow the log.
        callers: tell who asks.
        permits: ask again while a feed is open.
        rooms: places in workspaces.
        witness: takes note of who reads them.
    """

    def __init__(
        self, feeds: Feeds, callers: Callers, permits: Permits, rooms: Rooms, *, witness: StreamWitness
    ) -> None:
        self._feeds = feeds
        self._callers = callers
        self._permits = permits
        self._rooms = rooms
        self._witness = witness

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Stream a feed."""
        presented = self._callers.presented(request)
        given = _given(request, presented)
        filter_ = filter_of(given)
        workspaces = feed_workspaces(await self._callers.caller(request, presented), filter_)
        cursor = request.headers.get("Last-Event-ID") or request.query.get("cursor") or None
        with (
            self._rooms.place(workspaces),
            await self._feeds.open(filter_, workspaces, cursor=cursor) as feed,
        ):

            async def ask() -> None:
                feed.may_see(feed_workspaces(await presented.who(), filter_))

            async with self._permits.held(ask, feed.close) as permit:
                pieces = _pieces(feed, permit, is_new=cursor is None)
                with self._witness.reading(
                    request, "streamFeed", presented, workspaces=workspaces, told=given
                ):
                    return await send(request, HEADERS, pieces, path=PATH)

    async def head(self, request: web.Request) -> web.StreamResponse:
        """What :meth:`get` would begin with."""
        presented = self._callers.presented(request)
        caller = await self._callers.caller(request, presented)
        feed_workspaces(caller, filter_of(_given(request, presented)))
        return web.Response(headers=HEADERS)


def _given(request: web.Request, presented: Presented) -> Mapping[str, Sequence[str]]:
    """The filters of a feed, by their names."""
    query = request.query
    given: Mapping[str, Sequence[str]] = {name: query.getall(name) for name in PARAMETERS if name in query}
    if presented.grant is not None:
        if presented.grant.log_id is not None:
            raise RefusedError(403, "The token is for another stream")
        if given:
            raise RefusedError(400, f"The token says what the feed has: leave out {', '.join(given)}")
        return presented.grant.feed
    workspace = request.headers.get(WORKSPACE_HEADER)
    if workspace and "workspaceId" not in given:
        given = {**given, "workspaceId": [workspace]}
    return given


async def _pieces(feed: Feed, permit: Permit, *, is_new: bool) -> AsyncGenerator[list[bytes], None]:
    yield [RETRY, _OPENED % feed.cursor.encode()] if is_new else [RETRY]
    while True:
        frames = await feed.read()
        if not await permit.holds():
            return
        sent = [frame.sse for frame in frames if frame.workspace_id in feed.workspace_ids]
        yield sent or [_HEARTBEAT % feed.cursor.encode()]
