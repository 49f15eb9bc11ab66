"""A seed says everything: it is replayed exactly, also by another interpreter."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from simulation.runs import LIMIT, run

pytestmark = pytest.mark.timeout(LIMIT + 10)

_SEEDS: Final = 6
"""Far fewer than the time limit allows, also on a busy machine."""


def test_a_seed_gives_the_same_run_whatever_the_hashes_of_its_interpreter_are() -> None:
    with ThreadPoolExecutor() as both:
        told = list(both.map(lambda seed: run(1, _SEEDS, hash_seed=seed), (1, 2)))

    digests = [re.findall("digest ([0-9a-f]+)", said) for _, said in told]
    assert digests[0] == digests[1] != [], told


def test_a_seed_gives_the_same_run_alone_and_among_others() -> None:
    among = run(1, 2, "--break", "points-never-gone")
    alone = run(1, "--break", "points-never-gone", "--processes", 2)

    assert among == alone


def test_a_broken_seed_tells_its_last_steps_and_how_it_is_replayed() -> None:
    code, said = run(1, 400, "--break", "points-never-gone")

    assert code == 1
    assert "appends to" in said
    assert re.search(r"replay it: PYTHONPATH=tests python -m simulation \d+ --break points-never-gone", said)
