"""The object store: bytes by path, in a folder, in memory or in a cloud; the only obstore."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from signoff.events.errors import BlobError, BlobNotFoundError

TIMEOUT: Final = 30.0
"""Seconds that one request to the store may take, or one piece of a long answer."""

_PIECE: Final = 256 * 1024
_PART: Final = 5 * 1024 * 1024  # the least that S3 takes as a part of an upload
_PARTS_AT_ONCE: Final = 2


class Objects:
    """Bytes by path. No error of a driver passes it.

    Args:
        store: where.
        folder: the folder of a local store; its files are made to outlive a power failure.
    """

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    @classmethod
    def open(cls, url: str, *, read_only: bool = False) -> "Objects":
        """The store that a setting names.

        Args:
            url: ``file:///folder`` (made if missing), ``memory:``, ``s3://bucket/prefix``, ``gs://…`` or
                ``az://…``; credentials come from the environment, as the cloud's own tools read them.
            read_only: a folder that is missing is not made, and is empty.

        Raises:
            BlobError: there is no such store.
        """
        try:
            if url == "memory:":
                return cls(MemoryStore())
            parts = urlsplit(url)
            if parts.scheme != "file":
                return cls(from_url(url))
            folder = Path(unquote(parts.path))
            if read_only and not folder.is_dir():
                return cls(MemoryStore())
            return cls(LocalStore(folder, mkdir=True), folder=folder)
        except (BaseError, ValueError, OSError) as error:
            raise BlobError(f"cannot open the blob store {url}: {_reason(error)}") from error

    async def write(
        self, path: str, content: bytes | AsyncIterable[bytes], *, within: float = TIMEOUT
    ) -> None:
        """Store an object durably, whole or not at all, in place of one that is there.

        Args:
            path: names it.
            content: all of it, or its pieces, of which a few MiB are in memory at a time. What the
                iterable raises ends the upload and is raised, unless it is an :class:`OSError`.
            within: seconds that it may take.

        Raises:
            BlobError: the store is away or refuses it.
        """
        try:
            async with asyncio.timeout(within):
                await obstore.put_async(
                    self._store, path, content, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE
                )
                if self._folder is not None:
                    await asyncio.to_thread(_make_durable, self._folder, path)
        except (BaseError, OSError, TimeoutError, ValueError) as error:
            if isinstance(error, ValueError) and not isinstance(content, bytes):
                raise  # it may be the iterable's
            raise BlobError(f"cannot store {path}: {_reason(error)}") from error

    async def create(self, path: str, content: bytes) -> bool:
        """Store an object durably where none is; of several callers at once, one does.

        Returns:
            Whether there was none. One that was there is durable, too, whoever stored it.

        Raises:
            BlobError: the store is away, or cannot do that. It may be stored: read it.
        """
        is_new = True
        try:
            async with asyncio.timeout(TIMEOUT):
                try:
                    await obstore.put_async(self._store, path, content, mode="create")
                except (AlreadyExistsError, FileExistsError):
                    is_new = False
                if self._folder is not None:
                    await asyncio.to_thread(_make_durable, self._folder, path)
        except (BaseError, OSError, TimeoutError, ValueError) as error:
            raise BlobError(f"cannot store {path}: {_reason(error)}") from error
        return is_new

    async def read(self, path: str) -> bytes:
        """All of an object.

        Raises:
            BlobNotFoundError: there is none.
            BlobError: the store is away.
        """
        try:
            async with asyncio.timeout(TIMEOUT):
                result = await obstore.get_async(self._store, path)
                return bytes(await result.bytes_async())
        except FileNotFoundError as error:
            raise BlobNotFoundError(f"{path} is not in the blob store") from error
        except (BaseError, OSError, TimeoutError) as error:
            raise BlobError(f"cannot read {path}: {_reason(error)}") from error

    async def paths(self, prefix: str, *, after: str = "") -> list[str]:
        """The paths of objects below a folder, in order.

        Args:
            prefix: the folder, without a slash at its end.
            after: only those behind this path.

        Raises:
            BlobError: the store is away.
        """
        found: list[str] = []
        try:
            pages = obstore.list(self._store, prefix, offset=after or None)
            while True:
                async with asyncio.timeout(TIMEOUT):
                    page = await anext(pages, None)
                if page is None:
                    return sorted(found)
                found += [each["path"] for each in page]
        except (BaseError, OSError, TimeoutError) as error:
            raise BlobError(f"cannot list {prefix}: {_reason(error)}") from error

    async def stream(self, path: str, *, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes of an object from ``start`` up to ``end``, in pieces of at least 256 KiB but the last.

        Raises:
            BlobNotFoundError: there is no such object.
            BlobError: the store is away.
        """
        if start >= end:
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                result = await obstore.get_async(self._store, path, options={"range": (start, end)})
            pieces = result.stream(min_chunk_size=_PIECE)
            while True:
                async with asyncio.timeout(TIMEOUT):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                for at in range(0, len(piece), _PIECE):  # a store in memory gives everything at once
                    yield piece[at : at + _PIECE]
        except FileNotFoundError as error:
            raise BlobNotFoundError(f"{path} is not in the blob store") from error
        except (BaseError, OSError, TimeoutError) as error:
            raise BlobError(f"cannot read {path}: {_reason(error)}") from error


def _make_durable(folder: Path, path: str) -> None:
    """Flush a file, and the folders that name it: an object store writes and renames, and no more."""
    file = folder / path
    folders = [place for place in file.parents if place.is_relative_to(folder)]
    for place in (file, *folders, folder.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: BaseException) -> str:
    """The first line of what the object store says: the others are its own debugging."""
    return str(error).partition("\n")[0] or repr(error)
