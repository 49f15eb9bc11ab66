"""The simulation finds what it is for: the product is broken in memory, one line of defence at a time."""

import ast
from pathlib import Path

import pytest

from simulation.runs import LIMIT, run

pytestmark = pytest.mark.timeout(LIMIT + 10)

_SEEDS = 400
_LONG = 600
_RARE = frozenset(
    {
        *("hooks-told-too-soon", "lease-without-clock", "no-epoch-check", "offset-before-events"),
        "stream-without-join",
    }
)
"""What few seeds show: another line of defence stands behind it, or the moment is short."""

_SOURCE = ast.parse(Path(__file__).with_name("breakages.py").read_text(encoding="utf-8"))
_BREAKAGES = {
    each.name.replace("_", "-")
    for each in _SOURCE.body
    if isinstance(each, ast.FunctionDef) and not each.name.startswith("_") and each.name != "apply"
}
"""Read, not imported: whatever imports the product must have put the simulated clocks in place before."""


@pytest.mark.parametrize("breakage", sorted(_BREAKAGES - _RARE))
def test_a_broken_mechanism_is_found(breakage: str) -> None:
    code, said = run(1, _SEEDS, "--break", breakage, "--processes", 2)

    assert code == 1, said


@pytest.mark.soak
@pytest.mark.timeout(_LONG + 30)
@pytest.mark.parametrize("breakage", sorted(_RARE))
def test_a_mechanism_is_found_broken_that_few_seeds_need(breakage: str) -> None:
    code, said = run(1, 20 * _SEEDS, "--break", breakage, "--processes", 2, limit=_LONG)

    assert code == 1, said
