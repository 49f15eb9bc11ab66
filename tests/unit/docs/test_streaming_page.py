"""docs/streaming.md has the very rules that are checked, and names tests that are there."""

import re
from pathlib import Path
from typing import Final

from signoff.client.stream_checks.rules import RULES

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (ROOT / "docs" / "streaming.md").read_text(encoding="utf-8")
_CHECKED: Final = re.compile(r"^\| (S-\d+) \| (.+) \|$", re.MULTILINE)
_NAMED: Final = re.compile(r"^\| (S-\d+) \| (.+) \| `(test_\w+)` \|$", re.MULTILINE)


def test_the_page_has_the_rules_of_the_suite_word_for_word() -> None:
    named = {number for number, _, _ in _NAMED.findall(PAGE)}

    assert {number: text for number, text in _CHECKED.findall(PAGE) if number not in named} == RULES


def test_the_numbers_of_the_rules_have_no_gap() -> None:
    numbers = [int(number.removeprefix("S-")) for number, _ in _CHECKED.findall(PAGE)]

    assert numbers == list(range(1, len(numbers) + 1))


def test_every_test_that_the_page_names_is_there() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert [name for _, _, name in _NAMED.findall(PAGE) if f"def {name}(" not in sources] == []
