"""Files in what callers send: contents given as base64 are stored, and a small value takes their place.

A file comes as ``{"type": "file", "data", "name", "mime"?}``, its data being a data URL or base64; as
``{"type": "url", "data": <URL>, "name", "mime"?}`` (both Sim's); or as the value that an upload gave.
"""

import asyncio
import binascii
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID

from signoff.events.errors import BlobNotFoundError
from signoff.events.files import ANY_TYPE, File, Files, clean_type, is_file
from signoff.events.ids import new_id
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, Detail, bad_request

MAX_FILES: Final = 20
"""Files in one request."""

FILE_TYPES: Final = frozenset({"file[]", "files", "file"})
"""Types of fields that hold files."""

_URL_KEY: Final = "url/"
_INLINE: Final = 1024 * 1024  # characters of base64 that are decoded on the event loop


def may_hold_files(given: Json, *, within: str) -> bool:
    """Whether some field of an input looks like a file, so that asking for its type is worth it.

    Args:
        given: the input.
        within: the member that may hold fields too.
    """
    if not isinstance(given, dict):
        return False
    nested = given.get(within)
    fields = [*given.values(), *(nested.values() if isinstance(nested, dict) else ())]
    return any(_is_given(item) for field in fields for item in _items(field))


def file_fields(fields: Json) -> set[str]:
    """The names of the fields of an ``inputFormat`` that hold files."""
    return {
        field["name"].strip()
        for field in (fields if isinstance(fields, list) else [])
        if isinstance(field, dict) and field.get("type") in FILE_TYPES and isinstance(field.get("name"), str)
    }


class FileInputs:
    """Stores the files of one request.

    Args:
        files: where.
        workspace_id: whose.
    """

    def __init__(self, files: Files, workspace_id: UUID) -> None:
        self._files = files
        self._workspace_id = workspace_id
        self._count = 0

    async def keep(
        self, given: Mapping[str, Json], fields: AbstractSet[str], *, within: str, path: str = "input"
    ) -> dict[str, Json]:
        """The input with values of files in place of what was given.

        Args:
            given: the input.
            fields: the names of those that hold files.
            within: the member that may hold fields too, such as ``input``; empty for none.
            path: of the input, for refusals.

        Raises:
            ApiError: 400 names the file that cannot be read.
            FileTooLargeError: a file is over the limit.
            BlobError: one could not be stored.
        """
        kept = dict(given)
        for name in fields & kept.keys():
            kept[name] = await self._field(kept[name], f"{path}.{name}")
        inner = kept.get(within)
        if within not in fields and isinstance(inner, dict):
            kept[within] = await self.keep(inner, fields, within="", path=f"{path}.{within}")
        return kept

    async def _field(self, value: Json, path: str) -> Json:
        if not any(map(_is_given, _items(value))):
            return value
        return [await self._file(item, f"{path}[{index}]") for index, item in enumerate(_items(value))]

    async def _file(self, item: Json, path: str) -> Json:
        if not _is_given(item):
            return item
        self._count += 1
        if self._count > MAX_FILES:
            raise _refusal(path, f"there may be {MAX_FILES} files in one request")
        if is_file(item):
            return await self._known(item, path)
        if item.get("type") == "url":
            return _linked(item, path).value()
        content, media_type = await _content(item, path)
        file = await self._files.keep(
            self._workspace_id, content, name=_text(item, "name"), media_type=media_type
        )
        return file.value()

    async def _known(self, item: Mapping[str, Json], path: str) -> Json:
        """A file that was uploaded before, as it really is."""
        key = _text(item, "key")
        if key.startswith(_URL_KEY):
            return dict(item)
        try:
            return (await self._files.find(self._workspace_id, key)).value()
        except BlobNotFoundError:
            raise _refusal(path, "there is no such file") from None


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _is_given(item: Json) -> bool:
    return isinstance(item, dict) and (isinstance(item.get("data"), str) or is_file(item))


def _linked(item: Mapping[str, Json], path: str) -> File:
    """A file elsewhere, named by its URL; nothing is fetched."""
    url = _text(item, "data")
    if not url.lower().startswith(("http://", "https://")):
        raise _refusal(path, "a file of type url must have an http or https URL as its data")
    name = _text(item, "name") or "file"
    return File(
        id=str(new_id()),
        name=name,
        url=url,
        size=0,
        type=clean_type(_text(item, "mime")),
        key=f"{_URL_KEY}{name}",
    )


async def _content(item: Mapping[str, Json], path: str) -> tuple[bytes, str]:
    """The bytes of a file and its type."""
    text = _text(item, "data")
    media_type = _text(item, "mime") or _text(item, "type")
    if text.startswith("data:"):
        head, comma, text = text.removeprefix("data:").partition(",")
        if not comma or not head.endswith(";base64"):
            raise _refusal(path, "data must be base64, or a data URL with base64")
        media_type = head.removesuffix(";base64") or media_type
    try:
        content = _decode(text) if len(text) <= _INLINE else await asyncio.to_thread(_decode, text)
    except (binascii.Error, ValueError):
        raise _refusal(path, "data must be base64, or a data URL with base64") from None
    return content, media_type or ANY_TYPE


def _decode(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


def _text(item: Mapping[str, Json], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _refusal(path: str, message: str) -> ApiError:
    return bad_request(f"{path}: {message}", Detail(path, message))
