"""What came live and was not taken yet: a bounded, gap-free piece of one log's end."""

from typing import Final

from signoff.tail.frames import Frame

MAX_FRAMES: Final = 256
MAX_BYTES: Final = 1024 * 1024


class Buffer:
    """Consecutive frames of one log.

    A frame that does not follow on, or does not fit, empties it first: whoever takes from it sees
    the gap and reads the log. So it may forget at any time, but never holds a gap or a duplicate.

    Attributes:
        last: the highest ``event_id`` that it was told of, 0 for none.
    """

    __slots__ = ("_bytes", "_frames", "_max_bytes", "_max_frames", "last")

    def __init__(self, *, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self.last = 0
        self._frames: list[Frame] = []  # a deque takes half a KiB even when it is empty, as most are
        self._bytes = 0
        self._max_frames = max_frames
        self._max_bytes = max_bytes

    def offer(self, frame: Frame) -> bool:
        """Add a frame; tells whether it is news."""
        if frame.event_id <= self.last:
            return False
        full = len(self._frames) >= self._max_frames or self._bytes + len(frame.sse) > self._max_bytes
        if full or frame.event_id != self.last + 1:
            self._clear()
        self.last = frame.event_id
        self._frames.append(frame)
        self._bytes += len(frame.sse)
        return True

    def hint(self, event_id: int) -> bool:
        """Note that the log has an event which is not here; tells whether that is news."""
        if event_id <= self.last:
            return False
        self._clear()
        self.last = event_id
        return True

    def take(self, after: int) -> list[Frame]:
        """Take out what follows ``after`` without a gap: nothing, if the log must be read first."""
        if not self._frames or self._frames[0].event_id > after + 1:
            return []
        frames = self._frames[after + 1 - self._frames[0].event_id :]
        self._clear()
        return frames

    def forget(self) -> None:
        """Start anew, as if nothing had come."""
        self._clear()
        self.last = 0

    def _clear(self) -> None:
        self._frames.clear()
        self._bytes = 0
