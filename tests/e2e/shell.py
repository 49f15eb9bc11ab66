"""Signoff as people run it: processes of the `signoff` command, and a terminal to read them on."""

import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.ports import unused_port

REPOSITORY = Path(__file__).resolve().parents[2]
SIGNOFF = REPOSITORY / ".venv" / "bin" / "signoff"
_START_LIMIT = 30.0
_COMMAND_LIMIT = 40.0
_STOP_LIMIT = 15.0


class Ended:
    """A command that has ended. ``lines``: its JSON lines."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """Runs `signoff` in the repository against one server.

    Attributes:
        environment: what commands find the server by.
    """

    def __init__(self, **settings: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
        path = f"{SIGNOFF.parent}:{clean['PATH']}"
        self.environment = {**clean, **settings, "PATH": path, "COLUMNS": "100"}

    def signoff(self, *arguments: str, given: str = "") -> Ended:
        """Run a command whose output goes into a pipe."""
        done = subprocess.run(
            [SIGNOFF, *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=_COMMAND_LIMIT,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, into: Path) -> "subprocess.Popen[str]":
        """Start a command whose output goes into a file, to be looked at while it runs."""
        with into.open("w") as out:
            return subprocess.Popen(
                [SIGNOFF, *arguments],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
            )

    def on_terminal(self, command: str) -> Ended:
        """Run a line of shell on a terminal of 100 columns, as a person would, and give what it shows."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=REPOSITORY,
            # A dumb terminal shows a live picture once, when it is complete.
            env=self.environment | {"TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        shown = b""
        end = time.monotonic() + _COMMAND_LIMIT
        while time.monotonic() < end and select.select([ours], [], [], end - time.monotonic())[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the last process on the terminal has gone
                break
        os.close(ours)
        code = process.wait(timeout=1)
        return Ended(code, shown.decode().replace("\r\n", "\n"), "")


class Embedded(Shell):
    """A `signoff serve --examples` on a data folder and port of its own, which can be killed and started."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(SIGNOFF_URL=self.url, SIGNOFF_DATA=str(data))
        self._process: subprocess.Popen[str] | None = None

    @property
    def key(self) -> str:
        return (self.data / "api-key").read_text().strip()

    def serve(self, *arguments: str, **settings: str) -> dict[str, Any]:
        """Start it; gives what it says of itself once it is ready."""
        with (self.data.parent / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [SIGNOFF, "serve", "--port", str(self.port), *arguments],
                cwd=REPOSITORY,
                env=self.environment | settings,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], _START_LIMIT)[0], "the server does not start"
        line = self._process.stdout.readline()
        assert line, f"the server ended: {(self.data.parent / 'server.log').read_text()[-2000:]}"
        said: dict[str, Any] = json.loads(line)
        return said

    def kill(self) -> None:
        """End it as a power failure would: without a chance to do anything."""
        self._end(kill=True)

    def stop(self) -> int:
        """Ask it to stop; gives its exit code."""
        return self._end(kill=False)

    def _end(self, *, kill: bool) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        (process.kill if kill else process.terminate)()
        code = process.wait(timeout=_STOP_LIMIT)
        assert process.stdout is not None
        process.stdout.close()
        return code


def eventually(condition: Callable[[], bool], *, limit: float = 20.0) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it does not within ``limit`` seconds.
    """
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
