"""Clocks and randomness as simulated processes see them, put in place of Python's before any other import.

While no simulation runs everything is as it was. A module that took a clock as a default argument took one of
these, which is why :func:`install` must come before the product is imported.
"""

import os
import random
import time
from collections.abc import Callable
from random import Random
from typing import Final

from simulation.kernel.processes import CURRENT

EPOCH: Final = 1_790_000_032.0
"""When every simulation begins, in seconds since the epoch, UTC: eight seconds before a minute is full."""


class Nature:
    """What one simulation has in place of the time of day and of chance.

    Args:
        monotonic: virtual seconds.
        chance: the source of all random bytes.

    Attributes:
        leapt: seconds by which everybody's wall clock was moved ahead.
    """

    def __init__(self, monotonic: Callable[[], float], chance: Random) -> None:
        self.monotonic = monotonic
        self.chance = chance
        self.leapt = 0.0

    def wall(self) -> float:
        """Seconds since the epoch, UTC, by the clock of the process that asks."""
        process = CURRENT.get()
        return EPOCH + self.leapt + self.monotonic() + (process.skew if process else 0.0)


_nature: Nature | None = None


def rule(nature: Nature | None) -> None:
    """Let a simulation have its way with clocks and chance; ``None``: no longer."""
    global _nature  # noqa: PLW0603  (a process has one time of day)
    _nature = nature
    if nature is not None:
        random.seed(nature.chance.random())


def install() -> None:
    """Put the clocks and the randomness of simulations in place of Python's, once for this process."""
    real_time, real_monotonic, real_bytes = time.time, time.monotonic, os.urandom
    real_counter, real_clock = time.perf_counter, time.clock_gettime

    def wall() -> float:
        return real_time() if _nature is None else _nature.wall()

    def monotonic() -> float:
        return real_monotonic() if _nature is None else EPOCH + _nature.monotonic()

    def counter() -> float:
        return real_counter() if _nature is None else EPOCH + _nature.monotonic()

    def random_bytes(size: int) -> bytes:
        return real_bytes(size) if _nature is None else _nature.chance.randbytes(size)

    time.time, time.time_ns = wall, lambda: int(wall() * 1e9)
    time.monotonic, time.monotonic_ns = monotonic, lambda: int(monotonic() * 1e9)
    time.perf_counter = counter
    time.clock_gettime = lambda clock: real_clock(clock) if _nature is None else monotonic() + _nature.leapt
    os.urandom = random_bytes
    random._urandom = random_bytes  # type: ignore[attr-defined]  # what `secrets` draws from
