"""Processes of a test run, none of which outlives it, whatever happens.

The guard is this very file, run as a program of its own: when the test run has ended, or was killed, it ends
every process that carries the run's mark in its environment, and removes the run's folder.
"""

import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

_MARK = "LOCAL_RUN"
_CLOSE_LIMIT = 30.0
_KILL_LIMIT = 15.0
_PAUSE = 0.1


class LocalRun:
    """Gives every process that we start from now on a mark, and a folder that goes away with them.

    Attributes:
        folder: A fresh temporary folder that other users may enter.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="signoff-test-"))
        self.folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
        mark = secrets.token_hex(16)
        self._guard = subprocess.Popen(
            [sys.executable, __file__, mark, self.folder],
            stdin=subprocess.PIPE,
            start_new_session=True,  # so that the terminal's Ctrl-C does not reach it
        )
        os.environ[_MARK] = mark

    def close(self) -> None:
        """End what still runs, and remove the folder.

        Raises:
            RuntimeError: Some process could not be ended.
        """
        del os.environ[_MARK]
        self._guard.communicate(timeout=_CLOSE_LIMIT)
        if self._guard.returncode != 0:
            raise RuntimeError("some processes of the test run cannot be ended")


@pytest.fixture(scope="session", autouse=True)
def local_run() -> Iterator[LocalRun]:
    """What makes sure that no process outlives the test run; has a folder for their data."""
    run = LocalRun()
    yield run
    run.close()


def _marked(mark: str) -> list[int]:
    wanted = f"{_MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        # Processes come and go, and those of other users are not ours to read.
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _mounted(folder: Path) -> list[Path]:
    places = [Path(line.split()[1]) for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [place for place in places if place.is_relative_to(folder)]


def _await_end_of(parent: int) -> None:
    """Return when standard input ends, or the parent: a forked child of it may hold that input open."""
    while os.getppid() == parent and not select.select([sys.stdin], [], [], _PAUSE)[0]:
        pass


def _guard(mark: str, folder: Path) -> int:
    _await_end_of(os.getppid())
    end = time.monotonic() + _KILL_LIMIT
    while (left := _marked(mark)) and time.monotonic() < end:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE)
    for disk in _mounted(folder):  # a run that was killed has left its small disks
        subprocess.run(["umount", disk], check=False, timeout=_KILL_LIMIT)
    shutil.rmtree(folder, ignore_errors=bool(left))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(_guard(sys.argv[1], Path(sys.argv[2])))
