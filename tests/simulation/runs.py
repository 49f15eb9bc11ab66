"""Simulations in a process of their own: clocks and randomness must be put in place before any import."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

LIMIT: Final = 170.0
"""Seconds that a simulation of seconds may take on a machine that does much else."""

_TESTS: Final = Path(__file__).resolve().parents[1]


def run(*arguments: object, limit: float = LIMIT, hash_seed: int | None = None) -> tuple[int, str]:
    """Run ``python -m simulation``; gives its exit code and what it said.

    Args:
        limit: seconds that it may take.
        hash_seed: in place of Python's own choice.
    """
    environment = os.environ | {"PYTHONPATH": str(_TESTS)}
    if hash_seed is not None:
        environment["PYTHONHASHSEED"] = str(hash_seed)
    done = subprocess.run(
        [sys.executable, "-m", "simulation", *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=limit, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
