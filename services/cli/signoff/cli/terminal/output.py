"""Where a command's results go: to a person's terminal, or as JSON lines to the next program."""

import sys
from collections.abc import Iterable
from typing import Any

import msgspec
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from signoff.cli.terminal.harmless import harmless


class _HarmlessConsole(Console):
    """Shows texts of others, which cannot steer the terminal; only what rich itself does can."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


class Output:
    """Standard output. ``is_terminal`` decides between people and programs."""

    def __init__(self) -> None:
        self.console = _HarmlessConsole(highlight=False)
        self.is_terminal = sys.stdout.isatty()

    def show(self, renderable: RenderableType) -> None:
        """Print something for people."""
        self.console.print(renderable)

    def unbroken(self, text: Text) -> None:
        """Print a line for people that only the terminal itself breaks: what is copied stays whole."""
        self.console.print(text, soft_wrap=True)

    def line(self, record: Any) -> None:
        """Print one JSON line for programs."""
        self.raw_line(msgspec.json.encode(record))

    def raw_line(self, encoded: bytes) -> None:
        """Print a JSON line that is encoded already: events are passed on byte for byte."""
        sys.stdout.buffer.write(encoded + b"\n")
        sys.stdout.buffer.flush()

    def indented(self, document: Any) -> None:
        """Print a document: a file to be, not a record, and therefore indented for everybody."""
        encoded = msgspec.json.format(msgspec.json.encode(document), indent=2)
        self.raw_line(encoded)

    def either(self, record: Any, text: str) -> None:
        """A small result: a sentence for people, a JSON line for programs."""
        if self.is_terminal:
            self.unbroken(Text(text))
        else:
            self.line(record)
