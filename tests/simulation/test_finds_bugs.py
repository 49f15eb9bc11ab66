"""The simulation finds what it is for: the product is broken in memory, one line of defence at a time."""

import ast
from pathlib import Path

import pytest

from simulation.runs import run

_SEEDS = 400
_SOURCE = ast.parse(Path(__file__).with_name("breakages.py").read_text(encoding="utf-8"))
_BREAKAGES = sorted(
    each.name.replace("_", "-")
    for each in _SOURCE.body
    if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")
)
"""Read, not imported: whatever imports the product must have put the simulated clocks in place before."""


@pytest.mark.parametrize("breakage", _BREAKAGES)
def test_a_broken_mechanism_is_found(breakage: str) -> None:
    code, said = run(1, _SEEDS, "--break", breakage, "--processes", 2, limit=55)

    assert code == 1, said
    assert "is broken after" in said, said
