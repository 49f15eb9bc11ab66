"""The tutorial in docs/writing-blocks.md, followed to the letter: its files written, its commands run."""

import re
from pathlib import Path

import pytest

from e2e.shell import REPOSITORY, Embedded
from e2e.test_readme import steps, told

PAGE = REPOSITORY / "docs" / "writing-blocks.md"
_FILE = re.compile(r"^```(?:python|yaml)\n# (?P<name>\S+\.\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_SERVE = re.compile(r"^PYTHONPATH=\. signoff serve (?P<arguments>.*)$", re.MULTILINE)
_TOOK = re.compile(r"\b\d+\.\d+s\b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The empty folder that the reader begins with, and what the page has them write into it."""
    folder = tmp_path / "tutorial"
    folder.mkdir()
    for name, text in _FILE.findall(PAGE.read_text()):
        (folder / name).write_text(text)
    return folder


def test_the_tutorial_works_from_its_first_line_to_its_last(folder: Path, embedded: Embedded) -> None:
    serve = _SERVE.search(PAGE.read_text())
    assert serve is not None
    embedded.serve(*serve["arguments"].split(), PYTHONPATH=str(folder))
    embedded.environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # of this repository, not of the reader

    for command, output in steps(PAGE):
        shown = embedded.on_terminal(f"cd '{folder}' && {command}")

        assert timeless(told(shown.out, embedded)) == timeless(told(output, embedded)), command


def timeless(text: str) -> str:
    """Without what pytest says of its time."""
    return _TOOK.sub("<time>", text)
