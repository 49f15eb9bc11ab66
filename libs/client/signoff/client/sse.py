"""Server-sent events, taken apart (WHATWG HTML, 9.2.6 "Interpreting an event stream"). No I/O."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from signoff.client.errors import BadAnswerError

_LARGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes. The server's frames stay under 512 KiB: more than this is no stream of events."""


class Frame(Struct, frozen=True):
    """One frame: ``id`` is the cursor to go on from, ``data`` the bytes as the server sent them."""

    id: str | None
    data: bytes


class FrameParser:
    """Collects bytes as they arrive and gives the frames that are whole.

    Attributes:
        retry: seconds to wait before a reconnect, once the server has asked for them.
        last_id: of the last frame that was whole, with data or without: what a reconnect goes on after.
    """

    def __init__(self) -> None:
        self.retry: float | None = None
        self.last_id: str | None = None
        self._rest = b""
        self._id: str | None = None
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> Iterator[Frame]:
        """Take the next bytes; frames not ended by a blank line wait for more.

        Raises:
            BadAnswerError: a line is longer than any of Signoff's.
        """
        *lines, self._rest = (self._rest + received).split(b"\n")
        if len(self._rest) > _LARGEST_LINE:
            raise BadAnswerError("the stream holds a line of over 4 MiB: this is not a stream of Signoff's")
        for line in lines:
            frame = self._take(line.removesuffix(b"\r"))
            if frame is not None:
                yield frame

    def _take(self, line: bytes) -> Frame | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"id":
            self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            self.retry = int(value) / 1000
        return None

    def _dispatch(self) -> Frame | None:
        self.last_id = self._id
        if not self._data:
            return None
        frame = Frame(self._id, b"\n".join(self._data))
        self._data = []
        return frame
