"""How often a test looks whether what it waits for has come."""

from collections.abc import Iterator
from typing import Final

_FIRST: Final = 0.005
_LONGER: Final = 1.25
_LONGEST: Final = 0.1


def pauses() -> Iterator[float]:
    """The seconds between one look and the next, without end.

    What comes soon is seen soon, and a long wait does not take the processor from what it waits for: many
    looks read a whole log.
    """
    pause = _FIRST
    while True:
        yield pause
        pause = min(pause * _LONGER, _LONGEST)
