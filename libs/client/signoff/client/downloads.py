"""Answers that are too large for the memory: taken piece by piece, written whole or not at all."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Final

import aiohttp

from signoff.client.errors import ConfigurationError, Request
from signoff.client.transport import CONNECT_LIMIT, Parameters, Transport, check

_SILENCE_LIMIT: Final = 30.0
_PIECE: Final = 256 * 1024


async def pieces_of(
    transport: Transport, path: str, params: Parameters | None = None
) -> AsyncGenerator[bytes, None]:
    """The answer to a GET, piece by piece.

    Args:
        transport: to the server.
        path: under the base URL.
        params: the query.

    Yields:
        What comes, as it comes.

    Raises:
        RefusedError: the server said no.
        UnreachableError: the connection broke off.
    """
    request = Request("GET", path)
    limit = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT, sock_read=_SILENCE_LIMIT)
    async with transport.open(request, limit=limit, params=params) as response:
        await check(response, request)
        async for piece in response.content.iter_chunked(_PIECE):
            yield piece


async def write_pieces(pieces: AsyncGenerator[bytes, None], to: Path) -> Path:
    """Write pieces to disk. The path holds all of them or is not written at all.

    Args:
        pieces: what is to be written; it is closed.
        to: where; what is there is replaced.

    Raises:
        ConfigurationError: it cannot be written there.
    """
    partial = to.with_name(f"{to.name}.part")
    try:
        file = await asyncio.to_thread(partial.open, "wb")
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
        finally:
            await asyncio.to_thread(file.close)
        await asyncio.to_thread(partial.replace, to)
    except OSError as error:
        raise ConfigurationError(f"{to} cannot be written: {error.strerror}") from error
    finally:
        await asyncio.to_thread(partial.unlink, missing_ok=True)
    return to
