"""A form at a terminal: what typed texts mean, what fits, what is kept; texts that would steer a terminal."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from signoff.cli.deciding.answers import Answers
from signoff.cli.deciding.fields import LocalFile, misfit, read, shown
from signoff.cli.deciding.terminal import Terminal
from signoff.cli.terminal.harmless import harmless

APPROVED = {"id": "f", "name": "approved", "type": "boolean", "required": True}
AMOUNT = {"id": "f", "name": "amount", "type": "number", "required": False, "max": 100}
SIZES = {"value": "s", "label": "Small"}, {"value": "l", "label": "Large"}
SIZE = {"id": "f", "name": "size", "type": "string", "required": False, "options": list(SIZES)}
SOME = {**SIZE, "type": "array", "options": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (APPROVED, "Y", True),
        (APPROVED, "no", False),
        (APPROVED, "perhaps", "perhaps"),
        (AMOUNT, "2.5", 2.5),
        (AMOUNT, "much", "much"),
        (SIZE, "2", "l"),
        (SIZE, "Large", "l"),
        (SIZE, "s", "s"),
        (SIZE, "3", "3"),
        (SOME, "1, c", ["a", "c"]),
        ({**SIZE, "options": [], "type": "object"}, '{"a": 1}', {"a": 1}),
        ({**SIZE, "options": [], "type": "files"}, "a.txt\nb.txt",
         [LocalFile(Path("a.txt")), LocalFile(Path("b.txt"))]),
    ],
)  # fmt: skip
def test_a_text_is_read_by_the_type_of_its_field(field: dict[str, Any], text: str, value: Any) -> None:
    assert read(field, text) == value


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        (APPROVED, None, "is required"),
        (APPROVED, "perhaps", "must be true or false"),
        (AMOUNT, 101, "must be at most 100"),
        (SIZE, "3", "must be one of"),
        ({**SIZE, "options": [], "type": "files"}, [LocalFile(Path("nowhere.txt"))], "no file"),
    ],
)
def test_what_does_not_fit_is_said_as_the_server_would(field: dict[str, Any], value: Any, says: str) -> None:
    assert says in (misfit(field, value) or "")


@pytest.mark.parametrize(("field", "value"), [(APPROVED, False), (AMOUNT, None), (AMOUNT, 100), (SIZE, "s")])
def test_what_fits_is_taken(field: dict[str, Any], value: Any) -> None:
    assert misfit(field, value) is None


def test_a_secret_is_shown_to_nobody_and_a_choice_by_its_name() -> None:
    assert "1234" not in shown({**SIZE, "options": [], "type": "secret"}, "1234")
    assert shown(SIZE, "l") == "Large"


class Typist(Terminal):
    """Types lines from a list."""

    def __init__(self, lines: Iterable[str]) -> None:
        super().__init__()
        self._lines = iter(lines)
        self.prompts: list[str] = []

    def ask(self, prompt: str) -> str:
        self.prompts.append(prompt)
        return next(self._lines)


def test_enter_takes_what_was_given_before() -> None:
    answers = Answers([APPROVED, {**AMOUNT, "value": 7}])
    answers.ask(Typist(["yes", ""]))
    again = Typist(["", "8"])

    answers.ask(again)

    assert again.prompts == ["[yes] > ", "[7] > "]
    assert answers.values == {"approved": True, "amount": 8}


def test_another_form_asks_only_for_what_it_has_anew_or_does_not_take() -> None:
    answers = Answers([APPROVED, AMOUNT, SIZE])
    answers.ask(Typist(["yes", "50", "1"]))

    missing = answers.move_to([APPROVED, {**AMOUNT, "max": 10}, {**SIZE, "name": "colour"}])

    assert [field["name"] for field in missing] == ["amount", "colour"]
    assert answers.values == {"approved": True, "amount": 50}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[2Jgone", "[2Jgone"),
        ("\x9b31mred", "31mred"),
        ("pay\rkeep", "paykeep"),
        ("txt.\u202eexe", "txt.exe"),
        ("two\nlines\tand more: é 你 ₍0₎", "two\nlines\tand more: é 你 ₍0₎"),
    ],
)
def test_a_text_keeps_its_letters_and_cannot_steer_the_terminal(text: str, left: str) -> None:
    assert harmless(text) == left
