"""``GET /api/workflows/{id}/executions/{executionId}/stream`` (http-contract.md, SSE)."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Final

import structlog
from aiohttp import web

from signoff.access.keys import authenticate
from signoff.events.store.base import EventStore
from signoff.runtime.settings import Settings
from signoff.stream.answers import answering_errors
from signoff.stream.asked import Target, cursor_of, find_target, follows
from signoff.stream.errors import RefusedError
from signoff.tail import Frame, Hub, Reader, TailClosedError

PATH: Final = "/api/workflows/{workflowId}/executions/{executionId}/stream"

_RETRY: Final = b"retry: 1000\n\n"
_HEARTBEAT: Final = b": heartbeat\n\n"
_DONE: Final = b"data: [DONE]\n\n"

_CHUNK: Final = 64 * 1024
"""Bytes written at once: aiohttp holds no more than about this for a slow reader."""

_WRITE_LIMIT: Final = 300.0
"""Seconds in which a client must take a chunk; one that takes none is gone, or as good as gone."""

_LOOKUPS: Final = 16
"""How many executions are looked up at once; clients that come back all at once queue here."""

_log = structlog.get_logger("signoff.stream")


def add_stream_routes(app: web.Application, *, settings: Settings, store: EventStore, hub: Hub) -> None:
    """Serve streams from an application, be it the stream service's or that of an embedded server.

    Open streams end when the application begins to shut down. Closing the hub is the caller's.
    """
    streams = _Streams(settings, store, hub)

    async def end_streams(_: web.Application) -> None:
        hub.end()

    app.on_shutdown.append(end_streams)
    app.router.add_get(PATH, answering_errors(streams.get), allow_head=False)
    app.router.add_head(PATH, answering_errors(streams.head))
    app.router.add_options(PATH, streams.options)


class _Streams:
    def __init__(self, settings: Settings, store: EventStore, hub: Hub) -> None:
        self._settings = settings
        self._store = store
        self._hub = hub
        self._lookups = asyncio.Semaphore(_LOOKUPS)

    async def get(self, request: web.Request) -> web.StreamResponse:
        target = await self._target(request)
        cursor = cursor_of(request.headers, request.query)
        with self._hub.open(
            target.log_id, after=cursor.after, run_id=target.run_id, follow=follows(request.query)
        ) as reader:
            frames = await reader.begin()
            if cursor.reconnect and reader.ended and not frames:
                return web.Response(status=204)  # an EventSource stops asking
            return await _send(request, target, reader, frames)

    async def head(self, request: web.Request) -> web.StreamResponse:
        return web.Response(headers=_headers(await self._target(request)))

    async def options(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})

    async def _target(self, request: web.Request) -> Target:
        principal = authenticate(request.headers, self._settings)
        if principal is None:
            raise RefusedError(401, "Unauthorized")
        if not principal.may("read"):
            raise RefusedError(403, "Access denied")
        asked = request.match_info
        async with self._lookups:
            return await find_target(
                self._store, principal.workspace_id, asked["workflowId"], asked["executionId"]
            )


def _headers(target: Target) -> dict[str, str]:
    return {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
        "X-Execution-Id": target.execution_id,
    }


async def _send(
    request: web.Request, target: Target, reader: Reader, frames: list[Frame]
) -> web.StreamResponse:
    """Send frames to the end. Whatever ends it before, the client can go on after its last frame."""
    response = web.StreamResponse(headers=_headers(target))
    try:
        await response.prepare(request)
        await _send_all(response, reader, frames)
    except TailClosedError:
        pass  # we stop: the response ends cleanly, without [DONE], and the client comes back
    except ConnectionResetError:
        pass  # the client went away
    except TimeoutError:
        _log.info("a client takes nothing any more", log_id=str(target.log_id))
        if request.transport is not None:
            request.transport.abort()
    except Exception:  # noqa: BLE001 - whatever it was, it is logged
        # The response has begun, so that no other answer can be given any more.
        _log.exception("a stream broke", log_id=str(target.log_id))
    return response


async def _send_all(response: web.StreamResponse, reader: Reader, frames: list[Frame]) -> None:
    pieces = [_RETRY]
    while True:
        pieces += [frame.sse for frame in frames]
        if reader.ended:
            pieces.append(_DONE)
        for chunk in _chunks(pieces):
            async with asyncio.timeout(_WRITE_LIMIT):
                await response.write(chunk)
        if reader.ended:
            return
        frames = await reader.read()
        pieces = [] if frames or reader.ended else [_HEARTBEAT]


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join pieces so that few writes are made, none of them much larger than it must be."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        if size and size + len(piece) > _CHUNK:
            yield b"".join(gathered)
            gathered, size = [], 0
        gathered.append(piece)
        size += len(piece)
    if gathered:
        yield b"".join(gathered)
