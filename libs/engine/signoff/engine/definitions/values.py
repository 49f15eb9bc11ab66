"""Reading single values: by type, from text, as durations, as tables.

The rules are Sim's (sections 3 to 5 and 7 of its formats), except where a docstring says otherwise.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from signoff.engine.errors import InvalidValueError
from signoff.events.escapes import escape, is_reference

FIELD_TYPES: Final = ("string", "number", "boolean", "object", "array", "files", "file[]")
"""Types of a field of ``inputFormat``, of a start block and of a form alike."""

SECRET_TYPE: Final = "secret"  # noqa: S105  (the name of a type)
"""The type of a form's field for a text that stands in no log: gateways keep it beside."""

FORM_TYPES: Final = (*FIELD_TYPES, SECRET_TYPE)
"""Types of a field of a form."""

VARIABLE_TYPES: Final = ("string", "plain", "number", "boolean", "object", "array")
"""Types of workflow variables."""

MAX_WAIT_MS: Final = 30 * 24 * 60 * 60 * 1000
"""The longest wait, 30 days."""

WAIT_UNITS: Final[Mapping[str, int]] = {
    "milliseconds": 1,
    "seconds": 1_000,
    "minutes": 60_000,
    "hours": 3_600_000,
    "days": 86_400_000,
}
"""Units of the ``wait`` block, in milliseconds. Sim has no milliseconds."""

_DURATION_UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_TRUE = ("true", "1", 1)
_FALSE = ("false", "0", 0)


def parse_number(text: str) -> int | float | None:
    """Reads a decimal number, white space around it allowed.

    Returns:
        None where the text is no number, or none that JSON can hold.
    """
    stripped = text.strip()
    if _INTEGER.fullmatch(stripped):
        return int(stripped)
    if not _NUMBER.fullmatch(stripped):
        return None
    number = float(stripped)
    return number if math.isfinite(number) else None


def parse_json(text: str, fallback: Any) -> Any:
    """Reads JSON text.

    Returns:
        The value, or the fallback where the text is no JSON or nested too deeply to be read.
    """
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return fallback


def read_items(value: Any) -> list[Any] | None:
    """Reads what a ``forEach`` or a collection goes over (Sim's format, section 1).

    Args:
        value: an array; an object, which gives ``[key, value]`` pairs; the JSON text of either, single quotes
            tolerated; or null, which is empty. References are resolved before.

    Returns:
        The items, or None where the value is none of these.
    """
    if isinstance(value, str):
        value = parse_json(value, parse_json(value.replace("'", '"'), value))
    if value is None:
        return []
    if isinstance(value, dict):
        return [[key, item] for key, item in value.items()]
    return value if isinstance(value, list) else None


def to_text(value: Any) -> str:
    """Writes a value as it stands inside a text: texts bare, null empty, the rest as JSON.

    A whole number is written without a fraction, as JavaScript does.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return msgspec.json.encode(value).decode()


def coerce_value(field_type: str | None, value: Any) -> Any:
    """Reads one value by the type of its field.

    Args:
        field_type: one of `FORM_TYPES`; any other leaves the value as it is.
        value: as it came from the caller, in its stored form, or the field's default.

    Returns:
        The value in its type, in its stored form; unchanged where it cannot be read so, or is a
        reference, and null for null.
    """
    if value is None or is_reference(value):
        return value
    if field_type in ("string", SECRET_TYPE):
        return to_text(value)
    if field_type == "number" and isinstance(value, str):
        number = parse_number(value)
        return value if number is None else number
    if field_type == "boolean":
        return _coerce_boolean(value)
    if field_type in {"object", "array"} and isinstance(value, str):
        return escape(parse_json(value, value))
    return value


def _coerce_boolean(value: Any) -> Any:
    if isinstance(value, str | int) and not isinstance(value, bool):
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
    return value


def parse_variable(name: str, variable_type: str | None, value: Any) -> Any:
    """Reads the value of a workflow variable by its type.

    Args:
        name: the variable's name, for the error's text.
        variable_type: one of `VARIABLE_TYPES`; **Here** None keeps the value as it is.
        value: as written, often a text; null and blank text give the type's empty value.

    Raises:
        InvalidValueError: a text cannot be read as that type.
    """
    if variable_type is None:
        return value
    if variable_type in {"string", "plain"}:
        return to_text(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return _empty_variable(variable_type)
    if variable_type == "number":
        return _number_variable(name, value)
    if variable_type == "boolean":
        return _boolean_variable(name, value)
    return _structured_variable(name, variable_type, value)


def _empty_variable(variable_type: str) -> Any:
    if variable_type == "number":
        return 0
    if variable_type == "boolean":
        return False
    return {} if variable_type == "object" else []


def _number_variable(name: str, value: Any) -> int | float:
    number = parse_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _invalid_variable("number", name, value, "a valid number")
    return number


def _boolean_variable(name: str, value: Any) -> bool:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise _invalid_variable("boolean", name, value, '"true" or "false"')
    return value


def _structured_variable(name: str, variable_type: str, value: Any) -> Any:
    parsed = parse_json(value, None) if isinstance(value, str) else value
    if not isinstance(parsed, dict if variable_type == "object" else list):
        raise _invalid_variable(variable_type, name, value, f"a valid JSON {variable_type}")
    return parsed


def _invalid_variable(variable_type: str, name: str, value: Any, expected: str) -> InvalidValueError:
    return InvalidValueError(
        f'Invalid {variable_type} value for variable "{name}": "{to_text(value)}". Expected {expected}.'
    )


def assign_variables(params: Mapping[str, Any]) -> dict[str, Any]:
    """Reads what a ``variables`` block assigns.

    Args:
        params: its parameters after their references were resolved.

    Returns:
        The new values by variable name, in order; this is the block's output too.

    Raises:
        InvalidValueError: a text cannot be read as its variable's type.
    """
    try:
        return {
            each["variableName"]: parse_variable(each["variableName"], each.get("type"), each.get("value"))
            for each in params["variables"]
        }
    except InvalidValueError as error:
        raise InvalidValueError(f"Variables block execution failed: {error}") from error


def parse_duration(text: str) -> tuple[int | float, str] | None:
    """Reads a duration of our own spelling, such as ``10s``, ``1.5h`` or ``2d``.

    Returns:
        The amount and its unit, a key of `WAIT_UNITS`; None where the text is no duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    amount = parse_number(match[1])
    return None if amount is None else (amount, _DURATION_UNITS[match[2]])


def duration_ms(text: str) -> int | None:
    """Reads a duration of our own spelling in milliseconds; None where the text is none."""
    duration = parse_duration(text)
    return None if duration is None else round(duration[0] * WAIT_UNITS[duration[1]])


def wait_ms(params: Mapping[str, Any]) -> int:
    """Reads how long a ``wait`` block waits.

    **Here** every wait is a durable timer, so all units are allowed with and without ``async``.

    Args:
        params: ``timeValue`` (10), ``timeUnit`` (seconds), and with ``async`` ``timeUnitLong``, resolved.

    Returns:
        Milliseconds, 1 to `MAX_WAIT_MS`.

    Raises:
        InvalidValueError: no positive number, an unknown unit, or too long.
    """
    amount = params.get("timeValue", 10)
    if isinstance(amount, str):
        amount = parse_number(amount)
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount <= 0:
        raise InvalidValueError("Wait amount must be a positive number")
    short = params.get("timeUnit") or "seconds"
    unit = (params.get("timeUnitLong") or short) if params.get("async") is True else short
    if not isinstance(unit, str) or unit not in WAIT_UNITS:
        raise InvalidValueError(f"Unknown wait unit: {to_text(unit)}")
    milliseconds = amount * WAIT_UNITS[unit]
    if milliseconds > MAX_WAIT_MS:
        raise InvalidValueError("Wait time exceeds maximum of 30 days")
    return max(1, round(milliseconds))


def table(value: Any) -> dict[str, Any]:
    """Reads a table of keys and values, as ``headers`` and ``params`` are.

    Args:
        value: Sim's rows ``[{"cells": {"Key": k, "Value": v}}]`` or a plain object.

    Returns:
        The entries with a key and a value, in order; the last of equal keys wins.
    """
    if isinstance(value, dict):
        return {key: entry for key, entry in value.items() if entry is not None}
    rows: dict[str, Any] = {}
    for row in value if isinstance(value, list) else []:
        cells = row.get("cells") if isinstance(row, dict) else None
        if not isinstance(cells, dict):
            continue
        key, entry = cells.get("Key"), cells.get("Value")
        if isinstance(key, str) and key.strip() and entry is not None:
            rows[key.strip()] = entry
    return rows
