"""``files`` of an agent: how a file goes into a message."""

import base64
import binascii
from typing import Any, Final

from signoff.engine.values import to_text
from signoff.executor.blocks.llm.params import invalid, list_of

MOST_FILES: Final = 20

LARGEST: Final = 20 * 1024 * 1024
"""Bytes of all files of one agent, as base64."""

_ANY_TYPE: Final = "application/octet-stream"


def file_parts(given: Any) -> list[dict[str, Any]]:
    """The parts of a message for files ``{"name", "type", "base64"}`` or ``{"name", "type", "url"}``.

    Images go as ``image_url``, everything else as ``file`` with its content. A public ``https`` URL of an
    image is passed on for the endpoint to fetch; nothing is fetched here.

    Args:
        given: one file, a list of them, or either as JSON text.

    Raises:
        BlockFailureError: a file has no content, or there is too much of it.
    """
    files = list_of([given] if isinstance(given, dict) else given, "files")
    if len(files) > MOST_FILES:
        raise invalid(f"files must be at most {MOST_FILES}, not {len(files)}")
    parts = [_part(file) for file in files]
    if sum(map(_size, parts)) > LARGEST:
        raise invalid(f"files must be at most {LARGEST} bytes as base64")
    return parts


def _part(file: Any) -> dict[str, Any]:
    if not isinstance(file, dict):
        raise invalid("files must be a list of {name, type, base64 or url}")
    name = to_text(file.get("name")) or "file"
    kind = to_text(file.get("type")) or _ANY_TYPE
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
