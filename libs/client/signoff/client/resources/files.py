"""Files: contents of any size that workflows pass around as small values."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import IO, Final, TypeAlias

import aiohttp
from msgspec import Struct

from signoff.client.answers.files import File
from signoff.client.downloads import pieces_of, write_pieces
from signoff.client.errors import ConfigurationError
from signoff.client.resources.resource import Resource
from signoff.client.transport import Body, api_path

Content: TypeAlias = Path | bytes | Iterable[bytes] | AsyncIterable[bytes]
"""A file to read, its bytes, or its pieces."""

UPLOAD_LIMIT: Final = 600.0
"""Seconds that an upload may take."""


class _Uploaded(Struct):
    files: list[File]


class AsyncFiles(Resource):
    """``client.files``."""

    async def upload(
        self,
        content: Content,
        *,
        name: str | None = None,
        media_type: str = "application/octet-stream",
        timeout: float = UPLOAD_LIMIT,  # noqa: ASYNC109 - as in other SDKs
    ) -> File:
        """Store a file; its :meth:`~signoff.client.File.value` may stand in an input or a form.

        Args:
            content: a file to read, its bytes, or its pieces. Pieces can be sent only once, so that an
                upload of them is not tried again.
            name: what it is called; a path's own name where it is left away.
            media_type: what it is.
            timeout: seconds that it may take.

        Raises:
            ConfigurationError: the file cannot be read.
            InvalidRequestError: it is too large.
        """
        called = name or (content.name if isinstance(content, Path) else "file")
        reply = await self._transport.request(
            "POST",
            api_path("files"),
            body=_form(content, called, media_type),
            within=timeout,
            resendable=isinstance(content, Path | bytes),
        )
        return reply.decode(_Uploaded).files[0]

    async def read(self, key: str) -> bytes:
        """A file's contents, in memory.

        Raises:
            NotFoundError: there is none.
        """
        return (await self._transport.request("GET", api_path("files", key))).body

    async def pieces(self, key: str) -> AsyncGenerator[bytes, None]:
        """A file's contents, piece by piece.

        Yields:
            What comes, as it comes.

        Raises:
            NotFoundError: there is none.
            UnreachableError: the connection broke off.
        """
        async with aclosing(pieces_of(self._transport, api_path("files", key))) as pieces:
            async for piece in pieces:
                yield piece

    async def download(self, key: str, to: Path) -> Path:
        """Write a file's contents to disk. The path holds all of it or is not written at all.

        Args:
            key: of the file.
            to: where; what is there is replaced.

        Raises:
            NotFoundError: there is none.
            UnreachableError: the connection broke off.
            ConfigurationError: it cannot be written there.
        """
        return await write_pieces(self.pieces(key), to)


def _form(content: Content, name: str, media_type: str) -> Body:
    async def make() -> aiohttp.MultipartWriter:
        body = aiohttp.MultipartWriter("form-data")
        part = body.append(await _part(content), {"Content-Type": media_type})
        part.set_content_disposition("form-data", name="file", filename=name)
        return body

    return make


async def _part(content: Content) -> bytes | AsyncIterable[bytes] | IO[bytes]:
    if isinstance(content, Path):
        try:
            return await asyncio.to_thread(content.open, "rb")  # closed by aiohttp when it is sent
        except OSError as error:
            raise ConfigurationError(f"{content} cannot be read: {error.strerror}") from error
    return content if isinstance(content, bytes | AsyncIterable) else _pieces(content)


async def _pieces(content: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Pieces that may have to be waited for, taken in a thread."""
    iterator = iter(content)
    while (piece := await asyncio.to_thread(next, iterator, None)) is not None:
        yield piece
