"""An event as readers get it: its bytes as they are in the log, and what following needs to know of it."""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from signoff.events.codec import Header, decode_header
from signoff.events.types import (
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
)

Ends = Literal["execution", "run"]


class Frame(Struct, frozen=True, gc=False):
    """One event.

    Attributes:
        event_id: its place in the log: 1, 2, 3 …
        type: such as ``block:completed``.
        run_id: the run it belongs to, ``None`` for the first one.
        raw: its bytes, the very ones of the log.
        ends: what ends with it: the execution, or only its run.
    """

    event_id: int
    type: str
    run_id: str | None
    raw: bytes
    ends: Ends | None

    @property
    def sse(self) -> bytes:
        """The frame on a ``text/event-stream`` (http-contract.md, SSE)."""
        return b"id: %d\ndata: %b\n\n" % (self.event_id, self.raw)


class Heartbeat(Struct, frozen=True):
    """Nothing happened for a while: the reader is still there."""


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
    return Frame(header.event_id, header.type, header.run_id, raw, _ends(header))


def _ends(header: Header) -> Ends | None:
    match header.type:
        case ExecutionCompleted.TYPE | ExecutionCancelled.TYPE:
            return "execution"
        case ExecutionError.TYPE:
            return "execution" if _final_decoder.decode(header.data).final else "run"
        case ExecutionPaused.TYPE:
            return "run"
        case _:
            return None
