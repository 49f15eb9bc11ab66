"""``python -m simulation 1234`` replays a seed; ``python -m simulation 1 200`` runs many."""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulation.kernel import nature

if TYPE_CHECKING:
    from simulation.run import Result

_LINES = 120


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("first", type=int, help="a seed, or the first of several")
    parser.add_argument("last", type=int, nargs="?", help="the last of several")
    parser.add_argument("--break", dest="breakage", help="break the product on purpose, in this way")
    parser.add_argument("--processes", type=int, default=1, help="how many run at once")
    parser.add_argument("--minutes", type=float, help="begin no seed after so many")
    parser.add_argument("--lines", type=int, default=_LINES, help="of the trace of a failure")
    parser.add_argument("--whole", action="store_true", help="of a failure, every single step")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run seeds, print what is broken, and stop at the first that is.

    Returns:
        The exit code: 1 where a guarantee was broken, 2 where a simulation did not even begin.
    """
    given = _parsed(arguments)
    nature.install()  # before anything of the product is imported
    from simulation.breakages import BREAKAGES
    from simulation.farm import run_all
    from simulation.prepare import prepare
    from simulation.run import simulate

    prepare()
    broken = None if given.breakage is None else BREAKAGES[given.breakage]
    if broken is not None:
        broken.apply()
    begun, last = time.monotonic(), given.first if given.last is None else given.last
    until = None if given.minutes is None else begun + 60 * given.minutes
    seeds = (seed for seed in range(given.first, last + 1) if until is None or time.monotonic() < until)
    weather = None if broken is None else broken.weather
    count, every = 0, hashlib.blake2b(digest_size=8)
    for result in run_all(
        seeds, lambda seed: simulate(seed, weather=weather, whole_trace=given.whole), at_once=given.processes
    ):
        count += 1
        every.update(result.digest.encode())
        if result.broken:
            _tell(result, len(result.trace) if given.whole else given.lines, given.breakage)
            return 1 if result.began else 2
    print(f"{count} seeds well, digest {every.hexdigest()}, {time.monotonic() - begun:.1f} s")
    return 0


def _tell(result: "Result", lines: int, breakage: str | None) -> None:
    print(*result.trace[max(0, len(result.trace) - lines) :], sep="\n")
    print(f"\nseed {result.seed} is broken after {result.steps} steps (digest {result.digest}):")
    print(*(f"  - {each}" for each in result.broken[:20]), sep="\n")
    how = f" --break {breakage}" if breakage else ""
    print(f"replay it: PYTHONPATH=tests python -m simulation {result.seed}{how}")


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
