"""``signoff new block``."""

import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated, Final

from cyclopts import Parameter

from signoff.blocks import BlockDefinitionError, check_name
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.engine.definitions.catalog import BLOCK_TYPES

_TEMPLATES: Final = files("signoff.cli") / "templates" / "block"


def block(
    name: str, *, directory: Annotated[Path | None, Parameter(name=("--directory", "-d"))] = None
) -> Exit:
    """Write a small package with one registered block, its test, its entry point and a README.

    Everything it writes passes ruff, mypy --strict and its own test.

    Args:
        name: What workflows call the block, such as `payments.refund`.
        directory: The folder of the package, new or empty; by default it is made here, named after the block.
    """
    _check(name)
    package = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") + "_block"
    project = package.replace("_", "-")
    folder = Path(project) if directory is None else directory
    names = {"block": name, "package": package, "project": project}
    written = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{package}/__init__.py": None,
        f"{package}/py.typed": None,
        f"{package}/block.py": "block.py",
        "tests/test_block.py": "test_block.py",
    }
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CommandError(
                f"{folder} is there already, and not an empty folder: choose another --directory"
            )
        for path, template in written.items():
            _write(folder / path, template, names)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written: {error.strerror}") from error
    Output().either(
        {"block": name, "directory": str(folder), "files": list(written)},
        f"wrote the block {name} to {folder}: its README.md says how to go on",
    )
    return Exit.OK


def _check(name: str) -> None:
    try:
        check_name(name)
    except BlockDefinitionError as error:
        raise CommandError(str(error)) from error
    if name in BLOCK_TYPES:
        raise CommandError(f"{name} is a built-in block: choose another name, such as my.{name}")


def _write(file: Path, template: str | None, names: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "" if template is None else (_TEMPLATES / f"{template}.template").read_text("utf-8")
    file.write_text(Template(text).substitute(names), "utf-8")
