"""Files: contents of any size, kept in the object store, passed between blocks as a small value.

The value is Sim's: ``{"id", "name", "url", "size", "type", "key"}``; its ``url`` is a plain path of the
gateway. A file never changes. It belongs to one workspace, whatever a value that names it says.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.events.codec import encode_json
from signoff.events.errors import BlobError, BlobNotFoundError, FileTooLargeError
from signoff.events.ids import new_id
from signoff.events.objects import Objects
from signoff.events.types import Json

MAX_FILE: Final = 100 * 1024 * 1024
"""Bytes of the largest file."""

ANY_TYPE: Final = "application/octet-stream"
"""The type of a file that nobody knows the type of."""

FILES_PATH: Final = "/api/files/"
"""What the path of every file begins with."""

_WITHIN: Final = 600.0
_MOST_NAME: Final = 255
_KEY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class File(Struct, frozen=True, kw_only=True):
    """A file as values name it. ``size`` is in bytes, ``type`` a media type without parameters."""

    id: str
    name: str
    url: str
    size: int
    type: str
    key: str

    def value(self) -> dict[str, Json]:
        """The file as a JSON value."""
        value: dict[str, Json] = msgspec.to_builtins(self)
        return value


_decode: Final = msgspec.json.Decoder(File).decode


class Files:
    """Files by workspace and key.

    Args:
        objects: where.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def keep(
        self,
        workspace_id: UUID,
        content: bytes | AsyncIterable[bytes],
        *,
        name: str,
        media_type: str,
        most: int = MAX_FILE,
    ) -> File:
        """Store a file durably.

        Args:
            workspace_id: whose it is.
            content: all of it, or its pieces. What the iterable raises is raised, unless it is an
                :class:`OSError`.
            name: as somebody called it; a path before it, and what cannot be shown, is left out.
            media_type: as somebody called it; one that is none becomes :data:`ANY_TYPE`.
            most: bytes that it may have.

        Raises:
            FileTooLargeError: it has more.
            BlobError: it could not be stored.
        """
        key = str(new_id())
        counted = _Counted(content, most)
        await self._objects.write(_path(workspace_id, key), counted.pieces(), within=_WITHIN)
        file = File(
            id=key,
            name=_clean_name(name),
            url=FILES_PATH + key,
            size=counted.size,
            type=clean_type(media_type),
            key=key,
        )
        # Last, so that a file is there whole or not at all.
        await self._objects.write(_path(workspace_id, key, ".json"), encode_json(file))
        return file

    async def find(self, workspace_id: UUID, key: str) -> File:
        """What is known of a file.

        Raises:
            BlobNotFoundError: the workspace has no such file.
            BlobError: the store is away, or what it holds is damaged.
        """
        if not _KEY.fullmatch(key):
            raise BlobNotFoundError(f"no key of a file: {key[:80]!r}")
        raw = await self._objects.read(_path(workspace_id, key, ".json"))
        try:
            return _decode(raw)
        except msgspec.MsgspecError as error:
            raise BlobError(
                f"what is known of the file {key} is damaged: restore it from a backup"
            ) from error

    def read(
        self, workspace_id: UUID, file: File, *, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """A file's bytes from ``start`` up to ``end``, or to its end, piece by piece.

        Raises:
            BlobNotFoundError: it is not in the store.
            BlobError: the store is away.
        """
        return self._objects.stream(
            _path(workspace_id, file.key), start=start, end=file.size if end is None else end
        )


def is_file(value: Json) -> bool:
    """Whether a JSON value is the value of a file, stored here or named by its URL."""
    return isinstance(value, dict) and value.keys() >= _FIELDS


def clean_type(text: str) -> str:
    """A media type without its parameters; :data:`ANY_TYPE` for what is none."""
    essence = text.partition(";")[0].strip().lower()
    return essence if _TYPE.fullmatch(essence) else ANY_TYPE


class _Counted:
    """Counts what passes, and ends it where it is too much."""

    def __init__(self, content: bytes | AsyncIterable[bytes], most: int) -> None:
        self._content = content
        self._most = most
        self.size = 0

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        if isinstance(self._content, bytes):
            yield self._count(self._content)
            return
        async for piece in self._content:
            yield self._count(piece)

    def _count(self, piece: bytes) -> bytes:
        self.size += len(piece)
        if self.size > self._most:
            raise FileTooLargeError(f"the file is larger than {self._most} bytes")
        return piece


def _clean_name(text: str) -> str:
    shown = _CONTROL.sub("", text.encode("utf-8", "replace").decode())
    name = PurePosixPath(shown.replace("\\", "/")).name[-_MOST_NAME:].strip()
    return name if name.strip(".") else "file"


def _path(workspace_id: UUID, key: str, suffix: str = "") -> str:
    return f"{workspace_id}/files/{key}{suffix}"


_FIELDS: Final = frozenset(File.__struct_fields__)
