"""A person at a terminal: shown things, and asked for a line, a secret, some lines."""

import os
import shlex
import subprocess
import sys
from contextlib import suppress
from getpass import getpass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import RenderableType
from rich.text import Text

from signoff.cli.exits import CommandError
from signoff.cli.terminal.harmless import harmless
from signoff.cli.terminal.output import Output

EDIT = ":edit"
"""Typed as the first line of a long text: it is written in an editor."""


def is_somebody_there() -> bool:
    """Whether a person can be shown things and asked: not where either end is a pipe or a file."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Terminal:
    """Standard input and output, with a person before them."""

    def __init__(self) -> None:
        self._output = Output()
        with suppress(ImportError):  # arrow keys and history, where Python was built with them
            import readline  # noqa: F401, PLC0415

    def show(self, renderable: RenderableType) -> None:
        """Show something."""
        self._output.show(renderable)

    def say(self, text: str, style: str = "") -> None:
        """Show a text that may be anybody's."""
        self._output.show(Text(text, style))

    def ask(self, prompt: str) -> str:
        """A line, without white space around it.

        Raises:
            EOFError: there will be none.
        """
        return input(harmless(prompt)).strip()

    def ask_secret(self, prompt: str) -> str:
        """A line that is not shown while it is typed.

        Raises:
            EOFError: there will be none.
        """
        return getpass(harmless(prompt))

    def ask_lines(self, prompt: str, text: str) -> str:
        """Some lines, up to an empty one; or what an editor makes of a text, if the first one is ``:edit``.

        Args:
            prompt: before each line.
            text: for the editor to begin with.

        Raises:
            EOFError: there will be none.
            CommandError: there is no editor, or it failed.
        """
        lines: list[str] = []
        while line := input(harmless(prompt)).rstrip():
            if not lines and line.strip() == EDIT:
                return _edited(text)
            lines.append(line)
        return "\n".join(lines)


def _edited(text: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with TemporaryDirectory(prefix="signoff-") as folder:
        file = Path(folder) / "text.txt"
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603 - their own editor
            return file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise CommandError(f"the editor {editor!r} gave no text ({error}): set EDITOR to one") from error
