"""The rules that docs/semantics.md numbers, and which tests show them.

A test of the package names its rules: ``@pytest.mark.rule("L-3")``. It shows them over HTTP when it uses
the fixture ``system``, and on the engine alone when it uses ``engine``.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "semantics.md"
KINDS: Final = {"engine": "of the engine", "system": "over HTTP"}
"""By the fixture that a test uses: how it shows its rules."""

_FOLDER: Final = Path(__file__).parent
_NUMBER: Final = re.compile(r"^\*\*([A-Z]-\d+)\*\* ", re.MULTILINE)


def rules() -> list[str]:
    """The numbers in the document, in order.

    Raises:
        ValueError: a number is given twice.
    """
    numbers = _NUMBER.findall(DOCUMENT.read_text())
    twice = {number for number in numbers if numbers.count(number) > 1}
    if twice:
        raise ValueError(f"{DOCUMENT.name} gives a number twice: {', '.join(sorted(twice))}")
    return numbers


def shown(items: Iterable[pytest.Item]) -> Mapping[str, set[str]]:
    """By rule, the fixtures of the tests that name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        fixtures = KINDS.keys() & getattr(item, "fixturenames", ())
        for marker in item.iter_markers("rule"):
            for number in marker.args:
                found[number] |= fixtures
    return found


def is_whole(items: Iterable[pytest.Item], arguments: Iterable[str]) -> bool:
    """Whether all tests of this folder were collected."""
    modules = {item.path for item in items}
    return modules.issuperset(_FOLDER.glob("test_*.py")) and not any("::" in each for each in arguments)


class EveryRule(pytest.Item):
    """Stands beside the tests when all of them were collected: no rule lacks one, none has no rule.

    Args:
        found: what :func:`shown` gives for all of them.
    """

    def __init__(self, *, found: Mapping[str, set[str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._found = found

    def runtest(self) -> None:
        """Compare the document and the tests."""
        found = self._found
        numbers = rules()
        missing = [
            f"{number}: no test {kind}"
            for number in numbers
            for fixture, kind in KINDS.items()
            if fixture not in found.get(number, ())
        ]
        unknown = [f"{number}: no such rule" for number in found if number not in numbers]
        if missing or unknown:
            pytest.fail("\n".join([*missing, *unknown]), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        return DOCUMENT, 0, "every rule has a test of the engine and one over HTTP"
