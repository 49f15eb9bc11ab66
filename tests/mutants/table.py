"""The table of mutants: what each breaks, of which guarantee, and by which tests that is noticed."""

import ast
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

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
    """

    id: str
    promise: str
    how: str


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


def is_there(test: str) -> bool:
    """Whether a file defines the test that a node id names."""
    path, *names = test.partition("[")[0].split("::")
    if not names or not (ROOT / path).is_file():
        return False
    body: Sequence[ast.stmt] = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    for name in names:
        found = [
            each
            for each in body
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and each.name == name
        ]
        if not found:
            return False
        body = found[0].body
    return True
