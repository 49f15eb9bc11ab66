"""A copy of the tree in which one patch after the other is tried."""

import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from mutants.table import ROOT
from mutants.witness import Witness

_SHARED: Final = (".venv", ".cache")
"""What tests use and no patch changes: linked, not copied."""

_LIMIT_A_TEST: Final = 60.0
"""Seconds, with its servers; one that hangs is ended by pytest itself."""

_START: Final = 60.0


class ScratchError(Exception):
    """A patch does not apply, or pytest did not come to its end; the message says which and why."""


class Scratch:
    """A copy of the tree as it is now, with the project's own virtual environment.

    Args:
        folder: for the copy; it must not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.copytree(ROOT, folder, ignore=_not_copied, symlinks=True)
        for name in _SHARED:
            if (ROOT / name).exists():
                (folder / name).symlink_to(ROOT / name)
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        roots = ["tests", *project["tool"]["hatch"]["build"]["dev-mode-dirs"]]
        self._environment = os.environ | {
            # Before the folders of the editable install, so that their modules are found here first.
            "PYTHONPATH": os.pathsep.join(str(folder / root) for root in roots),
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
            "MUTANTS_WITNESS": str(folder / "witness.json"),
        }

    @contextmanager
    def patched(self, patch: Path) -> Iterator[None]:
        """Apply a patch, and take it back.

        Raises:
            ScratchError: it does not apply to the tree as it is now.
        """
        self._apply(patch)
        try:
            yield
        finally:
            self._apply(patch, "--reverse")

    def _apply(self, patch: Path, *options: str) -> None:
        applied = self._run(["git", "apply", *options, str(patch)], limit=_START)
        if applied.returncode:
            raise ScratchError(f"{patch.name} does not apply, make it anew: {applied.stderr.strip()}")

    def test(self, tests: Sequence[str]) -> Witness:
        """Run some tests, without those that take hours.

        Raises:
            ScratchError: pytest did not come to its end.
        """
        report = self._folder / "witness.json"
        report.unlink(missing_ok=True)
        # Of the plugins schemathesis takes longest to import, and no test here needs it.
        plugins = ["-p", "mutants.witness", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
        ran = self._run(
            [sys.executable, "-m", "pytest", *plugins, "--quiet", "--tb=short", *tests],
            limit=_START + _LIMIT_A_TEST * len(tests),
        )
        if not report.exists():
            raise ScratchError(f"pytest did not come to its end:\n{(ran.stdout + ran.stderr)[-3000:]}")
        witness = msgspec.json.decode(report.read_bytes(), type=Witness)
        if not witness.passed and not witness.failed and not witness.errors:
            raise ScratchError(f"no test ran:\n{(ran.stdout + ran.stderr)[-3000:]}")
        return witness

    def _run(self, command: Sequence[str], *, limit: float) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; at its time limit it is killed with all that it started."""
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            raise ScratchError(f"{command[0]} took more than {limit:g} s") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _not_copied(folder: str, names: Iterable[str]) -> list[str]:
    """Caches, data and whatever else is hidden; of the hidden folders none is product or test."""
    return [name for name in names if name == "__pycache__" or (Path(folder) == ROOT and name[0] == ".")]
