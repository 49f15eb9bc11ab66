"""The blocks of docs/audit.md, as its readers copy them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "audit.md").read_text()

READER_ROLE: Final = "A role that can only read"
"""The section that makes the role of auditors, and takes the writers' lock from it."""

_BLOCK: Final = re.compile(
    r"^```(?P<language>sh|python|sql)\n(?P<text>.*?)^```$(?:\n\n^```text\n(?P<shown>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
_SECTION: Final = re.compile(r"^## (.*)$", re.MULTILINE)
_EXPORTS: Final = re.compile(r"^```sh\n(export .*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """What the page says to run, and what it says that this shows, if it does."""

    language: str
    text: str
    shown: str | None


def section(heading: str) -> list[Block]:
    """The blocks under a heading, less those that set the environment."""
    parts = _SECTION.split(PAGE)
    text = parts[parts.index(heading) + 1]
    found = [Block(match["language"], match["text"], match["shown"]) for match in _BLOCK.finditer(text)]
    return [block for block in found if not block.text.startswith("export ")]


def exports() -> list[str]:
    """The blocks that set the environment: where things are, and for the library PostgreSQL and SQLite."""
    return _EXPORTS.findall(PAGE)
