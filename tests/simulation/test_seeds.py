"""Every guarantee holds in simulated worlds where everything goes wrong that can.

``SIGNOFF_SEEDS`` says which: ``0:100`` are the first hundred.
"""

import os
import time
from typing import Final

import pytest

from simulation.runs import LIMIT, run

pytestmark = pytest.mark.timeout(LIMIT + 10)

_BLOCK: Final = 25
"""Seeds of one test: far fewer than its time limit allows."""

_MINUTES: Final = float(os.environ.get("SIGNOFF_SOAK_MINUTES", "10"))
_PROCESSES: Final = 2


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each block of seeds, or for the one that was asked for."""
    if "first" not in metafunc.fixturenames:
        return
    seed = metafunc.config.getoption("--seed", default=None)
    after, last = map(int, os.environ.get("SIGNOFF_SEEDS", "0:100").split(":"))
    blocks = [(first, min(first + _BLOCK - 1, last)) for first in range(after + 1, last + 1, _BLOCK)]
    metafunc.parametrize(("first", "last"), blocks if seed is None else [(seed, seed)])


def test_no_seed_breaks_a_guarantee(first: int, last: int) -> None:
    code, said = run(first, last, "--processes", _PROCESSES)

    assert code == 0, said


@pytest.mark.soak
@pytest.mark.timeout(_MINUTES * 60 + 120)
def test_no_seed_breaks_a_guarantee_for_a_long_time() -> None:
    first = int(time.time())
    code, said = run(
        first, first + 10**9, "--minutes", _MINUTES, "--processes", os.cpu_count(), limit=_MINUTES * 60 + 90
    )

    assert code == 0, said
