"""What both formats have in common: the files of a batch, one for each day, made in memory."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from signoff.audit.export.selection import Row

MOST_EVENTS: Final = 200_000
"""Events of a batch …"""

MOST_BYTES: Final = 128 * 1024 * 1024
"""… or so many bytes of them, before they are compressed …"""

MOST_DAYS: Final = 16
"""… or so many days: what a batch may take of the memory."""

_DIGITS: Final = 12


class Part(Protocol):
    """The files of one day that are being made."""

    def add(self, rows: Sequence[Row]) -> None:
        """Take more events."""
        ...

    def finish(self) -> dict[str, bytes]:
        """The files by the ends of their names."""
        ...


MakePart: TypeAlias = Callable[[], Part]


class File(Struct, frozen=True, kw_only=True, rename="camel"):
    """A file of an export.

    Attributes:
        path: below the target.
        events: how many it has, or tells of.
        first: the position of the first.
        last: of the last.
        size: bytes.
        sha256: of its bytes, in hexadecimal digits.
    """

    path: str
    events: int
    first: int
    last: int
    size: int
    sha256: str


class Made(Struct, frozen=True):
    """A file with its bytes."""

    file: File
    content: bytes


class _Day:
    def __init__(self, part: Part, first: int) -> None:
        self.part = part
        self.first = self.last = first
        self.events = 0


class Batch:
    """Events that are written together. What it gives depends on nothing but the events.

    Args:
        make: makes the files of a day.
    """

    def __init__(self, make: MakePart) -> None:
        self.events = 0
        self._make = make
        self._bytes = 0
        self._days: dict[str, _Day] = {}

    @property
    def is_full(self) -> bool:
        """No more is to be put in."""
        return self.events >= MOST_EVENTS or self._bytes >= MOST_BYTES or len(self._days) >= MOST_DAYS

    def take(self, rows: Sequence[Row]) -> None:
        """Put events in, by position."""
        for day, some in groupby(rows, attrgetter("day")):
            self._add(day, list(some))

    def take_some(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Put in as many events as there is room for, days apart; gives those that are left."""
        taken = 0
        for day, some in groupby(rows, attrgetter("day")):
            if self.is_full and day not in self._days:
                break
            run = list(some)
            self._add(day, run)
            taken += len(run)
        return rows[taken:]

    def _add(self, day: str, rows: list[Row]) -> None:
        kept = self._days.get(day)
        if kept is None:
            kept = self._days[day] = _Day(self._make(), rows[0].event.position)
        kept.part.add(rows)
        kept.last = rows[-1].event.position
        kept.events += len(rows)
        self.events += len(rows)
        self._bytes += sum(len(row.event.state) for row in rows)

    def finish(self) -> list[Made]:
        """The files of all days."""
        return [
            _made(f"day={name}/part-{day.first:0{_DIGITS}}-{day.last:0{_DIGITS}}{ending}", day, content)
            for name, day in sorted(self._days.items())
            for ending, content in day.part.finish().items()
        ]


def _made(path: str, day: _Day, content: bytes) -> Made:
    digest = hashlib.sha256(content).hexdigest()
    file = File(
        path=path, events=day.events, first=day.first, last=day.last, size=len(content), sha256=digest
    )  # fmt: skip
    return Made(file, content)
