"""``includeFileBase64``: the contents of files beside their values, in what a caller is answered."""

import asyncio
import base64
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

from signoff.events.codec import encode_json
from signoff.events.errors import BlobNotFoundError
from signoff.events.files import FILES_PATH, File, Files, is_file
from signoff.events.types import Json

MAX_TOTAL: Final = 32 * 1024 * 1024
"""Bytes of all files in one answer, before base64: what one answer may hold in memory."""

_MARK: Final = FILES_PATH.encode()
_INLINE: Final = 1024 * 1024


async def with_base64(files: Files, workspace_id: UUID, output: Json, *, most: int) -> Json:
    """An output with ``base64`` beside the other fields of each file in it.

    Left as they are: a file over ``most`` bytes, one that would make all of them more than
    :data:`MAX_TOTAL`, one elsewhere, and a value that only looks like a file of the workspace.

    Args:
        files: where.
        workspace_id: whose.
        output: any JSON value.
        most: bytes that a file may have.

    Raises:
        BlobError: a file cannot be read.
    """
    if _MARK not in encode_json(output):
        return output
    contents: dict[str, str] = {}
    room = MAX_TOTAL
    for key in dict.fromkeys(_keys(output)):
        try:
            file = await files.find(workspace_id, key)
        except BlobNotFoundError:
            continue  # anybody may write such a value; it names nothing
        if file.size <= min(most, room):
            contents[key] = await _base64(files, workspace_id, file)
            room -= file.size
    return _filled(output, contents)


async def _base64(files: Files, workspace_id: UUID, file: File) -> str:
    content = b"".join([piece async for piece in files.read(workspace_id, file)])
    if len(content) <= _INLINE:
        return base64.b64encode(content).decode()
    return (await asyncio.to_thread(base64.b64encode, content)).decode()


def _keys(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if is_file(value):
            yield str(value["key"])
            return
        for item in value.values():
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


def _filled(value: Json, contents: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        if is_file(value):
            content = contents.get(str(value["key"]))
            return value if content is None else {**value, "base64": content}
        return {name: _filled(item, contents) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, contents) for item in value]
    return value
