"""What happened, step by step: the last steps as text for people, all of them as one digest."""

import hashlib
from collections import deque
from collections.abc import Callable
from typing import Final

_KEPT: Final = 400


class Trace:
    """Notes of one run. Two runs are the same when their digests are.

    Args:
        clock: virtual seconds.
        whole: keep every line, those of single steps too, not only the last ones.
    """

    def __init__(self, clock: Callable[[], float], *, whole: bool = False) -> None:
        self._clock = clock
        self._whole = whole
        self._hash = hashlib.blake2b(digest_size=8)
        self._lines: deque[str] = deque(maxlen=None if whole else _KEPT)

    def step(self, who: str, what: str) -> None:
        """Count a step of the scheduler towards the digest."""
        line = f"{self._clock():12.6f}  {who:<16}  . {what}"
        self._hash.update(line.encode())
        if self._whole:
            self._lines.append(line)

    def note(self, who: str, what: str) -> None:
        """Keep a line that tells a reader something."""
        line = f"{self._clock():12.6f}  {who:<16}  {what}"
        self._hash.update(line.encode())
        self._lines.append(line)

    @property
    def digest(self) -> str:
        """Names the run by all that happened in it."""
        return self._hash.hexdigest()

    def last(self) -> list[str]:
        """The lines that were kept."""
        return list(self._lines)
