"""The table of mutants: what each breaks, of which guarantee, and by which tests that is noticed."""

import ast
import tomllib
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "tests/mutants"


class Guarantee(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the system promises, and how it is kept.

    Attributes:
        id: by which mutants name it.
        promise: in a few words.
        how: in one sentence.
        limits: what is not promised.
        proof: checks and tests that look for its breach, as ``path``, or ``path::function``.
        faults: names of those in ``tests/chaos/faults.py`` that strike at it.
        breakages: names of those in ``tests/simulation/breakages.py`` that break it.
    """

    id: str
    promise: str
    how: str
    limits: str = ""
    proof: list[str]
    faults: list[str] = []
    breakages: list[str] = []


class Mutant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the product's code that takes one mechanism away.

    Attributes:
        name: of the patch, ``tests/mutants/<name>.patch``.
        guarantee: the id of the one that it breaks.
        mechanism: what it takes away.
        breaks: what happens without it.
        tests: node ids of pytest; each of them fails on the mutant.
        seconds: that they take, about.
    """

    name: str
    guarantee: str
    mechanism: str
    breaks: str
    tests: list[str]
    seconds: float = 3.0

    @property
    def patch(self) -> Path:
        """The change, for ``git apply``."""
        return FOLDER / f"{self.name}.patch"


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``mutants.toml``."""

    guarantee: list[Guarantee]
    mutant: list[Mutant]


def read_table() -> Table:
    """The table, checked for its shape only; ``tests/unit/docs/test_guarantees.py`` checks the rest."""
    return msgspec.convert(tomllib.loads((FOLDER / "mutants.toml").read_text(encoding="utf-8")), Table)


Definition: TypeAlias = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definition_of(place: str) -> Definition | None:
    """What a ``path``, or a ``path::name`` as pytest has it, stands for; read and not imported.

    Whoever imports the simulation must put its clocks in place before the product is imported.
    """
    path, *names = place.partition("[")[0].split("::")
    if not (ROOT / path).is_file():
        return None
    found: Definition = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for name in names:
        inner = [
            each
            for each in found.body
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and each.name == name
        ]
        if not inner:
            return None
        found = inner[0]
    return found
