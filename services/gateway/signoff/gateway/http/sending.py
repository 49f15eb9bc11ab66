"""Large answers, sent in pieces while they are read: to their end, or so that nobody takes them for whole."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import structlog
from aiohttp import web

from signoff.events.errors import SignoffError

_WRITE_LIMIT: Final = 120.0
"""Seconds that a reader may take for a piece, of a few MiB at most; who takes none is given up then."""

_PIECE: Final = 256 * 1024

_log = structlog.get_logger("signoff.gateway.sending")


async def send_pieces(
    request: web.Request, response: web.StreamResponse, pieces: AsyncGenerator[bytes, None], **what: str
) -> web.StreamResponse:
    """Send pieces to their end. Where that fails the connection ends, since the status is sent already.

    Args:
        request: what is answered; of a ``HEAD`` nothing is read.
        response: with its headers, not prepared.
        pieces: the body, each at most a few MiB. They are closed whatever happens.
        **what: names the answer in our logs; never a credential.
    """
    await response.prepare(request)
    async with aclosing(pieces):
        if request.method == "HEAD":
            return response
        try:
            async for piece in pieces:
                async with asyncio.timeout(_WRITE_LIMIT):
                    await response.write(piece)
            async with asyncio.timeout(_WRITE_LIMIT):
                await response.write_eof()
        except ConnectionError:  # which of them depends on what was waited for
            _log.debug("a reader went away", **what)
        except TimeoutError:
            _log.info("a reader takes nothing any more", **what)
            _break_off(request)
        except SignoffError as error:
            _log.warning("an answer was cut short", reason=str(error), **what)
            _break_off(request)
    return response


def _break_off(request: web.Request) -> None:
    """End the connection, so that nobody takes what came for the whole."""
    if request.transport is not None:
        request.transport.abort()


async def pieces_of(value: bytes) -> AsyncGenerator[bytes, None]:
    """Bytes in pieces that a slow reader takes in time."""
    for at in range(0, len(value), _PIECE):
        yield value[at : at + _PIECE]
