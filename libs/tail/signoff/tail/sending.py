"""How a stream is sent: in few writes, at the client's pace, and to a clean end whatever ends it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Final

import structlog
from aiohttp import web

from signoff.events import faults
from signoff.tail.errors import TailClosedError
from signoff.tail.frames import Frame
from signoff.tail.reader import Reader

HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
RETRY: Final = b"retry: 1000\n\n"

_CHUNK: Final = 64 * 1024
"""Bytes written at once: aiohttp holds no more than about this for a slow reader."""

_WRITE_LIMIT: Final = 300.0
"""Seconds in which a client must take a chunk; one that takes none is gone, or as good as gone."""

HEARTBEAT: Final = b": heartbeat\n\n"
DONE: Final = b"data: [DONE]\n\n"
_log = structlog.get_logger("signoff.tail")


async def frames_of(
    reader: Reader, frames: list[Frame], *, may_go_on: Callable[[], Awaitable[bool]] | None = None
) -> AsyncGenerator[list[bytes], None]:
    """What is sent of a log that somebody follows.

    Args:
        reader: follows it.
        frames: what it gave at first.
        may_go_on: asked before anything is sent; the stream ends when it may not.
    """
    pieces = [RETRY]
    while may_go_on is None or await may_go_on():
        pieces += [frame.sse for frame in frames]
        if reader.ended:
            yield [*pieces, DONE]
            return
        frames = []  # what was sent is let go of, or each idle stream would keep its last frames
        yield pieces
        pieces.clear()
        frames = await reader.read()
        pieces = [] if frames or reader.ended else [HEARTBEAT]


async def send(
    request: web.Request, headers: Mapping[str, str], pieces: AsyncGenerator[list[bytes], None], **what: str
) -> web.StreamResponse:
    """Send pieces to their end. Whatever ends them before, the client can go on after its last frame.

    Args:
        request: what is answered.
        headers: of the answer.
        pieces: the frames, as they come.
        **what: names the stream in our logs; never a credential.
    """
    response = web.StreamResponse(headers=headers)
    try:
        await response.prepare(request)
        async with aclosing(pieces):
            async for some in pieces:
                if faults.armed:
                    await faults.reach("stream.sending")
                await _write(response, some)
    except TailClosedError:
        pass  # we stop, or it may not be read any more: a clean end without [DONE], and the client comes back
    except ConnectionResetError:
        pass  # the client went away
    except TimeoutError:
        _log.info("a client takes nothing any more", **what)
        if request.transport is not None:
            request.transport.abort()
    except Exception:  # noqa: BLE001 - whatever it was, it is logged
        # The response has begun, so that no other answer can be given any more.
        _log.exception("a stream broke", **what)
    return response


async def _write(response: web.StreamResponse, pieces: Iterable[bytes]) -> None:
    for chunk in _chunks(pieces):
        async with asyncio.timeout(_WRITE_LIMIT):
            await response.write(chunk)


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
