"""Packages from npm for tests: a folder for each state of a package.json, made once."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_PROGRAMS: Final = Path(sys.executable).parent  # Node and npm come with the packages for development
NODE: Final = _PROGRAMS / "node"
"""The program."""

_INSTALL_LIMIT: Final = 180.0
_RUN_LIMIT: Final = 40.0


def install(sources: Path) -> Path:
    """Have npm install what ``sources/package.json`` names; gives the folder, to which modules are copied.

    Args:
        sources: a folder with that file, whose versions are pinned, and with the ``.mjs`` and ``.ts``
            modules that use them: by its own place Node finds what a module imports.

    Raises:
        CalledProcessError: npm could not.
    """
    wanted = (sources / "package.json").read_bytes()
    folder = _REPOSITORY / ".cache" / "npm" / hashlib.sha256(wanted).hexdigest()[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            _install(sources, Path(made) / "packages", folder)
    for module in (*sources.glob("*.mjs"), *sources.glob("*.ts")):
        shutil.copy(module, folder)
    return folder


def _install(sources: Path, made: Path, folder: Path) -> None:
    """What is half made is never taken for whole: the folder gets its name when npm is done."""
    made.mkdir()
    shutil.copy(sources / "package.json", made)
    subprocess.run(
        [_PROGRAMS / "npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"],
        cwd=made,
        check=True,
        timeout=_INSTALL_LIMIT,
    )
    made.rename(folder)


def run(module: Path, given: str) -> str:
    """Run a module with a text on its standard input; gives what it writes.

    Raises:
        CalledProcessError: it failed.
    """
    ended = subprocess.run(
        [NODE, module], input=given, check=True, capture_output=True, text=True, timeout=_RUN_LIMIT
    )
    return ended.stdout
