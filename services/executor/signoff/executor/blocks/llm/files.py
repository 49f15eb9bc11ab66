"""``files`` of an agent: how a file goes into a message."""

import base64
import binascii
from typing import Any, Final
from uuid import UUID

from signoff.engine.definitions.values import to_text
from signoff.events.errors import BlobNotFoundError
from signoff.events.files import ANY_TYPE, FILES_PATH, Files
from signoff.executor.blocks.base import BlockFailureError
from signoff.executor.blocks.llm.params import invalid, list_of

MOST_FILES: Final = 20

LARGEST: Final = 20 * 1024 * 1024
"""Bytes of all files of one agent, as base64."""


async def file_parts(given: Any, *, stored: Files, workspace_id: UUID) -> list[dict[str, Any]]:
    """The parts of a message for files ``{"name", "type", "base64"}``, ``{"key"}`` or ``{"type", "url"}``.

    Images go as ``image_url``, everything else as ``file`` with its content. A public ``https`` URL of an
    image is passed on for the endpoint to fetch; nothing is fetched here.

    Args:
        given: one file, a list of them, or either as JSON text.
        stored: where a file is read that a value names by its key; its name and type are those stored.
        workspace_id: whose files these are, whatever a value says.

    Raises:
        BlockFailureError: a file has no content, or there is too much of it.
        BlobError: the store is away.
    """
    files = list_of([given] if isinstance(given, dict) else given, "files")
    if len(files) > MOST_FILES:
        raise invalid(f"files must be at most {MOST_FILES}, not {len(files)}")
    parts: list[dict[str, Any]] = []
    room = LARGEST
    for file in files:
        if not isinstance(file, dict):
            raise invalid("files must be a list of {name, type, base64 or url}, or of stored files")
        whole = await _read(file, stored, workspace_id, room) if _is_stored(file) else file
        part = _part(whole)
        room -= _size(part)
        if room < 0:
            raise _too_large()
        parts.append(part)
    return parts


def _is_stored(file: dict[str, Any]) -> bool:
    """Whether the content must be read from our store: a key of somebody else's comes with its URL."""
    url = to_text(file.get("url"))
    return not file.get("base64") and bool(file.get("key")) and (not url or url.startswith(FILES_PATH))


async def _read(file: dict[str, Any], stored: Files, workspace_id: UUID, room: int) -> dict[str, Any]:
    try:
        found = await stored.find(workspace_id, to_text(file["key"]))
        if found.size * 4 / 3 > room:
            raise _too_large()
        content = b"".join([piece async for piece in stored.read(workspace_id, found)])
    except BlobNotFoundError as problem:
        raise invalid(f'File "{to_text(file.get("name")) or "file"}" is not stored here') from problem
    return {"name": found.name, "type": found.type, "base64": base64.b64encode(content).decode()}


def _too_large() -> BlockFailureError:
    return invalid(f"files must be at most {LARGEST} bytes as base64")


def _part(file: dict[str, Any]) -> dict[str, Any]:
    name = to_text(file.get("name")) or "file"
    kind = to_text(file.get("type")) or ANY_TYPE
    url = _data_url(file, name, kind) or to_text(file.get("url"))
    if kind.startswith("image/") and url.startswith(("data:", "https://")):
        return {"type": "image_url", "image_url": {"url": url}}
    if url.startswith("data:"):
        return {"type": "file", "file": {"filename": name, "file_data": url}}
    raise invalid(f'File "{name}" has no content: give it as base64 (an image also by its https URL)')


def _data_url(file: dict[str, Any], name: str, kind: str) -> str:
    content = to_text(file.get("base64"))
    if not content or content.startswith("data:"):
        return content
    try:
        base64.b64decode(content, validate=True)
    except binascii.Error as problem:
        raise invalid(f'File "{name}": base64 is none') from problem
    return f"data:{kind};base64,{content}"


def _size(part: dict[str, Any]) -> int:
    return len(part["image_url"]["url"] if part["type"] == "image_url" else part["file"]["file_data"])
