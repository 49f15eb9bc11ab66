"""Tries mutants: each must be noticed by every test that its row of the table names."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import Final, Literal

from msgspec import Struct

from mutants.scratch import Scratch, ScratchError
from mutants.table import Mutant
from mutants.witness import Witness

WORKERS: Final = 4
"""Mutants at a time, each in a copy of its own: more than cores, for a test that notices one mostly waits."""

Verdict = Literal["caught", "survived", "proves nothing"]


class Result(Struct, frozen=True, kw_only=True):
    """How a mutant fared.

    Attributes:
        verdict: ``survived`` when a named test passed, ``proves nothing`` when something else is wrong.
        reason: why it was not caught.
        seconds: that it took.
    """

    mutant: Mutant
    verdict: Verdict
    reason: str = ""
    seconds: float


class Trial:
    """Scratch copies of the tree, as many as mutants are tried at a time."""

    def __init__(self, copies: Sequence[Scratch]) -> None:
        self._free: SimpleQueue[Scratch] = SimpleQueue()
        for copy in copies:
            self._free.put(copy)

    @contextmanager
    def _copy(self) -> Iterator[Scratch]:
        copy = self._free.get()
        try:
            yield copy
        finally:
            self._free.put(copy)

    def unmutated(self, tests: Sequence[str]) -> list[str]:
        """What is wrong with tests while nothing is broken: they prove something only if they pass."""
        with self._copy() as copy:
            try:
                witness = copy.test(tests)
            except ScratchError as error:
                return [str(error)]
        never = [f"{test}: did not pass" for test in tests if not _cases(test, witness.passed)]
        return [*never, *witness.failed, *witness.errors, *map("{} is foreign".format, witness.foreign)]

    def mutated(self, mutant: Mutant) -> Result:
        """Run the named tests on a mutant."""
        with self._copy() as copy:
            begun = monotonic()
            try:
                with copy.patched(mutant.patch):
                    verdict, reason = _judge(mutant, copy.test(mutant.tests))
            except ScratchError as error:
                verdict, reason = "proves nothing", str(error)
            return Result(mutant=mutant, verdict=verdict, reason=reason, seconds=monotonic() - begun)


def _judge(mutant: Mutant, witness: Witness) -> tuple[Verdict, str]:
    if witness.foreign:
        return "proves nothing", f"ran other code than the mutant's: {', '.join(witness.foreign[:3])}"
    blind = [test for test in mutant.tests if not _cases(test, witness.failed)]
    if not blind:
        return "caught", ""
    if witness.errors:
        return "proves nothing", "; ".join(witness.errors[:3])
    return "survived", f"passed all the same: {', '.join(blind)}"


def _cases(test: str, ran: Sequence[str]) -> list[str]:
    return [each for each in ran if each == test or each.startswith((f"{test}[", f"{test}::"))]


@contextmanager
def begin() -> Iterator[Trial]:
    """Copy the tree, once for each worker; the copies are removed at the end."""
    with tempfile.TemporaryDirectory(prefix="signoff-mutants-") as folder:
        yield Trial([Scratch(Path(folder) / str(number)) for number in range(WORKERS)])


def try_all(trial: Trial, mutants: Sequence[Mutant]) -> Iterator[Result]:
    """Try mutants, the longest first; gives each result as it is known."""
    with ThreadPoolExecutor(WORKERS) as workers:
        by_time = sorted(mutants, key=lambda mutant: -mutant.seconds)
        yield from workers.map(trial.mutated, by_time)


def check_tests(trial: Trial, tests: Sequence[str]) -> list[str]:
    """Run tests unmutated, shared between the copies; gives what is wrong with them."""
    with ThreadPoolExecutor(WORKERS) as workers:
        shares = [tests[number::WORKERS] for number in range(WORKERS)]
        return [fault for faults in workers.map(trial.unmutated, filter(None, shares)) for fault in faults]
