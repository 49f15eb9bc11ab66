"""What is the same in every stream of text that a route answers with."""

from typing import Final

import msgspec

STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
DONE: Final = b"data: [DONE]\n\n"
"""The last frame."""

_encode: Final = msgspec.json.Encoder().encode


def data_frame(value: object) -> bytes:
    """A frame with a JSON value."""
    return b"data: %b\n\n" % _encode(value)
