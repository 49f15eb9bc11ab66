"""A frame of a stream of text that a route answers with."""

from typing import Final

import msgspec

_encode: Final = msgspec.json.Encoder().encode


def data_frame(value: object) -> bytes:
    """A frame with a JSON value."""
    return b"data: %b\n\n" % _encode(value)
