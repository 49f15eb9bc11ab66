"""The consumers of `examples/consumers`, as whoever copies them runs them."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from local_services import maven
from msgspec import Struct

from support import npm
from support.kafka import SHORT_LIVED

_EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples" / "consumers"
_CACHE: Final = Path(__file__).resolve().parents[2] / ".cache" / "example-consumer"
_END_LIMIT: Final = 20.0


class Row(Struct, frozen=True):
    """What a view says of a log."""

    status: str | None
    events: int
    blocks: int


View = Mapping[str, Row]
"""By the log's UUID."""


class ExampleConsumer:
    """One of the examples at work on a view of its own.

    Args:
        command: the program, without its arguments.
        brokers: where it reads.
        view: the file that it makes.
    """

    def __init__(self, command: Sequence[str | Path], brokers: str, view: Path) -> None:
        self._command = [*command, brokers, view]
        self._path = view
        self._output = view.with_suffix(".output")
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start it, unless it runs."""
        if self.has_ended:
            with self._output.open("ab") as output:
                self._process = subprocess.Popen(self._command, stdout=output, stderr=output)

    def kill(self) -> None:
        """End it with SIGKILL, wherever it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_END_LIMIT)

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself, or was killed."""
        return self._process is None or self._process.poll() is not None

    @property
    def told(self) -> str:
        """What it has written, for whoever wants to know why it ended."""
        return self._output.read_text() if self._output.exists() else ""

    def view(self) -> View:
        """Its view as it is now; empty as long as there is none."""
        if not self._path.exists():
            return {}
        with closing(sqlite3.connect(self._path)) as view:
            if not view.execute("SELECT 1 FROM sqlite_master WHERE name = 'executions'").fetchone():
                return {}
            rows = view.execute("SELECT log, status, events, blocks FROM executions").fetchall()
        return {log: Row(status, events, blocks) for log, status, events, blocks in rows}


def _java() -> list[str | Path]:
    jars = _CACHE / maven.read_property(_EXAMPLES / "java" / "pom.xml", "kafka.version")
    maven.fetch(_EXAMPLES / "java" / "pom.xml", jars)
    java = shutil.which("java")
    assert java is not None
    return [java, *SHORT_LIVED, "-cp", f"{jars}/*", _EXAMPLES / "java" / "Consumer.java"]


def _typescript() -> list[str | Path]:
    return [npm.NODE, npm.install(_EXAMPLES / "typescript") / "consumer.ts"]


COMMANDS: Final[Mapping[str, Callable[[], list[str | Path]]]] = {
    "python": lambda: [sys.executable, _EXAMPLES / "python" / "consumer.py"],
    "java": _java,
    "typescript": _typescript,
}
"""How each is started, by its language; what it needs is fetched at the first call."""
