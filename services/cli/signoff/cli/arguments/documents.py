"""What a command reads from its arguments and from files: inputs and workflow definitions."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from signoff.cli.exits import CommandError

_LARGEST: Final = 10 * 1024 * 1024
"""Bytes: what the server takes at most."""


class Document(Struct, frozen=True):
    """A workflow definition as its file holds it, and where it goes."""

    file: Path
    workflow_id: str
    raw: bytes
    is_json: bool

    @property
    def media_type(self) -> str:
        """As a request names it."""
        return "application/json" if self.is_json else "application/yaml"


def read_input(text: str | None) -> Any:
    """The value of ``--input``: JSON, ``@file`` that holds JSON, or ``-`` for standard input.

    Raises:
        CommandError: it cannot be read, or is no JSON.
    """
    if text is None:
        return {}
    if text == "-":
        return _json(sys.stdin.read(_LARGEST + 1), "standard input")
    if text.startswith("@"):
        return _json(_read(Path(text[1:])).decode("utf-8", "surrogateescape"), text[1:])
    return _json(text, "--input")


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{place} is not JSON: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def read_document(file: Path, workflow_id: str | None) -> Document:
    """A definition to deploy.

    Args:
        file: YAML or JSON, in our own spelling or Sim's.
        workflow_id: where it goes; ``None``: to what its ``workflow`` key says, which in Sim's export is an
            object with an ``id``.

    Raises:
        CommandError: the file cannot be read, or does not say where it goes.
    """
    raw = _read(file)
    is_json = file.suffix == ".json"
    if workflow_id is None:
        content = _json(raw.decode("utf-8", "replace"), str(file)) if is_json else _yaml(raw, file)
        named = content.get("workflow") if isinstance(content, dict) else None
        workflow_id = named.get("id") if isinstance(named, dict) else named
    if not isinstance(workflow_id, str) or not workflow_id:
        raise CommandError(f"{file} has no `workflow` key that names the workflow: add one, or give --id")
    return Document(file, workflow_id, raw, is_json)


def _yaml(raw: bytes, file: Path) -> Any:
    import yaml  # noqa: PLC0415 - a tenth of a second that only `deploy` needs

    try:
        # Every scalar is a text to this loader: only the server reads what the document means.
        return yaml.load(raw, Loader=yaml.BaseLoader)  # noqa: S506 - it makes plain values only
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise CommandError(f"{file} is not YAML: {' '.join(str(error).split())}") from error


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > _LARGEST:
            raise CommandError(f"{file} is over 10 MiB, which no server takes")
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
