"""JSON lines: each line the very bytes of an event, so that its SHA-256 is what the next event carries.

Positions, which no event has, stand line by line in a file beside it: `paste` puts the two together.
"""

import zlib
from collections.abc import Sequence
from typing import Final

from signoff.audit.export.selection import Row

_LEVEL: Final = 3
_GZIP: Final = 16 + zlib.MAX_WBITS


class Lines:
    """A day's events as lines, compressed as they come."""

    def __init__(self) -> None:
        self._events = _Gzip()
        self._positions = _Gzip()

    def add(self, rows: Sequence[Row]) -> None:
        """Take more events."""
        self._events.add(b"".join(b"%b\n" % row.event.state for row in rows))
        self._positions.add(b"".join(b"%d\n" % row.event.position for row in rows))

    def finish(self) -> dict[str, bytes]:
        """The two files by the ends of their names."""
        return {".jsonl.gz": self._events.finish(), ".positions.gz": self._positions.finish()}


class _Gzip:
    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._pieces: list[bytes] = []

    def add(self, content: bytes) -> None:
        self._pieces.append(self._compressor.compress(content))

    def finish(self) -> bytes:
        return b"".join([*self._pieces, self._compressor.flush()])
