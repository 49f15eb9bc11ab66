"""An event as readers get it: its bytes as they are in the log, and what following needs to know of it."""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from signoff.events.codec import Header, decode_header
from signoff.events.errors import CodecError
from signoff.events.types import (
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
)

Ends = Literal["execution", "run"]


class Frame(Struct, frozen=True, gc=False):
    """One event, made once and shared by all readers.

    Attributes:
        event_id: its place in the log: 1, 2, 3 …
        type: such as ``block:completed``.
        run_id: the run it belongs to, ``None`` for the first one.
        ends: what ends with it: the execution, or only its run.
        raw: its bytes, the very ones of the log.
        sse: the same as a frame of a ``text/event-stream`` (http-contract.md, SSE).
    """

    event_id: int
    type: str
    run_id: str | None
    ends: Ends | None
    raw: bytes
    sse: bytes


class Heartbeat(Struct, frozen=True):
    """Nothing happened for a while: the log is still followed."""


HEARTBEAT: Final = Heartbeat()


class _Final(Struct):
    final: bool


_final_decoder: Final = msgspec.json.Decoder(_Final)


def frame_of(raw: bytes) -> Frame:
    """Read what following needs from an event's bytes.

    Raises:
        CodecError: the bytes are no event.
    """
    header = decode_header(raw)
    return Frame(
        event_id=header.event_id,
        type=header.type,
        run_id=header.run_id,
        ends=_ends(header) if header.copy_of is None else _ended_there(header),
        raw=raw,
        sse=b"id: %d\ndata: %b\n\n" % (header.event_id, raw),
    )


def _ends(header: Header) -> Ends | None:
    match header.type:
        case ExecutionCompleted.TYPE | ExecutionCancelled.TYPE:
            return "execution"
        case ExecutionError.TYPE:
            return "execution" if _is_final(header) else "run"
        case ExecutionPaused.TYPE:
            return "run"
        case _:
            return None


def _ended_there(header: Header) -> Ends | None:
    """What ended in the execution that was forked: a run of it, and never the fork."""
    return None if _ends(header) is None else "run"


def _is_final(header: Header) -> bool:
    try:
        return _final_decoder.decode(header.data).final
    except msgspec.MsgspecError as error:
        raise CodecError(f"event {header.event_id} ({header.type}): {error}") from error
