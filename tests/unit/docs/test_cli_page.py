"""docs/cli.md tells of every command, and of none that is not there."""

import re
from pathlib import Path
from typing import Final

from signoff.cli.catalog import Command
from signoff.cli.exits import Exit
from signoff.cli.main import CHAPTERS

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
ENTRIES: Final = [entry for chapter in CHAPTERS.values() for entry in chapter]
COMMANDS: Final = {entry.name for entry in ENTRIES if isinstance(entry, Command)} | {
    f"{entry.name} {command.name}"
    for entry in ENTRIES
    if not isinstance(entry, Command)
    for command in entry.commands
}


def told() -> set[str]:
    """The commands in the tables of the page."""
    named = re.findall(
        r"`signoff ([a-z-]+)(?: ([a-z-]+))?[^`]*`", "\n".join(re.findall(r"^\| `.*$", PAGE, re.MULTILINE))
    )
    return {f"{first} {second}".strip() for first, second in named}


def test_every_command_is_told_of() -> None:
    assert sorted(COMMANDS - told()) == []


def test_no_other_command_is_told_of() -> None:
    assert sorted(told() - COMMANDS) == []


def test_every_exit_code_is_told_of() -> None:
    assert [code.name for code in Exit if f"\n| {code.value} |" not in PAGE] == []
