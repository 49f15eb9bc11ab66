"""README and other pages work to the letter: each command is run, and shows what the page says it shows."""

import re
from pathlib import Path

import pytest

from e2e.shell import REPOSITORY, Embedded

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SAVED = re.compile(r"Save this as `([^`]+)`.*?```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CHANGING = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\b\d+(\.\d)? (ms|s)\b"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ][\d:.]+Z"), "<moment>"),
    (re.compile(r"sha256:[0-9a-f]+"), "<digest>"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r" $", re.MULTILINE), ""),
)


def steps(page: Path) -> list[tuple[str, str]]:
    """The commands of a page with the output that it shows for each."""
    found: list[tuple[str, str]] = []
    for block in _BLOCK.findall(page.read_text()):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            found.append((command, output))
    return found


def save_definitions(page: Path) -> None:
    """Save what the page says to save: ``Save this as `FILE` ``, and the definition that follows."""
    for name, text in _SAVED.findall(page.read_text()):
        Path(name).write_text(text)


def told(text: str, server: Embedded) -> str:
    """What stays the same from one run to the next."""
    text = text.replace(server.url, "http://127.0.0.1:8080")
    for pattern, constant in _CHANGING:
        text = pattern.sub(constant, text)
    return text.strip()


PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "docs" / "decisions.md",
    REPOSITORY / "docs" / "http.md",
    *sorted({*REPOSITORY.glob("examples/*/README.md")} - {REPOSITORY / "examples/consumers/README.md"}),
]
"""The consumers need a broker: `tests/integration/consumers` runs them."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_command_of_a_page_shows_what_the_page_says(page: Path, embedded: Embedded) -> None:
    embedded.serve("--examples")
    save_definitions(page)
    assert steps(page)

    for command, output in steps(page):
        here = command.replace("http://127.0.0.1:8080", embedded.url)
        shown = embedded.on_terminal(here.replace(".signoff/", f"{embedded.data}/"))

        assert told(shown.out, embedded) == told(output, embedded), command
