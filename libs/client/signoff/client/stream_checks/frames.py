"""The frames within the blocks of a stream, and the events in them. No I/O."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

RETRY: Final = b"retry: 1000\n\n"
DONE: Final = b"data: [DONE]\n\n"
HEARTBEAT: Final = b": heartbeat\n\n"
FEED_HEARTBEAT: Final = re.compile(rb": heartbeat\nid: ([^\n\r\0]+)\n\n")
OPENED: Final = b'{"type":"feed:opened"}'

_FRAME: Final = re.compile(rb"id: ([^\n\r\0]+)\ndata: ([^\n\r]+)\n\n")
_SHOWN: Final = 120


class Frame(Struct, frozen=True):
    """One frame. ``block``: as it came."""

    id: str
    data: bytes
    block: bytes


class _Event(Struct, rename="camel"):
    type: str
    event_id: int
    workflow_id: str
    execution_id: str | None = None
    run_id: str | None = None
    prev: str | None = None


class Event(Struct, frozen=True):
    """What the checks ask of an event.

    Attributes:
        type: such as ``block:completed``.
        event_id: its place in its log.
        workflow_id: of what.
        execution_id: its execution; ``None`` where it is of none.
        run_id: its run; ``None`` for the first one.
        prev: the hash that it carries.
        raw: its bytes.
    """

    type: str
    event_id: int
    workflow_id: str
    execution_id: str | None
    run_id: str | None
    prev: str | None
    raw: bytes


_decoder: Final = msgspec.json.Decoder(_Event)


def frame_of(block: bytes) -> Frame | None:
    """The frame that a block is; ``None`` if it is none."""
    found = _FRAME.fullmatch(block)
    return None if found is None else Frame(found[1].decode("utf-8", "replace"), found[2], block)


def frames_of(blocks: Iterable[bytes]) -> list[Frame]:
    """The frames among blocks; others are passed over."""
    return [frame for block in blocks if (frame := frame_of(block)) is not None]


def event_of(raw: bytes) -> Event | None:
    """The event that bytes are; ``None`` if they are none."""
    try:
        found = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return Event(**msgspec.structs.asdict(found), raw=raw)


def hash_of(raw: bytes) -> str:
    """What the event after these bytes carries as ``prev`` (docs/events.md)."""
    return base64.b64encode(hashlib.sha256(raw).digest()).decode("ascii")


def difference(expected: Sequence[bytes], seen: Sequence[bytes]) -> tuple[str, str] | None:
    """Where two sequences differ for the first time, in words for both; ``None`` where they are equal."""
    for at, (one, other) in enumerate(zip(expected, seen, strict=False), 1):
        if one != other:
            return f"number {at}: {shown(one, other)}", f"number {at}: {shown(other, one)}"
    if len(expected) == len(seen):
        return None
    more, fewer = (expected, seen) if len(expected) > len(seen) else (seen, expected)
    at = len(fewer)
    words = f"{len(more)} in all; number {at + 1} is {shown(more[at])}", f"{at} in all"
    return words if more is expected else (words[1], words[0])


def shown(raw: bytes, other: bytes | None = None) -> str:
    """Some bytes for people: from a little before the first that differs from the other ones."""
    at = 0
    if other is not None:
        pairs = enumerate(zip(raw, other, strict=False))
        at = next((place for place, (one, two) in pairs if one != two), min(len(raw), len(other)))
    begin = max(0, at - _SHOWN // 3)
    cut = raw[begin : begin + _SHOWN]
    text = cut.decode("utf-8", "backslashreplace").replace("\n", "\\n")
    return f"{'…' if begin else ''}{text}{'…' if begin + _SHOWN < len(raw) else ''}"
