"""What a field of a form demands of its value beside its type: bounds, a pattern, a choice, kinds of files.

The names and meanings are those of JSON Schema, except that a pattern must match the whole text, as in a
form of HTML. Patterns are authors' and texts are anybody's, so both are bounded, and matched in a time that
grows linearly with the text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
from msgspec import Struct
from msgspec.json import encode as encode_json

from signoff.engine.definitions.faults import shorten
from signoff.engine.definitions.values import SECRET_TYPE, coerce_value, parse_number, to_text
from signoff.events.escapes import BLOB, SECRET

MAX_TEXT: Final = 50_000
"""The greatest ``maxLength``, in characters: a longer text may stand outside of its event."""

MAX_ITEMS: Final = 500
"""The greatest ``maxItems``, for the same reason."""

MAX_PATTERN: Final = 500
"""Characters of a pattern."""

MAX_MATCHED: Final = 2_000
"""Characters of a text that a pattern is matched against; a longer one does not fit."""

MAX_PATTERNS: Final = 20
"""Patterns of one form: the greatest of everything together takes less than half a second."""

MAX_FORM: Final = 64 * 1024
"""Bytes of a form as JSON, with its options and defaults. A larger one could stand outside of its event, and
no submission would be checked against it."""

_FIELD_BYTES: Final = 100
_COMPILED_BYTES: Final = 256 * 1024
_KEPT: Final = 200

_TEXTS: Final = ("string", SECRET_TYPE)
_LISTS: Final = ("array", "files", "file[]")
_FILES: Final = ("files", "file[]")

TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "min": ("number",),
    "max": ("number",),
    "minLength": _TEXTS,
    "maxLength": _TEXTS,
    "pattern": _TEXTS,
    "multiline": ("string",),
    "minItems": _LISTS,
    "maxItems": _LISTS,
    "accept": _FILES,
}
"""The constraints of a field, each with the types that have it. ``multiline`` only says how it is shown."""

_SIZES: Final = {"minLength": MAX_TEXT, "maxLength": MAX_TEXT, "minItems": MAX_ITEMS, "maxItems": MAX_ITEMS}
_PAIRS: Final = (("min", "max"), ("minLength", "maxLength"), ("minItems", "maxItems"))
_BOUND_ABOVE: Final = ("maxLength", "pattern", "maxItems", "accept", "options")
_OPTION_KEYS: Final = ("value", "id", "label")  # the first that an option has is its value; id is Sim's
_MOST_ACCEPTED: Final = 50
_KIND: Final = re.compile(r"\.[^\s,/*]{1,50}|[^\s,/*]{1,100}/(?:\*|[^\s,/*]{1,100})")


class Misuse(Struct, frozen=True):
    """What is wrong with a constraint itself: of which key, in a sentence, and what to do."""

    key: str
    message: str
    hint: str | None = None


class _ConstraintError(Exception):
    """A constraint cannot be read; its text says what it must be."""


def read_constraints(field: Mapping[str, Any]) -> dict[str, Any]:
    """The constraints of a field that can be read, in one form: numbers are numbers.

    Args:
        field: of an ``inputFormat``, with its type. What `form_misuses` reports is left out.
    """
    read: dict[str, Any] = {}
    for key in _keys_of(field):
        try:
            read[key] = _read(key, field[key])
        except _ConstraintError:
            continue
    return read


def form_misuses(
    input_format: Any, is_open: Callable[[Any], bool], *, bounded: bool = True
) -> Iterator[tuple[int, Misuse]]:
    """What is wrong with the constraints of a form's fields, each with the field's index.

    Args:
        input_format: the fields, as their author wrote them; what is no field is passed over.
        is_open: tells a value that is not known yet.
        bounded: whether it is a pause's, of `MAX_FORM` at most.
    """
    patterns = size = 0
    for index, field in enumerate(input_format if isinstance(input_format, list) else []):
        if not isinstance(field, dict):
            continue
        size += _size(field)
        if bounded and size > MAX_FORM:
            yield (
                index,
                Misuse(
                    _largest(field),
                    f"is too much: a form has at most {MAX_FORM // 1024} KB of JSON",
                    "show what is to be read beside the form",
                ),
            )
            return
        patterns += field.get("pattern") is not None
        if patterns > MAX_PATTERNS:
            yield index, Misuse("pattern", f"is one too many: a form has at most {MAX_PATTERNS} patterns")
            return
        for misuse in _misuses(field, is_open):
            yield index, misuse


def _size(field: Mapping[str, Any]) -> int:
    """About the bytes of a field in its event, where its name is its label and its id, too."""
    return len(encode_json(field)) + 2 * len(to_text(field.get("name"))) + _FIELD_BYTES


def _largest(field: Mapping[str, Any]) -> str:
    return max(field, key=lambda key: len(encode_json(field[key])), default="name")


def _misuses(field: Mapping[str, Any], is_open: Callable[[Any], bool]) -> Iterator[Misuse]:
    kind = field.get("type") or "string"
    for key, types in TYPES.items():
        if field.get(key) is None:
            continue
        if kind not in types:
            yield Misuse(key, f"does not go with a field of type {shorten(to_text(kind))}", _hint(kind))
            continue
        try:
            _read(key, field[key])
        except _ConstraintError as error:
            if not is_open(field[key]):
                yield Misuse(key, str(error))
    known = read_constraints(field)
    for low, high in _PAIRS:
        if low in known and high in known and known[low] > known[high]:
            yield Misuse(low, f"is greater than {high}: no value fits both")
    if not is_open(field.get("options")):
        yield from _misused_options(field, known)


def broken(field: Mapping[str, Any], value: Any) -> str | None:
    """What a value of the right type lacks, in a sentence that goes on after the field's name.

    Args:
        field: with its type, its options, and its constraints as `read_constraints` gives them.
        value: in its stored form.
    """
    if isinstance(value, dict) and SECRET in value:
        return None  # it was checked before it was sealed
    if isinstance(value, dict) and BLOB in value:
        above = any(field.get(key) for key in _BOUND_ABOVE)
        return "is too large" if above and field["type"] in (*_TEXTS, *_LISTS) else None
    return _wrong_choice(field, value) or _out_of_bounds(field, value)


def _out_of_bounds(field: Mapping[str, Any], value: Any) -> str | None:
    for key, check in _CHECKS.items():
        demand = field.get(key)
        message = None if demand is None else check(value, demand)
        if message is not None:
            return message
    return None


def _keys_of(field: Mapping[str, Any]) -> Iterator[str]:
    kind = field.get("type") or "string"
    return (key for key, types in TYPES.items() if field.get(key) is not None and kind in types)


def _read(key: str, value: Any) -> Any:
    if key == "multiline":
        return _read_flag(value)
    if key == "pattern":
        return _read_pattern(value)
    if key == "accept":
        return _read_accept(value)
    number = parse_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _ConstraintError("must be a number")
    most = _SIZES.get(key)
    if most is not None and (not isinstance(number, int) or not 0 <= number <= most):
        raise _ConstraintError(f"must be a whole number from 0 to {most}")
    return number


def _read_flag(value: Any) -> bool:
    flag = coerce_value("boolean", value)
    if not isinstance(flag, bool):
        raise _ConstraintError("must be true or false")
    return flag


def _read_pattern(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _ConstraintError("must be a regular expression, as a text")
    if len(value) > MAX_PATTERN:
        raise _ConstraintError(f"must be a regular expression of at most {MAX_PATTERN} characters")
    if _matcher(value) is None:
        raise _ConstraintError(
            "is no regular expression that can be matched here: it is not well formed, comes to too many "
            "repetitions, or looks around or back"
        )
    return value


def _read_accept(value: Any) -> list[str]:
    kinds = value if isinstance(value, list) else [value]
    if not kinds or len(kinds) > _MOST_ACCEPTED or not all(map(_is_kind, kinds)):
        raise _ConstraintError(
            f"must be a list of at most {_MOST_ACCEPTED} kinds of files, such as .pdf, text/csv or image/*"
        )
    return [each.strip().lower() for each in kinds]


def _is_kind(value: Any) -> bool:
    return isinstance(value, str) and _KIND.fullmatch(value.strip()) is not None


@lru_cache(maxsize=_KEPT)
def _matcher(pattern: str) -> Callable[[str], bool] | None:
    """Tells whether a whole text matches; None for what the engine refuses.

    The pattern is tried by itself first: what stands around it may not make it whole.
    """
    options = jsonschema_rs.RegexOptions(size_limit=_COMPILED_BYTES, dfa_size_limit=_COMPILED_BYTES)
    try:
        for text in (pattern, f"^(?:{pattern})$"):
            validator = jsonschema_rs.Draft202012Validator(
                {"pattern": text}, offline=True, pattern_options=options
            )
    except ValueError:
        return None
    return validator.is_valid


def _hint(kind: Any) -> str | None:
    fitting = [key for key, types in TYPES.items() if kind in types]
    return f"it may have {', '.join(fitting)}" if fitting else None


def _misused_options(field: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Misuse]:
    options = field.get("options")
    for option in options if isinstance(options, list) else []:
        if option is None or (isinstance(option, dict) and not any(key in option for key in _OPTION_KEYS)):
            told = shorten(to_text(option)) or "null"
            yield Misuse("options", f"holds {told}: an option is a value, or an object {{value, label}}")
            return
    choices = choices_of(field)
    bounds = [key for key in known if key in _CHECKS]
    if choices and all(_out_of_bounds(known, choice) is not None for choice in choices):
        yield Misuse("options", f"leave no choice: none of them fits {', '.join(bounds)}")


def choices_of(field: Mapping[str, Any]) -> list[Any] | None:
    """What may be chosen, in the field's type: an option is a plain value, or an object that names it."""
    options = field.get("options")
    if not isinstance(options, list) or not options:
        return None
    named = [
        next((each[key] for key in _OPTION_KEYS if key in each), each) if isinstance(each, dict) else each
        for each in options
    ]
    kind = field.get("type") or "string"
    return [coerce_value(kind, each) if kind in ("string", "number", "boolean") else each for each in named]


def _wrong_choice(field: Mapping[str, Any], value: Any) -> str | None:
    choices = choices_of(field)
    if choices is None:
        return None
    chosen = value if isinstance(value, list) else [value]
    if all(each in choices for each in chosen):
        return None
    return f"must be one of: {', '.join(to_text(each) for each in choices)}"


def _at_least(value: Any, least: float) -> str | None:
    return f"must be at least {to_text(least)}" if isinstance(value, int | float) and value < least else None


def _at_most(value: Any, most: float) -> str | None:
    return f"must be at most {to_text(most)}" if isinstance(value, int | float) and value > most else None


def _no_shorter(value: Any, least: int) -> str | None:
    if isinstance(value, str) and len(value) < least:
        return f"must have at least {_counted(least, 'character', 'characters')}"
    return None


def _no_longer(value: Any, most: int) -> str | None:
    if isinstance(value, str) and len(value) > most:
        return f"must have at most {_counted(most, 'character', 'characters')}"
    return None


def _no_fewer(value: Any, least: int) -> str | None:
    if isinstance(value, list) and len(value) < least:
        return f"must have at least {_counted(least, 'entry', 'entries')}"
    return None


def _no_more(value: Any, most: int) -> str | None:
    if isinstance(value, list) and len(value) > most:
        return f"must have at most {_counted(most, 'entry', 'entries')}"
    return None


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _unlike(value: Any, pattern: str) -> str | None:
    if not isinstance(value, str):
        return None
    if len(value) > MAX_MATCHED:
        return f"must have at most {MAX_MATCHED} characters: it is matched against a pattern"
    matches = _matcher(pattern)
    if matches is None or not matches(value):
        return f"must match the pattern {shorten(pattern)}"
    return None


def _not_accepted(value: Any, kinds: list[str]) -> str | None:
    if not isinstance(value, list) or all(_is_accepted(each, kinds) for each in value):
        return None
    return f"takes files of these kinds only: {', '.join(kinds)}"


def _is_accepted(file: Any, kinds: list[str]) -> bool:
    """As browsers do it: by the end of the file's name, or by the type that its sender told."""
    told = file if isinstance(file, dict) else {}
    name, media_type = to_text(told.get("name")).lower(), to_text(told.get("type")).lower()
    for kind in kinds:
        if kind.startswith("."):
            fits = name.endswith(kind)
        elif kind.endswith("/*"):
            fits = media_type.startswith(kind[:-1])
        else:
            fits = media_type == kind
        if fits:
            return True
    return False


_CHECKS: Final[Mapping[str, Callable[[Any, Any], str | None]]] = {
    "min": _at_least,
    "max": _at_most,
    "minLength": _no_shorter,
    "maxLength": _no_longer,
    "minItems": _no_fewer,
    "maxItems": _no_more,
    "accept": _not_accepted,
    "pattern": _unlike,
}
