"""One field of a form: what it asks for, what somebody's text means in it, whether that fits. No I/O."""

import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from msgspec import Struct

from signoff.engine.definitions.constraints import choices_of
from signoff.engine.definitions.forms import check_form
from signoff.engine.definitions.values import parse_json, parse_number, to_text

HIDDEN: Final = "•••"
"""What is shown of a secret."""

Field: TypeAlias = Mapping[str, Any]
"""``{"name", "type", "label", "required", …}``, as the server gives it."""

_FILES: Final = ("files", "file[]")
_TRUE: Final = frozenset({"y", "yes", "true", "1"})
_FALSE: Final = frozenset({"n", "no", "false", "0"})
_ASKED: Final[Mapping[str, str]] = {
    "boolean": "yes or no",
    "number": "a number",
    "object": "a JSON object",
    "array": "a JSON list",
    "files": "paths of files, one a line; an empty line ends",
    "file[]": "paths of files, one a line; an empty line ends",
    "secret": "not shown while you type",
}
_LONG: Final = "several lines; an empty line ends, :edit opens an editor"
_BOUNDS: Final[Mapping[str, str]] = {
    "min": "at least {}",
    "max": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "pattern": "like {}",
    "accept": "only {}",
}


class LocalFile(Struct, frozen=True):
    """A file on this machine, which is sent when the decision is."""

    path: Path

    @property
    def media_type(self) -> str:
        """What it is, by its name."""
        return mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"


def is_files(field: Field) -> bool:
    """Whether it takes files."""
    return field["type"] in _FILES


def is_secret(field: Field) -> bool:
    """Whether nobody should read what is typed."""
    return bool(field["type"] == "secret")


def is_long(field: Field) -> bool:
    """Whether its text has several lines."""
    return bool(field.get("multiline")) and field["type"] == "string"


def label_of(field: Field) -> str:
    """What it is called."""
    return str(field.get("label") or field["name"])


def kind_of(field: Field) -> str:
    """What it takes, in a few words; empty for a text."""
    if field.get("options"):
        return "numbers of the following, with commas" if field["type"] == "array" else "one of the following"
    return _LONG if is_long(field) else _ASKED.get(field["type"], "")


def bounds_of(field: Field) -> list[str]:
    """What its value must be besides."""
    return [text.format(_plain(field[key])) for key, text in _BOUNDS.items() if field.get(key) is not None]


def options_of(field: Field) -> list[tuple[Any, str]]:
    """What may be chosen, each with what it is called."""
    options = field.get("options")
    given = options if isinstance(options, list) else []
    return [
        (value, to_text((option.get("label") if isinstance(option, dict) else None) or value))
        for value, option in zip(choices_of(field) or [], given, strict=True)
    ]


def read(field: Field, text: str) -> Any:
    """The value that somebody means by a text; the text itself where it is none of the field's type.

    Args:
        field: of the form.
        text: that was typed, not empty; of files a path a line.
    """
    kind = field["type"]
    if is_files(field):
        return [LocalFile(Path(line.strip()).expanduser()) for line in text.splitlines()]
    if field.get("options"):
        return _chosen(field, text)
    if kind == "boolean":
        return True if text.lower() in _TRUE else False if text.lower() in _FALSE else text
    if kind == "number":
        number = parse_number(text)
        return text if number is None else number
    if kind in ("object", "array"):
        return parse_json(text, text)
    return text


def misfit(field: Field, value: Any) -> str | None:
    """Why a value does not fit, by the server's own rules; ``None``: it does.

    Args:
        field: of the form.
        value: from :func:`read`; ``None``: nothing was given.
    """
    if isinstance(value, list):
        missing = [each.path for each in value if isinstance(each, LocalFile) and not each.path.is_file()]
        if missing:
            return f"{missing[0]} is no file that can be read"
        value = [_told(each) if isinstance(each, LocalFile) else each for each in value]
    _, faults = check_form([dict(field)], {} if value is None else {field["name"]: value})
    return faults[0].message if faults else None


def shown(field: Field, value: Any) -> str:
    """A value as a person reads it."""
    if is_secret(field):
        return HIDDEN
    if isinstance(value, bool):
        return "yes" if value else "no"
    called = {to_text(each): name for each, name in options_of(field)}
    if isinstance(value, list) and value and (called or is_files(field)):
        return ", ".join(_name_of(each, called) for each in value)
    return called.get(to_text(value), to_text(value))


def _name_of(value: Any, called: Mapping[str, str]) -> str:
    if isinstance(value, LocalFile):
        return str(value.path)
    if isinstance(value, dict) and "name" in value:
        return to_text(value["name"])
    return called.get(to_text(value), to_text(value))


def _chosen(field: Field, text: str) -> Any:
    options = options_of(field)
    if field["type"] != "array":
        return _choice(options, text)
    return [_choice(options, each.strip()) for each in text.split(",")]


def _choice(options: Sequence[tuple[Any, str]], text: str) -> Any:
    if text.isdecimal() and 1 <= int(text) <= len(options):
        return options[int(text) - 1][0]
    named = (value for value, name in options if text in (name, to_text(value)))
    return next(named, text)


def _told(file: LocalFile) -> dict[str, Any]:
    """What the server is told of a file before its contents."""
    return {"name": file.path.name, "type": file.media_type}


def _plain(value: Any) -> str:
    return ", ".join(map(to_text, value)) if isinstance(value, list) else to_text(value)
